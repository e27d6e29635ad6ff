//! What going back takes: the shards as they were when they were last good, as something to plan to.
//!
//! Replaced things still stand, because deletes come after the verdict: they become current again and what took their place goes.
//! Only what these components are is looked at; nobody else's is touched.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{
    Input, Live, Plan,
    mend::{Gone, component, link, recorded},
    plan,
};
use crate::{
    address::{Address, ComponentId},
    desired::{Desired, DesiredResource, OnDelete, Scope},
    diagnostic::Diagnostic,
    diff,
    facts::{Facts, Nature},
    record::Record,
    resource::Registry,
    state::{Before, DeploymentId, Generation, ResourceState, Shard},
};

/// Top-level properties that are sent and are not ours: what the shard keeps in their place.
pub type Instead = BTreeMap<String, Option<Value>>;

/// The way back, before AWS was read.
#[derive(Debug, Default)]
pub struct Undo {
    /// The shards with the old generations current again: what stands too many is deposed.
    pub shards: BTreeMap<ComponentId, Shard>,
    /// What was good, as something to plan to.
    pub desired: Desired,
    /// What cannot be taken back and stays, and why.
    pub left: Vec<String>,
    instead: BTreeMap<Address, Instead>,
    /// Outputs of what is gone and has to be made again, under new ids: who held such a value gets the new one.
    gone: Gone,
}

/// The way back for those of `shards` that keep what they were. `input` is the hash of the input that is taken back.
pub fn undo(scope: &Scope, shards: &BTreeMap<ComponentId, Shard>, types: &Registry, input: &str) -> Undo {
    let mut undo = Undo { desired: Desired { scope: scope.clone(), ..Desired::default() }, ..Undo::default() };
    for (id, shard) in shards {
        let Some(before) = shard.before.as_deref() else { continue };
        let mut body = shard.clone();
        if let Some(kept) = &mut body.before {
            kept.undoing = Some(input.to_owned());
        }
        let then = &before.shard;
        body.service.clone_from(&then.service);
        body.depends_on.clone_from(&then.depends_on);
        body.lookups.clone_from(&then.lookups);
        body.checks.clone_from(&then.checks);
        for (role, state) in &mut body.resources {
            undo.resource(&id.at(role), before, role, state, types);
        }
        if then.resources.values().any(|it| it.current.is_some()) {
            undo.desired.components.insert(id.clone(), component(then));
        }
        undo.shards.insert(id.clone(), body);
    }
    link(&mut undo.desired, &std::mem::take(&mut undo.gone));
    undo
}

impl Undo {
    fn resource(&mut self, address: &Address, before: &Before, role: &str, now: &mut ResourceState, types: &Registry) {
        let then = before.shard.resources.get(role).filter(|it| it.kind == now.kind);
        let facts = types.get(&now.kind).map(|it| it.facts());
        let Some(old) = then.and_then(|it| it.current.as_ref()) else { return self.new_one(address, then, now, facts) };
        let needs = then.map(|it| it.needs.clone()).unwrap_or_default();
        let lifecycle = then.map(|it| it.lifecycle).unwrap_or_default();
        let mut target = old.applied.clone();
        match standing_again(now, old.number) {
            true => {
                if let Some(facts) = facts {
                    let image = before.images.get(role);
                    let applied = now.current.as_ref().map(|it| it.applied.clone()).unwrap_or_default();
                    let instead = restore(facts, &mut target, &applied, image);
                    self.instead.insert(address.clone(), instead);
                    self.stays(address, facts, &mut target, &applied);
                }
            }
            false => {
                let told = old.outputs.iter().filter_map(|(name, value)| Some((name, value.as_str()?)));
                self.gone.extend(told.map(|(name, value)| (address.clone(), name.clone(), value.to_owned())));
                if facts.is_some_and(|it| it.holds_data(&old.applied)) {
                    self.left.push(format!("{address} was deleted with its data; it is made again, empty"));
                }
            }
        }
        let as_it_was = DesiredResource { lifecycle, after: needs.into_iter().collect(), ..recorded(now, target) };
        self.desired.resources.insert(address.clone(), as_it_was);
    }

