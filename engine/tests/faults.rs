//! Every fixture, every fault, at every mutating call and every record write: after one clean run the cloud holds what it
//! holds undisturbed, state knows all of it, no lock is left and there is nothing more to do.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

mod support;

use std::path::Path;

use deployer_engine::sim::{Ended, FAULTS, Fault, Points};
use serde_json::Value;
use support::{How, Planet, Scenario, scenario};

/// The world before the part of the scenario that is disturbed.
fn before(scenario: &Scenario) -> Planet {
    let mut planet = Planet::new();
    if let Some(first) = &scenario.before {
        planet.succeed(first, false);
    }
    planet
}

/// The undisturbed run: its points and its inventory.
fn undisturbed(scenario: &Scenario) -> (Vec<String>, Vec<Value>) {
    let mut planet = before(scenario);
    let how = How::default();
    let ended = planet.apply(&scenario.after, scenario.destroy, &how);
    assert!(matches!(ended, Ended::Finished(Ok(_))), "{ended:?}");
    let inventory = planet.inventory();
    planet.check("undisturbed", &scenario.after, scenario.destroy, &inventory);
    (how.points.passed(), inventory)
}

fn disturbed(scenario: &Scenario, faults: &[(usize, Fault)], label: &str, expected: &[Value]) {
    let mut planet = before(scenario);
    for (at, fault) in faults {
        let how = How { points: Points::one(*at, *fault), ..How::default() };
        let ended = planet.apply(&scenario.after, scenario.destroy, &how);
        assert!(how.points.passed().len() > *at || faults.len() > 1, "{label}: the point was not reached: {ended:?}");
    }
    match planet.apply(&scenario.after, scenario.destroy, &How::default()) {
        Ended::Finished(Ok(_)) => {}
        other => panic!("{label}: the clean run failed: {other:?}"),
    }
    planet.check(label, &scenario.after, scenario.destroy, expected);
}

fn every_single_fault(path: &Path) -> datatest_stable::Result<()> {
    let scenario = scenario(path);
    let (points, expected) = undisturbed(&scenario);
    for (at, what) in points.iter().enumerate() {
        for fault in FAULTS {
            disturbed(&scenario, &[(at, fault)], &format!("{fault:?} at {at} ({what})"), &expected);
        }
    }
    Ok(())
}

/// The smallest fixtures: every pair, the second one during the recovering run.
fn every_pair_of_faults(path: &Path) -> datatest_stable::Result<()> {
    let scenario = scenario(path);
    let (points, expected) = undisturbed(&scenario);
    for first in 0..points.len() {
        for one in [Fault::CrashBefore, Fault::CrashAfter, Fault::CrashLate] {
            // A recovering run may pass more points than an undisturbed one.
            for second in 0..points.len() + 12 {
                for other in [Fault::CrashBefore, Fault::CrashAfter] {
                    let label = format!("{one:?} at {first} ({}), then {other:?} at {second}", points[first]);
                    disturbed(&scenario, &[(first, one), (second, other)], &label, &expected);
                }
            }
        }
    }
    Ok(())
}

datatest_stable::harness! {
    { test = every_single_fault, root = "../fixtures/engine", pattern = r"/scenario\.json$" },
    { test = every_pair_of_faults, root = "../fixtures/engine", pattern = r"(one_nameless|one_named_with_a_late_field|update_in_place)/scenario\.json$" },
}
