//! The machine's time, for the engine: the only place that asks for it.
//!
//! `DEPLOYER_TIME_SCALE` makes all of it pass faster, for contributors and tests: 0.01 is a hundred times as fast.

#![allow(clippy::disallowed_methods, reason = "this is the clock that all others are to use")]

use std::time::{Duration, SystemTime};

use deployer_engine::clock::Clock;
use futures::future::{BoxFuture, FutureExt};
use rustix::time::{ClockId, clock_gettime};

/// Goes on while the machine sleeps, as a lease does: whoever wakes up has to see that the lock may be another's by now. The
/// standard library's clock stands still meanwhile.
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;

/// The machine's clock, scaled.
pub struct SystemClock {
    start: Duration,
    scale: f64,
}

impl SystemClock {
    /// A clock whose seconds take `scale` seconds.
    pub fn new(scale: f64) -> Self {
        Self { start: now(), scale }
    }
}

fn now() -> Duration {
    let now = clock_gettime(CLOCK);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}

impl Clock for SystemClock {
    fn monotonic(&self) -> Duration {
        now().saturating_sub(self.start).div_f64(self.scale)
    }

    fn wall_millis(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time.mul_f64(self.scale)).boxed()
    }
}
