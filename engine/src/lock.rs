//! Who may change what: one heartbeated holder record per deployment, and component locks that point to it.
//!
//! A holder is dead when its record did not change for one TTL on the *watcher's* monotonic clock (or at once, if it is a
//! dead process of this machine): no two machines' clocks are ever compared. Taking over means becoming the owner of the
//! dead deployment's holder record, so a taker that dies is taken over in exactly the same way.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    address::ComponentId,
    book::{Book, Held},
    clock::Clock,
    error::{Error, Result},
    state::DeploymentId,
    stop::Stop,
    store::{StoreError, Taken, Version},
};

/// Who runs a deployment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// The user.
    pub user: String,
    /// The machine, for people.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// What tells this process of this machine from any other of the same number: opaque, empty if it cannot be told.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub process: String,
    /// Unique to the process.
    pub run: String,
}

/// A holder record's body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Holder {
    /// The deployment that it holds for.
    pub deployment: DeploymentId,
    /// Who runs it, or who took it over.
    pub owner: Owner,
    /// What for, in words.
    pub purpose: String,
    /// Since when, for people.
    pub since_millis: u64,
    /// How long it is believed without a beat.
    pub ttl_seconds: u64,
    /// Grows with each sign of life.
    pub beat: u64,
    /// How often it was taken over.
    pub takeovers: u32,
    /// The components that it holds.
    pub components: BTreeSet<ComponentId>,
}

/// The lock is someone else's, or ours no more.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Someone else holds it and is alive.
    #[error(
        "{} held by {user} on {host} (process {pid}) for {purpose}, deployment {deployment}; it is alive, and keeps it until it ends or gives no sign of life for {ttl_seconds} s. Wait with --lock-timeout, or let it finish",
        list(components)
    )]
    Held {
        /// What is held.
        components: Vec<ComponentId>,
        /// Who.
        user: String,
        /// Where.
        host: String,
        /// Which process.
        pid: u32,
        /// What for.
        purpose: String,
        /// Which deployment.
        deployment: DeploymentId,
        /// Since when, in milliseconds since 1970 UTC.
        since_millis: u64,
        /// How long it is believed after a sign of life.
        ttl_seconds: u64,
    },
    /// We were paused for so long that someone else may have taken over.
    #[error(
        "the lock was lost: another run took it over, or it could not be renewed in time; nothing more was started. Run the command again: it settles what is open and goes on"
    )]
    Lost,
}

/// What a failed write under a lock means: if someone else has written there, the lock is theirs.
pub fn taken(error: Error) -> Error {
    match error {
        Error::Store(StoreError::Stale { .. }) => LockError::Lost.into(),
        other => other,
    }
}

fn list(components: &[ComponentId]) -> String {
    let names: Vec<String> = components.iter().map(ToString::to_string).collect();
    format!("{} {}", names.join(", "), if names.len() == 1 { "is" } else { "are" })
}

/// How locks are kept.
#[derive(Clone, Copy, Debug)]
pub struct LockRules {
    /// How long a holder is believed without a beat.
    pub ttl: Duration,
    /// How long to wait for somebody else's lock.
    pub timeout: Duration,
}

impl Default for LockRules {
    fn default() -> Self {
        Self { ttl: Duration::from_secs(60), timeout: Duration::ZERO }
    }
}

/// The id of a deployment's holder record.
pub fn holder_id(deployment: DeploymentId) -> String {
    format!("{deployment:08}")
}

/// A lock that we hold.
pub struct Lease {
    book: Book,
    clock: Arc<dyn Clock>,
    ttl: Duration,
    inner: Mutex<Inner>,
    lost: AtomicBool,
}

struct Inner {
    held: Held<Holder>,
    renewed: Duration,
}

impl Lease {
    /// Becomes the holder of a new deployment, of nothing yet.
    pub async fn open(book: &Book, clock: &Arc<dyn Clock>, lineage: &str, holder: Holder) -> Result<Self> {
        Self::write(book, clock, lineage, None, holder).await
    }

    /// Becomes the owner of a dead deployment's holder record, as it was last seen.
    pub async fn take_over(
        book: &Book,
        clock: &Arc<dyn Clock>,
        lineage: &str,
        dead: &Held<Holder>,
        owner: &Owner,
    ) -> Result<Self> {
        let mut holder = dead.record.body.clone();
        holder.owner = owner.clone();
        holder.takeovers += 1;
        Self::write(book, clock, lineage, Some(dead), holder).await
    }

