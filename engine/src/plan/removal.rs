//! What has to go: what the files no longer name, what was replaced, and in which order.
//!
//! Deletes come last, after everything else has succeeded, so that the old thing still stands if the new one fails; the
//! exception are deletes that free what a new thing needs (a name, a slot).

use std::collections::BTreeMap;

use super::{Action, Edge, Step, StepId, planner::Planner, reasons::usual};
use crate::{
    address::Address,
    desired::{Lifecycle, OnDelete},
    diagnostic::{Diagnostic, Place},
    journal::Verb,
    resource::{DeleteOptions, Seen},
    state::{self, DeploymentId, Generation, ResourceState},
};

impl<'a> Planner<'a> {
    /// Everything in state that the files no longer name, and what earlier deployments left over.
    pub(super) fn remove(&mut self) {
        let shards = self.input.shards;
        for (component, shard) in shards.iter().filter(|(id, _)| self.in_scope(id)).collect::<Vec<_>>() {
            for (role, recorded) in &shard.body.resources {
                let address = component.at(role);
                for old in &recorded.deposed {
                    let why = match self.input.undo {
                        true => "it was made by what is taken back",
                        false => "an earlier deployment replaced it and did not get to delete it",
                    };
                    let why = vec![why.to_owned()];
                    self.remove_generation(&address, old, &recorded.kind, recorded.lifecycle, why);
                }
                self.remove_current(&address, recorded);
            }
        }
    }

    fn remove_current(&mut self, address: &Address, recorded: &'a ResourceState) {
        let wanted = self.input.desired.resources.get(address);
        let stays = wanted.is_some_and(|it| !self.input.destroy && it.kind == recorded.kind);
        let Some(current) = recorded.current.as_ref().filter(|_| !stays) else { return };
        let why = match wanted {
            None if self.input.undo => "it was made by what is taken back".to_owned(),
            None => "it is no longer in the files".to_owned(),
            Some(_) if self.input.destroy => "everything is taken down".to_owned(),
            Some(other) => format!("the address is now a {}", other.kind),
        };
        let lifecycle = wanted.map_or(recorded.lifecycle, |it| it.lifecycle);
        self.remove_generation(address, current, &recorded.kind, lifecycle, vec![why]);
    }

    /// One step that takes one generation away, as its policy says.
    pub(super) fn remove_generation(
        &mut self,
        address: &Address,
        old: &Generation,
        kind: &str,
        lifecycle: Lifecycle,
        mut reasons: Vec<String>,
    ) {
        let seen = self.input.live.get(&(address.clone(), old.number));
        let strange = self.strange(address, kind, old);
        let gone = strange.is_some()
            || self.recorded(address).is_some_and(|it| it.is_anothers(old.number, &old.id))
            || matches!(seen, Some(Seen::Absent));
        reasons.extend(strange.map(|why| format!("`{}` is left alone: {why}", old.id)));
        // A copy that somebody made a thing of its own holds data since.
        let is = seen.and_then(Seen::spec).unwrap_or(&old.applied);
        let stateful = self.input.types.get(kind).is_some_and(|it| it.facts().holds_data(is));
        let action = match lifecycle.on_delete {
            _ if gone => Action::Forget,
            OnDelete::Retain => Action::Retain,
            _ => Action::Delete {
                id: old.id.clone(),
                applied: old.applied.clone(),
                how: delete_options(lifecycle, old, self.input.from),
            },
        };
        if lifecycle.protect && !gone {
            let at = Place::Resource { address: address.clone(), path: String::new() };
            let message = format!("{address} is protected and would be deleted: {}", reasons.join(", "));
            self.plan.refusals.push(
                Diagnostic::error("protected", at, message).help("set `protect: false`, apply that, then try again"),
            );
        }
        let id = self.plan.steps.len();
        let verb = if matches!(action, Action::Delete { .. }) { Verb::Delete } else { Verb::Forget };
        let facts = self.input.types.get(kind).map(|it| it.facts());
        let usual = usual(facts, self.recorded(address), verb);
        self.plan.steps.push(Step {
            id,
            who: state::identity(self.input.lineage, address, old.number),
            kind: kind.to_owned(),
            action,
            reasons,
            changes: Vec::new(),
            after: Vec::new(),
            last: true,
            wave: 0,
            name: old.name.clone(),
            pre_image: match seen {
                Some(Seen::Ready { spec, .. }) => Some(spec.clone()),
                _ => None,
            },
            lifecycle,
            needs: self.recorded(address).map(|it| it.needs.clone()).unwrap_or_default(),
            inputs: Vec::new(),
            stateful,
            timeout: self.input.desired.components.get(&address.component).and_then(|it| it.timeout(verb)),
            usual,
            instead: Default::default(),
        });
        self.backward.insert((address.clone(), old.number), id);
    }

