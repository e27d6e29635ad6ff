//! How an outcome changes a shard: the one place, used while a deployment runs and when a dead one is settled.
//!
//! Folding is idempotent: an outcome may be folded into a shard that knows it already.

use serde_json::{Map, Value};

use crate::{
    journal::{Intent, Outcome, Verb},
    state::{Generation, ResourceState, Shard},
};

/// Brings one outcome into the shard of its component.
pub fn fold(shard: &mut Shard, intent: &Intent, outcome: &Outcome) {
    let address = &intent.who.address;
    keep_before(shard, intent);
    let state = shard.resources.entry(address.role.clone()).or_default();
    let number = intent.who.generation;
    match (outcome, intent.verb) {
        (Outcome::Created { id, outputs }, _) => {
            describe(state, intent);
            if state.generation_mut(number).is_none() {
                let new = Generation {
                    number,
                    id: id.clone(),
                    name: intent.name.clone(),
                    applied: intent.kept(),
                    outputs: outputs.clone(),
                    baseline: None,
                    confirmed: false,
                    deployment: intent.deployment,
                };
                let old = state.current.replace(new);
                // What it takes the place of still stands; what is not replaced was found gone.
                state.deposed.extend(old.filter(|it| Some(it.number) == intent.replaces));
            }
        }
        (Outcome::Confirmed { outputs, live }, _) => {
            describe(state, intent);
            take_back(state, number);
            if let Some(it) = state.generation_mut(number) {
                it.confirmed = true;
                it.outputs.clone_from(outputs);
                it.baseline = Some(live.clone());
                it.applied = intent.kept();
                it.deployment = intent.deployment;
            }
        }
        (Outcome::Gone, Verb::Retain) => {
            let left = state.current.take_if(|it| it.number == number);
            let left =
                left.or_else(|| Some(state.deposed.remove(state.deposed.iter().position(|it| it.number == number)?)));
            state.retained.extend(left);
        }
        (Outcome::Gone, _) => state.forget(number),
        (Outcome::Failed { .. } | Outcome::Sent, Verb::Update) => {
            // Any part of it may have arrived: what was meant counts as set, so that taking it back later is seen.
            if let Some(it) = state.generation_mut(number) {
                it.confirmed = false;
                overlay(&mut it.applied, intent.desired.as_ref());
            }
        }
        (Outcome::Failed { .. } | Outcome::Sent, _) => {}
    }
    if state.kind.is_empty() {
        shard.resources.remove(&address.role);
    } else {
        shard.deployment = Some(intent.deployment);
    }
}

/// The first change since the last good verdict keeps what was there.
fn keep_before(shard: &mut Shard, intent: &Intent) {
    shard.keep_before(intent.deployment);
    let role = &intent.who.address.role;
    if let (Some(before), Some(image)) = (&mut shard.before, &intent.pre_image) {
        before.images.entry(role.clone()).or_insert_with(|| image.clone());
    }
}

/// What the shard keeps of a resource beside its generations.
fn describe(state: &mut ResourceState, intent: &Intent) {
    state.kind.clone_from(&intent.kind);
    state.schema_version = intent.schema_version;
    state.generation = state.generation.max(intent.who.generation);
    state.lifecycle = intent.lifecycle;
    state.needs = intent.needs.iter().cloned().collect();
}

/// What was left in the cloud and is wanted again becomes the current generation.
fn take_back(state: &mut ResourceState, number: u32) {
    if let Some(at) = state.retained.iter().position(|it| it.number == number) {
        let back = state.retained.remove(at);
        state.deposed.extend(state.current.replace(back));
    }
}

fn overlay(applied: &mut Value, desired: Option<&Value>) {
    match (applied, desired) {
        (Value::Object(below), Some(Value::Object(above))) => merge(below, above),
        (applied, Some(desired)) => *applied = desired.clone(),
        (_, None) => {}
    }
}

fn merge(below: &mut Map<String, Value>, above: &Map<String, Value>) {
    for (key, value) in above {
        overlay(below.entry(key).or_insert(Value::Null), Some(value));
    }
}
