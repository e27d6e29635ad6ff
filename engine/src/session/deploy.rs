//! An apply: plan, ask, lock, look again, execute, conclude.

use std::collections::BTreeSet;

use futures::future;

use super::{Applied, Approve, Memory, Session, Trouble, Wish};
use crate::{
    address::ComponentId,
    book::Held,
    desired::Desired,
    error::{Error, Result},
    event::Event,
    execute::{self, Report},
    history::{Deployment, Ending, StepRecord},
    journal::Journal,
    lock::{Acquired, Holder, Lease, acquire, holder_id},
    plan::{Counts, Plan},
    state::Root,
};

impl Session {
    /// Plans, asks, locks, looks again, executes.
    pub async fn apply(&mut self, desired: &Desired, wish: &Wish, approve: Approve<'_>) -> Result<Applied, Trouble> {
        self.recover_dead(false).await?;
        let mut memory = self.look().await?;
        let mut plan = self.plan_from(desired, wish, &memory).await?;
        // 'No changes' is a statement about AWS: a deployment that died in the middle must not make it untrue.
        if plan.is_empty() && !memory.open.is_empty() && self.recover_dead(true).await? {
            memory = self.look().await?;
            plan = self.plan_from(desired, wish, &memory).await?;
        }
        if !plan.refusals.is_empty() {
            return Ok(Applied::Refused(plan));
        }
        if plan.is_empty() && memory.shards.values().all(|held| held.record.body.unverified.is_none()) {
            return Ok(Applied::NoChanges);
        }
        if !plan.is_empty() && !approve(&plan).await {
            return Ok(Applied::Declined);
        }
        self.deploy(desired, wish, plan, approve).await
    }

    async fn deploy(
        &mut self,
        desired: &Desired,
        wish: &Wish,
        plan: Plan,
        approve: Approve<'_>,
    ) -> Result<Applied, Trouble> {
        let opened = self.open(&plan.lineage, wish, plan.counts()).await?;
        let result = self.locked(desired, wish, plan, approve, &opened.lease, &opened.lineage).await;
        self.conclude(result, opened).await
    }

    /// Numbers a deployment, becomes its holder - of nothing yet - and writes its record.
    pub(super) async fn open(&self, lineage: &str, wish: &Wish, counts: Counts) -> Result<Opened> {
        let now = self.world.clock.wall_millis();
        let number = |root: &mut Root| {
            root.last += 1;
            root.open.insert(root.last, self.world.owner.clone());
        };
        let root = self.book.change_root(lineage, number).await?;
        let (deployment, lineage) = (root.record.body.last, root.record.lineage);
        let holder = Holder {
            deployment,
            owner: self.world.owner.clone(),
            purpose: wish.purpose.clone(),
            since_millis: now,
            ttl_seconds: self.world.limits.lock.ttl.as_secs(),
            ..Holder::default()
        };
        let lease = Lease::open(&self.book, &self.world.clock, &lineage, holder).await?;
        let record = Deployment {
            id: deployment,
            owner: self.world.owner.clone(),
            purpose: wish.purpose.clone(),
            started_millis: now,
            counts,
            input: wish.input.clone(),
            revision: wish.revision.clone(),
            version: wish.version.clone(),
            ..Deployment::default()
        };
        let record = self.book.write_deployment(deployment, &lineage, None, record).await?;
        Ok(Opened { lease, lineage, record })
    }

    /// The last words: the record, the locks, the root. Whatever of them is missing, the next run makes up for.
    pub(super) async fn close(&self, opened: Opened, change: impl FnOnce(&mut Deployment)) -> Result<()> {
        let (deployment, lineage) = (opened.lease.deployment(), opened.lineage);
        let mut body = opened.record.record.body.clone();
        body.finished_millis = Some(self.world.clock.wall_millis());
        change(&mut body);
        opened.lease.check()?;
        self.book.write_deployment(deployment, &lineage, Some(&opened.record), body).await?;
        opened.lease.release().await?;
        self.book.close(&lineage, deployment).await
    }

    /// With the holder record in place: takes the locks, plans again if state moved meanwhile, executes.
    async fn locked(
        &mut self,
        desired: &Desired,
        wish: &Wish,
        mut plan: Plan,
        approve: Approve<'_>,
        lease: &Lease,
        lineage: &str,
    ) -> Result<Option<(Plan, Report)>, Trouble> {
        loop {
            let wanted: BTreeSet<ComponentId> = plan.components.keys().cloned().collect();
            let work = self.hold(lease, &wanted, lineage);
            hold_on(lease, work).await?;
            let memory = self.look().await?;
            let moved = moved(&plan, &memory);
            if moved.is_empty() && memory.lineage == plan.lineage {
                break self.execute(plan, memory, lease).await.map(Some);
            }
            self.world.events.send(Event::PlanAgain { components: moved });
            let again = hold_on(lease, self.plan_from(desired, wish, &memory)).await?;
            let same = again.steps == plan.steps;
            plan = again;
            if !plan.refusals.is_empty()
                || !same && !plan.is_empty() && !hold_on(lease, async { Ok(approve(&plan).await) }).await?
            {
                return Ok(None);
            }
        }
    }

