//! Cases on several workers, each with an emulator of its own.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{Case, Checked, Failure, Recovered, Sweep, Undisturbed, Wrong};

/// How many second kills after the same first one a worker takes at a time: they start from where that one ended.
const SHARE: usize = 16;

/// How the cases of a run ended.
#[derive(Debug, Default)]
pub struct Results {
    /// Those in which all held, with what the run after the kill took.
    pub passed: Vec<(Case, Recovered)>,
    /// How many there were of the others.
    pub failed: BTreeMap<Wrong, usize>,
}

/// A line now and then: a long sweep that is broken off has said how far it came.
fn so_far(results: &Results, all: usize) {
    let failed: usize = results.failed.values().sum();
    let tried = results.passed.len() + failed;
    if tried.is_multiple_of(50) {
        println!("so far: {tried} of {all} points, failures {failed}");
    }
}

/// The order in which cases are run: a worker goes back from a later phase to an earlier one at no cost.
pub fn in_order(cases: &mut [Case]) {
    cases.sort_by_key(|(kill, _)| Reverse(kill.phase));
}

/// Runs `cases` on `workers`, each with an emulator of its own, and prints each failure.
pub fn run(cases: &[Case], workers: &mut [Sweep], undisturbed: &Undisturbed) -> Results {
    let mut cases = cases.to_vec();
    in_order(&mut cases);
    let shares: Vec<&[Case]> =
        cases.chunk_by(|(one, _), (next, _)| one == next).flat_map(|same| same.chunks(SHARE)).collect();
    let (next, results) = (AtomicUsize::new(0), Mutex::new(Results::default()));
    let told = |case: Case, ended| {
        let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
        results.add(case, ended);
        so_far(&results, cases.len());
    };
    std::thread::scope(|scope| {
        for worker in workers {
            scope.spawn(|| {
                while let Some(share) = shares.get(next.fetch_add(1, Ordering::Relaxed)) {
                    share.iter().for_each(|case| told(*case, worker.case(*case, undisturbed)));
                }
            });
        }
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.passed.sort_by_key(|(case, _)| cases.iter().position(|it| it == case));
    results
}

impl Results {
    fn add(&mut self, (kill, again): Case, ended: Checked<Recovered>) {
        match ended {
            Ok(took) => self.passed.push(((kill, again), took)),
            Err(Failure(wrong, told)) => {
                let second = again.map(|it| format!(", then before {it} of the next run"));
                println!("FAILED {kill}{}: {wrong:?}: {told}", second.unwrap_or_default());
                *self.failed.entry(wrong).or_default() += 1;
            }
        }
    }
}
