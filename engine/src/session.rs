//! A run of deployer on one stack and environment: look, plan, lock, look again, execute.
//!
//! `look` and `plan` take no lock. `apply` first settles what dead deployments left open, and plans again if state moved
//! between plan and lock.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::future::{self, BoxFuture};

use crate::{
    address::ComponentId,
    book::{Book, Held},
    clock::Clock,
    desired::{Desired, Scope},
    diagnostic::Diagnostic,
    error::{Error, Result},
    event::{Event, Sink},
    execute::{self, Report},
    history::{Deployment, Ending, StepRecord},
    journal::{self, Journal},
    lock::{Acquired, Holder, Lease, Life, LockRules, Owner, Probe, Watch, acquire, holder_id},
    observe,
    plan::{self, Plan},
    record::Record,
    recover::Recovery,
    resource::Registry,
    safety::Safety,
    state::{DeploymentId, Shard},
    stop::Stop,
    store::{LockStore, ObjectStore},
};

/// What a run works with. Nothing in here is read from the machine by the engine itself.
#[derive(Clone)]
pub struct World {
    /// The types.
    pub types: Registry,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Where records are.
    pub objects: Arc<dyn ObjectStore>,
    /// Where locks are.
    pub locks: Arc<dyn LockStore>,
    /// Where events go.
    pub events: Arc<dyn Sink>,
    /// Who we are.
    pub owner: Owner,
    /// Tells whether a process of this machine lives.
    pub probe: Probe,
    /// The wish to stop.
    pub stop: Stop,
    /// Limits.
    pub limits: Limits,
    /// The lineage of a state that is made now: random, given from outside.
    pub new_lineage: String,
    /// The guards.
    pub safety: Safety,
}

/// Figures that a user may change.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many steps run at once.
    pub parallelism: usize,
    /// How long a call may be on its way.
    pub call_timeout: Duration,
    /// Locks.
    pub lock: LockRules,
    /// A failure stops what is independent of it too.
    pub stop_on_failure: bool,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallelism: 16,
            call_timeout: Duration::from_secs(30),
            lock: LockRules::default(),
            stop_on_failure: false,
        }
    }
}

/// What is wanted of a plan.
#[derive(Clone, Debug, Default)]
pub struct Wish {
    /// Only these components, and what they need.
    pub targets: Option<BTreeSet<ComponentId>>,
    /// Take everything down.
    pub destroy: bool,
    /// Read what is live; else state is believed.
    pub refresh: bool,
    /// What the deployment record says it was for.
    pub purpose: String,
    /// The rendered input, for the deployment record.
    pub input: serde_json::Value,
    /// The input's version, for the deployment record.
    pub revision: Option<String>,
    /// The version of deployer, for the deployment record.
    pub version: String,
}

/// What is remembered, as it was read.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// The state's lineage; the one to come if there is no state yet.
    pub lineage: String,
    /// The newest deployment.
    pub last: DeploymentId,
    /// Deployments that run or were killed.
    pub open: BTreeSet<DeploymentId>,
    /// All shards.
    pub shards: BTreeMap<ComponentId, Held<Shard>>,
}

/// How an apply ended.
#[derive(Debug)]
pub enum Applied {
    /// There was nothing to do.
    NoChanges,
    /// Protected data would go.
    Refused(Plan),
    /// The person said no.
    Declined,
    /// It ran.
    Ran {
        /// Its number.
        deployment: DeploymentId,
        /// What was planned.
        plan: Plan,
        /// What came of it.
        report: Report,
    },
}

/// Why there is no plan.
#[derive(Debug)]
pub enum Trouble {
    /// The configuration is at fault.
    Problems(Vec<Diagnostic>),
    /// Something failed.
    Failed(Error),
}

