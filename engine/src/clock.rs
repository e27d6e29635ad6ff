//! Time, given from outside.
//!
//! Everything that waits uses this clock: polls, budgets, heartbeats, propagation. So a test can run days in a moment, and
//! one factor scales all of it. The engine itself never asks the machine for the time.

use std::time::Duration;

use futures::future::BoxFuture;

/// A source of time.
pub trait Clock: Send + Sync {
    /// Time since some fixed moment of this process; never goes back.
    fn monotonic(&self) -> Duration;
    /// The wall clock, in milliseconds since 1970 UTC: for people to read, never to decide on.
    fn wall_millis(&self) -> u64;
    /// Returns after `time` has passed.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}
