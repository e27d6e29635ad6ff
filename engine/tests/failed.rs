//! What a plan makes of things that AWS calls failed: made again where nothing is lost, left to a person where data is.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

mod support;

use std::collections::BTreeMap;

use deployer_engine::{
    plan::{Action, Input, Live, Plan, plan},
    resource::{Outputs, Seen},
    sim::{Points, Site, types},
};
use serde_json::{Value, json};
use support::Planet;

/// A thing of this type stands, and reads say this of it.
fn planned(kind: &str, seen: impl Fn(Value) -> Seen) -> Plan {
    let desired = support::desired(&json!({"K.a/Thing": {"type": kind, "properties": {"Size": 1}}}));
    let mut planet = Planet::new();
    planet.succeed(&desired, false);
    let types = types::registry(&planet.cloud.reach(&Site::new(&planet.clock, Points::quiet())));
    let memory = planet.memory();
    let shards: BTreeMap<_, _> = memory.shards.into_iter().map(|(id, held)| (id, held.record)).collect();
    let address: deployer_engine::address::Address = "K.a/Thing".parse().expect("an address");
    let spec = shards[&address.component].body.resources[&address.role].current.clone().expect("it stands").applied;
    let live = Live::from([((address, 1), seen(spec))]);
    let input = Input {
        desired: &desired,
        lineage: &memory.lineage,
        from: memory.last,
        shards: &shards,
        live: &live,
        types: &types,
        targets: None,
        destroy: false,
        undo: false,
    };
    plan(&input).expect("a plan")
}

fn failed(_: Value) -> Seen {
    Seen::Failed { reason: "its status is failed".to_owned() }
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
fn what_is_not_well_is_said_and_kept() {
    let stuck = |spec| Seen::Stuck { reason: "its status is odd".to_owned(), spec, outputs: Outputs::new() };
    let plan = planned("Sim::Kept", stuck);
    assert!(plan.steps.is_empty() && plan.refusals.is_empty(), "{plan:?}");
    assert!(plan.notes[0].message.contains("its status is odd"), "{:?}", plan.notes);
}
