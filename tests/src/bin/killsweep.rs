//! The kill sweep: `cargo run -p deployer-tests --bin killsweep [-- --all | --sample N] [--seed S] [--workers N]`.
//!
//! Prints its points, its seed and its failures, and ends with 1 if there is one.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use deployer_tests::{
    Result,
    sweep::{Sweep, run},
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
    let seed: u64 = value("--seed").map_or(Ok(1), |text| text.parse())?;
    let sample: usize = value("--sample").map_or(Ok(24), |text| text.parse())?;
    let count: usize = value("--workers").map_or(Ok(2), |text| text.parse())?;
    let all = arguments.iter().any(|it| it == "--all");
    let workers = (0..count.max(1)).map(|_| Sweep::new(0.01)).collect::<Result<Vec<_>>>()?;
    let undisturbed = workers[0].undisturbed()?;
    println!(
        "undisturbed: AWS calls {:?}, record writes {:?} by phase; seed {seed}",
        undisturbed.calls, undisturbed.writes
    );
    let kills = undisturbed.kills();
    // A second kill during the recovery, at another of its writes for each sampled point.
    let step = if all { 1 } else { (kills.len() / sample.max(1)).max(1) };
    let offset = usize::try_from(seed).unwrap_or(0) % step;
    let chosen: Vec<_> = kills.iter().skip(offset).step_by(step).map(|kill| (*kill, None)).collect();
    let every = if all { (kills.len() / 30).max(1) } else { 4 };
    let twice = chosen
        .iter()
        .step_by(every)
        .enumerate()
        .map(|(index, (kill, _))| (*kill, Some(1 + (index as u64 * 5 + seed) % 20)));
    let points: Vec<_> = chosen.iter().copied().chain(twice).collect();
    if run(&points, workers, &undisturbed) > 0 {
        return Err("the sweep has failures".into());
    }
    Ok(())
}
