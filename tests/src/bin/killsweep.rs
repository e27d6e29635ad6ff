//! The kill sweep: `cargo run -p deployer-tests --bin killsweep [-- --all | --sample N] [--seed S] [--workers N]`.
//!
//! First one kill at each chosen point; then, for some of them, a second kill at each AWS call and each record write of the
//! run that recovers. Prints its points, its seed and its failures, and ends with 1 if there is one.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use deployer_tests::{
    Result,
    sweep::{Case, Recovered, Second, Sweep, run},
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
    let seed: usize = value("--seed").map_or(Ok(1), |text| text.parse())?;
    let sample: usize = value("--sample").map_or(Ok(24), |text| text.parse())?;
    let count: usize = value("--workers").map_or(Ok(2), |text| text.parse())?;
    let all = arguments.iter().any(|it| it == "--all");
    let workers = (0..count.max(1)).map(|_| Sweep::new(0.01)).collect::<Result<Vec<_>>>()?;
    let undisturbed = workers[0].undisturbed()?;
    println!(
        "undisturbed: mutating AWS calls {:?}, record writes {:?} by phase; seed {seed}",
        undisturbed.calls, undisturbed.writes
    );

    let kills = undisturbed.kills();
    let wanted = if all { kills.len() } else { sample };
    let once: Vec<Case> = spread(&kills, wanted, seed).into_iter().map(|kill| (kill, None)).collect();
    let passed = run(&once, &workers, &undisturbed);
    println!("one kill: points {}, failures {}", once.len(), once.len() - passed.len());

    let twice: Vec<Case> =
        spread(&passed, if all { 4 } else { 1 }, seed).into_iter().flat_map(|(case, took)| again(case, took)).collect();
    let passed_twice = run(&twice, &workers, &undisturbed).len();
    println!("two kills: points {}, failures {}", twice.len(), twice.len() - passed_twice);
    let failures = once.len() - passed.len() + twice.len() - passed_twice;
    println!("points {}, failures {failures}", once.len() + twice.len());
    if failures > 0 { Err("the sweep has failures".into()) } else { Ok(()) }
}

/// At most `wanted` of them, evenly, starting where the seed says.
fn spread<T: Copy>(all: &[T], wanted: usize, seed: usize) -> Vec<T> {
    let step = all.len().div_ceil(wanted.max(1)).max(1);
    all.iter().skip(seed % step).step_by(step).copied().collect()
}

/// A second kill at each call and write of the run that recovered.
fn again((kill, _): Case, took: Recovered) -> impl Iterator<Item = Case> {
    let seconds = (1..=took.calls).map(Second::Call).chain((1..=took.writes).map(Second::Write));
    seconds.map(move |second| (kill, Some(second)))
}
