//! What setting back takes: what was applied last, as something to plan to.
//!
//! The files are not asked: what they say beyond the last apply is pending, and is not done on the way. What is not to be set back is
//! not even read.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::{Instead, Step};
use crate::{
    address::{Address, ComponentId},
    desired::{Desired, DesiredComponent, DesiredResource, Scope, Test},
    drift::{Field, Thing, Verdict, Why, put},
    expr,
    facts::Facts,
    resource::Registry,
    state::{Generation, ResourceState, Shard},
};

/// A person's choice of what is set back.
#[derive(Clone, Debug, Default)]
pub struct Mending {
    /// What is looked at at all.
    pub whose: BTreeSet<Address>,
    /// Properties that are sent with what they hold elsewhere as it is, and what the shard keeps in their place.
    pub instead: BTreeMap<Address, Instead>,
}

impl Mending {
    /// Of a property that is set back in part, the shard keeps what it was set to.
    pub fn mark(&self, steps: &mut [Step]) {
        for step in steps.iter_mut().filter(|step| step.desired().is_some()) {
            if let Some(instead) = self.instead.get(step.address()) {
                step.instead.clone_from(instead);
            }
        }
    }
}

/// What the shards hold, as something to plan to, with the fields of `things` that are not `chosen` as they are.
pub fn mend(
    scope: &Scope,
    shards: &BTreeMap<ComponentId, &Shard>,
    types: &Registry,
    things: &[Thing],
    tests: &[Test],
    chosen: &dyn Fn(&Thing, Option<&Field>) -> bool,
) -> (Desired, Mending) {
    let mut desired = Desired { scope: scope.clone(), tests: tests.to_vec(), ..Desired::default() };
    for (id, shard) in shards {
        desired.components.insert(id.clone(), component(shard));
        for (role, state) in &shard.resources {
            if let Some(current) = &state.current {
                desired.resources.insert(id.at(role), recorded(state, current.applied.clone()));
            }
        }
    }
    let mut mending = Mending::default();
    let mut gone = Gone::new();
    for thing in things {
        let state = shards.get(&thing.address.component).and_then(|it| it.resources.get(&thing.address.role));
        let Some(resource) = desired.resources.get_mut(&thing.address) else { continue };
        // What the files want to be left alone is not set back along with the rest of a thing.
        let ignored = thing.apart.iter().filter(|it| it.why == Why::Ignored);
        resource.ignored = ignored.map(|it| it.path.clone()).collect();
        let whose = match &thing.verdict {
            Verdict::Drifted { fields } => {
                let facts = types.get(&thing.kind).map(|it| it.facts());
                facts.is_some_and(|facts| {
                    let (some, instead) =
                        part(facts, &mut resource.properties, fields, &|field| chosen(thing, Some(field)));
                    mending.instead.insert(thing.address.clone(), instead);
                    some
                })
            }
            Verdict::Missing | Verdict::Failed { .. } => {
                let yes = chosen(thing, None);
                let current = state.and_then(|it| it.current.as_ref()).filter(|_| yes);
                gone.extend(current.into_iter().flat_map(|it| told(&thing.address, it)));
                yes
            }
            _ => false,
        };
        if whose {
            mending.whose.insert(thing.address.clone());
        }
    }
    // Who held a value of what is made again gets the new one; it may have to be made anew for that itself, and so on.
    let mut known = gone.len();
    loop {
        let before = desired.clone();
        link(&mut desired, &gone);
        for (address, it) in &desired.resources {
            if before.resources.get(address) != Some(it) && mending.whose.insert(address.clone()) {
                let current = shards.get(&address.component).and_then(|it| it.resources.get(&address.role));
                gone.extend(current.and_then(|it| it.current.as_ref()).into_iter().flat_map(|it| told(address, it)));
            }
        }
        if gone.len() == known {
            break;
        }
        known = gone.len();
    }
    (desired, mending)
}

/// The outputs of a generation that others may hold.
fn told(address: &Address, it: &Generation) -> Gone {
    let one = |(name, value): (&String, &Value)| Some((address.clone(), name.clone(), value.as_str()?.to_owned()));
    it.outputs.iter().filter_map(one).collect()
}

/// The fields that are not chosen stay as they are; true if one is chosen.
fn part(facts: &Facts, properties: &mut Value, fields: &[Field], chosen: &dyn Fn(&Field) -> bool) -> (bool, Instead) {
    let (yes, no): (Vec<&Field>, Vec<&Field>) = fields.iter().partition(|field| chosen(field));
    let mut instead = Instead::new();
    for field in no {
        let top = field.path.trim_start_matches('/').split('/').next().map(crate::diff::unescape).unwrap_or_default();
        instead.entry(top.clone()).or_insert_with(|| properties.get(&top).cloned());
        put(facts, properties, &field.path, field.is.clone());
    }
    (!yes.is_empty(), instead)
}

/// What a shard says of its component.
pub(super) fn component(shard: &Shard) -> DesiredComponent {
    DesiredComponent {
        service: shard.service.clone(),
        depends_on: shard.depends_on.clone(),
        lookups: shard.lookups.clone(),
        checks: shard.checks.clone(),
        ..DesiredComponent::default()
    }
}

/// A resource as state has it, with these properties.
pub(super) fn recorded(state: &ResourceState, properties: Value) -> DesiredResource {
    DesiredResource {
        lifecycle: state.lifecycle,
        after: state.needs.iter().cloned().collect(),
        ..DesiredResource::new(&state.kind, properties)
    }
}

/// Outputs of what is gone and has to be made again: whose, which, and what it was.
pub(super) type Gone = Vec<(Address, String, String)>;

/// Who held a value of something that is made again takes the new one; order follows from that.
pub(super) fn link(desired: &mut Desired, gone: &Gone) {
    for (address, resource) in &mut desired.resources {
        let mine = |it: &&(Address, String, String)| it.0 != *address && resource.after.contains(&it.0);
        let gone: Gone = gone.iter().filter(mine).cloned().collect();
        resource.properties = linked(&resource.properties, &gone);
    }
    let known: BTreeSet<Address> = desired.resources.keys().cloned().collect();
    for resource in desired.resources.values_mut() {
        resource.after.retain(|address| known.contains(address));
    }
}

fn linked(value: &Value, gone: &Gone) -> Value {
    match value {
        // It is one already.
        _ if expr::hole(value).is_some() => value.clone(),
        Value::String(text) => {
            let found = gone.iter().filter(|(_, _, old)| old.len() > 5 && text.contains(old.as_str()));
            // The longest is the most exact: an ARN contains a name.
            let Some((address, output, old)) = found.max_by_key(|(_, _, old)| old.len()) else { return value.clone() };
            let Some((first, rest)) = text.split_once(old.as_str()) else { return value.clone() };
            if first.is_empty() && rest.is_empty() {
                return expr::reference(address, output);
            }
            let texts = [first, rest].map(|part| linked(&Value::String(part.to_owned()), gone));
            let [first, rest] = texts;
            expr::join([first, expr::reference(address, output), rest].into_iter().flat_map(parts).collect())
        }
        Value::Array(items) => items.iter().map(|item| linked(item, gone)).collect(),
        Value::Object(map) => {
            map.iter().map(|(key, item)| (key.clone(), linked(item, gone))).collect::<Map<_, _>>().into()
        }
        plain => plain.clone(),
    }
}

/// A join's parts, so that one never stands in another.
fn parts(value: Value) -> Vec<Value> {
    match expr::hole(&value) {
        Some(expr::Hole::Join(parts)) => parts.to_vec(),
        _ => vec![value],
    }
}
