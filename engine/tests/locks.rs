//! Two and more processes on one stack: pauses that outlast a lease (with the paused process's own clock standing still, as on
//! a suspended machine), kills, lost answers, restarts; and no two machines whose clocks agree.
//!
//! What must hold: of two holders of a component the first writes nothing once the second has, and where its clock goes on it calls for
//! nothing once the second has (`took_turns`); in the end everything is as it is undisturbed. `teeth_*` turn one guard off and must see
//! these checks fail: that shows that the checks can.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

mod support;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex},
    time::Duration,
};

use deployer_engine::{
    desired::Desired,
    safety::{Guard, Safety},
    session::Applied,
    sim::{Clocks, Ended, Fault, Gauge, Points, run},
};
use futures::future::join_all;
use serde_json::{Value, json};
use support::{Dice, How, Planet, desired};

fn stack(size: i64) -> Desired {
    desired(&json!({
        "K.a/Thing": {"type": "Sim::Nameless", "properties": {"Size": size}},
        "K.a/Named": {"type": "Sim::Named", "properties": {"Late": size, "Input": {"$ref": {"address": "K.a/Thing", "output": "Id"}}}},
        "K.b/Thing": {"type": "Sim::Nameless", "properties": {}},
    }))
}

fn expected(size: i64) -> Vec<Value> {
    let mut planet = Planet::new();
    planet.succeed(&stack(size), false);
    planet.inventory()
}

/// The fault at the process's point `at`, if that is a record write: a call that is on the wire cannot be fenced, only settled.
fn at_write(at: usize, fault: Fault) -> Points {
    Points::new(Arc::new(move |point, what: &str| (point == at && what.starts_with("write shop")).then_some(fault)))
}

/// Clocks that show these seconds as the world begins, and go on by so many hundredths in one of its.
fn clocks(monotonic: (u64, u32), wall: (u64, u32)) -> Clocks {
    let gauge = |(start, pace)| Gauge { start: Duration::from_secs(start), pace };
    Clocks { monotonic: gauge(monotonic), wall: gauge(wall) }
}

/// One process is paused at a point; another one of another machine comes and takes over meanwhile. To the one that is paused time
/// goes by more slowly by so many hundredths, and to the other one faster: its lease seems longest to it, and shortest to the other.
fn takeover(at: usize, fault: Fault, apart: u32, safety: Safety) {
    let label = format!("{fault:?} at {at}, clocks {apart} % apart from right");
    let mut planet = Planet::new();
    let slow = How {
        points: at_write(at, fault),
        safety,
        machine: None,
        clocks: clocks((5_000_000, 100 - apart), (86_400, 100)),
        lock_timeout: Duration::from_secs(900),
        ..How::default()
    };
    let quick = How { points: Points::quiet(), clocks: clocks((0, 100 + apart), (0, 100)), ..slow.clone() };
    let first = planet.process(&stack(1), false, &slow);
    let second = planet.process(&stack(1), false, &quick);
    let clock = planet.clock.clone();
    let later = clock.clone();
    let (_, second) = run(&clock, async {
        futures::join!(first, async {
            later.until(Duration::from_secs(60)).await;
            second.await
        })
    });
    assert!(planet.deeds.count() > 1, "{label}: nothing was noted");
    // A call that was decided on before its caller's clock stood still cannot be stopped, only settled.
    planet.took_turns(&label, matches!(fault, Fault::Stall(_)));
    match second {
        Ended::Finished(Ok(_)) => {}
        other => panic!("{label}: the one that took over did not succeed: {other:?}"),
    }
    planet.succeed(&stack(1), false);
    planet.check(&label, &stack(1), false, &expected(1));
}

fn every_takeover(safety: Safety) {
    for at in 0..24 {
        for seconds in [90, 130, 150, 155, 165, 175, 190, 240, 400] {
            for apart in [0, 4] {
                takeover(at, Fault::Pause(seconds), apart, safety);
                takeover(at, Fault::Stall(seconds), apart, safety);
            }
        }
    }
}

