//! Fault rain: `cargo run -p deployer-tests --bin rain -- [--tour queues|web-app] [--seeds N] [--from SEED]`.
//!
//! Each seed is one apply while 20% of all calls are throttled, 10% fail with 5xx, 5% are reset and 2% lose their answer - calls
//! of state and locks too. Prints how each ended and what all of them took; ends with 1 if one did not end right.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use clap::Parser;
use deployer_tests::{
    Result,
    rain::Rain,
    sweep::tour::{Tour, named},
};

/// Applies while a third of all calls is throttled, fails or is cut off
#[derive(Parser)]
struct Options {
    /// Which stack
    #[arg(long, default_value = "queues", value_parser = named)]
    tour: &'static Tour,
    /// How many applies
    #[arg(long, default_value_t = 50)]
    seeds: u64,
    /// The first one's seed
    #[arg(long, default_value_t = 1)]
    from: u64,
}

fn main() -> Result<()> {
    let Options { tour, seeds, from } = Options::parse();
    let mut rain = Rain::new(tour, 0.05)?;
    let (mut right, mut at_once, mut calls) = (0, 0, 0);
    for seed in from..from + seeds {
        match rain.fall(seed) {
            Ok(took) => {
                println!("seed {seed}: right after {} runs, {} calls", took.runs, took.calls);
                (right, at_once, calls) = (right + 1, at_once + u64::from(took.runs == 1), calls + took.calls);
            }
            Err(error) => println!("seed {seed}: WRONG: {error}"),
        }
    }
    println!(
        "{}: {seeds} seeds, {right} right, {at_once} of them in the first run, {} calls each",
        tour.name,
        calls / right.max(1)
    );
    if right == seeds { Ok(()) } else { Err("some did not end right".into()) }
}
