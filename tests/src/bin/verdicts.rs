//! Verdicts: `cargo run -p deployer-tests --bin verdicts -- [--only TEXT] [--workers N]`.
//!
//! Every change with every way to fail, each in a world of its own; prints each cell and how it ended, and ends with 1 if a verdict is
//! wrong.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Parser;
use deployer_tests::{
    Result,
    matrix::{CHANGES, Cell, FAILINGS, Matrix},
};

/// Every sort of change with every way to fail, and what stands in AWS afterwards
#[derive(Parser)]
struct Options {
    /// Cells whose words have this in them
    #[arg(long, default_value = "")]
    only: String,
    /// How many worlds at a time
    #[arg(long, default_value_t = 3)]
    workers: usize,
}

fn main() -> Result<()> {
    let Options { only, workers } = Options::parse();
    let all = CHANGES.iter().flat_map(|change| FAILINGS.iter().map(|failing| Cell(*change, *failing)));
    let cells: Vec<Cell> = all.filter(|cell| cell.to_string().contains(&only)).collect();
    let (next, failed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                let mut matrix = Matrix::new();
                while let Some(cell) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = match &mut matrix {
                        Ok(matrix) => matrix.run(*cell).map_err(|error| error.to_string()),
                        Err(error) => Err(error.to_string()),
                    };
                    match result {
                        Ok(()) => println!("right  {cell}"),
                        Err(error) => {
                            failed.fetch_add(1, Ordering::Relaxed);
                            println!("WRONG  {cell}: {error}");
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner();
    println!("cells {}, wrong verdicts {failed}", cells.len());
    if failed > 0 { Err("there are wrong verdicts".into()) } else { Ok(()) }
}
