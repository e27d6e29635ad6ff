//! The drift corpus: `cargo run -p deployer-tests --bin corpus -- [--only TEXT] [--workers N] [--sample N] [--seed S]`.
//!
//! Every property of every type that can be changed is changed from outside, and drift has to name it. Prints a table by type, what
//! was wrong, what could not be tried and why; ends with 1 if something was wrong.

#![allow(clippy::print_stdout, reason = "it talks to a person")]

use deployer_providers::{Aws, registry};
use deployer_tests::{
    Result,
    corpus::{
        all::{Choice, run},
        apart,
    },
    kit::fields,
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
