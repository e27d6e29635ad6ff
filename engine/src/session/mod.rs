//! A run of deployer on one stack and environment: look, plan, lock, look again, execute.
//!
//! `look` and `plan` take no lock. `apply` first settles what dead deployments left open, and plans again if state moved
//! between plan and lock.

pub mod adopt;
pub mod copy;
mod deploy;
pub mod drift;
pub mod edit;
pub mod mend;
pub mod moves;
mod past;
mod undo;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::future::BoxFuture;

use crate::{
    address::ComponentId,
    book::{Book, Held},
    clock::Clock,
    desired::{Desired, Scope},
    diagnostic::Diagnostic,
    error::{Error, Result},
    event::{Event, Sink},
    execute::Report,
    history::{self, Deployment, Ending},
    journal::Damage,
    lock::{Holder, Life, LockRules, Owner, Probe, Watch, holder_id},
    observe::{self, Reading},
    plan::{self, Mending, Plan},
    record::Record,
    recover::Recovery,
    resource::Registry,
    safety::Safety,
    state::{DeploymentId, Shard},
    stop::Stop,
    store::{LockStore, ObjectStore},
    verdict::Examiner,
};

pub use self::undo::Undone;

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
    /// Who tries checks.
    pub examiner: Arc<dyn Examiner>,
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
    /// What a failure, or a bad verdict, does.
    pub on_failure: OnFailure,
    /// What is on its way is waited for, and judged.
    pub wait: bool,
}

/// What a failure, or a bad verdict, does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// Nothing new starts, and what was done is taken back.
    Automatic,
    /// Nothing new starts, and the person is asked.
    Ask,
    /// What is independent of it goes on, and nothing is taken back.
    #[default]
    Never,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            parallelism: 16,
            call_timeout: Duration::from_secs(30),
            lock: LockRules::default(),
            on_failure: OnFailure::Never,
            wait: true,
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
    /// What changed outside is set back, and nothing else is looked at.
    pub mending: Option<Mending>,
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
    /// The newest deployment that was found good.
    pub good: Option<DeploymentId>,
    /// All shards. Each keeps what was before only as long as that counts.
    pub shards: BTreeMap<ComponentId, Held<Shard>>,
}

impl Memory {
    /// What the shards say.
    fn bodies(&self) -> impl Iterator<Item = (&ComponentId, &Shard)> {
        self.shards.iter().map(|(id, held)| (id, &held.record.body))
    }

    /// True if what was before this deployment is still of use to somebody, or may be.
    fn remembers(&self, deployment: DeploymentId) -> bool {
        let since = |held: &Held<Shard>| held.record.body.before.as_ref().map(|it| it.since);
        deployment > self.last || self.shards.values().any(|held| since(held) == Some(deployment))
    }
}

/// How an apply ended.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one of it in a run")]
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
        /// What taking it back came to, if it was taken back.
        undone: Option<Undone>,
    },
    /// What an earlier deployment left half taken back, or not good, is taken back.
    TookBack {
        /// The number of the deployment that did it.
        deployment: DeploymentId,
        /// How it went.
        undone: Undone,
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

/// What a person is asked about a plan, or told.
#[derive(Clone, Copy, Debug)]
pub enum Question<'a> {
    /// Shall this be done?
    Apply,
    /// Shall what was done be taken back like this?
    Rollback {
        /// Why.
        because: &'a str,
        /// What cannot be taken back and stays.
        left: &'a [String],
        /// It is done whatever the answer: the environment says so.
        decided: bool,
    },
}

/// Asks the person about a plan.
pub type Approve<'a> = &'a mut (dyn FnMut(&Plan, Question<'_>) -> BoxFuture<'static, bool> + Send);

/// One run on one stack and environment.
pub struct Session {
    world: World,
    scope: Scope,
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
        Self { world, scope: scope.clone(), book, watch }
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
        let (lineage, root) = (root.record.lineage, root.record.body);
        let mut shards = self.book.shards(&lineage).await?;
        history::settle(&self.book, &root, &mut shards).await?;
        Ok(Memory { last: root.last, good: root.good, open: root.open.into_keys().collect(), lineage, shards })
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
            let mut asked = observe::to_read(desired, shards.iter().map(|(id, it)| (id, &it.body)));
            if let Some(mending) = &wish.mending {
                asked.retain(|it| mending.whose.contains(&it.address));
            }
            self.world.events.send(Event::Refreshing { resources: asked.len() });
            self.reading().all(asked).await?
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
            undo: false,
        };
        let mut plan = plan::plan(&input).map_err(Trouble::Problems)?;
        wish.mending.iter().for_each(|it| it.mark(&mut plan.steps));
        Ok(plan)
    }

    fn reading(&self) -> Reading<'_> {
        Reading {
            types: &self.world.types,
            parallelism: self.world.limits.parallelism,
            clock: self.world.clock.as_ref(),
            events: self.world.events.as_ref(),
        }
    }

    /// Settles what dead deployments left open; true if there was one. One whose owner may be alive is left alone: the locks
    /// will tell. With `patiently` it is watched until that is known.
    async fn recover_dead(&mut self, patiently: bool) -> Result<bool> {
        let Some(root) = self.book.root().await? else { return Ok(false) };
        let mut any = false;
        for (deployment, owner) in root.record.body.open {
            let id = holder_id(deployment);
            loop {
                let held = self.book.holder::<Holder>(&id).await?;
                match self.watch.life(&id, held.as_ref(), Some(&owner)) {
                    Life::Dead => {
                        self.recover(deployment, held, &root.record.lineage, false).await?;
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

    /// Settles what a dead deployment left. `forced`: a person wishes it, whether it is dead or not, and whatever of its records
    /// cannot be used.
    async fn recover(
        &self,
        deployment: DeploymentId,
        dead: Option<Held<Holder>>,
        lineage: &str,
        forced: bool,
    ) -> Result<()> {
        let recovery = Recovery {
            types: &self.world.types,
            clock: &self.world.clock,
            book: &self.book,
            lineage,
            owner: &self.world.owner,
            events: self.world.events.as_ref(),
            call_timeout: self.world.limits.call_timeout,
            ttl: self.world.limits.lock.ttl,
            damage: if forced { Damage::PassedOver } else { Damage::Refused },
            safety: self.world.safety,
        };
        let Some(steps) = recovery.run(deployment, dead).await? else { return Ok(()) };
        let before = match self.book.deployment::<Deployment>(deployment).await {
            Err(Error::Record(_)) if forced => None,
            other => other?,
        };
        if let Some(before) = before.filter(|it| it.record.body.result == Ending::Open) {
            let mut body = before.record.body.clone();
            body.result = Ending::Recovered;
            body.finished_millis = Some(self.world.clock.wall_millis());
            body.steps = steps;
            body.forced = forced.then(|| self.world.owner.clone());
            self.book.write_deployment(deployment, lineage, Some(&before), body).await?;
        }
        Ok(())
    }
}
