//! Drift: looked for without a lock, set back by a deployment like any other, or taken over into state.

use std::collections::{BTreeMap, BTreeSet};

use super::{Applied, Approve, Memory, Session, Trouble, Wish};
use crate::{
    address::{Address, ComponentId},
    desired::{Desired, Test},
    drift::{self, Apart, Census, Field, Orphan, Part, Report, Thing, Verdict},
    error::{Error, Result},
    event::Event,
    history::Proven,
    lock::Life,
    observe::{self, Asked, Key},
    plan,
    resource::{PhysicalId, Seen, Wanted},
    state::{DeploymentId, Generation, Shard},
};

/// What is looked for.
#[derive(Default)]
pub struct Search<'a> {
    /// Only these components; none: all.
    pub targets: Option<BTreeSet<ComponentId>>,
    /// Fields that the files want to be left alone, by JSON pointer.
    pub ignored: BTreeMap<Address, Vec<String>>,
    /// Who finds what carries the stack's tags.
    pub census: Option<&'a dyn Census>,
}

/// Says of a thing, or of one of its fields, whether it is set back.
pub type Chosen<'a> = &'a (dyn Fn(&Thing, Option<&Field>) -> bool + Sync);

/// What is inside of everything that stands; what could not be asked is said in the report.
async fn inside(search: &Search<'_>, report: &mut Report) -> Vec<Part> {
    let Some(census) = search.census else { return Vec::new() };
    // What a deployment makes just now is not in the state yet.
    let is_there = |it: &&Thing| !it.moving && !matches!(it.verdict, Verdict::Missing | Verdict::Stranger { .. });
    let there = report.things.iter().filter(is_there);
    let things: Vec<(String, String)> = there.map(|it| (it.kind.clone(), it.id.clone())).collect();
    let mut parts = Vec::new();
    for answer in census.inside(&things).await {
        match answer {
            Ok(more) => parts.extend(more),
            Err(error) => report.unsearched.push(error.chain()),
        }
    }
    parts
}

impl Session {
    /// What is not as it was left. Takes no lock: what others are changing just now is said to be so.
    pub async fn drift(&mut self, search: &Search<'_>) -> Result<Report> {
        let memory = self.look().await?;
        let mut moving = self.at_work().await?;
        let bodies: BTreeMap<ComponentId, &Shard> = memory.bodies().map(|(id, it)| (id.clone(), it)).collect();
        let wanted = |id: &ComponentId| search.targets.as_ref().is_none_or(|it| it.contains(id));
        let current = |it: &Asked| {
            let state = bodies.get(&it.address.component)?.resources.get(&it.address.role)?;
            state.current.as_ref().filter(|one| one.number == it.generation)
        };
        let asked: Vec<Asked> = observe::to_read(&Desired::default(), bodies.iter().map(|(id, it)| (id, *it)))
            .into_iter()
            .filter(|it| wanted(&it.address.component) && current(it).is_some())
            .collect();
        self.world.events.send(Event::Refreshing { resources: asked.len() });
        let mut seen = self.reading().each(asked.clone()).await;
        let (tagged, unsearched) = self.tagged(search).await;
        moving.extend(self.at_work().await?);
        let mut report = Report { scope: self.scope.clone(), deployment: memory.last, unsearched, ..Report::default() };
        for it in asked {
            let Some(generation) = current(&it) else { continue };
            let key: Key = (it.address.clone(), it.generation);
            let answer = seen.remove(&key).unwrap_or_else(|| Err(Error::Missing("it was not read".to_owned())));
            report.things.push(self.judged(&it, generation, answer, search, &moving));
        }
        self.moved_meanwhile(&memory, &mut report).await?;
        report.orphans = self.there(drift::orphans(&memory.lineage, &bodies, tagged)).await;
        let parts = inside(search, &mut report).await;
        report.unmanaged = drift::unmanaged(&bodies, parts);
        Ok(report)
    }

    /// Those that are there: tags outlive what bears them by a while.
    async fn there(&self, orphans: Vec<Orphan>) -> Vec<Orphan> {
        let nothing = Wanted::Only(BTreeSet::new());
        let look = |it: Orphan| {
            let nothing = &nothing;
            async move {
                let resource = it.kind.as_deref().and_then(|kind| self.world.types.get(kind));
                let gone = match resource {
                    Some(resource) => {
                        resource.read(&PhysicalId(it.id.clone()), nothing).await.is_ok_and(|seen| seen == Seen::Absent)
                    }
                    None => false,
                };
                Some(it).filter(|_| !gone)
            }
        };
        futures::future::join_all(orphans.into_iter().map(look)).await.into_iter().flatten().collect()
    }

    /// The components that living deployments hold.
    async fn at_work(&mut self) -> Result<BTreeSet<ComponentId>> {
        let alive = self.holders().await?.into_iter().filter(|(_, life)| *life != Life::Dead);
        Ok(alive.flat_map(|(holder, _)| holder.components).collect())
    }

    async fn tagged(&self, search: &Search<'_>) -> (Vec<drift::Tagged>, Vec<String>) {
        let (mut found, mut unsearched) = (Vec::new(), Vec::new());
        if let Some(census) = search.census {
            for answer in census.tagged(&self.scope).await {
                match answer {
                    Ok(more) => found.extend(more),
                    Err(error) => unsearched.push(error.chain()),
                }
            }
        }
        (found, unsearched)
    }

