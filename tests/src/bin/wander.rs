//! Random changes in the rain: `cargo run -p deployer-tests --bin wander -- [--seeds N] [--from S] [--workers N]`.
//!
//! Prints each wrong verdict with its seed, then how many runs ended in which way; ends with 1 if a verdict was wrong.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use std::{
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use clap::Parser;
use deployer_tests::{
    Result,
    wander::{Ended, Wander},
};

/// Random changes of the web app in the rain, and whether each verdict was right
#[derive(Parser)]
struct Options {
    /// How many runs
    #[arg(long, default_value_t = 200)]
    seeds: u64,
    /// The first run's seed
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many worlds at a time
    #[arg(long, default_value_t = 2)]
    workers: usize,
}

fn main() -> Result<()> {
    let Options { seeds, from, workers } = Options::parse();
    let next = AtomicU64::new(from);
    let ended: Mutex<(BTreeMap<Ended, u64>, u64)> = Mutex::default();
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                let mut world = Wander::new();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        break;
                    }
                    let result = match &mut world {
                        Ok(world) => world.run(seed).map_err(|error| error.to_string()),
                        Err(error) => Err(error.to_string()),
                    };
                    let mut ended = ended.lock().unwrap_or_else(PoisonError::into_inner);
                    match result {
                        Ok(how) => *ended.0.entry(how).or_default() += 1,
                        Err(error) => {
                            ended.1 += 1;
                            println!("WRONG  {error}");
                        }
                    }
                    if (seed + 1 - from).is_multiple_of(20) {
                        println!("so far: {:?}, wrong {}", ended.0, ended.1);
                    }
                }
            });
        }
    });
    let (ended, wrong) = ended.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("runs {seeds} from seed {from}: {ended:?}, wrong verdicts {wrong}");
    if wrong > 0 { Err("there are wrong verdicts".into()) } else { Ok(()) }
}
