//! The kill sweep: `cargo run -p deployer-tests --bin killsweep -- [--tour queues|web-app|existing-vpc|two-services] [--state folder|aws]
//! [--phase NAME[,NAME]] [--from N] [--all | --sample N] [--seconds N] [--each N] [--changing] [--seconds-from N] [--seed S]
//! [--workers N] [--scale F]`.
//!
//! Points are numbered in the tour's order; a run that was broken off goes on `--from` one of them, or in its second kills
//! `--seconds-from` one, in the order in which they are run.
//! First one kill at each chosen point; then, for some of them (`--seconds`), a second kill at the calls and writes of the run that
//! recovers, all of them or `--each` of both sorts; with `--changing` only at calls that change something, as a kill before a read
//! leaves what a kill after the call before it leaves. Prints its points, its seed and its failures, and ends with 1 if there is one.

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
    let chosen = |it: &Kill| phases.is_none_or(|names| names.split(',').any(|name| it.name == name));
    let kills: Vec<Kill> = undisturbed.kills().into_iter().filter(chosen).skip(from.saturating_sub(1)).collect();
    let once: Vec<Case> =
        spread(&kills, if all { kills.len() } else { sample }, seed).into_iter().map(|kill| (kill, None)).collect();
    let first = run(&once, &mut workers, &undisturbed);
    println!("one kill: points {}, failures {}", once.len(), once.len() - first.passed.len());

    // Where steps run one after another, the next run is the same each time.
    let alike = |kill: &Kill| keep == Keep::Aws || matches!(kill.point, Point::Write(_));
    let same = first.passed.iter().filter(|((kill, _), _)| alike(kill)).copied();
    let seconds: usize = value("--seconds").map_or(Ok(if all { 8 } else { 2 }), |text| text.parse())?;
    let changing = arguments.iter().any(|it| it == "--changing");
    let whole = if all || changing { usize::MAX } else { 4 };
    let each: usize = value("--each").map_or(Ok(whole), |text| text.parse())?;
    let chosen = spread(&same.collect::<Vec<_>>(), seconds, seed).into_iter().take(seconds);
    let after: usize = value("--seconds-from").map_or(Ok(1), |text| text.parse())?;
    let mut twice: Vec<Case> = chosen.flat_map(|(case, took)| again(case, took, changing, each, seed)).collect();
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
    all.iter().skip(seed % step).step_by(step).copied().collect()
}

/// A second kill at each call and write of the run that recovered, or at some of them. How often that run asks while it waits
/// is a matter of time: its last third of calls is no sure thing, but each that changes something is.
fn again((kill, _): Case, took: Recovered, changing: bool, each: usize, seed: usize) -> Vec<Case> {
    let some = |last: u64| spread(&(1..=last).collect::<Vec<_>>(), each, seed).into_iter();
    let calls: Vec<Second> = match changing {
        true => some(took.changes).map(Second::Change).collect(),
        false => some(took.calls * 2 / 3).map(Second::Call).collect(),
    };
    calls.into_iter().chain(some(took.writes).map(Second::Write)).map(|second| (kill, Some(second))).collect()
}
