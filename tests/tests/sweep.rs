//! A sample of the kill sweep; all of it: `cargo run -p deployer-tests --bin killsweep -- --tour web-app --all`.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use deployer_tests::{
    Result,
    sweep::{
        Case, Point, Sweep, run,
        tour::{QUEUES, Tour, WEB_APP},
    },
};

/// A lock's life is still more than half a second.
const SCALE: f64 = 0.01;

/// One kill at `count` points of the tour, evenly spread; then, for every other one at a record write, a second kill in the
/// run after it. That run was seen before: the second kill is at a write that it has.
fn sample(tour: &'static Tour, count: usize) -> Result<()> {
    let mut workers = [Sweep::new(tour, SCALE)?];
    let undisturbed = workers[0].undisturbed()?;
    let kills = undisturbed.kills();
    let once: Vec<Case> = kills.iter().step_by(kills.len().div_ceil(count)).map(|kill| (*kill, None)).collect();
    let first = run(&once, &mut workers, &undisturbed);
    assert_eq!(first.passed.len(), once.len(), "{:?}", first.failed);
    let same = first.passed.iter().filter(|((kill, _), _)| matches!(kill.point, Point::Write(_)));
    let twice: Vec<Case> =
        same.step_by(2).filter_map(|((kill, _), took)| Some((*kill, Some(took.write(3)?)))).collect();
    let second = run(&twice, &mut workers, &undisturbed);
    assert_eq!(second.passed.len(), twice.len(), "{:?}", second.failed);
    Ok(())
}

#[test]
fn a_small_stack_killed_at_a_sample_of_points_converges() -> Result<()> {
    sample(&QUEUES, 8)
}

#[test]
fn a_web_app_killed_at_a_sample_of_points_converges() -> Result<()> {
    sample(&WEB_APP, 8)
}