    fn judged(
        &self,
        it: &Asked,
        generation: &Generation,
        answer: Result<Seen>,
        search: &Search<'_>,
        moving: &BTreeSet<ComponentId>,
    ) -> Thing {
        let ignored = search.ignored.get(&it.address).map(Vec::as_slice).unwrap_or_default();
        let (verdict, apart, status) = self.verdict(&it.kind, generation, answer, ignored);
        Thing {
            address: it.address.clone(),
            kind: it.kind.clone(),
            id: it.id.0.clone(),
            deployment: generation.deployment,
            moving: moving.contains(&it.address.component),
            status,
            verdict,
            apart,
        }
    }

    fn verdict(
        &self,
        kind: &str,
        generation: &Generation,
        answer: Result<Seen>,
        ignored: &[String],
    ) -> (Verdict, Vec<Apart>, Option<String>) {
        let plain = |verdict| (verdict, Vec::new(), None);
        let Some(resource) = self.world.types.get(kind) else {
            let why = format!("this version of deployer does not know the type {kind}");
            return plain(Verdict::NotCompared { why });
        };
        let (spec, status) = match answer {
            Err(error) => return plain(Verdict::NotCompared { why: error.chain() }),
            Ok(Seen::Absent) => return plain(Verdict::Missing),
            Ok(Seen::Failed { reason }) => return plain(Verdict::Failed { why: reason }),
            Ok(Seen::Pending { status, spec: None, .. }) => {
                return plain(Verdict::NotCompared { why: format!("it is {status}, and cannot be looked into yet") });
            }
            Ok(Seen::Ready { spec, .. }) => (spec, None),
            Ok(Seen::Pending { status, spec: Some(spec), .. }) => (spec, Some(status)),
            Ok(Seen::Stuck { reason, spec, .. }) => (spec, Some(reason)),
        };
        let facts = resource.facts();
        if let Some(why) = drift::stranger(facts, &generation.applied, &spec).filter(|_| generation.confirmed) {
            return (Verdict::Stranger { why }, Vec::new(), status);
        }
        let (fields, apart) = drift::compare(facts, &generation.applied, &spec, ignored);
        (if fields.is_empty() { Verdict::InSync } else { Verdict::Drifted { fields } }, apart, status)
    }

    /// A deployment that began and ended while things were read explains what differs.
    async fn moved_meanwhile(&self, before: &Memory, report: &mut Report) -> Result<()> {
        if report.things.iter().all(|it| it.verdict == Verdict::InSync) {
            return Ok(());
        }
        let now = self.look().await?;
        let nonce = |memory: &Memory, id: &ComponentId| memory.shards.get(id).map(|it| it.record.nonce.clone());
        for thing in &mut report.things {
            let id = &thing.address.component;
            thing.moving |= nonce(before, id) != nonce(&now, id);
        }
        Ok(())
    }

    /// Plans to what was applied last, for what is `chosen` of `report`; asks, locks and executes like any other deployment.
    pub async fn remediate(
        &mut self,
        report: &Report,
        chosen: Chosen<'_>,
        tests: &[Test],
        wish: &Wish,
        approve: Approve<'_>,
    ) -> Result<Applied, Trouble> {
        let memory = self.look().await?;
        let shards = memory.bodies().map(|(id, it)| (id.clone(), it)).collect();
        let (desired, mending) = plan::mend(&self.scope, &shards, &self.world.types, &report.things, tests, chosen);
        if mending.whose.is_empty() {
            return Ok(Applied::NoChanges);
        }
        let targets = Some(mending.whose.iter().map(|it| it.component.clone()).collect());
        // Going back to this deployment is going back to the files that were good before it.
        let input = self.good_input(&memory).await?;
        let wish = Wish { targets, mending: Some(mending), refresh: true, input, ..wish.clone() };
        self.apply(&desired, &wish, approve).await
    }

    /// The input of the newest good deployment that has one.
    async fn good_input(&self, memory: &Memory) -> Result<serde_json::Value> {
        let Some(good) = memory.good else { return Ok(serde_json::Value::Null) };
        for id in (1..=good).rev() {
            if let Some(record) =
                self.deployment(id).await?.filter(|it| it.proven() == Proven::Good && !it.input.is_null())
            {
                return Ok(record.input);
            }
        }
        Ok(serde_json::Value::Null)
    }

    /// Takes `fields` over into state as they are; nothing in the cloud is touched.
    pub async fn accept(&mut self, address: &Address, fields: &[Field], wish: &Wish) -> Result<DeploymentId, Trouble> {
        let whose = BTreeSet::from([address.component.clone()]);
        let types = self.world.types.clone();
        let mut change = |_: DeploymentId, shards: &mut BTreeMap<ComponentId, Shard>| {
            let missing = || Error::Missing(format!("there is no {address} in the state any more"));
            let state = shards
                .get_mut(&address.component)
                .and_then(|it| it.resources.get_mut(&address.role))
                .ok_or_else(missing)?;
            let facts = types.need(&state.kind)?.facts();
            let current = state.current.as_mut().ok_or_else(missing)?;
            for field in fields {
                if !drift::put(facts, &mut current.applied, &field.path, field.is.clone()) {
                    return Err(Error::Missing(format!("{address} has no field {} in the state", field.path)));
                }
            }
            Ok(())
        };
        self.edit(&whose, wish, None, &mut change).await
    }
}
