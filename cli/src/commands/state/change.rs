//! `state import | mv | rm`: which thing in AWS is which resource of the files.

use std::collections::{BTreeMap, BTreeSet};

use deployer_engine::{
    address::{Address, BadAddress, ComponentId},
    session::moves::{move_component, move_resource},
    state::Shard,
};
use serde_json::json;

use super::{Desk, has_changes, names};
use crate::{
    exit::{Code, Failure},
    render::plan,
    term::Tone,
};

/// Takes a thing over that is in AWS already.
pub async fn import(mut desk: Desk, address: &str, id: &str, auto_approve: bool) -> Result<Code, Failure> {
    let address = desk.address(address)?;
    let wish = desk.wish(&format!("import {address}"));
    let adoption = desk.session.adoption(&desk.context.loaded.desired, &address, id, &wish).await;
    let adoption = adoption.map_err(|trouble| desk.context.failure(trouble))?;
    if !desk.json() {
        desk.term.line(format!("{} becomes {}.", id, desk.term.paint(Tone::Strong, &address)));
        if has_changes(&adoption.plan) {
            desk.term.line("The next apply would make of it what the files say:\n");
            plan::print(&adoption.plan, &desk.term);
        } else {
            desk.term.line("It is what the files say: the next apply has nothing to do with it.");
        }
    }
    if !desk.approved(auto_approve, "Take it over?")? {
        return Err(Failure::declined());
    }
    let mut change = |deployment: u64, shards: &mut BTreeMap<ComponentId, Shard>| {
        let shard = shards.entry(address.component.clone()).or_default();
        let mut adopted = adoption.resource.clone();
        if let Some(current) = &mut adopted.current {
            current.deployment = deployment;
        }
        shard.resources.insert(address.role.clone(), adopted);
        shard.deployment = Some(deployment);
        Ok(())
    };
    let held = BTreeSet::from([address.component.clone()]);
    let done = desk.session.edit(&held, &wish, None, &mut change).await;
    let deployment = done.map_err(|trouble| desk.context.failure(trouble))?;
    let words = format!(
        "\n{}  {address} is {id}, recorded as deployment {deployment}",
        desk.term.paint(Tone::Good, "imported")
    );
    let plan = plan::json(&adoption.plan);
    Ok(desk.done(json!({"deployment": deployment, "address": address, "id": id, "plan": plan}), words))
}

/// Renames what is remembered: a component, or one resource.
pub async fn mv(mut desk: Desk, from: &str, to: &str) -> Result<Code, Failure> {
    let (held, wish) = (moved_components(&desk, from, to)?, desk.wish(&format!("move {from} to {to}")));
    let resource =
        from.contains('/').then(|| Ok::<_, Failure>((desk.address(from)?, target_address(to)?))).transpose()?;
    let components: Vec<ComponentId> = held.clone();
    let mut change = |deployment: u64, shards: &mut BTreeMap<ComponentId, Shard>| {
        match &resource {
            Some((from, to)) => move_resource(shards, from, to)?,
            None => move_component(shards, &components[0], &components[1])?,
        }
        for id in &components {
            if let Some(shard) = shards.get_mut(id) {
                shard.deployment = Some(deployment);
            }
        }
        Ok(())
    };
    let done = desk.session.edit(&held.iter().cloned().collect(), &wish, None, &mut change).await;
    let deployment = done.map_err(|trouble| desk.context.failure(trouble))?;
    let words = format!(
        "{}  {from} is {to} now, recorded as deployment {deployment}\nIts tags in AWS still say the old address: the next apply sets them.",
        desk.term.paint(Tone::Good, "moved")
    );
    Ok(desk.done(json!({"deployment": deployment, "from": from, "to": to}), words))
}

fn target_address(text: &str) -> Result<Address, Failure> {
    text.parse().map_err(|error: BadAddress| Failure::said(Code::Usage, error.to_string()))
}

/// The component that is moved from, and the one that is moved to.
fn moved_components(desk: &Desk, from: &str, to: &str) -> Result<Vec<ComponentId>, Failure> {
    if from.contains('/') != to.contains('/') {
        let message = format!("{from} and {to}: a component becomes a component, and a resource a resource");
        return Err(Failure::said(Code::Usage, message));
    }
    if from.contains('/') {
        return Ok(vec![desk.address(from)?.component, target_address(to)?.component]);
    }
    let to: ComponentId = to.parse().map_err(|error: BadAddress| Failure::said(Code::Usage, error.to_string()))?;
    Ok(vec![desk.component(from)?, to])
}

/// Forgets a component or a resource; in AWS it stays as it is.
pub async fn rm(mut desk: Desk, what: &str, auto_approve: bool) -> Result<Code, Failure> {
    let (id, role) = match what.contains('/') {
        true => {
            let address = desk.address(what)?;
            (address.component, Some(address.role))
        }
        false => (desk.component(what)?, None),
    };
    let known = desk.memory.shards.get(&id).map(|held| &held.record.body.resources);
    let fits = |(name, it): &(&String, &deployer_engine::state::ResourceState)| {
        role.as_ref().is_none_or(|role| role == *name) && !it.is_tombstone()
    };
    let forgotten: Vec<String> = known
        .into_iter()
        .flatten()
        .filter(fits)
        .flat_map(|(role, it)| {
            it.standing().map(|it| format!("{}  {} {}", id.at(role), "stays in AWS as", it.id)).collect::<Vec<_>>()
        })
        .collect();
    if forgotten.is_empty() {
        return Err(Failure::said(Code::Usage, format!("nothing is remembered of {what}")));
    }
    forgotten.iter().for_each(|line| desk.term.say(line));
    if !desk.approved(auto_approve, "Forget it? Nobody will delete it then.")? {
        return Err(Failure::declined());
    }
    let mut change = |deployment: u64, shards: &mut BTreeMap<ComponentId, Shard>| {
        let Some(shard) = shards.get_mut(&id) else { return Ok(()) };
        for (_, state) in shard.resources.iter_mut().filter(|(name, _)| role.as_ref().is_none_or(|role| role == *name))
        {
            // The number stays: a new one is another generation, with another name.
            (state.current, state.deposed, state.retained) = (None, Vec::new(), Vec::new());
        }
        shard.deployment = Some(deployment);
        Ok(())
    };
    let wish = desk.wish(&format!("forget {what}"));
    let done = desk.session.edit(&BTreeSet::from([id.clone()]), &wish, None, &mut change).await;
    let deployment = done.map_err(|trouble| desk.context.failure(trouble))?;
    let words = format!(
        "{}  {} of {}, recorded as deployment {deployment}",
        desk.term.paint(Tone::Good, "forgotten"),
        crate::duration::count(forgotten.len(), "resource"),
        names([&id])
    );
    Ok(desk.done(json!({"deployment": deployment, "forgotten": forgotten}), words))
}
