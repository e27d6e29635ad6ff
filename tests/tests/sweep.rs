//! A sample of the kill sweep; all of it: `cargo run -p deployer-tests --bin killsweep -- --tour web-app --all`.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::sync::{Mutex, PoisonError};

use deployer_tests::{
    Result,
    sweep::{
        Case, Keep, Kill, Point, Recovered, Second, Sweep, run,
        tour::{EXISTING_VPC, QUEUES, TWO_SERVICES, Tour, WEB_APP},
    },
};

/// One at a time: a holder that is kept waiting by the others loses its lock.
static ALONE: Mutex<()> = Mutex::new(());

/// One kill at `count` points of the tour, evenly spread; then, for every other one whose next run is always the same, a second
/// kill in that run. It was seen before: the second kill is at a write or call that it has.
fn sample(tour: &'static Tour, keep: Keep, count: usize) -> Result<()> {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut workers = [Sweep::new(tour, keep, keep.scale())?];
    let undisturbed = workers[0].undisturbed()?;
    let kills = undisturbed.kills();
    let once: Vec<Case> = kills.iter().step_by(kills.len().div_ceil(count)).map(|kill| (*kill, None)).collect();
    let first = run(&once, &mut workers, &undisturbed);
    assert_eq!(first.passed.len(), once.len(), "{:?}", first.failed);
    // Where steps run one after another, the next run is the same each time.
    let alike = |kill: &Kill| keep == Keep::Aws || matches!(kill.point, Point::Write(_));
    let same = first.passed.iter().filter(|((kill, _), _)| alike(kill)).step_by(2);
    let again = |took: &Recovered| match keep {
        Keep::Folder => took.write(3),
        Keep::Aws => Some(Second::Change((took.changes / 2).max(1))).filter(|_| took.changes > 0),
    };
    let twice: Vec<Case> = same.filter_map(|((kill, _), took)| Some((*kill, Some(again(took)?)))).collect();
    let second = run(&twice, &mut workers, &undisturbed);
    assert_eq!(second.passed.len(), twice.len(), "{:?}", second.failed);
    Ok(())
}

#[test]
fn a_small_stack_killed_at_a_sample_of_points_converges() -> Result<()> {
    sample(&QUEUES, Keep::Folder, 8)
}

#[test]
fn a_small_stack_with_its_state_in_aws_converges_too() -> Result<()> {
    sample(&QUEUES, Keep::Aws, 12)
}

#[test]
fn a_web_app_killed_at_a_sample_of_points_converges() -> Result<()> {
    sample(&WEB_APP, Keep::Folder, 8)
}

#[test]
fn a_web_app_with_its_state_in_aws_converges_too() -> Result<()> {
    sample(&WEB_APP, Keep::Aws, 4)
}

#[test]
fn its_variants_killed_at_a_sample_of_points_converge() -> Result<()> {
    sample(&EXISTING_VPC, Keep::Folder, 3)?;
    sample(&TWO_SERVICES, Keep::Folder, 3)
}
