//! What a plan refuses, or leaves to a person: things that AWS calls failed and that hold data, and two things of one name.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

mod support;

use std::collections::BTreeMap;

use deployer_engine::{
    plan::{Action, Input, Live, Plan, plan},
    resource::{Outputs, Seen},
    sim::{Points, Site, types},
    state::Generation,
};
use serde_json::{Value, json};
use support::Planet;

/// A thing of this type stands, and reads say this of it.
fn planned(kind: &str, seen: impl Fn(Value) -> Seen) -> Plan {
    planned_after(kind, |_| {}, seen, false)
}

/// The same after something else became of what is remembered of it.
fn planned_after(kind: &str, became: impl Fn(&mut Generation), seen: impl Fn(Value) -> Seen, destroy: bool) -> Plan {
    let desired = support::desired(&json!({"K.a/Thing": {"type": kind, "properties": {"Size": 1}}}));
    let mut planet = Planet::new();
    planet.succeed(&desired, false);
    let types = types::registry(&planet.cloud.reach(&Site::new(&planet.clock, Points::quiet())));
    let memory = planet.memory();
    let mut shards: BTreeMap<_, _> = memory.shards.into_iter().map(|(id, held)| (id, held.record)).collect();
    let address: deployer_engine::address::Address = "K.a/Thing".parse().expect("an address");
    let state = shards.get_mut(&address.component).and_then(|it| it.body.resources.get_mut(&address.role));
    let generation = state.and_then(|it| it.current.as_mut()).expect("it stands");
    became(generation);
    let spec = generation.applied.clone();
    let live = Live::from([((address, 1), seen(spec))]);
    let input = Input {
        desired: &desired,
        lineage: &memory.lineage,
        from: memory.last,
        shards: &shards,
        live: &live,
        types: &types,
        targets: None,
        destroy,
        undo: false,
    };
    plan(&input).expect("a plan")
}

fn failed(_: Value) -> Seen {
    Seen::Failed { reason: "its status is failed".to_owned() }
}

#[test]
fn two_things_of_one_name_are_refused() {
    let mut desired = support::desired(&json!({
        "K.a/One": {"type": "Sim::Named", "properties": {"Size": 1}},
        "K.a-b/One": {"type": "Sim::Named", "properties": {"Size": 2}},
    }));
    let part = |name: &str| Some(name.to_owned());
    for (address, it) in &mut desired.resources {
        it.name_part = part(if address.component.name == "a" { "b-c" } else { "c" });
    }
    let mut planet = Planet::new();
    let types = types::registry(&planet.cloud.reach(&Site::new(&planet.clock, Points::quiet())));
    let memory = planet.memory();
    let input = Input {
        desired: &desired,
        lineage: "l",
        from: memory.last,
        shards: &BTreeMap::new(),
        live: &Live::new(),
        types: &types,
        targets: None,
        destroy: false,
        undo: false,
    };
    let problems = plan(&input).expect_err("no plan");
    assert_eq!(problems.iter().map(|it| it.code.as_str()).collect::<Vec<_>>(), ["one-name-twice"]);
    assert!(problems[0].message.contains("shop-dev-a-b-c"), "{problems:?}");
    // Other names, and there is a plan.
    let mut apart = desired.clone();
    apart.resources.values_mut().for_each(|it| it.name_part = None);
    assert!(plan(&Input { desired: &apart, ..input }).is_ok());
}

#[test]
fn what_holds_no_data_is_made_again() {
    let plan = planned("Sim::Named", failed);
    assert!(plan.refusals.is_empty(), "{:?}", plan.refusals);
    assert!(plan.steps.iter().any(|it| matches!(it.action, Action::Create { replaces: Some(_), .. })), "{plan:?}");
}

#[test]
fn what_holds_data_is_left_to_a_person() {
    let plan = planned("Sim::Kept", failed);
    assert!(plan.steps.is_empty(), "{:?}", plan.steps);
    let codes: Vec<&str> = plan.refusals.iter().map(|it| it.code.as_str()).collect();
    assert_eq!(codes, ["failed"]);
    assert!(plan.refusals[0].message.contains("its status is failed"), "{:?}", plan.refusals);
}

#[test]
fn a_change_that_failed_takes_no_data_along() {
    let plan = planned_after("Sim::Kept", |it| it.confirmed = false, failed, false);
    assert_eq!(plan.refusals.len(), 1, "{plan:?}");
    // What never came to be holds nothing.
    let never = |it: &mut Generation| (it.confirmed, it.baseline) = (false, None);
    let plan = planned_after("Sim::Kept", never, failed, false);
    assert!(plan.refusals.is_empty() && !plan.steps.is_empty(), "{plan:?}");
}

fn a_copy(generation: &mut Generation) {
    generation.applied["Input"] = json!("another");
}

#[test]
fn a_copy_goes_without_data_unless_it_is_its_own_by_now() {
    let loses = |seen: fn(Value) -> Seen| {
        let plan = planned_after("Sim::Kept", a_copy, seen, true);
        plan.steps.iter().any(|it| matches!(it.action, Action::Delete { .. }) && it.stateful)
    };
    assert!(!loses(|spec| Seen::Ready { spec, outputs: Outputs::new() }));
    assert!(loses(|mut spec| {
        spec.as_object_mut().map(|it| it.remove("Input"));
        Seen::Ready { spec, outputs: Outputs::new() }
    }));
}

#[test]
fn a_copy_that_failed_is_made_again() {
    let plan = planned_after("Sim::Kept", a_copy, failed, false);
    assert!(plan.refusals.is_empty() && !plan.steps.is_empty(), "{plan:?}");
    let gone = plan.steps.iter().find(|it| matches!(it.action, Action::Delete { .. })).expect("the old one goes");
    assert!(!gone.stateful, "{gone:?}");
}

#[test]
fn what_is_not_well_is_said_and_kept() {
    let stuck = |spec| Seen::Stuck { reason: "its status is odd".to_owned(), spec, outputs: Outputs::new() };
    let plan = planned("Sim::Kept", stuck);
    assert!(plan.steps.is_empty() && plan.refusals.is_empty(), "{plan:?}");
    assert!(plan.notes[0].message.contains("its status is odd"), "{:?}", plan.notes);
}
