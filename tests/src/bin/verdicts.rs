//! Verdicts: `cargo run -p deployer-tests --bin verdicts -- [--only TEXT] [--workers N]`.
//!
//! Every change with every way to fail, each in a world of its own; prints each cell and how it ended, and ends with 1 if a verdict is
//! wrong.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use std::sync::atomic::{AtomicUsize, Ordering};

use deployer_tests::{
    Result,
    matrix::{CHANGES, Cell, FAILINGS, Matrix},
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
    let workers: usize = value("--workers").map_or(Ok(3), |text| text.parse())?;
    let only = value("--only").map(String::as_str).unwrap_or_default();
    let all = CHANGES.iter().flat_map(|change| FAILINGS.iter().map(|failing| Cell(*change, *failing)));
    let cells: Vec<Cell> = all.filter(|cell| cell.to_string().contains(only)).collect();
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
