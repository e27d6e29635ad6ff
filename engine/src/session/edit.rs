//! Changes of what is remembered, by a person: import, move, forget, restore, push.
//!
//! They are deployments like any other - numbered, locked, recorded - that make no call. All new shards are durable in the
//! journal before the first is written, so a change of two of them is done or not done, whenever the process is killed.

use std::collections::{BTreeMap, BTreeSet};

use futures::future;
use serde_json::Value;

use super::{Session, Trouble, Wish, deploy::hold_on};
use crate::{
    address::{Address, ComponentId},
    desired::Desired,
    error::{Error, Result},
    facts::{Facts, FoundBy},
    history::Ending,
    journal::{Entry, Journal},
    lock::{Holder, holder_id},
    plan::{self, Plan},
    resource::{PhysicalId, Seen, Wanted},
    state::{DeploymentId, Generation, ResourceState, Shard},
};

/// Changes shards, all at once; what it leaves as it was is not written.
pub type Change<'a> = &'a mut (dyn FnMut(DeploymentId, &mut BTreeMap<ComponentId, Shard>) -> Result<()> + Send);

/// Something in AWS that is about to be taken over.
pub struct Adoption {
    /// What the shard will remember.
    pub resource: ResourceState,
    /// What the next apply would do to the component then.
    pub plan: Plan,
}

impl Session {
    /// Changes the shards of `components` under their locks. `lineage` is for a state that is made now.
    pub async fn edit(
        &mut self,
        components: &BTreeSet<ComponentId>,
        wish: &Wish,
        lineage: Option<&str>,
        change: Change<'_>,
    ) -> Result<DeploymentId, Trouble> {
        self.recover_dead(true).await?;
        let known = self.book.root().await?.map(|root| root.record.lineage);
        let lineage = known.as_deref().or(lineage).unwrap_or(&self.world.new_lineage).to_owned();
        let opened = self.open(&lineage, wish, Default::default()).await?;
        let deployment = opened.lease.deployment();
        let holding = self.hold(&opened.lease, components, &opened.lineage);
        let held = hold_on(&opened.lease, holding).await;
        let work = async {
            held?;
            let read = components.iter().map(|id| self.book.shard(id, &opened.lineage));
            let held = future::try_join_all(read).await?;
            let before: BTreeMap<ComponentId, Shard> =
                components.iter().zip(&held).map(|(id, it)| (id.clone(), it.record.body.clone())).collect();
            let mut after = before.clone();
            change(deployment, &mut after)?;
            after.retain(|id, shard| before.get(id) != Some(shard));
            let entries =
                after.iter().map(|(id, shard)| Entry::Edit { component: id.clone(), shard: Box::new(shard.clone()) });
            let mut journal = Journal::open(&self.book, deployment, &opened.lineage);
            journal.append(entries.collect()).await?;
            for (id, it) in components.iter().zip(&held) {
                let Some(shard) = after.remove(id) else { continue };
                opened.lease.check()?;
                self.book.write_shard(id, it, it.record.fence, shard).await?;
            }
            Ok(journal.append(vec![Entry::Closed]).await?)
        };
        let result: Result<(), Trouble> = hold_on(&opened.lease, work).await;
        let ending = if result.is_ok() { Ending::Succeeded } else { Ending::Failed };
        self.close(opened, |record| record.result = ending).await?;
        result.map(|()| deployment)
    }

    /// What it would mean to take the thing `id` over as `address`: it is read, and held against what is desired.
    pub async fn adoption(
        &self,
        desired: &Desired,
        address: &Address,
        id: &str,
        wish: &Wish,
    ) -> Result<Adoption, Trouble> {
        let missing = |message: String| Trouble::from(Error::Missing(message));
        let wanted =
            desired.resources.get(address).ok_or_else(|| missing(format!("there is no {address} in the files")))?;
        let mut memory = self.look().await?;
        let known = memory.shards.iter().flat_map(|(component, held)| {
            held.record.body.resources.iter().map(move |(role, it)| (component.at(role), it))
        });
        for (other, state) in known.filter(|(_, it)| it.kind == wanted.kind) {
            if state.standing().any(|it| it.id.0 == id) {
                return Err(missing(format!("{id} is {other} already")));
            }
            if let (true, Some(current)) = (other == *address, &state.current) {
                return Err(missing(format!(
                    "{address} is {} already; `deployer state rm {address}` forgets that one",
                    current.id
                )));
            }
        }
        let resource = self.world.types.need(&wanted.kind)?;
        let (thing, names) = (PhysicalId(id.to_owned()), Wanted::of([&wanted.properties]));
        let (spec, outputs) = match resource.read(&thing, &names).await? {
            Seen::Ready { spec, outputs } | Seen::Stuck { spec, outputs, .. } => (spec, outputs),
            Seen::Absent => {
                return Err(missing(format!(
                    "there is no {} with the id {id} in this account and region",
                    wanted.kind
                )));
            }
            other => return Err(missing(format!("{id} is {}: wait until it is ready", other.status()))),
        };
        let before =
            memory.shards.get(&address.component).and_then(|held| held.record.body.resources.get(&address.role));
        let number = before.map_or(0, |it| it.generation) + 1;
        let facts = resource.facts();
        let generation = Generation {
            number,
            id: thing,
            name: facts.name.and_then(|rule| spec.pointer(rule.field)?.as_str().map(str::to_owned)),
            applied: applied(facts, &wanted.properties, &spec),
            outputs,
            baseline: None,
            confirmed: true,
            deployment: memory.last + 1,
        };
        let adopted = ResourceState {
            kind: wanted.kind.clone(),
            schema_version: facts.schema_version,
            generation: number,
            current: Some(generation),
            deposed: before.map(|it| it.deposed.clone()).unwrap_or_default(),
            retained: before.map(|it| it.retained.clone()).unwrap_or_default(),
            needs: plan::graph(desired)
                .map_err(Trouble::Problems)?
                .into_iter()
                .find(|it| it.address == *address)
                .map(|it| it.needs)
                .unwrap_or_default(),
            lifecycle: wanted.lifecycle,
        };
        if !memory.shards.contains_key(&address.component) {
            let shard = self.book.shard(&address.component, &memory.lineage).await?;
            memory.shards.insert(address.component.clone(), shard);
        }
        if let Some(held) = memory.shards.get_mut(&address.component) {
            held.record.body.resources.insert(address.role.clone(), adopted.clone());
        }
        let targets = Some(BTreeSet::from([address.component.clone()]));
        let wish = Wish { targets, refresh: true, ..wish.clone() };
        let plan = self.plan_from(desired, &wish, &memory).await?;
        Ok(Adoption { resource: adopted, plan })
    }

