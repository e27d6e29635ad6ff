//! Progress: painted rows on a terminal, plain lines elsewhere, JSON lines where they were asked for.
//!
//! Where nothing is painted a long wait must not look like a hang: every half minute of a person's time it says that it goes on.

#![allow(
    clippy::disallowed_methods,
    reason = "how often a line is repeated is about the person, not about the engine's time"
)]

mod frame;
mod said;
pub mod screen;
mod text;
mod track;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::{Duration, Instant},
};

use deployer_engine::{
    clock::Clock,
    event::{Event, Sink},
    plan::Plan,
};

use self::track::{At, Track};
use crate::{duration, term::Term};

/// How often the rows are looked at.
const TICK: Duration = Duration::from_millis(125);
/// How often a wait says that it goes on.
const PATIENCE: Duration = Duration::from_secs(30);

/// Draws events.
pub struct Progress {
    shared: Arc<Shared>,
}

struct Shared {
    term: Term,
    json: bool,
    clock: Arc<dyn Clock>,
    start: Instant,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    track: Track,
    ticking: bool,
    /// The last line about a lock, and when it was said.
    waiting: Option<(String, Duration)>,
}

impl Progress {
    /// As the terminal allows.
    pub fn new(term: Term, json: bool, clock: Arc<dyn Clock>) -> Self {
        if term.lively {
            heed_resizes();
        }
        let shared = Shared { term, json, clock, start: Instant::now(), inner: Mutex::default() };
        Self { shared: Arc::new(shared) }
    }

    /// What is going to be done: an estimate needs it.
    pub fn plan(&self, plan: &Plan) {
        self.shared.inner().track.plan(plan);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        // Under the lock: whoever is about to paint finds nothing left.
        let mut inner = self.shared.inner();
        inner.track = Track::default();
        self.shared.paint(&inner.track, At::default());
    }
}

impl Shared {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn now(&self) -> At {
        At { engine: self.clock.monotonic(), real: self.start.elapsed() }
    }

    fn draw(self: &Arc<Self>, event: &Event) {
        let now = self.now();
        let mut inner = self.inner();
        inner.track.hear(event, now);
        let line = said::of(event, &inner.track, &self.term);
        match (event, line) {
            (Event::Waiting { .. }, Some(line)) => {
                let again = |(last, at): &(String, Duration)| *last != line || now.real.saturating_sub(*at) >= PATIENCE;
                if inner.waiting.as_ref().is_none_or(again) {
                    inner.waiting = Some((line.clone(), now.real));
                    self.line(&line);
                }
            }
            (_, Some(line)) => self.line(&line),
            (_, None) => {}
        }
        self.paint(&inner.track, now);
        if !inner.ticking && !inner.track.doing.is_empty() {
            inner.ticking = true;
            tick(Arc::downgrade(self));
        }
    }

    /// Lines that scroll up on a terminal; elsewhere the time stands before each.
    fn line(&self, text: &str) {
        if self.term.lively {
            return self.term.say(text::wrapped(text, screen::size().columns));
        }
        let time = duration::time_of_day(self.clock.wall_millis());
        text.lines().for_each(|line| self.term.say(format!("{time} {line}")));
    }

    fn paint(&self, track: &Track, now: At) {
        if self.term.lively {
            screen::paint(frame::rows(track, now, screen::size(), &self.term));
        }
    }

    fn tick(&self) {
        let now = self.now();
        let mut inner = self.inner();
        self.paint(&inner.track, now);
        if !self.term.lively {
            inner.track.overdue(now, PATIENCE).iter().for_each(|it| self.line(&frame::still(it, now)));
        }
    }
}

/// Each resize counts, also one that was taken back before the size was looked at.
fn heed_resizes() {
    use tokio::signal::unix::{SignalKind, signal};
    if let Ok(mut resizes) = signal(SignalKind::window_change()) {
        tokio::spawn(async move {
            while resizes.recv().await.is_some() {
                screen::resized();
            }
        });
    }
}

/// Goes on until there is nobody left whose progress it is.
fn tick(shared: Weak<Shared>) {
    std::thread::spawn(move || {
        while let Some(shared) = shared.upgrade() {
            shared.tick();
            drop(shared);
            std::thread::sleep(TICK);
        }
    });
}

impl Sink for Progress {
    fn send(&self, event: Event) {
        if !self.shared.json {
            self.shared.draw(&event);
        } else if let Ok(line) = serde_json::to_string(&event) {
            self.shared.term.line(line);
        }
    }
}
