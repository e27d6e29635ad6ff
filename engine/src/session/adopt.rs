//! Taking over what is in AWS already.
//!
//! What is taken over counts as set by us only where the user names it: everything else about it stays as it is.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Session, Trouble, Wish};
use crate::{
    address::Address,
    desired::Desired,
    error::Error,
    facts::{Facts, FoundBy},
    plan::{self, Plan},
    resource::{PhysicalId, Seen, Wanted},
    state::{Generation, ResourceState},
};

/// Something in AWS that is about to be taken over.
pub struct Adoption {
    /// What the shard will remember.
    pub resource: ResourceState,
    /// What the next apply would do to the component then.
    pub plan: Plan,
}

impl Session {
    /// What the shard of `address` will remember of the thing `id`, which is in AWS already.
    pub async fn adopted(&self, desired: &Desired, address: &Address, id: &str) -> Result<ResourceState, Trouble> {
        let missing = |message: String| Trouble::from(Error::Missing(message));
        let wanted =
            desired.resources.get(address).ok_or_else(|| missing(format!("there is no {address} in the files")))?;
        let memory = self.look().await?;
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
            baseline: Some(spec),
            confirmed: true,
            deployment: memory.last + 1,
        };
        Ok(ResourceState {
            took: Default::default(),
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
        })
    }

    /// What it would mean to take the thing `id` over as `address`: it is read, and held against what is desired.
    pub async fn adoption(
        &self,
        desired: &Desired,
        address: &Address,
        id: &str,
        wish: &Wish,
    ) -> Result<Adoption, Trouble> {
        let adopted = self.adopted(desired, address, id).await?;
        let mut memory = self.look().await?;
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
    // None of its tags is ours yet; that they are named has them read.
    let tags = facts.tags.map(|at| (at.trim_start_matches('/').to_owned(), json!([])));
    all.map(|(key, value)| (key.clone(), value.clone())).chain(tags).collect::<serde_json::Map<_, _>>().into()
}