    /// Writes a shard over one that cannot be read.
    pub async fn mend(&mut self, id: &ComponentId, shard: Shard) -> Result<DeploymentId, Trouble> {
        let wish = Wish { purpose: format!("restore {id}"), ..Wish::default() };
        let lineage = self.book.root().await?.map(|root| root.record.lineage);
        let opened =
            self.open(lineage.as_deref().unwrap_or(&self.world.new_lineage), &wish, Default::default()).await?;
        let (deployment, lineage) = (opened.lease.deployment(), opened.lineage.clone());
        let wanted = BTreeSet::from([id.clone()]);
        let holding = self.hold(&opened.lease, &wanted, &lineage);
        let held = hold_on(&opened.lease, holding).await;
        let work = async {
            held?;
            Ok(self.book.mend(id, &lineage, shard).await?)
        };
        let result: Result<(), Trouble> = hold_on(&opened.lease, work).await;
        let ending = if result.is_ok() { Ending::Succeeded } else { Ending::Failed };
        self.close(opened, |record| record.result = ending).await?;
        result.map(|()| deployment)
    }

    /// Who holds what, and what is known of them.
    pub async fn holders(&mut self) -> Result<Vec<(Holder, crate::lock::Life)>> {
        let Some(root) = self.book.root().await? else { return Ok(Vec::new()) };
        let mut found = Vec::new();
        for (deployment, owner) in root.record.body.open {
            let id = holder_id(deployment);
            let held = self.book.holder::<Holder>(&id).await?;
            let life = self.watch.life(&id, held.as_ref(), Some(&owner));
            let gone = Holder { deployment, owner, purpose: "nothing yet".to_owned(), ..Holder::default() };
            found.push((held.map_or(gone, |it| it.record.body), life));
        }
        Ok(found)
    }

    /// Takes a deployment over although its owner may be alive: the owner stops at its next call, and what it left open is
    /// settled. The deployment's record says who did it.
    pub async fn force(&mut self, deployment: DeploymentId) -> Result<(), Trouble> {
        let Some(root) = self.book.root().await? else { return Ok(()) };
        let id = holder_id(deployment);
        loop {
            let held = self.book.holder::<Holder>(&id).await?;
            self.recover(deployment, held, &root.record.lineage).await?;
            // A sign of life that came in between makes a takeover void: once more.
            let open = self.book.root().await?.is_some_and(|root| root.record.body.open.contains_key(&deployment));
            if !open {
                break;
            }
        }
        let Some(before) = self.book.deployment::<crate::history::Deployment>(deployment).await? else { return Ok(()) };
        let mut body = before.record.body.clone();
        body.forced = Some(self.world.owner.clone());
        self.book.write_deployment(deployment, &root.record.lineage, Some(&before), body).await?;
        Ok(())
    }
}

/// What counts as set by us: plain values that the user names, and the name. Lists and maps may hold what is others', and a part
/// of something else is its content.
fn applied(facts: &Facts, desired: &Value, live: &Value) -> Value {
    if facts.found == FoundBy::Content {
        return live.clone();
    }
    let name = facts.name.map(|rule| rule.field.trim_start_matches('/'));
    let ours = |key: &str, value: &Value| {
        !value.is_object() && !value.is_array() && (desired.get(key).is_some() || name == Some(key))
    };
    let all = live.as_object().into_iter().flatten().filter(|(key, value)| ours(key, value));
    all.map(|(key, value)| (key.clone(), value.clone())).collect::<serde_json::Map<_, _>>().into()
}
