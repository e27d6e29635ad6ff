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

use deployer_tests::{
    Result,
    wander::{Ended, Wander},
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
    let seeds: u64 = value("--seeds").map_or(Ok(200), |text| text.parse())?;
    let from: u64 = value("--from").map_or(Ok(1), |text| text.parse())?;
    let workers: usize = value("--workers").map_or(Ok(2), |text| text.parse())?;
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
