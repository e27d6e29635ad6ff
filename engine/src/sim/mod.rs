//! A world for tests: a cloud and a store in memory, in virtual time, with a fault wherever a test wants one.
//!
//! Every mutating call and every record write is a numbered *point*. A test runs a scenario once to count them, then once more
//! per point and fault. Nothing here is part of the product.

#![allow(
    clippy::panic,
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test's world stops at once when it is wrong"
)]

pub mod clock;
pub mod cloud;
pub mod deeds;
pub mod process;
pub mod store;
pub mod types;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use clock::{SimClock, run};
pub use cloud::Cloud;
pub use deeds::Deeds;
pub use process::{Clocks, Ended, Gauge, Process, Site};
pub use store::SimStore;

/// What happens at a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is refused and surely not done.
    Refused,
    /// It is done, and the answer is lost.
    LostAnswer,
    /// The process is killed before it.
    CrashBefore,
    /// The process is killed after it.
    CrashAfter,
    /// The process is killed while the call is on its way; it arrives ten seconds later.
    CrashLate,
    /// The process is paused before it, and its clock with it, for this many seconds.
    Pause(u64),
    /// The process is paused before it for this many seconds, as on a machine that is too busy: its clock goes on.
    Stall(u64),
}

/// All faults that end or disturb a single run.
pub const FAULTS: [Fault; 5] =
    [Fault::Refused, Fault::LostAnswer, Fault::CrashBefore, Fault::CrashAfter, Fault::CrashLate];

/// Decides what happens at each point of a process.
pub type Fate = Arc<dyn Fn(usize, &str) -> Option<Fault> + Send + Sync>;

/// The points that a process has passed, and what happens at the next.
#[derive(Clone)]
pub struct Points {
    inner: Arc<Mutex<Vec<String>>>,
    fate: Fate,
}

impl Points {
    /// Points with this fate.
    pub fn new(fate: Fate) -> Self {
        Self { inner: Arc::default(), fate }
    }

    /// No faults.
    pub fn quiet() -> Self {
        Self::new(Arc::new(|_, _| None))
    }

    /// One fault at one point.
    pub fn one(at: usize, fault: Fault) -> Self {
        Self::new(Arc::new(move |point, _| (point == at).then_some(fault)))
    }

    /// Passes a point.
    pub fn pass(&self, what: &str) -> Option<Fault> {
        let mut passed = lock(&self.inner);
        let fault = (self.fate)(passed.len(), what);
        passed.push(what.to_owned());
        fault
    }

    /// What was passed so far.
    pub fn passed(&self) -> Vec<String> {
        lock(&self.inner).clone()
    }
}

/// A lock that a panicking test does not poison.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
