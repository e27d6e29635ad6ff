//! Waiting: one loop for all resources.
//!
//! A resource contributes a status word and declared figures, never a loop.

use std::time::Duration;

use futures::future::{self, BoxFuture, FutureExt};

use crate::{
    clock::Clock,
    error::{Class, Error, Result},
    facts::Settle,
    resource::{DynResource, PhysicalId, Seen, Wanted},
    stop::Stop,
};

/// What one look says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// As wished.
    Good,
    /// Not yet: the status, in words.
    NotYet(String),
    /// Ready, and other than wished: a stale read, or AWS or somebody else took it back.
    Other(String),
    /// Never: the reason.
    Failed(String),
}

/// How long reads may lag behind a change of a thing that calls itself ready. What differs for longer was taken back.
const LAG: Duration = Duration::from_secs(300);

/// What waiting needs.
pub struct Waiter<'a> {
    /// Time.
    pub clock: &'a dyn Clock,
    /// The wish to stop, which ends polling.
    pub stop: &'a Stop,
    /// Told when the status word changes.
    pub status: &'a (dyn Fn(&str) + Send + Sync),
}

/// What came of waiting.
#[derive(Debug)]
pub enum Settled {
    /// As wished; the last look.
    Good(Seen),
    /// Polling was stopped by the user.
    Stopped,
}

/// Reads until `look` was good `confirmations` times in a row, or the budget is spent.
pub async fn settle(
    it: &dyn DynResource,
    id: &PhysicalId,
    wanted: &Wanted,
    how: Settle,
    look: &(dyn Fn(&Seen) -> Look + Send + Sync),
    waiter: &Waiter<'_>,
) -> Result<Settled> {
    settle_unless(it, id, wanted, how, look, &|| future::ready(None).boxed(), waiter).await
}

/// The same; what is ready and other than wished is asked whether it was taken back.
pub async fn settle_unless<'a>(
    it: &dyn DynResource,
    id: &PhysicalId,
    wanted: &Wanted,
    how: Settle,
    look: &(dyn Fn(&Seen) -> Look + Send + Sync),
    lost: &(dyn Fn() -> BoxFuture<'a, Option<String>> + Send + Sync),
    waiter: &Waiter<'_>,
) -> Result<Settled> {
    let start = waiter.clock.monotonic();
    let mut last = String::new();
    let mut good = 0;
    let mut other_since = None;
    let mut pause = how.first;
    loop {
        if !pause.is_zero() && !waiter.stop.unless(waiter.clock.sleep(pause)).await {
            return Ok(Settled::Stopped);
        }
        pause = how.every;
        let mut other = None;
        let status = match it.read(id, wanted).await {
            Ok(seen) => match look(&seen) {
                Look::Good if good + 1 >= how.confirmations => return Ok(Settled::Good(seen)),
                Look::Good => {
                    good += 1;
                    other_since = None;
                    continue;
                }
                Look::Failed(reason) => return Err(Error::Failed { reason }),
                Look::NotYet(status) => status,
                Look::Other(status) => {
                    other = Some(*other_since.get_or_insert_with(|| waiter.clock.monotonic()));
                    status
                }
            },
            Err(error) if passes(error.class()) => error.to_string(),
            Err(error) => return Err(error),
        };
        good = 0;
        other_since = other;
        if other.is_some()
            && let Some(reason) = lost().await
        {
            return Err(Error::Failed { reason });
        }
        if other.is_some_and(|since| waiter.clock.monotonic().saturating_sub(since) >= LAG) {
            let reason = format!("{status}: AWS took the change back, or somebody else makes another one");
            return Err(Error::Failed { reason });
        }
        if status != last {
            (waiter.status)(&status);
            last = status;
        }
        if waiter.clock.monotonic().saturating_sub(start) >= how.budget {
            return Err(Error::Timeout { waiting_for: format!("{} {id}", it.kind()), budget: how.budget, last });
        }
        if waiter.stop.is_wished() {
            return Ok(Settled::Stopped);
        }
        // A read that fails at once must not spin.
        pause = pause.max(Duration::from_millis(100));
    }
}

/// A failed read says nothing about the thing. What is gone is told as absent: a part that is not found while the rest is there
/// is not visible yet, or not any more.
pub(crate) fn passes(class: Class) -> bool {
    matches!(class, Class::Throttled | Class::Ambiguous | Class::Conflict | Class::Propagating | Class::NotFound)
}
