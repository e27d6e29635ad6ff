//! Virtual time: when nothing can go on, the clock jumps to the next moment that somebody waits for.

use std::{
    future::Future,
    pin::pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Wake, Waker},
    time::Duration,
};

use super::lock;

/// The world's time.
#[derive(Clone, Default)]
pub struct SimClock {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    now: Duration,
    timers: Vec<(Duration, Waker)>,
}

impl SimClock {
    /// Time since the world began.
    pub fn now(&self) -> Duration {
        lock(&self.inner).now
    }

    /// Returns at `deadline`.
    pub async fn until(&self, deadline: Duration) {
        std::future::poll_fn(|context| {
            let mut inner = lock(&self.inner);
            if inner.now >= deadline {
                return Poll::Ready(());
            }
            inner.timers.push((deadline, context.waker().clone()));
            Poll::Pending
        })
        .await;
    }

    /// Jumps to the next moment that somebody waits for; false if nobody does.
    fn jump(&self) -> bool {
        let mut inner = lock(&self.inner);
        let Some(next) = inner.timers.iter().map(|(at, _)| *at).min() else { return false };
        inner.now = inner.now.max(next);
        let (due, later) = std::mem::take(&mut inner.timers).into_iter().partition(|(at, _)| *at <= next);
        inner.timers = later;
        drop(inner);
        let due: Vec<(Duration, Waker)> = due;
        due.into_iter().for_each(|(_, waker)| waker.wake());
        true
    }
}

struct Flag(AtomicBool);

impl Wake for Flag {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

/// Runs `future` to its end in virtual time.
pub fn run<T>(clock: &SimClock, future: impl Future<Output = T>) -> T {
    let flag = Arc::new(Flag(AtomicBool::new(true)));
    let waker = Waker::from(flag.clone());
    let mut future = pin!(future);
    loop {
        if flag.0.swap(false, Ordering::SeqCst) {
            if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return result;
            }
        } else {
            assert!(clock.jump(), "everything waits for nothing");
        }
    }
}
