//! The planner: desired, state and live go in, a plan comes out.
//!
//! A pure function: no await, no clock, no randomness, ordered maps only, so the same input gives the same bytes. Resources are
//! decided in the order of their needs, because whether an output is known depends on what happens to its owner.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    Action, Plan, Step, StepId,
    choice::{carry, keep_chosen, keep_ignored},
    order::{self, Needs},
    ours::was_good,
    reasons::{Replaced, lifecycle_reason, replace_reasons, standing, usual},
};
use crate::{
    address::{Address, ComponentId},
    desired::{Desired, DesiredResource},
    diagnostic::Diagnostic,
    diff::{self, FieldChange, How},
    expr::{self, Reference},
    facts::Facts,
    journal::Verb,
    record::Record,
    resource::{DynResource, Outputs, Registry, Seen},
    state::{self, DeploymentId, Generation, ResourceState, Shard},
};

/// What was read, by address and generation. What is not in it was not read: state is believed.
pub type Live = BTreeMap<(Address, u32), Seen>;

/// Everything that a plan depends on.
pub struct Input<'a> {
    /// What should be.
    pub desired: &'a Desired,
    /// The state's lineage.
    pub lineage: &'a str,
    /// The newest deployment.
    pub from: DeploymentId,
    /// What is remembered.
    pub shards: &'a BTreeMap<ComponentId, Record<Shard>>,
    /// What was read.
    pub live: &'a Live,
    /// The types.
    pub types: &'a Registry,
    /// Only these components (and what they need); none: all.
    pub targets: Option<&'a BTreeSet<ComponentId>>,
    /// Take all of it down.
    pub destroy: bool,
    /// It is a rollback: exactly the targets, nothing that they need.
    pub undo: bool,
}

/// What it takes, or why it cannot be told.
pub fn plan(input: &Input<'_>) -> Result<Plan, Vec<Diagnostic>> {
    let needs = order::needs(input.desired);
    let order = order::sorted(&needs)?;
    let mut planner = Planner::new(input, needs);
    if !input.destroy {
        for address in &order {
            if planner.in_scope(&address.component) {
                planner.decide(address);
            }
        }
    }
    planner.remove();
    planner.connect();
    if planner.problems.is_empty() { Ok(planner.finish()) } else { Err(planner.problems) }
}

/// What an existing or new resource's outputs are during the apply.
enum Fate {
    /// All known.
    Same(Outputs),
    /// Not known before the step ran.
    New,
}

pub(super) struct Planner<'a> {
    pub(super) input: &'a Input<'a>,
    pub(super) needs: Needs,
    scope: Option<BTreeSet<ComponentId>>,
    fates: BTreeMap<Address, Fate>,
    /// The step that makes an address what it should be.
    pub(super) forward: BTreeMap<Address, StepId>,
    /// The step that removes a generation of an address.
    pub(super) backward: BTreeMap<(Address, u32), StepId>,
    /// Whose a minted name is, by type and region.
    pub(super) names: BTreeMap<(&'static str, Option<String>, String), Address>,
    pub(super) plan: Plan,
    pub(super) problems: Vec<Diagnostic>,
}

impl<'a> Planner<'a> {
    fn new(input: &'a Input<'a>, needs: Needs) -> Self {
        let plan = Plan {
            scope: input.desired.scope.clone(),
            lineage: input.lineage.to_owned(),
            from: input.from,
            basis: input.shards.iter().map(|(id, shard)| (id.clone(), shard.nonce.clone())).collect(),
            ..Plan::default()
        };
        let mut planner = Self {
            input,
            needs,
            scope: None,
            fates: BTreeMap::new(),
            forward: BTreeMap::new(),
            backward: BTreeMap::new(),
            names: BTreeMap::new(),
            plan,
            problems: Vec::new(),
        };
        planner.scope = input.targets.map(|targets| match input.undo {
            true => targets.clone(),
            false => planner.closure(targets),
        });
        planner
    }

    /// The targets and what they need; for a destroy, and what needs them.
    fn closure(&self, targets: &BTreeSet<ComponentId>) -> BTreeSet<ComponentId> {
        let mut edges: BTreeSet<(ComponentId, ComponentId)> = BTreeSet::new();
        let recorded = self.input.shards.iter().flat_map(|(id, shard)| {
            shard.body.resources.values().flat_map(|it| &it.needs).map(|need| (id.clone(), need.component.clone()))
        });
        let stated = self
            .needs
            .iter()
            .flat_map(|(it, first)| first.iter().map(|need| (it.component.clone(), need.component.clone())));
        for (it, need) in recorded.chain(stated) {
            edges.insert(if self.input.destroy { (need, it) } else { (it, need) });
        }
        let mut all = targets.clone();
        let mut next: Vec<ComponentId> = targets.iter().cloned().collect();
        while let Some(here) = next.pop() {
            let reached = edges.iter().filter(|(from, _)| *from == here).map(|(_, to)| to.clone());
            next.extend(reached.filter(|to| all.insert(to.clone())).collect::<Vec<_>>());
        }
        all
    }

