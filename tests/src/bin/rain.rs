//! Fault rain: `cargo run -p deployer-tests --bin rain -- [--tour queues|web-app] [--seeds N] [--from SEED]`.
//!
//! Each seed is one apply while 20% of all calls are throttled, 10% fail with 5xx, 5% are reset and 2% lose their answer - calls
//! of state and locks too. Prints how each ended and what all of them took; ends with 1 if one did not end right.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use deployer_tests::{Result, rain::Rain, sweep::tour::TOURS};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
    let seeds: u64 = value("--seeds").map_or(Ok(50), |text| text.parse())?;
    let from: u64 = value("--from").map_or(Ok(1), |text| text.parse())?;
    let name = value("--tour").map_or("queues", String::as_str);
    let tour = TOURS.iter().copied().find(|it| it.name == name).ok_or("there is no tour of this name")?;
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
        "{name}: {seeds} seeds, {right} right, {at_once} of them in the first run, {} calls each",
        calls / right.max(1)
    );
    if right == seeds { Ok(()) } else { Err("some did not end right".into()) }
}