    async fn write(
        book: &Book,
        clock: &Arc<dyn Clock>,
        lineage: &str,
        before: Option<&Held<Holder>>,
        holder: Holder,
    ) -> Result<Self> {
        let ttl = Duration::from_secs(holder.ttl_seconds);
        let renewed = clock.monotonic();
        let held = book.write_holder(&holder_id(holder.deployment), lineage, before, holder).await?;
        let inner = Mutex::new(Inner { held, renewed });
        Ok(Self { book: book.clone(), clock: clock.clone(), ttl, inner, lost: AtomicBool::new(false) })
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The deployment that it is held for.
    pub fn deployment(&self) -> DeploymentId {
        self.inner().held.record.body.deployment
    }

    /// The components that are held.
    pub fn components(&self) -> BTreeSet<ComponentId> {
        self.inner().held.record.body.components.clone()
    }

    /// True once it is known to be someone else's, or could not be renewed in time.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    fn has_run_out(&self) -> bool {
        self.clock.monotonic().saturating_sub(self.inner().renewed) >= self.ttl
    }

    /// An error if it may be someone else's by now. Asked before each call: the owner stops by itself. A process that was held up
    /// for longer than its lease has to win the record again first, which it cannot once somebody has taken over.
    pub async fn sure(&self) -> Result<()> {
        while !self.is_lost() && self.has_run_out() {
            // Apart: it is rare, and each call of each step would have room for it on its stack.
            let beat = Box::pin(self.beat(&|_| {})).await;
            self.lost.fetch_or(beat.is_err(), Ordering::SeqCst);
        }
        if self.is_lost() { Err(LockError::Lost.into()) } else { Ok(()) }
    }

    /// A change of what is held, which is a sign of life too.
    async fn renew(&self, change: impl Fn(&mut Holder)) -> Result<()> {
        while !self.beat(&change).await? {}
        Ok(())
    }

    /// Tries to write the record once; false if it was another than we knew, and is known now.
    async fn beat(&self, change: &impl Fn(&mut Holder)) -> Result<bool> {
        let before = self.inner().held.clone();
        let mut holder = before.record.body.clone();
        holder.beat += 1;
        change(&mut holder);
        let now = self.clock.monotonic();
        let id = holder_id(holder.deployment);
        match self.book.write_holder(&id, &before.record.lineage, Some(&before), holder).await {
            Ok(held) => {
                *self.inner() = Inner { held, renewed: now };
                Ok(true)
            }
            Err(Error::Store(StoreError::Stale { .. })) => self.look_again().await.map(|()| false),
            Err(error) => Err(error),
        }
    }

    /// The record is another than we hold: a sign of life of ours that nobody waited for any more, or someone else's.
    async fn look_again(&self) -> Result<()> {
        let (id, ours) = {
            let inner = self.inner();
            (holder_id(inner.held.record.body.deployment), inner.held.record.body.owner.run.clone())
        };
        match self.book.holder::<Holder>(&id).await? {
            Some(held) if held.record.body.owner.run == ours => {
                self.inner().held = held;
                Ok(())
            }
            _ => {
                self.lost.store(true, Ordering::SeqCst);
                Err(LockError::Lost.into())
            }
        }
    }

    /// Signs of life at a third of the TTL, for as long as it is polled. Ends only when the lock is lost.
    pub async fn keep(&self) {
        loop {
            self.clock.sleep(self.ttl / 3).await;
            // A store that fails for a while is no reason to stop before the lease ends.
            let _ = self.renew(|_| {}).await;
            if self.sure().await.is_err() {
                return;
            }
        }
    }

    /// Takes `components` too, or says who holds which of them.
    pub async fn take(&self, components: &BTreeSet<ComponentId>) -> Result<Taken> {
        self.renew(|holder| holder.components.extend(components.iter().cloned())).await?;
        let wanted: Vec<ComponentId> = components.iter().cloned().collect();
        Ok(self.book.take(&holder_id(self.deployment()), &wanted).await?)
    }

    /// Gives everything back. What is lost is someone else's to give back, and its deployment theirs to close: an error.
    pub async fn release(self) -> Result<()> {
        self.sure().await?;
        let id = holder_id(self.deployment());
        let components: Vec<ComponentId> = self.components().into_iter().collect();
        self.book.free(&id, &components).await?;
        loop {
            let version = self.inner().held.version.clone();
            let Some(version) = version else { return Ok(()) };
            match self.book.drop_holder(&id, &version).await {
                Err(StoreError::Stale { .. }) => self.look_again().await?,
                other => return Ok(other?),
            }
        }
    }
}

