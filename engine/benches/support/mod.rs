//! What benchmarks of stores and sessions share: real pauses, and a runtime of one thread.

use std::time::Duration;

use deployer_engine::clock::Clock;
use futures::future::BoxFuture;

/// A clock whose pauses are real, and that always shows the start.
pub(crate) struct Now;

impl Clock for Now {
    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }

    fn wall_millis(&self) -> u64 {
        0
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}

/// One thread, and time.
pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}
