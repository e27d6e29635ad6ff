//! Numbers that we chose rather than the user, and numbers that others move.
//!
//! A rule's priority is ours to choose, and once it is applied it stays: another order of the files must not move traffic.

use serde_json::{Value, json};

use super::{Action, planner::Planner};
use crate::{
    address::Address,
    desired::DesiredResource,
    diff::{FieldChange, How},
    drift,
    facts::{Facts, Nature},
    state::Generation,
};

impl Planner<'_> {
    /// A new thing's chosen number: what its predecessor had, else the proposal, else the next one whose slot is free.
    pub(super) fn choose(
        &self,
        wanted: &DesiredResource,
        facts: &Facts,
        old: Option<&Generation>,
        properties: &mut Value,
    ) {
        let Some(at) = wanted.chosen.as_deref() else { return };
        if let Some(old) = old {
            keep_chosen(wanted, old, properties);
        }
        let taken = self.taken(wanted, facts, old);
        while (facts.slots)(properties).iter().any(|slot| taken.contains(slot)) {
            let Some(number) = properties.pointer_mut(at) else { return };
            *number = json!(number.as_i64().unwrap_or_default() + 1);
        }
    }

    /// The slots of this type that recorded and planned things have.
    fn taken(&self, wanted: &DesiredResource, facts: &Facts, old: Option<&Generation>) -> Vec<String> {
        let states = self.input.shards.values().flat_map(|shard| shard.body.resources.values());
        let standing = states.filter(|it| it.kind == wanted.kind).flat_map(|it| it.standing());
        let recorded = standing.filter(|it| old.is_none_or(|old| old.id != it.id)).map(|it| &it.applied);
        let planned =
            self.plan.steps.iter().filter(|step| step.kind == wanted.kind).filter_map(|step| match &step.action {
                Action::Create { desired, .. } => Some(desired),
                _ => None,
            });
        recorded.chain(planned).flat_map(|properties| (facts.slots)(properties)).collect()
    }

    /// What AWS never takes back is a problem of the files, and said before anything is done. What grew outside stays, and the plan
    /// says so: the files said nothing new.
    pub(super) fn refuse_shrinking(
        &mut self,
        address: &Address,
        facts: &Facts,
        changes: &mut [FieldChange],
        desired: &mut Value,
    ) {
        let number = |value: &Option<Value>| {
            value.as_ref().and_then(|it| it.as_f64().or_else(|| it.as_str().and_then(|text| text.parse().ok())))
        };
        for change in changes {
            let grows = facts.natures(&change.path).any(|it| matches!(it, Nature::OnlyGrows));
            let (Some(before), Some(after)) = (number(&change.before), number(&change.after)) else { continue };
            if !grows || after >= before {
                continue;
            }
            if change.drift {
                change.how = How::Keep;
                drift::put(facts, desired, &change.path, change.before.clone());
                continue;
            }
            let field = change.path.trim_start_matches('/');
            let message = format!(
                "{address}: {field} is {before} and AWS never lets it shrink to {after}; say at least {before}"
            );
            self.problem("cannot-shrink", address, &change.path, message);
        }
    }
}

/// What was applied once stays.
pub(super) fn keep_chosen(wanted: &DesiredResource, generation: &Generation, properties: &mut Value) {
    let Some(at) = wanted.chosen.as_deref() else { return };
    if let (Some(now), Some(before)) = (properties.pointer_mut(at), generation.applied.pointer(at)) {
        now.clone_from(before);
    }
}

/// What the user wants to be left alone is what it is, whatever else is changed.
pub(super) fn keep_ignored(facts: &Facts, wanted: &DesiredResource, live: &Value, properties: &mut Value) {
    for at in &wanted.ignored {
        drift::put(facts, properties, at, live.pointer(at).cloned());
    }
}

/// What somebody else moves, and the user does not state, goes along to the new one.
pub(super) fn carry(facts: &Facts, live: &Value, properties: &mut Value) {
    for field in facts.carried {
        let name = field.trim_start_matches('/');
        if let (Some(map), Some(value)) = (properties.as_object_mut(), live.pointer(field)) {
            map.entry(name.to_owned()).or_insert_with(|| value.clone());
        }
    }
}