    /// Takes the locks of `wanted`; what a dead deployment holds of them is settled first.
    pub(super) async fn hold(
        &mut self,
        lease: &Lease,
        wanted: &BTreeSet<ComponentId>,
        lineage: &str,
    ) -> Result<(), Trouble> {
        let (events, start) = (self.world.events.clone(), self.world.clock.monotonic());
        let waiting = move |holder: &Holder| {
            events.send(Event::Waiting {
                owner: holder.owner.clone(),
                purpose: holder.purpose.clone(),
                since_millis: holder.since_millis,
            });
        };
        loop {
            let rules = self.world.limits.lock;
            match acquire(lease, wanted, &mut self.watch, rules, &self.world.stop, &waiting).await? {
                Acquired::All => break,
                Acquired::Dead(deployment) => {
                    let held = self.book.holder::<Holder>(&holder_id(deployment)).await?;
                    self.recover(deployment, held, lineage).await?;
                }
            }
        }
        let waited = self.world.clock.monotonic().saturating_sub(start);
        let waited_millis = u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
        self.world.events.send(Event::Locked {
            deployment: lease.deployment(),
            components: wanted.len(),
            waited_millis,
        });
        Ok(())
    }

    async fn execute(&self, plan: Plan, memory: Memory, lease: &Lease) -> Result<(Plan, Report), Trouble> {
        let mut shards = memory.shards;
        for (id, component) in &plan.components {
            if !shards.contains_key(id) {
                shards.insert(id.clone(), self.book.shard(id, &memory.lineage).await?);
            }
            if let Some(held) = shards.get_mut(id) {
                held.record.body.service.clone_from(&component.service);
                held.record.body.depends_on.clone_from(&component.depends_on);
                // What goes keeps the answers that it was built from.
                if !component.going {
                    held.record.body.lookups.clone_from(&component.lookups);
                }
            }
        }
        self.world.events.send(Event::Started { deployment: lease.deployment(), steps: plan.steps.len() });
        let world = execute::World {
            types: &self.world.types,
            clock: &self.world.clock,
            book: &self.book,
            lease,
            stop: &self.world.stop,
            events: self.world.events.as_ref(),
            parallelism: self.world.limits.parallelism,
            call_timeout: self.world.limits.call_timeout,
            stop_on_failure: self.world.limits.stop_on_failure,
            safety: self.world.safety,
        };
        let journal = Journal::open(&self.book, lease.deployment(), &memory.lineage);
        let report = execute::execute(&plan, journal, &mut shards, &world).await;
        Ok((plan, report))
    }

    async fn conclude(
        &self,
        result: Result<Option<(Plan, Report)>, Trouble>,
        opened: Opened,
    ) -> Result<Applied, Trouble> {
        let deployment = opened.lease.deployment();
        let started = opened.record.record.body.started_millis;
        let broken = matches!(&result, Ok(Some((_, report))) if report.broken.is_some());
        if let Ok(Some((_, report))) = &result {
            let millis = self.world.clock.wall_millis().saturating_sub(started);
            let (done, failed, skipped) = (report.done.len(), report.failed.len(), report.skipped.len());
            self.world.events.send(Event::Finished { deployment, done, failed, skipped, millis });
        }
        if !broken && opened.lease.check().is_ok() {
            self.close(opened, |body| match &result {
                Ok(Some((plan, report))) => {
                    body.counts = plan.counts();
                    body.steps = step_records(plan, report);
                    body.result = ending(report);
                }
                Ok(None) => body.result = Ending::Interrupted,
                Err(_) => body.result = Ending::Failed,
            })
            .await?;
        }
        match result? {
            Some((plan, report)) => Ok(Applied::Ran { deployment, plan, report }),
            None => Ok(Applied::Declined),
        }
    }
}

/// A deployment that is under way: numbered, held, recorded.
pub(super) struct Opened {
    pub(super) lease: Lease,
    pub(super) lineage: String,
    record: Held<Deployment>,
}

/// `work` while signs of life are given; an error if the lock is lost meanwhile.
pub(super) async fn hold_on<T>(lease: &Lease, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
    futures::pin_mut!(work);
    let keep = lease.keep();
    futures::pin_mut!(keep);
    match future::select(work, keep).await {
        future::Either::Left((result, _)) => result,
        future::Either::Right(_) => Err(Error::from(crate::lock::LockError::Lost).into()),
    }
}

/// Components of the plan whose shard is not the one that the plan was made from.
fn moved(plan: &Plan, memory: &Memory) -> Vec<ComponentId> {
    let now = |id: &ComponentId| memory.shards.get(id).map(|held| &held.record.nonce);
    let used =
        plan.components.keys().chain(plan.steps.iter().flat_map(|step| step.needs.iter().map(|need| &need.component)));
    let used: BTreeSet<&ComponentId> = used.collect();
    used.into_iter().filter(|id| now(id) != plan.basis.get(*id)).cloned().collect()
}

fn ending(report: &Report) -> Ending {
    match () {
        () if report.interrupted && !report.is_success() => Ending::Interrupted,
        () if report.is_success() => Ending::Succeeded,
        () => Ending::Failed,
    }
}

fn step_records(plan: &Plan, report: &Report) -> Vec<StepRecord> {
    let record = |id: usize, result: &str, millis, why| {
        let step = &plan.steps[id];
        let verb = step.verb().to_owned();
        StepRecord { address: step.address().clone(), verb, result: result.to_owned(), millis, why }
    };
    let done = report.done.iter().map(|(id, millis)| record(*id, "done", Some(*millis), None));
    let failed = report.failed.iter().map(|(id, why)| record(*id, "failed", None, Some(why.clone())));
    let skipped = report.skipped.iter().map(|(id, why)| record(*id, "skipped", None, Some(why.clone())));
    done.chain(failed).chain(skipped).collect()
}
