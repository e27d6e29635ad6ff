//! The drift corpus: `cargo run -p deployer-tests --bin corpus -- [--only TEXT] [--workers N] [--sample N] [--seed S]`.
//!
//! Every property of every type that can be changed is changed from outside, and drift has to name it. Prints a table by type, what
//! was wrong, what could not be tried and why; ends with 1 if something was wrong.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use deployer_tests::{
    Result,
    corpus::all::{Choice, run},
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| arguments.iter().position(|it| it == name).and_then(|at| arguments.get(at + 1));
    let choice = Choice {
        only: value("--only").cloned().unwrap_or_default(),
        workers: value("--workers").map_or(Ok(3), |text| text.parse())?,
        every: value("--sample").map_or(Ok(1), |text| text.parse())?,
        seed: value("--seed").map_or(Ok(0), |text| text.parse())?,
    };
    let table = run(&choice)?;
    println!("{table}");
    table.untried.iter().for_each(|it| println!("not tried  {it}"));
    table.wrong.iter().for_each(|it| println!("WRONG      {it}"));
    if table.wrong.is_empty() { Ok(()) } else { Err(format!("{} wrong", table.wrong.len()).into()) }
}