/// Held up for longer than its lease, and nobody came meanwhile: the lock is won again, and the run goes on.
#[test]
fn a_run_that_was_held_up_goes_on_where_nobody_took_over() {
    for at in 0..24 {
        for seconds in [59, 61, 130, 3_600] {
            let mut planet = Planet::new();
            let how = How { points: at_write(at, Fault::Stall(seconds)), ..How::default() };
            match planet.apply(&stack(1), false, &how) {
                Ended::Finished(Ok(Applied::Ran { report, .. })) if report.is_success() => {}
                other => panic!("held up at {at} for {seconds} s: {other:?}"),
            }
            planet.check(&format!("held up at {at} for {seconds} s"), &stack(1), false, &expected(1));
        }
    }
}

/// What it fails with.
fn fails(what: impl FnOnce()) -> String {
    let panic = catch_unwind(AssertUnwindSafe(what)).expect_err("it has to fail");
    panic.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_paused_owner_does_no_harm_after_a_takeover() {
    every_takeover(Safety::ON);
}

#[test]
fn teeth_without_the_seal_it_does() {
    let wrong = fails(|| every_takeover(Safety::without(Guard::Seal)));
    assert!(wrong.contains("the cloud is not what it is undisturbed"), "{wrong}");
}

#[test]
fn teeth_without_the_fence_it_does() {
    let wrong = fails(|| every_takeover(Safety::without(Guard::Fence)));
    assert!(wrong.contains("the one that took over did not succeed"), "{wrong}");
}

/// A kill after each point of a single run, then a clean run.
fn every_kill(safety: Safety) {
    for at in 0..24 {
        let mut planet = Planet::new();
        let how = How { points: Points::one(at, Fault::CrashAfter), safety, ..How::default() };
        planet.apply(&stack(1), false, &how);
        planet.succeed(&stack(1), false);
        planet.check(&format!("killed after {at}"), &stack(1), false, &expected(1));
    }
}

#[test]
fn a_kill_leaves_no_orphan() {
    every_kill(Safety::ON);
}

#[test]
fn teeth_without_the_intent_it_does() {
    let wrong = fails(|| every_kill(Safety::without(Guard::Intent)));
    assert!(wrong.contains("the cloud is not what it is undisturbed"), "{wrong}");
}

/// The answer to a record write is lost: the run itself goes on, because it recognises its own write.
fn every_lost_answer(safety: Safety) {
    for at in 0..24 {
        let points = Points::new(Arc::new(move |point, what: &str| {
            (point == at && what.starts_with("write")).then_some(Fault::LostAnswer)
        }));
        let mut planet = Planet::new();
        let how = How { points, safety, ..How::default() };
        match planet.apply(&stack(1), false, &how) {
            Ended::Finished(Ok(Applied::Ran { report, .. })) if report.is_success() => {}
            other => panic!("lost answer at {at}: {other:?}"),
        }
    }
}

#[test]
fn a_lost_answer_of_a_record_write_is_no_conflict() {
    every_lost_answer(Safety::ON);
}

#[test]
fn teeth_without_the_nonce_it_is() {
    let wrong = fails(|| every_lost_answer(Safety::without(Guard::Nonce)));
    assert!(wrong.contains("Stale"), "{wrong}");
}

/// Whether the clocks of its processes go on while they are held up; in half of all schedules they stand still.
fn stalls(seed: u64) -> bool {
    seed.is_multiple_of(2)
}

/// Faults at random: kills and lost answers anywhere, pauses at record writes.
fn random_points(seed: u64, stalls: bool) -> Points {
    let dice = Mutex::new(Dice(seed));
    Points::new(Arc::new(move |_, what: &str| {
        let mut dice = dice.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let record = what.starts_with("write shop");
        match dice.below(100) {
            0..4 => Some(Fault::CrashBefore),
            4..8 => Some(Fault::CrashAfter),
            8..10 if !what.starts_with("write") => Some(Fault::CrashLate),
            10..14 if record && stalls => Some(Fault::Stall(dice.below(300))),
            10..14 if record => Some(Fault::Pause(dice.below(300))),
            14..18 => Some(Fault::LostAnswer),
            18..20 => Some(Fault::Refused),
            _ => None,
        }
    }))
}

/// Clocks that are up to five hundredths too fast or too slow, and show any time of a year.
fn random_clocks(dice: &mut Dice) -> Clocks {
    let mut gauge = || (dice.below(31_536_000), 95 + u32::try_from(dice.below(11)).unwrap_or_default());
    clocks(gauge(), gauge())
}

fn random_schedule(seed: u64) {
    let mut dice = Dice(seed);
    let mut planet = Planet::new();
    let clock = planet.clock.clone();
    let mut machines = Vec::new();
    for number in 0..2 + dice.below(3) {
        let size = 1 + i64::try_from(dice.below(3)).unwrap_or(0);
        let mut how = How {
            machine: Some(format!("machine {number}")),
            clocks: random_clocks(&mut dice),
            lock_timeout: Duration::from_secs(dice.below(600)),
            ..How::default()
        };
        // Whoever is killed may be started again on its machine.
        let starts: Vec<_> = (0..1 + dice.below(3))
            .map(|life| {
                how.points = random_points(seed.wrapping_mul(31).wrapping_add(number + 10 * life), stalls(seed));
                (Duration::from_secs(dice.below(200)), planet.process(&stack(size), false, &how))
            })
            .collect();
        let clock = clock.clone();
        machines.push(async move {
            for (pause, process) in starts {
                clock.until(clock.now() + pause).await;
                if let Ended::Finished(_) = process.await {
                    break;
                }
            }
        });
    }
    run(&clock, join_all(machines));
    planet.took_turns(&format!("seed {seed}"), stalls(seed));
    // A run of yet another machine: it has to wait until it knows that the others are dead.
    let how = How {
        machine: None,
        clocks: random_clocks(&mut dice),
        lock_timeout: Duration::from_secs(3600),
        ..How::default()
    };
    match planet.apply(&stack(1), false, &how) {
        Ended::Finished(Ok(Applied::NoChanges)) => {}
        Ended::Finished(Ok(Applied::Ran { report, .. })) if report.is_success() => {}
        other => panic!("seed {seed}: the clean run failed: {other:?}"),
    }
    planet.check(&format!("seed {seed}"), &stack(1), false, &expected(1));
}

/// More with `DEPLOYER_SEEDS=10000`; one with `DEPLOYER_SEED=17`.
#[test]
fn random_schedules_of_several_machines() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    match number("DEPLOYER_SEED") {
        Some(seed) => random_schedule(seed),
        None => (0..number("DEPLOYER_SEEDS").unwrap_or(150)).for_each(random_schedule),
    }
}

