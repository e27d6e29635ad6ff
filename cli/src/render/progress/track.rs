//! What is under way, as events tell it: no clock, no terminal.
//!
//! Events name steps; a person thinks in components. What is shown of a component is its oldest step, because that is what it waits
//! for; how long is left is the longest way through the steps that are not done, by what each usually takes.

use std::{collections::BTreeSet, time::Duration};

use deployer_engine::{address::Address, event::Event, plan::Plan};

/// The verb of what is only looked at.
const CHECK: &str = "check";

/// What is over before a person has read it needs no word on how long it usually takes.
const WORTH: Duration = Duration::from_secs(10);

/// Two times: the engine's, which tests make run faster, and the person's.
#[derive(Clone, Copy, Debug, Default)]
pub struct At {
    /// The engine's: durations are told in it.
    pub engine: Duration,
    /// The person's: how often something is said goes by it.
    pub real: Duration,
}

/// Something that is under way.
#[derive(Clone, Debug)]
pub struct Doing {
    /// Its component, or what else it belongs to.
    pub of: String,
    /// Its resource by its role, or a check's name.
    pub what: String,
    /// create, update, delete, retain, forget, check.
    pub verb: String,
    /// When it began.
    pub since: At,
    /// When it was last told of in a line of its own.
    said: Duration,
    /// The cloud's own word for what it waits for.
    pub status: String,
    /// How long it usually takes.
    pub usual: Option<Duration>,
}

/// A step that was planned.
#[derive(Clone, Debug)]
struct Planned {
    address: Address,
    verb: &'static str,
    usual: Duration,
    after: Vec<usize>,
}

/// Everything that is known.
#[derive(Clone, Debug, Default)]
pub struct Track {
    /// What is under way, oldest first.
    pub doing: Vec<Doing>,
    /// How many steps there are.
    pub steps: usize,
    /// How many are done.
    pub done: usize,
    /// When the first step could start.
    pub started: Option<At>,
    /// Steps run, or may.
    pub open: bool,
    planned: Vec<Planned>,
    finished: BTreeSet<(Address, String)>,
}

impl Track {
    /// What is going to be done.
    pub fn plan(&mut self, plan: &Plan) {
        let planned = plan.steps.iter().map(|step| Planned {
            address: step.address().clone(),
            verb: step.verb(),
            usual: Duration::from_millis(step.usual),
            after: step.after.iter().map(|edge| edge.step).collect(),
        });
        self.planned = planned.collect();
    }

    /// Takes an event.
    pub fn hear(&mut self, event: &Event, at: At) {
        match event {
            Event::Started { steps, .. } | Event::RollingBack { steps, .. } => self.begin(*steps, at),
            Event::StepStarted { address, verb, usual_millis } => {
                let usual = Some(Duration::from_millis(*usual_millis)).filter(|it| *it >= WORTH);
                self.add(address.component.to_string(), address.role.clone(), verb, at, usual);
            }
            Event::StepStatus { address, status } => self.status(address, status, at),
            Event::StepDone { address, verb, .. } => {
                self.done += 1;
                self.end(&address.component.to_string(), Some(&address.role));
                self.finished.insert((address.clone(), verb.clone()));
            }
            Event::StepFailed { address, verb, .. } => {
                self.end(&address.component.to_string(), Some(&address.role));
                self.finished.insert((address.clone(), verb.clone()));
            }
            Event::Checking { what } => {
                let (of, name) = what.split_once(": ").unwrap_or(("", what));
                self.add(of.to_owned(), name.to_owned(), CHECK, at, None);
            }
            Event::Checked { finding } => {
                let (of, name) = finding.what.split_once(": ").unwrap_or(("", &finding.what));
                self.end(of, Some(name));
            }
            Event::Judged { component, .. } => self.end(&component.to_string(), None),
            Event::Finished { .. } => {
                self.doing.clear();
                self.open = false;
            }
            _ => {}
        }
    }

    fn begin(&mut self, steps: usize, at: At) {
        (self.steps, self.done, self.started, self.open) = (steps, 0, Some(at), steps > 0);
        self.doing.clear();
        self.finished.clear();
    }

    fn add(&mut self, of: String, what: String, verb: &str, at: At, usual: Option<Duration>) {
        let verb = verb.to_owned();
        self.doing.push(Doing { of, what, verb, since: at, said: at.real, status: String::new(), usual });
    }

    /// What is waited for. Nobody tells that a thing begins to be looked at but its first status.
    fn status(&mut self, address: &Address, status: &str, at: At) {
        let of = address.component.to_string();
        let known = |it: &Doing| it.of == of && it.what == address.role;
        if !self.doing.iter().any(known) {
            self.add(of.clone(), address.role.clone(), CHECK, at, None);
        }
        self.doing.iter_mut().filter(|it| known(it)).for_each(|it| status.clone_into(&mut it.status));
    }

    fn end(&mut self, of: &str, what: Option<&str>) {
        self.doing.retain(|it| it.of != of || what.is_some_and(|what| it.what != what));
    }

    /// How long is left, if what is to be done is known.
    pub fn left(&self, now: At) -> Option<Duration> {
        if self.planned.is_empty() || !self.open {
            return None;
        }
        let mut ends: Vec<Option<Duration>> = vec![None; self.planned.len()];
        (0..self.planned.len()).for_each(|step| {
            self.way(step, now, &mut ends);
        });
        ends.into_iter().flatten().max().filter(|left| !left.is_zero())
    }

    /// The longest way up to the end of a step. Plans have no circles; should one have, it is not followed.
    fn way(&self, step: usize, now: At, ends: &mut Vec<Option<Duration>>) -> Duration {
        if let Some(known) = ends[step] {
            return known;
        }
        ends[step] = Some(Duration::ZERO);
        let first = self.planned[step].after.iter().filter(|it| **it < ends.len());
        let first = first.copied().collect::<Vec<_>>().into_iter().map(|it| self.way(it, now, ends)).max();
        let end = first.unwrap_or_default() + self.rest(&self.planned[step], now);
        ends[step] = Some(end);
        end
    }

    /// What a step still takes. One that is late may end any moment, and did not yet.
    fn rest(&self, it: &Planned, now: At) -> Duration {
        if self.finished.contains(&(it.address.clone(), it.verb.to_owned())) {
            return Duration::ZERO;
        }
        let usual = it.usual;
        let of = it.address.component.to_string();
        let running = self.doing.iter().find(|doing| doing.of == of && doing.what == it.address.role);
        let spent = running.map_or(Duration::ZERO, |doing| now.engine.saturating_sub(doing.since.engine));
        usual.saturating_sub(spent).max(usual / 10)
    }

    /// What was not told of for `every` of a person's time: it is now.
    pub fn overdue(&mut self, now: At, every: Duration) -> Vec<Doing> {
        let late = self.doing.iter_mut().filter(|it| now.real.saturating_sub(it.said) >= every);
        late.map(|it| {
            it.said = now.real;
            it.clone()
        })
        .collect()
    }
}

impl Doing {
    /// `creating Instance`.
    pub fn words(&self) -> String {
        format!("{} {}", doing(&self.verb), self.what)
    }

    /// How long it has been under way.
    pub fn spent(&self, now: At) -> Duration {
        now.engine.saturating_sub(self.since.engine)
    }
}

fn doing(verb: &str) -> &str {
    match verb {
        "create" => "creating",
        "update" => "changing",
        "delete" => "deleting",
        "retain" => "leaving",
        "forget" => "forgetting",
        CHECK => "checking",
        other => other,
    }
}