impl<E: Into<Error>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Asks the person about a plan.
pub type Approve<'a> = &'a mut (dyn FnMut(&Plan) -> BoxFuture<'static, bool> + Send);

/// One run on one stack and environment.
pub struct Session {
    world: World,
    book: Book,
    watch: Watch,
}

impl Session {
    /// A run on `scope`.
    pub fn new(world: World, scope: &Scope) -> Self {
        let book = Book::new(
            world.objects.clone(),
            world.locks.clone(),
            world.clock.clone(),
            world.safety,
            scope,
            &world.owner.run,
        );
        let watch = Watch::new(world.clock.clone(), world.probe.clone());
        Self { world, book, watch }
    }

    /// The records.
    pub fn book(&self) -> &Book {
        &self.book
    }

    /// What is remembered. Takes no lock.
    pub async fn look(&self) -> Result<Memory> {
        let Some(root) = self.book.root().await? else {
            return Ok(Memory { lineage: self.world.new_lineage.clone(), ..Memory::default() });
        };
        let lineage = root.record.lineage;
        let shards = self.book.shards(&lineage).await?;
        Ok(Memory { last: root.record.body.last, open: root.record.body.open, lineage, shards })
    }

    /// What it would take. Takes no lock and changes nothing.
    pub async fn plan(&self, desired: &Desired, wish: &Wish) -> Result<Plan, Trouble> {
        let memory = self.look().await?;
        self.plan_from(desired, wish, &memory).await
    }

    async fn plan_from(&self, desired: &Desired, wish: &Wish, memory: &Memory) -> Result<Plan, Trouble> {
        let shards: BTreeMap<ComponentId, Record<Shard>> =
            memory.shards.iter().map(|(id, held)| (id.clone(), held.record.clone())).collect();
        let live = if wish.refresh {
            let asked = plan::to_read(desired, &shards);
            self.world.events.send(Event::Refreshing { resources: asked.len() });
            observe::read_all(&self.world.types, asked, self.world.limits.parallelism, self.world.clock.as_ref())
                .await?
        } else {
            plan::Live::new()
        };
        let input = plan::Input {
            desired,
            lineage: &memory.lineage,
            from: memory.last,
            shards: &shards,
            live: &live,
            types: &self.world.types,
            targets: wish.targets.as_ref(),
            destroy: wish.destroy,
        };
        plan::plan(&input).map_err(Trouble::Problems)
    }

    /// Settles what dead deployments left open; true if there was one. One whose owner may be alive is left alone: the locks
    /// will tell. With `patiently` it is watched until that is known.
    async fn recover_dead(&mut self, patiently: bool) -> Result<bool> {
        let Some(root) = self.book.root().await? else { return Ok(false) };
        let mut any = false;
        for deployment in root.record.body.open {
            let id = holder_id(deployment);
            loop {
                let held = self.book.holder::<Holder>(&id).await?;
                match self.watch.life(&id, held.as_ref()) {
                    Life::Dead => {
                        self.recover(deployment, held, &root.record.lineage).await?;
                        any = true;
                        break;
                    }
                    Life::Unknown if patiently && !self.world.stop.is_wished() => {
                        held.into_iter().for_each(|held| self.waiting(&held.record.body));
                        self.world.stop.unless(self.world.clock.sleep(Duration::from_secs(1))).await;
                    }
                    Life::Unknown | Life::Alive => break,
                }
            }
        }
        Ok(any)
    }

    fn waiting(&self, holder: &Holder) {
        let (owner, purpose) = (holder.owner.clone(), holder.purpose.clone());
        self.world.events.send(Event::Waiting { owner, purpose, since_millis: holder.since_millis });
    }

    async fn recover(&self, deployment: DeploymentId, dead: Option<Held<Holder>>, lineage: &str) -> Result<()> {
        let recovery = Recovery {
            types: &self.world.types,
            clock: &self.world.clock,
            book: &self.book,
            lineage,
            owner: &self.world.owner,
            events: self.world.events.as_ref(),
            call_timeout: self.world.limits.call_timeout,
            ttl: self.world.limits.lock.ttl,
            safety: self.world.safety,
        };
        recovery.run(deployment, dead).await?;
        if let Some(before) = self.book.deployment::<Deployment>(deployment).await?
            && before.record.body.result == Ending::Open
        {
            let mut body = before.record.body.clone();
            body.result = Ending::Recovered;
            body.finished_millis = Some(self.world.clock.wall_millis());
            self.book.write_deployment(deployment, lineage, Some(&before), body).await?;
        }
        Ok(())
    }

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
        let now = self.world.clock.wall_millis();
        let root = self
            .book
            .change_root(&plan.lineage, |root| {
                root.last += 1;
                root.open.insert(root.last);
            })
            .await?;
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
            counts: plan.counts(),
            input: wish.input.clone(),
            revision: wish.revision.clone(),
            version: wish.version.clone(),
            ..Deployment::default()
        };
        let record = self.book.write_deployment(deployment, &lineage, None, record).await?;
        let result = self.locked(desired, wish, plan, approve, &lease, &lineage).await;
        self.conclude(result, record, lease, &lineage).await
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
            let work = self.hold(lease, &plan, lineage);
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

    async fn hold(&mut self, lease: &Lease, plan: &Plan, lineage: &str) -> Result<(), Trouble> {
        let wanted: BTreeSet<ComponentId> = plan.components.keys().cloned().collect();
        let events = self.world.events.clone();
        let waiting = move |holder: &Holder| {
            events.send(Event::Waiting {
                owner: holder.owner.clone(),
                purpose: holder.purpose.clone(),
                since_millis: holder.since_millis,
            });
        };
        loop {
            let rules = self.world.limits.lock;
            match acquire(lease, &wanted, &mut self.watch, rules, &self.world.stop, &waiting).await? {
                Acquired::All => return Ok(()),
                Acquired::Dead(deployment) => {
                    let held = self.book.holder::<Holder>(&holder_id(deployment)).await?;
                    self.recover(deployment, held, lineage).await?;
                }
            }
        }
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

    /// The last words: the record, the locks, the root. Whatever of them is missing, the next run makes up for.
    async fn conclude(
        &self,
        result: Result<Option<(Plan, Report)>, Trouble>,
        record: Held<Deployment>,
        lease: Lease,
        lineage: &str,
    ) -> Result<Applied, Trouble> {
        let deployment = lease.deployment();
        let mut body = record.record.body.clone();
        body.finished_millis = Some(self.world.clock.wall_millis());
        let broken = match &result {
            Ok(Some((plan, report))) => {
                body.counts = plan.counts();
                body.steps = step_records(plan, report);
                body.result = ending(report);
                report.broken.is_some()
            }
            Ok(None) => {
                body.result = Ending::Interrupted;
                false
            }
            Err(_) => {
                body.result = Ending::Failed;
                false
            }
        };
        if let Ok(Some((_, report))) = &result {
            let millis = body.finished_millis.unwrap_or_default().saturating_sub(body.started_millis);
            let (done, failed, skipped) = (report.done.len(), report.failed.len(), report.skipped.len());
            self.world.events.send(Event::Finished { deployment, done, failed, skipped, millis });
        }
        if !broken && lease.check().is_ok() {
            self.book.write_deployment(deployment, lineage, Some(&record), body).await?;
            lease.release().await?;
            self.book.close(lineage, deployment).await?;
        }
        match result? {
            Some((plan, report)) => Ok(Applied::Ran { deployment, plan, report }),
            None => Ok(Applied::Declined),
        }
    }

    /// All deployments, newest first, at most `limit`.
    pub async fn history(&self, limit: usize) -> Result<Vec<Deployment>> {
        let Some(root) = self.book.root().await? else { return Ok(Vec::new()) };
        let ids = (1..=root.record.body.last).rev().take(limit);
        let read = future::try_join_all(ids.map(|id| self.book.deployment::<Deployment>(id))).await?;
        Ok(read.into_iter().flatten().map(|held| held.record.body).collect())
    }
}

/// `work` while signs of life are given; an error if the lock is lost meanwhile.
async fn hold_on<T>(lease: &Lease, work: impl Future<Output = Result<T, Trouble>>) -> Result<T, Trouble> {
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

/// What a killed deployment left in its journal, for those who only look.
pub async fn left_open(book: &Book, deployment: DeploymentId, lineage: &str) -> Result<usize> {
    let found = journal::read(book, deployment, lineage).await?;
    Ok(found.intents.values().filter(|(_, outcome)| outcome.is_none()).count())
}