/// Held up before its last words, taken over by one that dies at once, and back again: what is another's to close stays open.
#[test]
fn seeds_that_failed_once_hold() {
    random_schedule(388);
}

/// A deployment is numbered a moment before its holder's record is there: nobody takes it for dead meanwhile.
#[test]
fn a_deployment_without_a_holder_yet_is_left_alone() {
    let mut planet = Planet::new();
    let points = Points::new(Arc::new(|_, what: &str| what.starts_with("write holder").then_some(Fault::Pause(5))));
    let slow = How { points, machine: None, ..How::default() };
    let quick = How { machine: None, ..How::default() };
    let one = desired(&json!({"K.a/Thing": {"type": "Sim::Nameless", "properties": {"Size": 1}}}));
    let first = planet.process(&one, false, &slow);
    let other = desired(&json!({"K.b/Thing": {"type": "Sim::Nameless", "properties": {"Size": 1}}}));
    let second = planet.process(&other, false, &quick);
    let clock = planet.clock.clone();
    let later = clock.clone();
    let (first, _) = run(&clock, async {
        futures::join!(first, async {
            later.until(Duration::from_secs(2)).await;
            second.await
        })
    });
    match first {
        Ended::Finished(Ok(Applied::Ran { report, .. })) => assert!(report.is_success(), "{report:?}"),
        other => panic!("{other:?}"),
    }
}
