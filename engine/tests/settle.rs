//! Waiting for what was set to be there: a read that lags is waited for, a change that AWS took back is not.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::time::Duration;

use deployer_engine::{
    clock::Clock,
    error::{Error, Result},
    facts::Settle,
    resource::{PhysicalId, Wanted},
    settle::{Look, Settled, Waiter, settle},
    sim::{Cloud, Points, SimClock, Site, run, types::registry},
    stop::Stop,
};

const TWENTY_MINUTES: Settle = Settle { budget: Duration::from_secs(1200), ..Settle::FAST };

/// Waits for a thing that is ready and other than it was set to, except from second `from` to second `until`.
fn wait(from: u64, until: u64) -> (Result<Settled>, Duration) {
    let clock = SimClock::default();
    let site = Site::new(&clock, Points::quiet());
    let registry = registry(&Cloud::default().reach(&site));
    let resource = registry.need("Sim::Named").expect("a type of the world");
    let right = |now: Duration| (from..until).contains(&now.as_secs());
    let look = |_: &_| if right(clock.now()) { Look::Good } else { Look::Other("Size is not what was set".to_owned()) };
    let waiter = Waiter { clock: &site as &dyn Clock, stop: &Stop::default(), status: &|_| {} };
    let how = Settle { confirmations: 3, ..TWENTY_MINUTES };
    let settled =
        run(&clock, settle(resource.as_ref(), &PhysicalId("a".to_owned()), &Wanted::All, how, &look, &waiter));
    (settled, clock.now())
}

#[test]
fn a_read_that_lags_is_waited_for() {
    let (settled, after) = wait(290, 1_000);
    assert!(matches!(settled, Ok(Settled::Good(_))), "{settled:?}");
    assert!(after.as_secs() < 300, "{after:?}");
}

#[test]
fn a_change_that_was_taken_back_fails_long_before_the_budget_is_spent() {
    let (settled, after) = wait(0, 0);
    let Err(Error::Failed { reason }) = settled else { panic!("{settled:?}") };
    assert_eq!(reason, "Size is not what was set: AWS took the change back, or somebody else makes another one");
    assert!((300..310).contains(&after.as_secs()), "{after:?}");
}

#[test]
fn a_good_read_between_starts_the_patience_anew() {
    // Reads flap on the way: one good one is no proof, and no failure either.
    let (settled, after) = wait(200, 202);
    assert!(matches!(settled, Err(Error::Failed { .. })), "{settled:?}");
    assert!((500..520).contains(&after.as_secs()), "{after:?}");
}
