//! What a killed deployment left open is settled by asking the cloud.
//!
//! There is no second code path: an intent without an outcome gets one by reads alone, the shards are brought up to date, and
//! planning goes on as usual. A recovery that is killed is taken over like any other holder.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use futures::future::{self, FutureExt};

use crate::{
    address::ComponentId,
    book::{Book, Held},
    clock::Clock,
    error::{Error, Result},
    event::{Event, Sink},
    find::{Found, find},
    fold::fold,
    history::{self, Deployment, Proven, StepRecord},
    journal::{self, Change, Damage, Intent, Outcome, Verb},
    lock::{Holder, Lease, Owner, holder_id},
    plan::StepId,
    resource::{DynResource, Registry, Seen, Wanted},
    safety::Safety,
    state::{DeploymentId, Shard},
    store::{StoreError, Taken},
};

/// What a recovery needs.
pub struct Recovery<'a> {
    /// The types.
    pub types: &'a Registry,
    /// Time.
    pub clock: &'a Arc<dyn Clock>,
    /// The records.
    pub book: &'a Book,
    /// The state's lineage.
    pub lineage: &'a str,
    /// Who recovers.
    pub owner: &'a Owner,
    /// Where events go.
    pub events: &'a dyn Sink,
    /// How long a call of the dead one may still be on its way.
    pub call_timeout: Duration,
    /// How long a holder is believed without a beat.
    pub ttl: Duration,
    /// What is done about entries of its journal, and a record of it, that cannot be used.
    pub damage: Damage,
    /// The guards.
    pub safety: Safety,
}

