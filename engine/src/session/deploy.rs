//! An apply: plan, ask, lock, look again, execute, conclude.

use std::collections::BTreeSet;

use futures::future;

use super::{
    Applied, Approve, Memory, OnFailure, Question, Session, Trouble, Wish,
    past::step_records,
    undo::{Cause, Undone},
};
use crate::{
    address::ComponentId,
    book::Held,
    desired::{Desired, Test},
    error::{Error, Result},
    event::Event,
    execute::{self, Report},
    history::{Deployment, Ending},
    journal::{Entry, Journal},
    lock::{Acquired, Holder, Lease, acquire, holder_id},
    plan::{Counts, Plan, PlannedComponent},
    state::{DeploymentId, Root, Shard},
};

impl Session {
    /// Plans, asks, locks, looks again, executes.
    pub async fn apply(&mut self, desired: &Desired, wish: &Wish, approve: Approve<'_>) -> Result<Applied, Trouble> {
        self.recover_dead(false).await?;
        let mut memory = self.look().await?;
        // A rollback that was cut short goes on, unless what is wanted now is something else than what was taken back.
        let policy = self.world.limits.on_failure;
        if policy != OnFailure::Never && !wish.destroy && self.is_half_undone(&memory, &wish.input) {
            let because = "an earlier run was cut short while it took this back";
            return self.undo_standing(wish, because, policy == OnFailure::Automatic, approve).await;
        }
        let mut plan = self.plan_from(desired, wish, &memory).await?;
        // 'No changes' is a statement about AWS: a deployment that died in the middle must not make it untrue.
        if plan.is_empty() && !memory.open.is_empty() && self.recover_dead(true).await? {
            memory = self.look().await?;
            plan = self.plan_from(desired, wish, &memory).await?;
        }
        if !plan.refusals.is_empty() {
            return Ok(Applied::Refused(plan));
        }
        if plan.is_empty() {
            // With steps they stand in the plan that is shown.
            plan.notes.iter().for_each(|it| self.world.events.send(Event::Noted { message: it.message.clone() }));
        }
        if plan.is_empty() && plan.components.is_empty() {
            return Ok(Applied::NoChanges);
        }
        if !plan.is_empty() && !approve(&plan, Question::Apply).await {
            return Ok(Applied::Declined);
        }
        // On the heap, as all that waits below it: without optimisation one answer of AWS takes half a megabyte of stack to read.
        Box::pin(self.deploy(desired, wish, plan, &memory, approve)).await
    }

    async fn deploy(
        &mut self,
        desired: &Desired,
        wish: &Wish,
        plan: Plan,
        memory: &Memory,
        approve: Approve<'_>,
    ) -> Result<Applied, Trouble> {
        let opened = self.open(&plan.lineage, wish, plan.counts(), Some(memory)).await?;
        let wanted = plan.locks(memory.bodies());
        let result = Box::pin(self.locked(desired, wish, plan, wanted, approve, &opened)).await;
        self.conclude(result, opened).await
    }

