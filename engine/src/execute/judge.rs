//! Between the last change and the first delete: the verdict.
//!
//! Deletes come after it, so that a rollback still finds what was replaced. Until then each shard keeps what it was; that the deployment
//! is good is one word in the root record, which makes all of that void at once.

use std::collections::{BTreeMap, BTreeSet};

use futures::future::FutureExt;

use super::{News, Run, World};
use crate::{
    address::ComponentId,
    book::Held,
    plan::Plan,
    state::Shard,
    verdict::{self, Judge, Verdict},
};

/// The components of the plan that are good only after a verdict.
pub(super) fn due(
    plan: &Plan,
    shards: &BTreeMap<ComponentId, Held<Shard>>,
    world: &World<'_>,
) -> BTreeSet<ComponentId> {
    let makes = |id: &ComponentId| {
        plan.steps.iter().any(|step| {
            let probed = || world.types.get(&step.kind).is_some_and(|it| it.facts().probed);
            step.address().component == *id && step.desired().is_some() && probed()
        })
    };
    let there = |id: &ComponentId| shards.get(id).is_some_and(|it| verdict::is_due(world.types, &it.record.body));
    let staying = plan.components.iter().filter(|(_, it)| !it.going).map(|(id, _)| id);
    staying.filter(|id| makes(id) || there(id)).cloned().collect()
}

impl Run<'_> {
    /// Starts judging, once everything is done that it waits for.
    pub(super) fn judge(&mut self) {
        // What nobody waited for cannot be judged: it is not known to be good, and deletes wait for the run that knows.
        if self.judging || !self.world.wait || !self.progress.is_to_be_judged() {
            return;
        }
        self.judging = true;
        if self.due.is_empty() && self.world.tests.is_empty() {
            return self.good();
        }
        let shards: BTreeMap<ComponentId, Shard> =
            self.shards.iter().map(|(id, held)| (id.clone(), held.record.body.clone())).collect();
        let (world, due) = (self.world, self.due.clone());
        let judging = async move {
            let judge = Judge {
                types: world.types,
                clock: world.clock.as_ref(),
                stop: world.stop,
                events: world.events,
                examiner: world.examiner,
                limit: world.call_timeout,
            };
            News::Judged(judge.judge(&due, world.tests, &shards).await)
        };
        self.news.push(judging.boxed());
    }

    pub(super) fn judged(&mut self, verdict: Verdict) {
        if verdict.is_good() {
            self.good();
        }
        self.report.verdict = Some(verdict);
    }

    /// All of it is good: the last steps may start. What an earlier deployment left unproven is proven too.
    fn good(&mut self) {
        self.report.good = true;
        self.progress.judged();
        let deployment = self.world.lease.deployment();
        for id in self.plan.components.keys() {
            let Some(held) = self.shards.get_mut(id) else { continue };
            // One without steps is here because of an earlier deployment, or of other checks: its shard is written for that.
            let idle = !self.plan.steps.iter().any(|step| step.address().component == *id);
            if held.record.body.before.take_if(|it| it.since != deployment || idle).is_some() {
                self.dirty.insert(id.clone());
            }
        }
    }
}
