//! What is not found good is taken back: over every fixture that changes something, for a refusal at every call, for a bad verdict,
//! and with a kill at every point of both ways. After it the cloud holds what it held before, and there is nothing to do.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

mod support;

use std::path::Path;

use deployer_engine::{
    desired::{Desired, Lifecycle},
    session::{Applied, OnFailure},
    sim::{Ended, Fault, Points},
};
use serde_json::{Value, json};
use support::{How, Planet, Scenario, scenario};

const PROBED: &str = "MicroService.probed/Service";

/// The desired state with one more thing, of this size: of size 13 it is never found good.
fn with_probed(desired: &Desired, size: i64) -> Desired {
    let more = support::desired(&json!({PROBED: {"type": "Sim::Served", "properties": {"Size": size}}}));
    let mut desired = desired.clone();
    desired.components.extend(more.components);
    desired.resources.extend(more.resources);
    // What data is left alone is a matter of its own.
    for resource in desired.resources.values_mut() {
        resource.lifecycle = Lifecycle::default();
    }
    desired
}

/// A scenario's two states, and the world in the first of them.
struct Case {
    planet: Planet,
    first: Desired,
    good: Desired,
    bad: Desired,
    inventory: Vec<Value>,
}

fn case(path: &Path) -> Option<Case> {
    let Scenario { before, after, destroy } = scenario(path);
    let before = before.filter(|_| !destroy)?;
    let mut planet = Planet::new();
    let first = with_probed(&before, 1);
    planet.succeed(&first, false);
    let inventory = normal(planet.inventory());
    let (good, bad) = (with_probed(&after, 2), with_probed(&after, 13));
    Some(Case { planet, first, good, bad, inventory })
}

/// What was made again is another generation: its token is another one, and so is an id that is made of it.
fn normal(mut things: Vec<Value>) -> Vec<Value> {
    fn walk(value: &mut Value) {
        match value {
            Value::String(text) if text.contains("dpl-") => *value = json!("TOKEN"),
            Value::Array(items) => items.iter_mut().for_each(walk),
            Value::Object(map) => map.values_mut().for_each(walk),
            _ => {}
        }
    }
    things.iter_mut().for_each(walk);
    things.sort_by_key(Value::to_string);
    things
}

fn automatic(points: Points) -> How {
    How { points, on_failure: OnFailure::Automatic, ..How::default() }
}

/// All is as it was, and known to be.
fn is_back(planet: &mut Planet, case: &Case, label: &str) {
    assert_eq!(normal(planet.inventory()), case.inventory, "{label}: the cloud is not what it was");
    for (id, it) in planet.memory().shards {
        let body = it.record.body;
        assert!(body.before.is_none(), "{label}: {id} is not known to be good: {body:#?}");
    }
    let now = planet.inventory();
    planet.check(label, &case.first, false, &now);
}

fn undone(ended: Ended<support::Result>, label: &str) {
    match ended {
        Ended::Finished(Ok(Applied::Ran { undone: Some(undone), .. } | Applied::TookBack { undone, .. })) => {
            assert!(undone.is_success(), "{label}: {undone:#?}");
        }
        other => panic!("{label}: it was not taken back: {other:#?}"),
    }
}

fn a_bad_verdict_is_taken_back(path: &Path) -> datatest_stable::Result<()> {
    let Some(case) = case(path) else { return Ok(()) };
    let mut planet = case.planet.fork();
    let ended = planet.apply(&case.bad, false, &automatic(Points::quiet()));
    undone(ended, "bad verdict");
    is_back(&mut planet, &case, "bad verdict");
    Ok(())
}

fn a_failed_step_is_taken_back(path: &Path) -> datatest_stable::Result<()> {
    let Some(case) = case(path) else { return Ok(()) };
    let how = automatic(Points::quiet());
    let _ = case.planet.fork().apply(&case.good, false, &how);
    for (at, what) in how.points.passed().iter().enumerate() {
        let label = format!("refused at {at} ({what})");
        let mut planet = case.planet.fork();
        match planet.apply(&case.good, false, &automatic(Points::one(at, Fault::Refused))) {
            ended @ Ended::Finished(Ok(Applied::Ran { undone: Some(_), .. })) => {
                undone(ended, &label);
                is_back(&mut planet, &case, &label);
            }
            // A record that could not be written, or a delete after a good verdict: the next run goes on.
            _ => {
                planet.succeed(&case.good, false);
                let now = planet.inventory();
                planet.check(&label, &case.good, false, &now);
            }
        }
    }
    Ok(())
}

fn a_kill_anywhere_on_both_ways(path: &Path) -> datatest_stable::Result<()> {
    let Some(case) = case(path) else { return Ok(()) };
    let how = automatic(Points::quiet());
    undone(case.planet.fork().apply(&case.bad, false, &how), "undisturbed");
    let mut other = case.planet.fork();
    other.succeed(&case.good, false);
    let forward = normal(other.inventory());
    for (at, what) in how.points.passed().iter().enumerate() {
        for fault in [Fault::CrashBefore, Fault::CrashAfter, Fault::CrashLate] {
            let label = format!("{fault:?} at {at} ({what})");
            let mut planet = case.planet.fork();
            let ended = planet.apply(&case.bad, false, &automatic(Points::one(at, fault)));
            assert!(matches!(ended, Ended::Killed), "{label}: the point was not reached");
            let mut same = planet.fork();
            // With the same input it is tried again, or goes on being taken back: either way it ends where it began.
            match same.apply(&case.bad, false, &automatic(Points::quiet())) {
                // Killed after its last word.
                Ended::Finished(Ok(Applied::Ran { undone: None, .. } | Applied::NoChanges)) => {
                    panic!("{label}: bad, and taken for good")
                }
                ended => undone(ended, &label),
            }
            is_back(&mut same, &case, &label);
            // With another input it plans forward.
            planet.succeed(&case.good, false);
            assert_eq!(normal(planet.inventory()), forward, "{label}: the way forward");
            let now = planet.inventory();
            planet.check(&label, &case.good, false, &now);
        }
    }
    Ok(())
}

datatest_stable::harness! {
    { test = a_bad_verdict_is_taken_back, root = "../fixtures/engine", pattern = r"/scenario\.json$" },
    { test = a_failed_step_is_taken_back, root = "../fixtures/engine", pattern = r"/scenario\.json$" },
    { test = a_kill_anywhere_on_both_ways, root = "../fixtures/engine", pattern = r"/scenario\.json$" },
}