    /// Numbers a deployment, becomes its holder - of nothing yet - and writes its record.
    pub(super) async fn open(
        &self,
        lineage: &str,
        wish: &Wish,
        counts: Counts,
        memory: Option<&Memory>,
    ) -> Result<Opened> {
        let now = self.world.clock.wall_millis();
        let number = |root: &mut Root| {
            root.last += 1;
            root.open.insert(root.last, self.world.owner.clone());
            if let Some(memory) = memory {
                root.bad.retain(|id| memory.remembers(*id));
            }
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
        let proven = body.proven();
        opened.lease.sure().await?;
        self.book.write_deployment(deployment, &lineage, Some(&opened.record), body).await?;
        opened.lease.release().await?;
        self.book.close(&lineage, deployment, proven).await
    }

    /// With the holder record in place: takes the locks, plans again if state moved meanwhile, executes.
    async fn locked(
        &mut self,
        desired: &Desired,
        wish: &Wish,
        mut plan: Plan,
        mut wanted: BTreeSet<ComponentId>,
        approve: Approve<'_>,
        Opened { lease, lineage, .. }: &Opened,
    ) -> Result<Option<Done>, Trouble> {
        loop {
            let work = self.hold(lease, &wanted, lineage);
            hold_on(lease, work).await?;
            let memory = hold_on(lease, async { Ok(self.look().await?) }).await?;
            let moved = moved(&plan, &memory);
            if moved.is_empty() && memory.lineage == plan.lineage {
                break self.execute(desired, wish, plan, memory, lease, approve).await.map(Some);
            }
            self.world.events.send(Event::PlanAgain { components: moved });
            let again = hold_on(lease, self.plan_from(desired, wish, &memory)).await?;
            let same = again.steps == plan.steps;
            plan = again;
            wanted = plan.locks(memory.bodies());
            if !plan.refusals.is_empty()
                || !same
                    && !plan.is_empty()
                    && !hold_on(lease, async { Ok(approve(&plan, Question::Apply).await) }).await?
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
        let in_the_way = move |holder: &Holder, waits: bool| {
            let (owner, purpose, since_millis) = (holder.owner.clone(), holder.purpose.clone(), holder.since_millis);
            events.send(match waits {
                true => Event::Waiting { owner, purpose, since_millis },
                false => Event::GaveUp { owner, purpose, since_millis },
            });
        };
        loop {
            let rules = self.world.limits.lock;
            match acquire(lease, wanted, &mut self.watch, rules, &self.world.stop, &in_the_way).await? {
                Acquired::All => break,
                Acquired::Dead(deployment) => {
                    let held = self.book.holder::<Holder>(&holder_id(deployment)).await?;
                    self.recover(deployment, held, lineage, false).await?;
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

    async fn execute(
        &self,
        desired: &Desired,
        wish: &Wish,
        plan: Plan,
        memory: Memory,
        lease: &Lease,
        approve: Approve<'_>,
    ) -> Result<Done, Trouble> {
        let first = memory.good.is_none();
        let mut shards = memory.shards;
        for (id, component) in &plan.components {
            if !shards.contains_key(id) {
                shards.insert(id.clone(), self.book.shard(id, &memory.lineage).await?);
            }
            if let Some(held) = shards.get_mut(id) {
                begin(&mut held.record.body, component, lease.deployment());
            }
        }
        self.world.events.send(Event::Started { deployment: lease.deployment(), steps: plan.steps.len() });
        // A first deployment that fails is kept and gone on with: there is nothing good to go back to.
        let policy = if first || wish.destroy { OnFailure::Never } else { self.world.limits.on_failure };
        let tests = tests_of(desired, &plan, wish);
        let world = execute::World { tests: &tests, ..self.executing(lease, policy, 0) };
        let mut journal = Journal::open(&self.book, lease.deployment(), &memory.lineage);
        let mut report = execute::execute(&plan, &mut journal, &mut shards, &world).await;
        let mut undone = None;
        if policy != OnFailure::Never && to_be_undone(&report) {
            let because = because(&plan, &report);
            let cause = Cause { because, input: &wish.input, decided: policy == OnFailure::Automatic };
            let whose: BTreeSet<ComponentId> = plan.components.keys().cloned().collect();
            shards.retain(|id, _| whose.contains(id));
            let work = self.undo(cause, shards, &mut journal, lease, plan.steps.len(), approve);
            undone = work.await;
        }
        let broken = undone.as_ref().is_some_and(|it| it.report.broken.is_some());
        if report.broken.is_none()
            && !broken
            && let Err(error) = journal.append(vec![Entry::Closed]).await
        {
            report.broken = Some(error);
        }
        Ok(Done { plan, report, undone })
    }

    /// What a run of a plan needs.
    pub(super) fn executing<'a>(
        &'a self,
        lease: &'a Lease,
        policy: OnFailure,
        first_step: usize,
    ) -> execute::World<'a> {
        execute::World {
            types: &self.world.types,
            clock: &self.world.clock,
            book: &self.book,
            lease,
            stop: &self.world.stop,
            events: self.world.events.as_ref(),
            parallelism: self.world.limits.parallelism,
            call_timeout: self.world.limits.call_timeout,
            stop_on_failure: policy != OnFailure::Never,
            wait: self.world.limits.wait,
            examiner: self.world.examiner.as_ref(),
            tests: &[],
            first_step,
            safety: self.world.safety,
        }
    }

    async fn conclude(&self, result: Result<Option<Done>, Trouble>, opened: Opened) -> Result<Applied, Trouble> {
        let deployment = opened.lease.deployment();
        let started = opened.record.record.body.started_millis;
        let broken = matches!(&result, Ok(Some(done)) if done.is_broken());
        if let Ok(Some(Done { report, .. })) = &result {
            let millis = self.world.clock.wall_millis().saturating_sub(started);
            let (done, failed, skipped) = (report.done.len(), report.failed.len(), report.skipped.len());
            self.world.events.send(Event::Finished { deployment, done, failed, skipped, millis });
        }
        let mut closed = Ok(());
        if !broken {
            let last_words = |body: &mut Deployment| match &result {
                Ok(Some(done)) => done.record(body),
                Ok(None) => body.result = Ending::Interrupted,
                Err(_) => body.result = Ending::Failed,
            };
            closed = self.close(opened, last_words).await;
        }
        let Some(Done { plan, mut report, undone }) = result? else {
            return Ok(closed.map(|()| Applied::Declined)?);
        };
        // What was done is told all the same.
        if let Err(error) = closed {
            self.world.events.send(Event::StateFailed { error: error.chain() });
            report.broken = Some(error);
        }
        Ok(Applied::Ran { deployment, plan, report, undone })
    }
}

/// What a deployment came to.
struct Done {
    plan: Plan,
    report: Report,
    undone: Option<Undone>,
}

impl Done {
    fn is_broken(&self) -> bool {
        self.report.broken.is_some() || self.undone.as_ref().is_some_and(|it| it.report.broken.is_some())
    }

    fn record(&self, body: &mut Deployment) {
        body.counts = self.plan.counts();
        body.good = self.report.good;
        body.steps = step_records(&self.plan, &self.report);
        body.verdict = self.report.verdict.iter().flat_map(|it| it.findings.clone()).collect();
        body.rollback = self.undone.as_ref().map(Undone::record);
        body.result = match &self.undone {
            Some(undone) => undone.ending(),
            None => ending(&self.report),
        };
    }
}

/// The shard of a component whose steps begin: it keeps what it was, and takes over what the files say of it.
fn begin(body: &mut Shard, component: &PlannedComponent, deployment: DeploymentId) {
    body.keep_before(deployment);
    // What is wanted now is something else than what was being taken back.
    if let Some(before) = &mut body.before {
        before.undoing = None;
    }
    body.service.clone_from(&component.service);
    body.depends_on.clone_from(&component.depends_on);
    // What goes keeps the answers that it was built from.
    if !component.going {
        body.lookups.clone_from(&component.lookups);
        body.checks.clone_from(&component.checks);
    }
}

/// The tests that are about something of the plan, in their order.
fn tests_of(desired: &Desired, plan: &Plan, wish: &Wish) -> Vec<Test> {
    let about = |test: &&Test| {
        let mut staying = plan.components.values().filter(|it| !it.going);
        staying.any(|it| test.service.is_none() || test.service == it.service)
    };
    if wish.destroy { Vec::new() } else { desired.tests.iter().filter(about).cloned().collect() }
}

/// A failure, or a bad verdict. What was interrupted or could not be written down is the next run's; what failed after a good
/// verdict is cleaning up, and that run goes on with it as well.
fn to_be_undone(report: &Report) -> bool {
    let failed = !report.failed.is_empty() || report.verdict.as_ref().is_some_and(|it| !it.is_good());
    failed && !report.good && !report.interrupted && report.broken.is_none()
}

/// Why something is taken back, in one line.
fn because(plan: &Plan, report: &Report) -> String {
    let failed = report.failed.first().map(|(id, why)| (plan.steps[*id].address().to_string(), why.as_str()));
    let bad = || report.verdict.as_ref()?.bad().next().map(|it| (it.what.clone(), it.why.as_str()));
    let (what, why) = failed.or_else(bad).unwrap_or_default();
    format!("{what}: {}", why.lines().next().unwrap_or_default())
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
    // A user of what is replaced that came meanwhile is among those that are locked, and was not in what the plan was made from.
    let mut used = plan.locks(memory.bodies());
    used.extend(plan.steps.iter().flat_map(|step| step.needs.iter().map(|need| need.component.clone())));
    used.retain(|id| now(id) != plan.basis.get(id));
    used.into_iter().collect()
}

fn ending(report: &Report) -> Ending {
    match () {
        () if report.interrupted && !report.is_success() => Ending::Interrupted,
        () if report.is_success() && !report.good => Ending::Unverified,
        () if report.is_success() => Ending::Succeeded,
        () => Ending::Failed,
    }
}