    /// What was not there before goes, unless it is protected: data may be in it by now.
    fn new_one(
        &mut self,
        address: &Address,
        then: Option<&ResourceState>,
        now: &mut ResourceState,
        facts: Option<&'static Facts>,
    ) {
        let Some(current) = now.current.as_ref() else { return };
        if then.is_some_and(|it| it.retained.iter().any(|old| old.number == current.number)) {
            // It was left in the cloud once, and is left there again.
            now.lifecycle.on_delete = OnDelete::Retain;
            now.lifecycle.protect = false;
            return;
        }
        if !now.lifecycle.protect {
            return;
        }
        let data = if facts.is_some_and(|it| it.holds_data(&current.applied)) {
            "may hold data by now"
        } else {
            "is protected"
        };
        self.left.push(format!("{address} is new and {data}; it stays, and the next apply goes on with it"));
        self.desired.resources.insert(address.clone(), recorded(now, current.applied.clone()));
        self.desired.components.entry(address.component.clone()).or_default();
    }

    /// What AWS never takes back stays as it is now.
    fn stays(&mut self, address: &Address, facts: &Facts, target: &mut Value, now: &Value) {
        let never = facts.fields.iter().filter(|(_, it)| matches!(it, Nature::OnlyGrows | Nature::PrefixVersion));
        for (path, _) in never {
            let (Some(then), Some(is)) = (target.pointer(path), now.pointer(path)) else { continue };
            if then == is {
                continue;
            }
            let (field, said) = (path.trim_start_matches('/'), (plain(is), plain(then)));
            self.left.push(format!("{address}: {field} stays {}: AWS does not go back to {}", said.0, said.1));
            let is = is.clone();
            if let Some(place) = target.pointer_mut(path) {
                *place = is;
            }
        }
    }

    /// The plan of it. `shards` are all records, those of the way back as it has them.
    pub fn plan(
        &self,
        lineage: &str,
        from: DeploymentId,
        shards: &BTreeMap<ComponentId, Record<Shard>>,
        live: &Live,
        types: &Registry,
    ) -> Result<Plan, Vec<Diagnostic>> {
        let which: BTreeSet<ComponentId> = self.shards.keys().cloned().collect();
        let input = Input {
            desired: &self.desired,
            lineage,
            from,
            shards,
            live,
            types,
            targets: Some(&which),
            destroy: false,
            undo: true,
        };
        let mut plan = plan(&input)?;
        for step in &mut plan.steps {
            if let Some(instead) = self.instead.get(step.address()).filter(|_| step.desired().is_some()) {
                step.instead.clone_from(instead);
            }
        }
        Ok(plan)
    }
}

/// Makes generation `number` the current one again; what stood in its place is deposed. False if it does not stand any more.
fn standing_again(state: &mut ResourceState, number: u32) -> bool {
    if state.current.as_ref().is_some_and(|it| it.number == number) {
        return true;
    }
    let take = |all: &mut Vec<Generation>| Some(all.remove(all.iter().position(|it| it.number == number)?));
    let Some(old) = take(&mut state.deposed).or_else(|| take(&mut state.retained)) else { return false };
    state.deposed.extend(state.current.replace(old));
    true
}

/// Fields that were not as they were set before anything was done go back to what they were; so do those that were nobody's.
fn restore(facts: &Facts, target: &mut Value, now: &Value, image: Option<&Value>) -> Instead {
    let mut instead = Instead::new();
    let (Some(map), Some(image)) = (target.as_object_mut(), image.and_then(Value::as_object)) else { return instead };
    let one = |key: &str, value: &Value| Value::Object(Map::from_iter([(key.to_owned(), value.clone())]));
    let keys: BTreeSet<String> = map.keys().chain(now.as_object().into_iter().flat_map(Map::keys)).cloned().collect();
    for key in keys {
        let Some(was) = image.get(&key) else { continue };
        let kept = map.get(&key).cloned();
        let drifted = kept
            .as_ref()
            .is_none_or(|kept| !diff::diff(facts, &one(&key, kept), &one(&key, kept), &one(&key, was)).is_empty());
        if drifted {
            map.insert(key.clone(), was.clone());
            instead.insert(key, kept);
        }
    }
    instead
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