    pub(super) fn in_scope(&self, component: &ComponentId) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.contains(component))
    }

    pub(super) fn recorded(&self, address: &Address) -> Option<&'a ResourceState> {
        self.input.shards.get(&address.component)?.body.resources.get(&address.role)
    }

    pub(super) fn known(&self, reference: &Reference) -> Option<Value> {
        match self.fates.get(&reference.address) {
            Some(Fate::Same(outputs)) => outputs.get(&reference.output).cloned(),
            Some(Fate::New) => None,
            // Out of scope: what state says.
            None => self.recorded(&reference.address)?.current.as_ref()?.outputs.get(&reference.output).cloned(),
        }
    }

    fn decide(&mut self, address: &Address) {
        let wanted = &self.input.desired.resources[address];
        let Some(resource) = self.input.types.get(&wanted.kind) else {
            return self.problem(
                "unknown-type",
                address,
                "",
                format!("this version does not know the type {}", wanted.kind),
            );
        };
        self.check_references(address, wanted);
        let recorded = self.recorded(address);
        let fate = match recorded.filter(|it| it.kind == wanted.kind).and_then(standing) {
            None => self.create(address, wanted, resource.as_ref(), recorded, None),
            Some((generation, back)) => self.compare(address, wanted, resource.as_ref(), recorded, generation, back),
        };
        self.fates.insert(address.clone(), fate);
    }

    /// Each reference names something that exists and an output that its type has.
    fn check_references(&mut self, address: &Address, wanted: &DesiredResource) {
        for reference in expr::references(&wanted.properties) {
            let Some(target) = self.input.desired.resources.get(&reference.address) else {
                self.problem("unknown-reference", address, "", format!("{} does not exist", reference.address));
                continue;
            };
            let Some(kind) = self.input.types.get(&target.kind) else { continue };
            if kind.facts().output(&reference.output).is_none() {
                let names: Vec<_> = kind.facts().outputs.iter().map(|output| output.name).collect();
                let message =
                    format!("{} has no output `{}`; it has {}", reference.address, reference.output, names.join(", "));
                self.problem("unknown-output", address, "", message);
            }
        }
    }

    /// What is new, or takes the place of `old`.
    fn create(
        &mut self,
        address: &Address,
        wanted: &DesiredResource,
        resource: &dyn DynResource,
        recorded: Option<&ResourceState>,
        old: Option<Replaced<'_>>,
    ) -> Fate {
        let number = recorded.map_or(0, |it| it.generation) + 1;
        let kept = old.as_ref().map(|it| it.generation);
        let Some((name, mut desired)) = self.properties(address, wanted, resource, number, None) else {
            return Fate::New;
        };
        self.choose(wanted, resource.facts(), kept, &mut desired);
        if let Some(live) = old.as_ref().and_then(|it| it.live.as_ref()) {
            carry(resource.facts(), live, &mut desired);
        }
        let replaces = old.as_ref().map(|it| it.generation.number);
        let shared = resource.facts().name.is_some_and(|rule| rule.shared);
        let same_name = !shared && old.as_ref().is_some_and(|it| name.is_some() && it.generation.name == name);
        let slots = |of: &Value| (resource.facts().slots)(of);
        let taken = old.as_ref().map(|it| slots(&it.generation.applied)).unwrap_or_default();
        let same_slot = slots(&desired).iter().any(|slot| taken.contains(slot));
        let (reasons, changes) =
            old.as_ref().map_or_else(Default::default, |it| (it.reasons.clone(), it.changes.clone()));
        let delete_first = same_name || same_slot;
        let action = Action::Create { desired, replaces, delete_first };
        let step = self.step(address, wanted, number, name, action, resource.facts(), reasons);
        self.plan.steps[step].changes = changes;
        if let Some(old) = old {
            self.plan.steps[step].pre_image = old.live;
            self.remove_generation(
                address,
                old.generation,
                &wanted.kind,
                wanted.lifecycle,
                vec!["it is replaced".to_owned()],
            );
        }
        Fate::New
    }

    /// What stands already: the same, changed in place, or replaced.
    fn compare(
        &mut self,
        address: &Address,
        wanted: &DesiredResource,
        resource: &dyn DynResource,
        recorded: Option<&ResourceState>,
        generation: &Generation,
        reattached: bool,
    ) -> Fate {
        let facts = resource.facts();
        let seen = self.input.live.get(&(address.clone(), generation.number));
        self.note_stuck(address, seen);
        let live = match seen {
            Some(Seen::Absent) => {
                let why = "it was deleted outside of deployer".to_owned();
                let fate = self.create(address, wanted, resource, recorded, None);
                if let Some(step) = self.forward.get(address) {
                    self.plan.steps[*step].reasons.push(why);
                }
                return fate;
            }
            Some(Seen::Failed { reason }) if facts.holds_data(&generation.applied) && was_good(generation) => {
                self.refuse_loss(address, reason);
                return Fate::Same(generation.outputs.clone());
            }
            Some(Seen::Failed { reason }) => {
                let reasons = vec![format!("it failed: {reason}")];
                let old = Replaced { generation, reasons, changes: Vec::new(), live: None };
                return self.create(address, wanted, resource, recorded, Some(old));
            }
            Some(Seen::Ready { spec, .. } | Seen::Stuck { spec, .. } | Seen::Pending { spec: Some(spec), .. }) => {
                spec.clone()
            }
            Some(Seen::Pending { spec: None, .. }) | None => generation.applied.clone(),
        };
        if self.is_strange(address, facts, generation, &live) {
            return Fate::Same(generation.outputs.clone());
        }
        let Some((name, mut desired)) = self.properties(address, wanted, resource, generation.number, Some(generation))
        else {
            return Fate::New;
        };
        keep_chosen(wanted, generation, &mut desired);
        keep_ignored(facts, wanted, &live, &mut desired);
        let mut changes = diff::diff(facts, &desired, &generation.applied, &live);
        self.refuse_shrinking(address, facts, &mut changes, &mut desired);
        if changes.iter().any(|change| change.how == How::Replace) {
            let reasons = replace_reasons(&changes);
            let old = Replaced { generation, reasons, changes, live: Some(live) };
            return self.create(address, wanted, resource, recorded, Some(old));
        }
        let reasons = self.other_reasons(wanted, recorded, generation, reattached, &changes);
        let outputs = self.outputs_after(
            facts,
            generation,
            &changes,
            &self.input.live.get(&(address.clone(), generation.number)),
        );
        if reasons.is_empty() && !changes.iter().any(|change| change.how == How::InPlace) {
            self.plan.unchanged += 1;
            return outputs;
        }
        let action = Action::Update { id: generation.id.clone(), desired, applied: generation.applied.clone() };
        let step = self.step(address, wanted, generation.number, name, action, facts, reasons);
        self.plan.steps[step].changes = changes;
        self.plan.steps[step].pre_image = Some(live);
        outputs
    }

    /// Why a step is needed although no field may differ.
    fn other_reasons(
        &self,
        wanted: &DesiredResource,
        recorded: Option<&ResourceState>,
        generation: &Generation,
        reattached: bool,
        changes: &[FieldChange],
    ) -> Vec<String> {
        let mut reasons = Vec::new();
        if reattached {
            reasons.push("it was left in the cloud and is taken back".to_owned());
        }
        if !generation.confirmed {
            let why = match self.input.undo {
                true => "what was done to it did not come to a good end",
                false => "an earlier deployment was cut short before reads confirmed it",
            };
            reasons.push(why.to_owned());
        }
        if let Some(before) = recorded.map(|it| it.lifecycle).filter(|before| *before != wanted.lifecycle) {
            reasons.push(lifecycle_reason(before, wanted.lifecycle));
        }
        if changes.iter().any(|change| change.drift && change.how != How::Keep) {
            reasons.push("it was changed outside of deployer".to_owned());
        }
        reasons
    }

    fn outputs_after(
        &self,
        facts: &Facts,
        generation: &Generation,
        changes: &[FieldChange],
        live: &Option<&Seen>,
    ) -> Fate {
        let mut outputs = generation.outputs.clone();
        if let Some(Seen::Ready { outputs: now, .. }) = live {
            outputs.extend(now.clone());
        }
        for output in facts.outputs {
            let touched = |at: &&str| changes.iter().any(|change| change.path.starts_with(*at));
            if output.changed_by.iter().any(touched) {
                outputs.remove(output.name);
            }
        }
        Fate::Same(outputs)
    }

    #[allow(clippy::too_many_arguments, reason = "the parts of one step, used in one module")]
    fn step(
        &mut self,
        address: &Address,
        wanted: &DesiredResource,
        number: u32,
        name: Option<String>,
        action: Action,
        facts: &Facts,
        reasons: Vec<String>,
    ) -> StepId {
        let id = self.plan.steps.len();
        let verb = if matches!(action, Action::Create { .. }) { Verb::Create } else { Verb::Update };
        let usual = usual(Some(facts), self.recorded(address), verb);
        self.plan.steps.push(Step {
            id,
            who: state::identity(self.input.lineage, address, number),
            kind: wanted.kind.clone(),
            action,
            reasons,
            changes: Vec::new(),
            after: Vec::new(),
            last: false,
            wave: 0,
            name,
            pre_image: None,
            lifecycle: wanted.lifecycle,
            needs: self.needs.get(address).cloned().unwrap_or_default(),
            inputs: expr::references(&wanted.properties),
            stateful: facts.holds_data(&wanted.properties),
            timeout: self.input.desired.components.get(&address.component).and_then(|it| it.timeout(verb)),
            usual,
            instead: Default::default(),
        });
        self.forward.insert(address.clone(), id);
        id
    }
}
