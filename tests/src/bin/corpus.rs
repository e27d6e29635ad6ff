//! The drift corpus: `cargo run -p deployer-tests --bin corpus -- [--only TEXT] [--workers N] [--sample N] [--seed S]`.
//!
//! Every property of every type that can be changed is changed from outside, and drift has to name it. Prints a table by type, what
//! was wrong, what could not be tried and why; ends with 1 if something was wrong.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use clap::Parser;
use deployer_providers::{Aws, registry};
use deployer_tests::{
    Result,
    corpus::{
        all::{Choice, run},
        apart,
    },
    kit::fields,
};

/// Every property changed from outside, and what drift finds of it
#[derive(Parser)]
struct Options {
    /// Samples whose file has this in its name
    #[arg(long, default_value = "")]
    only: String,
    /// How many emulators
    #[arg(long, default_value_t = 3)]
    workers: usize,
    /// Of all changes one in so many
    #[arg(long, default_value_t = 1)]
    sample: usize,
    /// Where to start counting
    #[arg(long, default_value_t = 0)]
    seed: usize,
}

fn main() -> Result<()> {
    let Options { only, workers, sample, seed } = Options::parse();
    let table = run(&Choice { only, workers, every: sample, seed })?;
    println!("{table}");
    let (apart, properties) = not_compared();
    apart.iter().for_each(|it| println!("not compared  {it}"));
    println!("not compared: {} of {properties} properties\n", apart.len());
    table.untried.iter().for_each(|it| println!("not tried  {it}"));
    table.wrong.iter().for_each(|it| println!("WRONG      {it}"));
    if table.wrong.is_empty() { Ok(()) } else { Err(format!("{} wrong", table.wrong.len()).into()) }
}

/// The properties that the declared facts leave out, of how many.
fn not_compared() -> (Vec<String>, usize) {
    let (mut found, mut all) = (Vec::new(), 0);
    for it in registry(&Aws::offline()).iter() {
        let (names, _) = fields(it.as_ref());
        all += names.len();
        found.extend(apart(it.facts(), &names).into_iter().map(|(name, why)| format!("{} {name}: {why}", it.kind())));
    }
    (found, all)
}