    /// What needed something is deleted before it; what frees a slot is deleted before the slot is taken again.
    pub(super) fn connect_removals(&mut self) {
        let mut by_address: BTreeMap<&Address, Vec<StepId>> = BTreeMap::new();
        for ((address, _), id) in &self.backward {
            by_address.entry(address).or_default().push(*id);
        }
        let mut edges: Vec<(StepId, StepId)> = Vec::new();
        for id in self.backward.values() {
            for need in &self.plan.steps[*id].needs {
                edges.extend(by_address.get(need).into_iter().flatten().map(|first| (*first, *id)));
            }
        }
        for (later, first) in edges {
            if later != first {
                self.plan.steps[later].after.push(Edge { step: first, created: false });
            }
        }
        self.free_slots();
    }

    fn free_slots(&mut self) {
        let mut freed: BTreeMap<(String, String), StepId> = BTreeMap::new();
        for id in self.backward.values() {
            let step = &self.plan.steps[*id];
            if let Action::Delete { applied, .. } = &step.action {
                freed.extend(self.slots(step, applied).into_iter().map(|slot| (slot, *id)));
            }
        }
        let mut first: Vec<StepId> = Vec::new();
        for id in self.forward.values().copied().collect::<Vec<_>>() {
            let step = &self.plan.steps[id];
            let Action::Create { desired, .. } = &step.action else { continue };
            let clashes: Vec<StepId> =
                self.slots(step, desired).iter().filter_map(|slot| freed.get(slot).copied()).collect();
            for delete in clashes {
                self.plan.steps[id].after.push(Edge { step: delete, created: false });
                first.push(delete);
            }
        }
        // What must go before such a delete cannot be last either.
        while let Some(id) = first.pop() {
            if std::mem::replace(&mut self.plan.steps[id].last, false) {
                first.extend(
                    self.plan.steps[id].after.iter().map(|edge| edge.step).filter(|step| self.plan.steps[*step].last),
                );
            }
        }
    }

    /// What of a thing can exist only once.
    fn slots(&self, step: &Step, properties: &serde_json::Value) -> Vec<(String, String)> {
        let facts = self.input.types.get(&step.kind).map(|it| it.facts());
        let shared = facts.and_then(|it| it.name).is_some_and(|rule| rule.shared);
        let name = step.name.iter().filter(|_| !shared).map(|name| format!("name {name}"));
        let slots = facts.map(|it| (it.slots)(properties)).unwrap_or_default();
        name.chain(slots).map(|key| (step.kind.clone(), key)).collect()
    }
}

/// How a generation is deleted: what its policy says. A snapshot's name has to be new: it carries the deployment's number.
fn delete_options(lifecycle: Lifecycle, old: &Generation, from: DeploymentId) -> DeleteOptions {
    let snapshot = Some(format!("{}-final-{}", old.id, from + 1)).filter(|_| lifecycle.on_delete == OnDelete::Snapshot);
    DeleteOptions { empty: lifecycle.on_delete == OnDelete::Empty, final_snapshot: snapshot }
}
