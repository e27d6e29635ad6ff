//! What had an effect on a component - record writes and calls alike - and whose it was.
//!
//! This is what a lock is for, and so what the lock model is held against: of two holders of a component the first writes nothing more
//! once the second has written, and calls for nothing more once the second has called. Writes and calls are rows of their own: a call
//! that was on its way may arrive after the fence was raised, which is why the second waits before it settles and calls.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use super::lock;
use crate::address::ComponentId;

/// All that had an effect in a world.
#[derive(Clone, Default)]
pub struct Deeds {
    all: Arc<Mutex<Vec<Deed>>>,
    processes: Arc<AtomicUsize>,
}

struct Deed {
    at: Duration,
    whose: Holding,
    row: (ComponentId, Sort),
    what: String,
}

/// Sorts of deeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sort {
    /// A shard was written.
    Write,
    /// A call changed something.
    Call,
}

/// A process, and how often it had let go of what it held: what it takes then it holds anew.
type Holding = (usize, usize);

/// A process, by whom something is done.
#[derive(Clone, Default)]
pub struct Doer {
    deeds: Deeds,
    process: usize,
    released: Arc<AtomicUsize>,
}

impl Deeds {
    /// The next process of the world.
    pub fn doer(&self) -> Doer {
        let process = self.processes.fetch_add(1, Ordering::SeqCst);
        Doer { deeds: self.clone(), process, released: Arc::default() }
    }

    /// What was written - and called for, if that counts - by one holder after the next one had; none where the lock did what it is for.
    pub fn out_of_turn(&self, calls_too: bool) -> Option<String> {
        let mut all = lock(&self.all);
        // What arrives late is noted when the world is looked at next.
        all.sort_by_key(|deed| deed.at);
        let (mut last, mut gone) = (BTreeMap::new(), Vec::new());
        for deed in all.iter().filter(|deed| calls_too || deed.row.1 == Sort::Write) {
            if gone.contains(&(&deed.row, deed.whose)) {
                let row = all.iter().filter(|it| it.row == deed.row);
                let told = row.map(|it| format!("{:?} {:?} {}", it.at, it.whose, it.what)).collect::<Vec<_>>();
                return Some(format!(
                    "{} was done by a holder that was taken over ({:?}):\n{}",
                    deed.what,
                    deed.at,
                    told.join("\n")
                ));
            }
            if let Some(before) = last.insert(&deed.row, deed.whose).filter(|before| *before != deed.whose) {
                gone.push((&deed.row, before));
            }
        }
        None
    }

    /// How much was done.
    pub fn count(&self) -> usize {
        lock(&self.all).len()
    }
}

impl Doer {
    /// It let go of what it held.
    pub fn released(&self) {
        self.released.fetch_add(1, Ordering::SeqCst);
    }

    /// Who it is now: for what takes effect later.
    pub fn holding(&self) -> Holding {
        (self.process, self.released.load(Ordering::SeqCst))
    }

    /// `what` took effect for a component, as it was sent by `whose`.
    pub fn did(&self, at: Duration, whose: Holding, row: (ComponentId, Sort), what: String) {
        lock(&self.deeds.all).push(Deed { at, whose, row, what });
    }
}
