//! A process of the world: it can be paused together with its clock, and killed.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
    time::Duration,
};

use futures::future::{BoxFuture, FutureExt};

use super::{
    Fault, Points, SimClock,
    deeds::{Deeds, Doer},
    lock,
};
use crate::clock::Clock;

/// How a process ended.
#[derive(Debug)]
pub enum Ended<T> {
    /// By itself.
    Finished(T),
    /// It was killed.
    Killed,
}

/// How a clock goes.
#[derive(Clone, Copy, Debug)]
pub struct Gauge {
    /// What it shows as the world begins.
    pub start: Duration,
    /// How many of its hundredths of a second pass in a second of the world.
    pub pace: u32,
}

impl Gauge {
    /// As the world's own.
    pub const RIGHT: Self = Self { start: Duration::ZERO, pace: 100 };

    fn shows(self, passed: Duration) -> Duration {
        self.start + passed * self.pace / 100
    }
}

/// A machine's clocks. Those of two machines agree neither in what they show nor in how fast they go.
#[derive(Clone, Copy, Debug)]
pub struct Clocks {
    /// What is decided and slept by.
    pub monotonic: Gauge,
    /// What people read.
    pub wall: Gauge,
}

/// What a process and its surroundings share.
#[derive(Clone)]
pub struct Site {
    clock: SimClock,
    clocks: Clocks,
    points: Points,
    doer: Doer,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    killed: bool,
    paused_until: Duration,
    frozen: Duration,
}

/// What is to be done at a point after its fault was met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Do it and answer.
    Do,
    /// Do not do it, and say so.
    Refuse,
    /// Do it, and lose the answer.
    Mute,
    /// Do it, then nothing ever again.
    DoAndDie,
    /// Do it ten seconds after the process died.
    Late,
}

impl Site {
    /// A place for one process.
    pub fn new(clock: &SimClock, points: Points) -> Self {
        Self {
            clock: clock.clone(),
            clocks: Clocks { monotonic: Gauge::RIGHT, wall: Gauge::RIGHT },
            points,
            doer: Doer::default(),
            inner: Arc::default(),
        }
    }

    /// The same on a machine with these clocks.
    #[must_use]
    pub fn with(self, clocks: Clocks) -> Self {
        Self { clocks, ..self }
    }

    /// The same where what it does is noted.
    #[must_use]
    pub fn noted_in(self, deeds: &Deeds) -> Self {
        Self { doer: deeds.doer(), ..self }
    }

    /// Who does what is done here.
    pub fn doer(&self) -> &Doer {
        &self.doer
    }

    /// The world's time.
    pub fn world(&self) -> &SimClock {
        &self.clock
    }

    /// True once it was killed.
    pub fn is_killed(&self) -> bool {
        lock(&self.inner).killed
    }

    /// Passes a point: what a fault makes of the process happens here.
    pub async fn pass(&self, what: &str) -> Way {
        match self.points.pass(what) {
            None => Way::Do,
            Some(Fault::Refused) => Way::Refuse,
            Some(Fault::LostAnswer) => Way::Mute,
            Some(Fault::CrashAfter) => Way::DoAndDie,
            Some(Fault::CrashLate) => Way::Late,
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::Pause(seconds)) => {
                self.pause(seconds, seconds).await;
                Way::Do
            }
            Some(Fault::Stall(seconds)) => {
                self.pause(seconds, 0).await;
                Way::Do
            }
        }
    }

    /// Ends the process here.
    pub async fn die<T>(&self) -> T {
        lock(&self.inner).killed = true;
        self.yield_once().await;
        std::future::pending().await
    }

    /// Nothing happens for so many seconds, of which the process's own clock misses some.
    async fn pause(&self, seconds: u64, missed: u64) {
        {
            let mut inner = lock(&self.inner);
            inner.paused_until = self.clock.now() + Duration::from_secs(seconds);
            inner.frozen += Duration::from_secs(missed);
        }
        self.yield_once().await;
    }

    async fn yield_once(&self) {
        let mut first = true;
        std::future::poll_fn(|context| {
            if std::mem::take(&mut first) {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        })
        .await;
    }
}

impl Clock for Site {
    fn monotonic(&self) -> Duration {
        self.clocks.monotonic.shows(self.clock.now().saturating_sub(lock(&self.inner).frozen))
    }

    fn wall_millis(&self) -> u64 {
        u64::try_from(self.clocks.wall.shows(self.clock.now()).as_millis()).unwrap_or(u64::MAX)
    }

    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let (clock, time) = (self.clock.clone(), time * 100 / self.clocks.monotonic.pace);
        async move { clock.until(clock.now() + time).await }.boxed()
    }
}

/// A process: `work` under a site's pauses and its death.
pub struct Process<T> {
    site: Site,
    work: Option<BoxFuture<'static, T>>,
    pause: Option<BoxFuture<'static, ()>>,
}

impl<T> Process<T> {
    /// Starts `work` at `site`.
    pub fn new(site: &Site, work: impl Future<Output = T> + Send + 'static) -> Self {
        Self { site: site.clone(), work: Some(work.boxed()), pause: None }
    }
}

impl<T> Future for Process<T> {
    type Output = Ended<T>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Ended<T>> {
        loop {
            if self.site.is_killed() {
                self.work = None;
                return Poll::Ready(Ended::Killed);
            }
            if let Some(pause) = &mut self.pause {
                if pause.as_mut().poll(context).is_pending() {
                    return Poll::Pending;
                }
                self.pause = None;
            }
            let until = lock(&self.site.inner).paused_until;
            if until > self.site.clock.now() {
                let clock = self.site.clock.clone();
                self.pause = Some(async move { clock.until(until).await }.boxed());
                continue;
            }
            let Some(work) = &mut self.work else { return Poll::Ready(Ended::Killed) };
            if let Poll::Ready(result) = work.as_mut().poll(context) {
                return Poll::Ready(Ended::Finished(result));
            }
            let inner = lock(&self.site.inner);
            if !inner.killed && inner.paused_until <= self.site.clock.now() {
                return Poll::Pending;
            }
        }
    }
}
