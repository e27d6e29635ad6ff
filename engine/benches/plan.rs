//! Planning without refresh: 100 to 10,000 resources, with the memory that it takes. It has to grow linearly.

#![allow(clippy::expect_used, reason = "a benchmark stops where it is wrong")]

use std::collections::BTreeMap;

use deployer_engine::{
    address::Address,
    desired::{Desired, DesiredComponent, DesiredResource, Scope},
    expr::reference,
    plan::{Input, Live, plan},
    sim::{Cloud, Points, SimClock, Site, types},
};
use serde_json::json;

#[global_allocator]
static ALLOCATED: divan::AllocProfiler = divan::AllocProfiler::system();

/// Groups of four: one that two refer to, and one beside them.
fn stack(count: usize) -> Desired {
    let mut desired = Desired {
        scope: Scope { stack: "s".into(), env: "e".into(), region: "r".into(), ..Scope::default() },
        ..Desired::default()
    };
    for number in 0..count / 4 {
        let base = Address::new("Kit", format!("c{number}"), "Base");
        let mut add = |role: &str, kind: &str, input: serde_json::Value| {
            let address = Address::new("Kit", format!("c{number}"), role);
            desired.components.insert(address.component.clone(), DesiredComponent::default());
            let properties = json!({"Size": 1, "Input": input});
            let name_part = Some(role.to_lowercase());
            desired.resources.insert(address, DesiredResource { name_part, ..DesiredResource::new(kind, properties) });
        };
        add("Base", "Sim::Named", json!("x"));
        add("One", "Sim::Named", reference(&base, "Id"));
        add("Two", "Sim::Slow", reference(&base, "Endpoint"));
        add("Beside", "Sim::Nameless", json!("y"));
    }
    desired
}

#[divan::bench(args = [100, 1_000, 10_000], sample_count = 5)]
fn everything_is_new(bencher: divan::Bencher<'_, '_>, count: usize) {
    let (desired, clock) = (stack(count), SimClock::default());
    let types = types::registry(&Cloud::default().reach(&Site::new(&clock, Points::quiet())));
    let (shards, live) = (BTreeMap::new(), Live::new());
    bencher.bench(|| {
        let input = Input {
            desired: &desired,
            lineage: "l",
            from: 0,
            shards: &shards,
            live: &live,
            types: &types,
            targets: None,
            destroy: false,
            undo: false,
        };
        plan(&input).expect("plans").steps.len()
    });
}

fn main() {
    divan::main();
}