impl Recovery<'_> {
    /// Takes a dead deployment over, settles what it left open and closes it; what became of its steps. None if another run was
    /// faster: then nothing happens.
    pub async fn run(&self, deployment: DeploymentId, dead: Option<Held<Holder>>) -> Result<Option<Vec<StepRecord>>> {
        if dead.is_none() {
            let found = journal::read(self.book, deployment, self.lineage, self.damage).await?;
            if found.ended {
                // Its locks were given back, so its shards were complete: only the last word is missing.
                self.close(deployment).await?;
                return Ok(Some(steps(&found, &BTreeMap::new())));
            }
        }
        let lease = match self.become_owner(deployment, dead.as_ref()).await {
            Err(Error::Store(StoreError::Stale { .. })) => return Ok(None),
            other => other?,
        };
        let work = self.settle_all(deployment, &lease, dead.is_some()).boxed();
        let keep = lease.keep().boxed();
        let steps = match future::select(work, keep).await {
            future::Either::Left((result, _)) => result?,
            future::Either::Right(_) => return Err(crate::lock::LockError::Lost.into()),
        };
        // The root's word comes last: while the deployment is open there, the next run looks for its locks.
        lease.release().await?;
        self.close(deployment).await?;
        Ok(Some(steps))
    }

    async fn become_owner(&self, deployment: DeploymentId, dead: Option<&Held<Holder>>) -> Result<Lease> {
        if let Some(dead) = dead {
            return Lease::take_over(self.book, self.clock, self.lineage, dead, self.owner).await;
        }
        let holder = Holder {
            deployment,
            owner: self.owner.clone(),
            purpose: "recovery".to_owned(),
            since_millis: self.clock.wall_millis(),
            ttl_seconds: self.ttl.as_secs(),
            ..Holder::default()
        };
        Lease::open(self.book, self.clock, self.lineage, holder).await
    }

    async fn close(&self, deployment: DeploymentId) -> Result<()> {
        // It may have died after its last word.
        let record = self.record(deployment).await?;
        let proven = record.map_or(Proven::Bad, |it| it.record.body.proven());
        self.book.close(self.lineage, deployment, proven).await
    }

    /// The deployment's record. One that cannot be used is as good as none where damage is passed over.
    async fn record(&self, deployment: DeploymentId) -> Result<Option<Held<Deployment>>> {
        match self.book.deployment(deployment).await {
            Err(Error::Record(_)) if self.damage == Damage::PassedOver => Ok(None),
            other => other,
        }
    }

    /// Seal, fence, wait, settle, write: in this order.
    async fn settle_all(&self, deployment: DeploymentId, lease: &Lease, had_holder: bool) -> Result<Vec<StepRecord>> {
        let (seal, damage) = (self.safety.seal(), self.damage);
        let found = journal::seal(self.book, deployment, self.lineage, self.owner, damage, seal).await?;
        for key in &found.lost {
            let message = format!(
                "{key} cannot be read and is passed over: what was meant there is not known. The next apply looks for it before it makes anything; what other things hang on is best taken over first: `deployer drift detect` names it, `deployer state import` takes it"
            );
            self.events.send(Event::Noted { message });
        }
        let named = found.intents.values().map(|(intent, _)| intent.who.address.component.clone());
        let edited = found.changes.iter().filter_map(|change| match change {
            Change::Edit(id, _) => Some(id.clone()),
            Change::Outcome(..) => None,
        });
        let named = named.chain(edited);
        let held = self.hold(lease, named.chain(lease.components()).collect(), had_holder).await?;
        let mut shards = self.fence(&held, lease).await?;
        // What was before a deployment that turned out good is of no use to this one.
        let root = self.book.root().await?.map(|it| it.record.body).unwrap_or_default();
        history::settle(self.book, &root, &mut shards).await?;
        replay(&found, &mut shards);
        let is_open = |(intent, last): &&(Intent, Option<Outcome>)| {
            held.contains(&intent.who.address.component)
                && matches!(last, None | Some(Outcome::Failed { settled: false, .. }))
        };
        let open: Vec<&Intent> = found.intents.values().filter(is_open).map(|(intent, _)| intent).collect();
        self.events.send(Event::Recovering {
            deployment,
            owner: self.record(deployment).await?.map(|it| it.record.body.owner).unwrap_or_default(),
            open: open.len(),
        });
        let lost = !found.lost.is_empty();
        if lost || !open.is_empty() {
            self.clock.sleep(self.call_timeout).await;
        }
        let settled = future::join_all(open.iter().map(|intent| self.settle(intent))).await;
        let mut words = BTreeMap::new();
        for (intent, settled) in open.into_iter().zip(settled) {
            let (outcome, said) = settled?;
            words.insert(intent.step, said);
            if let (Some(outcome), Some(shard)) = (outcome, shards.get_mut(&intent.who.address.component)) {
                fold(&mut shard.record.body, intent, &outcome);
            }
        }
        for (id, shard) in &shards {
            lease.sure().await?;
            let mut body = shard.record.body.clone();
            body.unsure |= lost;
            self.book.write_shard(id, shard, shard.record.fence, body).await?;
        }
        Ok(steps(&found, &words))
    }

    /// The components that the dead one still held. What it gave back was complete, and may have been changed by others since:
    /// its journal has nothing to say about it any more. Only where the holder record itself is lost does a free lock count as
    /// its own.
    async fn hold(
        &self,
        lease: &Lease,
        named: BTreeSet<ComponentId>,
        had_holder: bool,
    ) -> Result<BTreeSet<ComponentId>> {
        let id = holder_id(lease.deployment());
        loop {
            let locks = self.book.locks().await?;
            let ours = |component: &ComponentId| locks.get(component).map_or(!had_holder, |held| *held == id);
            let mine: BTreeSet<ComponentId> = named.iter().filter(|it| ours(it)).cloned().collect();
            if lease.take(&mine).await? == Taken::All {
                return Ok(mine);
            }
        }
    }

    /// Raises the fence of every shard, so that no late write of the dead one counts.
    async fn fence(&self, held: &BTreeSet<ComponentId>, lease: &Lease) -> Result<BTreeMap<ComponentId, Held<Shard>>> {
        let mut shards = BTreeMap::new();
        for id in held {
            loop {
                lease.sure().await?;
                let shard = self.book.shard(id, self.lineage).await?;
                if !self.safety.fence() {
                    shards.insert(id.clone(), shard);
                    break;
                }
                let body = shard.record.body.clone();
                match self.book.write_shard(id, &shard, shard.record.fence + 1, body).await {
                    Ok(raised) => {
                        shards.insert(id.clone(), raised);
                        break;
                    }
                    // A last write of the dead one came in between: that one counts, the next cannot.
                    Err(Error::Store(StoreError::Stale { .. })) => {}
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(shards)
    }

    /// What came of one intent, as reads tell it - none if it changed nothing - and that in words.
    async fn settle(&self, intent: &Intent) -> Result<(Option<Outcome>, String)> {
        let resource = self.types.need(&intent.kind)?.clone();
        let (outcome, words) = match intent.verb {
            Verb::Create => self.settle_create(resource.as_ref(), intent).await?,
            Verb::Update => {
                let error = "the run was killed in the middle of it".to_owned();
                (Some(Outcome::Failed { error, settled: false }), "is looked at again".to_owned())
            }
            Verb::Delete => self.settle_delete(resource.as_ref(), intent).await?,
            Verb::Retain | Verb::Forget => (Some(Outcome::Gone), "done".to_owned()),
        };
        let address = intent.who.address.clone();
        self.events.send(Event::Settled { address, verb: intent.verb.word().to_owned(), outcome: words.clone() });
        Ok((outcome, words))
    }

    async fn settle_create(&self, resource: &dyn DynResource, intent: &Intent) -> Result<(Option<Outcome>, String)> {
        let desired = intent.desired.clone().unwrap_or_default();
        let start = self.clock.monotonic();
        loop {
            match find(resource, &intent.who, &desired).await? {
                Found::Ours { id, outputs } => {
                    let words = format!("it was created: {id}");
                    return Ok((Some(Outcome::Created { id, outputs }), words));
                }
                Found::Foreign { id, why } => {
                    return Ok((None, format!("it was not created; {id} is there and is not ours ({why})")));
                }
                // Absence counts only once it would be visible.
                Found::Nothing if self.clock.monotonic().saturating_sub(start) >= resource.facts().visibility => {
                    return Ok((None, "it was not created".to_owned()));
                }
                Found::Nothing => self.clock.sleep(Duration::from_secs(2)).await,
            }
        }
    }

    async fn settle_delete(&self, resource: &dyn DynResource, intent: &Intent) -> Result<(Option<Outcome>, String)> {
        let Some(id) = &intent.id else { return Ok((None, "nothing was meant".to_owned())) };
        match resource.read(id, &Wanted::Only(BTreeSet::new())).await? {
            Seen::Absent => Ok((Some(Outcome::Gone), "it is gone".to_owned())),
            _ => Ok((None, "it is still there".to_owned())),
        }
    }
}

/// What was written down and may not have arrived in the shards: all of it, in its order.
fn replay(found: &journal::Found, shards: &mut BTreeMap<ComponentId, Held<Shard>>) {
    for change in &found.changes {
        match change {
            Change::Edit(id, body) => {
                if let Some(shard) = shards.get_mut(id) {
                    shard.record.body = (**body).clone();
                }
            }
            Change::Outcome(step, outcome) => {
                let Some((intent, _)) = found.intents.get(step) else { continue };
                if let Some(shard) = shards.get_mut(&intent.who.address.component) {
                    fold(&mut shard.record.body, intent, outcome);
                }
            }
        }
    }
}

/// What became of the steps that a journal names: as it says, or as the `words` of what was settled do.
fn steps(found: &journal::Found, words: &BTreeMap<StepId, String>) -> Vec<StepRecord> {
    let record = |(step, (intent, last)): (&StepId, &(Intent, Option<Outcome>))| {
        let (result, why) = match (last, words.get(step)) {
            (Some(Outcome::Failed { error, settled: true }), _) => ("failed", Some(error.clone())),
            (None | Some(Outcome::Failed { .. }), words) => ("killed", words.cloned()),
            (Some(_), _) => ("done", None),
        };
        let (address, verb) = (intent.who.address.clone(), intent.verb.word().to_owned());
        StepRecord { address, verb, result: result.to_owned(), millis: None, why }
    };
    found.intents.iter().map(record).collect()
}
