//! Progress: moving lines on a terminal, plain ones elsewhere, JSON lines where they were asked for.

#![allow(
    clippy::disallowed_methods,
    reason = "how often a line is repeated is about the terminal, not about the engine's time"
)]

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use deployer_engine::{
    address::Address,
    event::{Event, Sink},
};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use crate::{
    duration,
    term::{Term, Tone},
};

/// Draws events.
pub struct Progress {
    term: Term,
    json: bool,
    bars: MultiProgress,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    running: BTreeMap<Address, ProgressBar>,
    waiting: Option<(String, Instant)>,
    steps: usize,
    done: usize,
}

impl Progress {
    /// As the terminal allows.
    pub fn new(term: Term, json: bool) -> Self {
        Self { term, json, bars: MultiProgress::new(), inner: Mutex::default() }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, text: String) {
        if self.term.lively {
            let _ = self.bars.println(text);
        } else {
            self.term.say(text);
        }
    }

    fn start(&self, address: Address, verb: &str) {
        if !self.term.lively {
            return;
        }
        let style = ProgressStyle::with_template("      {spinner} {msg} {elapsed}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner());
        let bar = self.bars.add(ProgressBar::new_spinner()).with_style(style).with_message(format!("{address} {verb}"));
        bar.enable_steady_tick(Duration::from_millis(120));
        self.inner().running.insert(address, bar);
    }

    fn end(&self, address: &Address) {
        if let Some(bar) = self.inner().running.remove(address) {
            bar.finish_and_clear();
            self.bars.remove(&bar);
        }
    }

    fn draw(&self, event: Event) {
        match event {
            Event::Refreshing { resources } if resources > 0 && self.term.level > 0 => {
                self.line(format!("reading {resources} resources"));
            }
            Event::Recovering { deployment, owner, open } => {
                let wait = if open > 0 { "; waiting until none of its calls can be on the way any more" } else { "" };
                self.line(format!(
                    "deployment {deployment} of {} on {} was killed; {open} of its calls have no recorded outcome{wait}",
                    owner.user, owner.host
                ));
            }
            Event::Settled { address, verb, outcome } => self.line(format!("  settled {address}: {verb}: {outcome}")),
            Event::Waiting { owner, purpose, since_millis } => {
                self.waiting(&owner.user, &owner.host, &purpose, since_millis)
            }
            Event::Locked { waited_millis, .. } => {
                if waited_millis >= 1_000 {
                    self.line(format!("the locks are ours after {}", duration::show(waited_millis)));
                }
            }
            Event::PlanAgain { components } => {
                let names: Vec<String> = components.iter().map(ToString::to_string).collect();
                self.line(format!("{} changed since the plan was made; planning again", names.join(", ")));
            }
            Event::Started { deployment, steps } => {
                self.inner().steps = steps;
                if steps > 0 {
                    self.line(format!("deployment {deployment}: {}", duration::count(steps, "step")));
                }
            }
            Event::StepStarted { address, verb, .. } => self.start(address, &verb),
            Event::StepStatus { address, status } => self.status(&address, &status),
            Event::StepDone { address, verb, millis } => {
                self.end(&address);
                let count = {
                    let mut inner = self.inner();
                    inner.done += 1;
                    format!("{}/{}", inner.done, inner.steps)
                };
                let done = self.term.paint(Tone::Good, format!("{:<7}", past(&verb)));
                self.line(format!(
                    "  {count:>7}  {done} {address}  {}",
                    self.term.paint(Tone::Faint, duration::show(millis))
                ));
            }
            Event::StepFailed { address, verb, error } => {
                self.end(&address);
                self.line(format!("           {} {address}: {verb} {error}", self.term.paint(Tone::Bad, "failed ")));
            }
            Event::StepSkipped { address, verb, because } => {
                self.line(format!(
                    "           {} {address}: {verb} was not started: {because}",
                    self.term.paint(Tone::Faint, "skipped")
                ));
            }
            Event::Checking { what } => self.status_line(&format!("checking {what}")),
            Event::Checked { finding } => {
                let (tone, word) = if finding.good { (Tone::Good, "good   ") } else { (Tone::Bad, "not good") };
                self.line(format!("           {} {}: {}", self.term.paint(tone, word), finding.what, finding.why));
            }
            Event::Judged { component, good: true, .. } => {
                self.line(format!(
                    "           {} {component} does what it is there for",
                    self.term.paint(Tone::Good, "good   ")
                ));
            }
            Event::Judged { component, why, .. } => {
                self.line(format!("           {} {component}: {why}", self.term.paint(Tone::Bad, "not good")));
            }
            Event::RollingBack { steps, .. } => {
                let mut inner = self.inner();
                (inner.steps, inner.done) = (steps, 0);
            }
            Event::StateFailed { error } => {
                self.line(format!("{} {error}", self.term.paint(Tone::Bad, "the state cannot be written:")))
            }
            Event::Refreshing { .. } | Event::Finished { .. } => {}
        }
    }

    fn status_line(&self, text: &str) {
        if self.term.level > 0 {
            self.line(format!("           {text}"));
        }
    }

    fn status(&self, address: &Address, status: &str) {
        match self.inner().running.get(address) {
            Some(bar) => bar.set_message(format!("{address} {status}")),
            None if self.term.level > 0 => self.term.say(format!("           waiting {address}: {status}")),
            None => {}
        }
    }

    /// Says who holds the lock, at once and then every half minute.
    fn waiting(&self, user: &str, host: &str, purpose: &str, since_millis: u64) {
        let text = format!(
            "waiting for the lock: {user} on {host} holds it for {purpose} since {}",
            duration::date(since_millis)
        );
        let mut inner = self.inner();
        let said =
            inner.waiting.as_ref().is_some_and(|(last, at)| *last == text && at.elapsed() < Duration::from_secs(30));
        if !said {
            inner.waiting = Some((text.clone(), Instant::now()));
            drop(inner);
            self.line(text);
        }
    }
}

fn past(verb: &str) -> &str {
    match verb {
        "create" => "created",
        "update" => "changed",
        "delete" => "deleted",
        "retain" => "left",
        other => other,
    }
}

impl Sink for Progress {
    fn send(&self, event: Event) {
        if self.json {
            if let Ok(line) = serde_json::to_string(&event) {
                self.term.line(line);
            }
        } else {
            self.draw(event);
        }
    }
}
