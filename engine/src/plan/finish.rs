//! The last of a plan: which components it is about, what their shards keep beside resources, and which it locks.

use std::collections::BTreeSet;

use super::{Action, Plan, PlannedComponent, planner::Planner};
use crate::{
    address::{Address, ComponentId},
    record::Record,
    state::Shard,
};

impl Plan {
    /// What a deployment of it locks: its components, and those that are recorded as users of anything that it replaces or takes away.
    /// Nobody else makes something with the old one's id meanwhile.
    pub fn locks<'a>(&self, shards: impl Iterator<Item = (&'a ComponentId, &'a Shard)>) -> BTreeSet<ComponentId> {
        let goes = |action: &Action| matches!(action, Action::Delete { .. } | Action::Create { replaces: Some(_), .. });
        let going: BTreeSet<&Address> =
            self.steps.iter().filter(|step| goes(&step.action)).map(|step| step.address()).collect();
        let uses = |shard: &Shard| shard.resources.values().flat_map(|it| &it.needs).any(|need| going.contains(need));
        let users = shards.filter(|(_, shard)| uses(shard)).map(|(id, _)| id);
        self.components.keys().chain(users).cloned().collect()
    }
}

impl Planner<'_> {
    pub(super) fn finish(mut self) -> Plan {
        let steps = self.plan.steps.iter().map(|step| (step.address().component.clone(), step.wave));
        // A component that is not known to be good is looked at again even if nothing is to be done.
        let checks = |id: &ComponentId| self.input.desired.components.get(id).map(|it| it.checks.as_slice());
        // So is one that has to fulfil other things than before.
        let due = |id: &ComponentId, shard: &Record<Shard>| {
            shard.body.before.is_some() || !self.input.destroy && checks(id).is_some_and(|it| it != shard.body.checks)
        };
        let unverified = self.input.shards.iter().filter(|(id, shard)| self.in_scope(id) && due(id, shard));
        let all: Vec<(ComponentId, usize)> = steps.chain(unverified.map(|(id, _)| (id.clone(), 0))).collect();
        for (id, wave) in &all {
            let wanted = self.input.desired.components.get(id).filter(|_| !self.input.destroy);
            let entry = self.plan.components.entry(id.clone()).or_insert_with(|| PlannedComponent {
                service: wanted
                    .and_then(|it| it.service.clone())
                    .or_else(|| self.input.shards.get(id)?.body.service.clone()),
                depends_on: wanted.map(|it| it.depends_on.clone()).unwrap_or_default(),
                lookups: wanted.map(|it| it.lookups.clone()).unwrap_or_default(),
                checks: wanted.map(|it| it.checks.clone()).unwrap_or_default(),
                wave: 0,
                going: wanted.is_none(),
            });
            entry.wave = entry.wave.max(*wave);
        }
        self.plan
    }
}
