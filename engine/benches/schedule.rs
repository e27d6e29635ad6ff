//! How near an apply comes to the best possible: `cargo bench -p deployer-engine --bench schedule`.
//!
//! Random graphs of 1,000 steps in virtual time, so the machine does not matter. The bound is what no schedule can beat: the longest
//! path, or all work divided by how many steps run at once. Beside it: what waves with barriers between them would take.

#![allow(
    clippy::print_stdout,
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    missing_docs,
    reason = "a benchmark talks, and stops where it is wrong"
)]

#[path = "../tests/support/mod.rs"]
mod support;

use std::collections::BTreeMap;

use deployer_engine::{plan::Plan, session::Applied, sim::Ended};
use serde_json::json;
use support::{Dice, How, Planet, desired};

const STEPS: usize = 1_000;
const GRAPHS: u64 = 40;
/// As many as the engine runs at once if nothing is said.
const AT_ONCE: u64 = 16;

/// Most steps take seconds, some a minute, a few as long as databases do; each needs up to three of the hundred before it.
fn graph(seed: u64) -> serde_json::Value {
    let mut dice = Dice(seed);
    let mut all = serde_json::Map::new();
    for number in 0..STEPS as u64 {
        let seconds = match dice.below(100) {
            0..70 => 1 + dice.below(5),
            70..95 => 10 + dice.below(50),
            _ => 120 + dice.below(280),
        };
        let needs: Vec<String> =
            (0..dice.below(4).min(number)).map(|_| name(number - 1 - dice.below(number.min(100)))).collect();
        all.insert(name(number), json!({"type": "Sim::Timed", "properties": {"Size": seconds}, "after": needs}));
    }
    all.into()
}

fn name(number: u64) -> String {
    format!("K.n{number}/Thing")
}

struct Measured {
    makespan: f64,
    bound: f64,
    waves: f64,
}

fn apply(planet: &mut Planet, wanted: &deployer_engine::desired::Desired) -> Measured {
    let start = planet.clock.now();
    let Ended::Finished(Ok(Applied::Ran { plan, report, .. })) = planet.apply(wanted, false, &How::default()) else {
        panic!("it did not run")
    };
    assert!(report.is_success(), "it failed");
    let makespan = (planet.clock.now() - start).as_secs_f64();
    let took: BTreeMap<usize, f64> = report.done.iter().map(|(id, millis)| (*id, *millis as f64 / 1_000.0)).collect();
    let work: f64 = took.values().sum();
    Measured { makespan, bound: longest(&plan, &took).max(work / AT_ONCE as f64), waves: barriers(&plan, &took) }
}

fn longest(plan: &Plan, took: &BTreeMap<usize, f64>) -> f64 {
    let mut order: Vec<_> = plan.steps.iter().collect();
    order.sort_by_key(|step| step.wave);
    let mut end: BTreeMap<usize, f64> = BTreeMap::new();
    for step in order {
        let begin = step.after.iter().map(|edge| end[&edge.step]).fold(0.0, f64::max);
        end.insert(step.id, begin + took[&step.id]);
    }
    end.into_values().fold(0.0, f64::max)
}

/// Each wave's steps, the longest first on the first free place, and nothing of the next before all of it is done.
fn barriers(plan: &Plan, took: &BTreeMap<usize, f64>) -> f64 {
    let mut waves: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for step in &plan.steps {
        waves.entry(step.wave).or_default().push(took[&step.id]);
    }
    let wave = |mut all: Vec<f64>| {
        all.sort_by(|one, other| other.total_cmp(one));
        let mut places = [0.0_f64; AT_ONCE as usize];
        for time in all {
            let first = places.iter_mut().min_by(|one, other| one.total_cmp(other)).expect("there are places");
            *first += time;
        }
        places.into_iter().fold(0.0, f64::max)
    };
    waves.into_values().map(wave).sum()
}

fn told(label: &str, mut ratios: Vec<f64>) {
    ratios.sort_by(f64::total_cmp);
    let at = |share: f64| ratios[((ratios.len() - 1) as f64 * share).round() as usize];
    println!("{label}: median {:.3}, 95% {:.3}, most {:.3}", at(0.5), at(0.95), at(1.0));
}

fn main() {
    let (mut first, mut again, mut waves) = (Vec::new(), Vec::new(), Vec::new());
    for seed in 1..=GRAPHS {
        let wanted = desired(&graph(seed));
        let mut planet = Planet::new();
        let one = apply(&mut planet, &wanted);
        first.push(one.makespan / one.bound);
        planet.succeed(&wanted, true);
        // The second time it is known how long each step takes.
        let two = apply(&mut planet, &wanted);
        again.push(two.makespan / two.bound);
        waves.push(two.waves / two.makespan);
    }
    println!(
        "{GRAPHS} graphs of {STEPS} steps, seeds 1 to {GRAPHS}, {AT_ONCE} at once; makespan over the lower bound:"
    );
    told("  durations unknown      ", first);
    told("  durations of last time ", again);
    told("waves with barriers take so many times as long", waves);
}
