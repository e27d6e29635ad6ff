//! Other addresses for what stands: a component or a resource that was renamed in the files.

use std::collections::BTreeMap;

use crate::{
    address::{Address, ComponentId},
    error::{Error, Result},
    state::{ResourceState, Shard},
};

/// `from` is `to` from now on. A tombstone keeps the number that it had: what is made at its old address later is another thing,
/// with another name and token.
pub fn move_resource(shards: &mut BTreeMap<ComponentId, Shard>, from: &Address, to: &Address) -> Result<()> {
    let source = shards.get_mut(&from.component).and_then(|shard| shard.resources.get_mut(&from.role));
    let Some(state) = source.filter(|it| !it.is_tombstone()) else {
        return Err(Error::Missing(format!("nothing is remembered of {from}")));
    };
    let tombstone = ResourceState {
        kind: state.kind.clone(),
        schema_version: state.schema_version,
        generation: state.generation,
        ..ResourceState::default()
    };
    let state = std::mem::replace(state, tombstone);
    let target = shards.entry(to.component.clone()).or_default();
    let there = target.resources.get(&to.role);
    if there.is_some_and(|it| !it.is_tombstone()) {
        return Err(Error::Missing(format!("{to} is remembered already; `deployer state rm {to}` forgets it")));
    }
    let generation = there.map_or(0, |it| it.generation);
    target.resources.insert(to.role.clone(), state);
    if let Some(state) = target.resources.get_mut(&to.role) {
        state.generation = state.generation.max(generation);
    }
    Ok(())
}

/// All of `from` is `to` from now on.
pub fn move_component(shards: &mut BTreeMap<ComponentId, Shard>, from: &ComponentId, to: &ComponentId) -> Result<()> {
    let roles: Vec<String> = shards
        .get(from)
        .into_iter()
        .flat_map(|it| &it.resources)
        .filter(|(_, it)| !it.is_tombstone())
        .map(|(role, _)| role.clone())
        .collect();
    if roles.is_empty() {
        return Err(Error::Missing(format!("nothing is remembered of {from}")));
    }
    for role in roles {
        move_resource(shards, &from.at(&role), &to.at(&role))?;
    }
    // What belongs to the component as a whole goes along, and within it everything refers to the new name.
    let old = shards.get(from).cloned().unwrap_or_default();
    if let Some(shard) = shards.get_mut(to) {
        (shard.service, shard.depends_on, shard.lookups) = (old.service, old.depends_on, old.lookups);
        for state in shard.resources.values_mut() {
            state.needs =
                state.needs.iter().map(|it| if it.component == *from { to.at(&it.role) } else { it.clone() }).collect();
        }
    }
    Ok(())
}
