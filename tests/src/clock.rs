//! The machine's clock, scaled like the emulator's.

use std::time::{Duration, Instant};

use deployer_engine::clock::Clock;
use futures::future::{BoxFuture, FutureExt};

/// A clock whose seconds take as long as the emulator's. Its wall shows nothing.
pub struct Scaled {
    start: Instant,
    /// What a second of a pause takes.
    pause: f64,
    /// What a second that is counted takes.
    counted: f64,
}

impl Scaled {
    /// Starts now.
    #[allow(clippy::disallowed_methods, reason = "the start of the clock")]
    pub fn new(scale: f64) -> Self {
        Self { start: Instant::now(), pause: scale, counted: scale }
    }

    /// The same for a machine that plays AWS faster than it can answer: pauses are as long, and budgets last `patience` times as
    /// long, so that what the machine itself takes does not use them up.
    pub fn patient(scale: f64, patience: f64) -> Self {
        Self { counted: scale * patience, ..Self::new(scale) }
    }
}

impl Clock for Scaled {
    fn monotonic(&self) -> Duration {
        self.start.elapsed().div_f64(self.counted)
    }

    fn wall_millis(&self) -> u64 {
        0
    }

    #[allow(clippy::disallowed_methods, reason = "this is the clock")]
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        tokio::time::sleep(time.mul_f64(self.pause)).boxed()
    }
}
