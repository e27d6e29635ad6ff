//! The kill sweep: `cargo run -p deployer-tests --bin killsweep -- [--tour queues|web-app|existing-vpc|two-services] [--state folder|aws]
//! [--phase NAME[,NAME]] [--from N] [--all | --sample N] [--seconds N] [--each N] [--reads] [--seconds-from N] [--seed S]
//! [--workers N] [--scale F]`.
//!
//! First one kill at each point, or at a sample of them; then, for some points that the seed chooses (`--seconds`; 30 of `--all`), a
//! second kill before each call and write that changes something in the run that recovers, or before `--each` of both sorts. A kill
//! before a read leaves what a kill after the change ahead of it leaves; with `--reads` they are killed at too. Points are numbered in
//! the tour's order; a run that was broken off goes on `--from` one of them, or in its second kills `--seconds-from` one, in the order in
//! which they are run. Prints its points, its seed and its failures, and ends with 1 if there is one.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use deployer_tests::{
    Result,
    sweep::{Case, Keep, Kill, Point, Recovered, Results, Second, Sweep, Wrong, in_order, run, tour::TOURS},
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
    let seed: usize = value("--seed").map_or(Ok(1), |text| text.parse())?;
    let sample: usize = value("--sample").map_or(Ok(24), |text| text.parse())?;
    let count: usize = value("--workers").map_or(Ok(2), |text| text.parse())?;
    let name = value("--tour").map_or("queues", String::as_str);
    let tour = TOURS.iter().copied().find(|it| it.name == name).ok_or("there is no tour of this name")?;
    let all = arguments.iter().any(|it| it == "--all");
    let keep = match value("--state").map_or("folder", String::as_str) {
        "folder" => Keep::Folder,
        "aws" => Keep::Aws,
        other => return Err(format!("--state {other}: folder or aws").into()),
    };
    let scale: f64 = value("--scale").map_or(Ok(keep.scale()), |text| text.parse())?;
    let mut workers = (0..count.max(1)).map(|_| Sweep::new(tour, keep, scale)).collect::<Result<Vec<_>>>()?;
    let undisturbed = workers[0].undisturbed()?;
    println!(
        "{name}, state {keep:?}: changing AWS calls {:?}, record writes {:?} by phase; seed {seed}",
        undisturbed.calls, undisturbed.writes
    );

    let from: usize = value("--from").map_or(Ok(1), |text| text.parse())?;
    let phases = value("--phase");
    let wanted = |it: &Kill| phases.is_none_or(|names| names.split(',').any(|name| it.name == name));
    let kills: Vec<Kill> = undisturbed.kills().into_iter().filter(wanted).skip(from.saturating_sub(1)).collect();
    let kills = spread(&kills, if all { kills.len() } else { sample }, seed);
    let once: Vec<Case> = kills.iter().map(|kill| (*kill, None)).collect();
    let first = run(&once, &mut workers, &undisturbed);
    println!("one kill: points {}, failures {}", once.len(), once.len() - first.passed.len());

    let reads = arguments.iter().any(|it| it == "--reads");
    let each: usize = value("--each").map_or(Ok(if all { usize::MAX } else { 4 }), |text| text.parse())?;
    let after: usize = value("--seconds-from").map_or(Ok(1), |text| text.parse())?;
    let seconds: usize = value("--seconds").map_or(Ok(if all { 30 } else { 2 }), |text| text.parse())?;
    // Where steps run one after another, the next run is the same each time.
    let alike = kills.iter().filter(|kill| keep == Keep::Aws || matches!(kill.point, Point::Write(_)));
    let chosen: Vec<Kill> = spread(&alike.copied().collect::<Vec<_>>(), seconds, seed);
    let again = first.passed.iter().filter(|((kill, _), _)| chosen.contains(kill));
    let mut twice: Vec<Case> =
        again.flat_map(|((kill, _), took)| seconds_of(*kill, *took, reads, each, seed)).collect();
    in_order(&mut twice);
    let twice = twice.split_off(after.saturating_sub(1).min(twice.len()));
    let second = run(&twice, &mut workers, &undisturbed);
    println!("two kills: points {}, failures {}", twice.len(), twice.len() - second.passed.len());
    report(once.len() + twice.len(), &[&first, &second])
}

fn report(points: usize, results: &[&Results]) -> Result<()> {
    let failures = points - results.iter().map(|it| it.passed.len()).sum::<usize>();
    let count = |wrong: Wrong| results.iter().filter_map(|it| it.failed.get(&wrong)).sum::<usize>();
    println!("points {points}, failures {failures}");
    println!(
        "points {points}: orphans, duplicates and other differences {}, unconverged {}, locks left {}, not reached {}, other {}",
        count(Wrong::Differs),
        count(Wrong::Unconverged),
        count(Wrong::Locked),
        count(Wrong::NotReached),
        count(Wrong::Broken)
    );
    if failures > 0 { Err("the sweep has failures".into()) } else { Ok(()) }
}

/// At most `wanted` of them, evenly, starting where the seed says.
fn spread<T: Copy>(all: &[T], wanted: usize, seed: usize) -> Vec<T> {
    let step = all.len().div_ceil(wanted.max(1)).max(1);
    all.iter().skip(seed % step).step_by(step).take(wanted).copied().collect()
}

/// Second kills after this one: in the run that recovered, with what that took. How often it asks while it waits is a matter of time: its
/// last third of calls is no sure thing, but each that changes something is.
fn seconds_of(kill: Kill, took: Recovered, reads: bool, each: usize, seed: usize) -> Vec<Case> {
    let some = |last: u64| spread(&(1..=last).collect::<Vec<_>>(), each, seed).into_iter();
    let calls: Vec<Second> = match reads {
        true => some(took.calls * 2 / 3).map(Second::Call).collect(),
        false => some(took.changes).map(Second::Change).collect(),
    };
    calls.into_iter().chain(some(took.writes).map(Second::Write)).map(|second| (kill, Some(second))).collect()
}