/// Tells for an owner whether its process lives, if that can be told from here: on this machine only.
pub type Probe = Arc<dyn Fn(&Owner) -> Option<bool> + Send + Sync>;

/// What is known of a holder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Life {
    /// It gave a sign of life while we looked, or its process runs on this machine.
    Alive,
    /// It did not for a whole TTL, or its process is gone from this machine.
    Dead,
    /// We have not looked for long enough.
    Unknown,
}

/// Tells who is dead, from what this process has seen since it started.
pub struct Watch {
    clock: Arc<dyn Clock>,
    probe: Probe,
    seen: BTreeMap<String, (Option<Version>, Duration, bool)>,
}

impl Watch {
    /// A watch that has seen nothing yet.
    pub fn new(clock: Arc<dyn Clock>, probe: Probe) -> Self {
        Self { clock, probe, seen: BTreeMap::new() }
    }

    /// What is known of the holder, read just now; `opened` is who opened its deployment, if that is known. Where there is no record
    /// it may be about to come, or may just have gone: absence is watched like any other record that does not change.
    pub fn life(&mut self, id: &str, held: Option<&Held<Holder>>, opened: Option<&Owner>) -> Life {
        let owner = held.map(|it| &it.record.body.owner).or(opened);
        match owner.and_then(|owner| (self.probe)(owner)) {
            Some(true) => return Life::Alive,
            Some(false) => return Life::Dead,
            None => {}
        }
        let now = self.clock.monotonic();
        let ttl = held.map_or(LockRules::default().ttl, |it| Duration::from_secs(it.record.body.ttl_seconds));
        let version_now = held.and_then(|it| it.version.clone());
        let (version, since, moved) =
            self.seen.entry(id.to_owned()).or_insert_with(|| (version_now.clone(), now, false));
        if *version != version_now {
            (*version, *since, *moved) = (version_now, now, true);
        }
        match now.saturating_sub(*since) > ttl {
            true => Life::Dead,
            false if *moved => Life::Alive,
            false => Life::Unknown,
        }
    }
}

/// What came of trying to get locks.
pub enum Acquired {
    /// All are ours.
    All,
    /// This deployment is dead and holds some of them: it has to be settled first.
    Dead(DeploymentId),
}

/// Takes `components` for `lease`. Of a holder that shows no sign of life it waits until it is known to be dead; for a living
/// one it waits as long as the rules say. Whoever is `in_the_way` is told each time, with whether it is waited for.
pub async fn acquire(
    lease: &Lease,
    components: &BTreeSet<ComponentId>,
    watch: &mut Watch,
    rules: LockRules,
    stop: &Stop,
    in_the_way: &(dyn Fn(&Holder, bool) + Send + Sync),
) -> Result<Acquired> {
    let start = lease.clock.monotonic();
    loop {
        let held = match lease.take(components).await? {
            Taken::All => return Ok(Acquired::All),
            Taken::HeldBy(held) => held,
        };
        let waited = lease.clock.monotonic().saturating_sub(start);
        for id in held.values().collect::<BTreeSet<&String>>() {
            let record = lease.book.holder::<Holder>(id).await?;
            let life = watch.life(id, record.as_ref(), None);
            if life == Life::Dead {
                return Ok(Acquired::Dead(id.parse().unwrap_or_default()));
            }
            // Locks without a holder's record: it is about to come back to give them up, or is known to be dead in a while.
            let Some(holder) = record.map(|it| it.record.body) else { continue };
            let waits = (life != Life::Alive || waited < rules.timeout) && !stop.is_wished();
            in_the_way(&holder, waits);
            if !waits {
                return Err(held_error(&held, holder).into());
            }
        }
        stop.unless(lease.clock.sleep(Duration::from_secs(1))).await;
        lease.sure().await?;
    }
}

fn held_error(held: &BTreeMap<ComponentId, String>, holder: Holder) -> LockError {
    LockError::Held {
        components: held.iter().filter(|it| *it.1 == holder_id(holder.deployment)).map(|it| it.0.clone()).collect(),
        user: holder.owner.user,
        host: holder.owner.host,
        pid: holder.owner.pid,
        purpose: holder.purpose,
        deployment: holder.deployment,
        since_millis: holder.since_millis,
        ttl_seconds: holder.ttl_seconds,
    }
}
