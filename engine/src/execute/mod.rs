//! Applying: one loop over a ready queue.
//!
//! The loop owns journal and shards; steps run as futures and report back to it. No mutex, one order of events. An intent
//! is durable before its call; what becomes ready while a batch is being written shares the next one. A journal that cannot be
//! written stops new steps; running ones are awaited, never dropped halfway.

mod end;
mod intent;
mod judge;
mod progress;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::{
    StreamExt,
    channel::mpsc,
    future::{BoxFuture, FutureExt},
    stream::FuturesUnordered,
};

use self::progress::Progress;
pub use self::world::{Report, World};
use crate::{
    address::{Address, ComponentId},
    book::Held,
    error::{Error, Result},
    event::Event,
    facts::{Settle, SettleTable},
    fold::fold,
    journal::{Entry, Intent, Journal, Outcome, Verb},
    lock::{self, LockError},
    plan::{Plan, StepId},
    state::Shard,
    step,
    verdict::Verdict,
};

/// What comes back to the loop.
enum News {
    Journaled(Result<()>, Vec<StepId>),
    Ran(StepId, Outcome),
    Usable(StepId),
    Written(ComponentId, Result<Held<Shard>>),
    Judged(Verdict),
    Lost,
}

/// The loop's state.
struct Run<'a> {
    plan: &'a Plan,
    world: &'a World<'a>,
    progress: Progress,
    journal: &'a mut Journal,
    shards: &'a mut BTreeMap<ComponentId, Held<Shard>>,
    intents: BTreeMap<StepId, Intent>,
    batch: Vec<Entry>,
    /// Steps whose intent is durable, to be started.
    durable: Vec<StepId>,
    appending: bool,
    dirty: BTreeSet<ComponentId>,
    writing: BTreeSet<ComponentId>,
    /// Components that are good only after a verdict.
    due: BTreeSet<ComponentId>,
    judging: bool,
    started: BTreeMap<StepId, Duration>,
    early: mpsc::UnboundedSender<(StepId, Outcome)>,
    report: Report,
    news: FuturesUnordered<BoxFuture<'a, News>>,
}

/// Runs `plan`. `shards` are the plan's components, read under the lock; they are kept up to date.
pub async fn execute<'a>(
    plan: &'a Plan,
    journal: &'a mut Journal,
    shards: &'a mut BTreeMap<ComponentId, Held<Shard>>,
    world: &'a World<'a>,
) -> Report {
    let (early, mut heard) = mpsc::unbounded();
    let due = judge::due(plan, shards, world);
    let mut run = Run {
        plan,
        world,
        progress: Progress::new(plan, world.types, world.parallelism),
        journal,
        shards,
        intents: BTreeMap::new(),
        batch: Vec::new(),
        durable: Vec::new(),
        appending: false,
        dirty: BTreeSet::new(),
        writing: BTreeSet::new(),
        due,
        judging: false,
        started: BTreeMap::new(),
        early,
        report: Report::default(),
        news: FuturesUnordered::new(),
    };
    let mut keep = world.lease.keep().boxed().fuse();
    loop {
        run.begin();
        run.admit();
        run.flush();
        if run.is_over() {
            break;
        }
        let news = futures::select_biased! {
            early = heard.select_next_some() => { run.created(early.0, early.1); continue }
            news = run.news.select_next_some() => news,
            () = keep => News::Lost,
        };
        // A step tells its early answer before its end, and may have told both since.
        while let Some(Some((id, outcome))) = heard.next().now_or_never() {
            run.created(id, outcome);
            if run.is_one_by_one() {
                run.flush();
            }
        }
        run.hear(news);
    }
    run.end().await
}

impl<'a> Run<'a> {
    /// Starts what is ready, unless nothing new may start.
    fn admit(&mut self) {
        if self.halted() {
            return;
        }
        self.judge();
        if self.takes_turns() {
            return;
        }
        while let Some(id) = self.progress.next() {
            let step = &self.plan.steps[id];
            match self.intent(step) {
                Ok(intent) => {
                    self.batch.push(Entry::Intent(Box::new(intent.clone())));
                    self.intents.insert(id, intent);
                }
                Err(error) => self.fail(id, error.chain()),
            }
        }
    }

    /// One at a time is meant of all that takes time: neither a step nor a shard's write begins beside anything else, so that such
    /// a run makes the same calls each time.
    fn is_one_by_one(&self) -> bool {
        self.world.parallelism == 1
    }

    fn takes_turns(&self) -> bool {
        self.is_one_by_one() && !self.news.is_empty()
    }

    fn halted(&self) -> bool {
        let failed = self.world.stop_on_failure && !self.report.failed.is_empty()
            || self.report.verdict.as_ref().is_some_and(|it| !it.is_good());
        failed || self.report.broken.is_some() || self.world.stop.is_wished() || self.world.lease.is_lost()
    }

    /// Sends the batch on its way if none is, and the shards that came to rest.
    fn flush(&mut self) {
        let turn = !self.takes_turns();
        if !self.appending && !self.batch.is_empty() && self.report.broken.is_none() {
            self.appending = true;
            let batch = std::mem::take(&mut self.batch);
            let steps = batch.iter().filter_map(|entry| match entry {
                Entry::Intent(intent) => Some(intent.step - self.world.first_step),
                _ => None,
            });
            let steps: Vec<StepId> = steps.collect();
            if self.world.safety.intent() {
                let append = self.journal.append(batch);
                self.news.push(append.map(|result| News::Journaled(result, steps)).boxed());
            } else {
                self.news.push(std::future::ready(News::Journaled(Ok(()), steps)).boxed());
            }
        }
        if turn && self.report.broken.is_none() {
            self.write_shards();
        }
    }

    /// A component at rest is written; one that has steps under way waits, so that a change costs few writes.
    fn write_shards(&mut self) {
        let resting = |id: &&ComponentId| !self.writing.contains(*id) && !self.progress.is_busy(id);
        let ready: Vec<ComponentId> = self.dirty.iter().filter(resting).cloned().collect();
        for id in ready {
            self.dirty.remove(&id);
            let Some(held) = self.shards.get(&id).cloned() else { continue };
            self.writing.insert(id.clone());
            let book = self.world.book;
            let body = held.record.body.clone();
            let write = async move {
                let written = book.write_shard(&id, &held, held.record.fence, body).await.map_err(lock::taken);
                News::Written(id, written)
            };
            self.news.push(write.boxed());
        }
    }

    fn is_over(&self) -> bool {
        self.news.is_empty() && (self.batch.is_empty() || self.report.broken.is_some())
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Journaled(Ok(()), steps) => {
                self.appending = false;
                self.durable.extend(steps);
            }
            News::Journaled(Err(error), steps) => {
                self.appending = false;
                steps.into_iter().for_each(|id| self.progress.unready(id));
                self.break_off(error);
            }
            News::Ran(id, outcome) => self.finish(id, outcome),
            News::Usable(id) => self.progress.done(id),
            News::Judged(verdict) => self.judged(verdict),
            News::Written(id, Ok(held)) => {
                self.writing.remove(&id);
                if let Some(ours) = self.shards.get_mut(&id) {
                    // What was folded in meanwhile stays ours.
                    let body = std::mem::take(&mut ours.record.body);
                    *ours = held;
                    ours.record.body = body;
                }
            }
            News::Written(id, Err(error)) => {
                self.writing.remove(&id);
                self.dirty.insert(id);
                self.break_off(error);
            }
            News::Lost => self.break_off(LockError::Lost.into()),
        }
    }

    /// The records cannot be written: nothing new starts, what runs is awaited.
    fn break_off(&mut self, error: Error) {
        if self.report.broken.is_none() {
            self.world.events.send(Event::StateFailed { error: error.chain() });
            self.report.broken = Some(error);
        }
    }

    /// Starts what may be started: one at a time not beside a shard's write.
    fn begin(&mut self) {
        if !self.is_one_by_one() || self.writing.is_empty() {
            std::mem::take(&mut self.durable).into_iter().for_each(|id| self.start(id));
        }
    }

    /// Its intent is durable: the call may be made.
    fn start(&mut self, id: StepId) {
        if self.halted() {
            // It was recorded and not called: that is its outcome.
            let outcome = Outcome::Failed { error: "not started".to_owned(), settled: true };
            self.batch.push(Entry::Outcome { step: self.world.first_step + id, outcome });
            self.progress.unready(id);
            return;
        }
        let step = &self.plan.steps[id];
        let awaited = self.progress.is_awaited(id);
        let unsure = self.shards.get(&step.address().component).is_some_and(|it| it.record.body.unsure);
        let (world, early) = (self.world, self.early.clone());
        let desired = self.intents.get(&id).and_then(|intent| intent.desired.clone());
        self.started.insert(id, world.clock.monotonic());
        let verb = self.verb(id);
        world.events.send(Event::StepStarted {
            address: step.address().clone(),
            verb: verb.word().to_owned(),
            usual_millis: step.usual,
        });
        let running = async move {
            let Some(resource) = world.types.get(&step.kind) else {
                let error = format!("this version does not know the type {}", step.kind);
                return News::Ran(id, Outcome::Failed { error, settled: true });
            };
            let cx = step::Context {
                resource: resource.as_ref(),
                clock: world.clock.as_ref(),
                stop: world.stop,
                lease: world.lease,
                call_timeout: world.call_timeout,
                settle: within(resource.facts().settle, step.timeout),
                wait: world.wait || awaited,
                unsure,
                created: &|outcome| drop(early.unbounded_send((id, outcome))),
                status: &|status| {
                    world.events.send(Event::StepStatus { address: step.address().clone(), status: status.to_owned() });
                },
            };
            // Nothing is called for what is only forgotten, whatever was planned.
            let gone = verb == Verb::Forget;
            News::Ran(id, if gone { Outcome::Gone } else { step::run(step, desired, &cx).await })
        };
        self.news.push(running.boxed());
    }

    fn verb(&self, id: StepId) -> Verb {
        self.intents.get(&id).map_or(Verb::Update, |intent| intent.verb)
    }

    /// A create call has answered: recorded at once, and whoever needs no more than that may start.
    fn created(&mut self, id: StepId, outcome: Outcome) {
        self.record(id, &outcome);
        self.progress.created(id);
    }

    fn record(&mut self, id: StepId, outcome: &Outcome) {
        self.batch.push(Entry::Outcome { step: self.world.first_step + id, outcome: outcome.clone() });
        let component = &self.plan.steps[id].address().component;
        if let (Some(held), Some(intent)) = (self.shards.get_mut(component), self.intents.get(&id)) {
            fold(&mut held.record.body, intent, outcome);
            self.dirty.insert(component.clone());
        }
    }

    fn finish(&mut self, id: StepId, outcome: Outcome) {
        self.record(id, &outcome);
        let step = &self.plan.steps[id];
        let verb = self.verb(id).word().to_owned();
        let spent = self.world.clock.monotonic().saturating_sub(self.started.get(&id).copied().unwrap_or_default());
        let millis = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
        if outcome == Outcome::Sent {
            self.report.sent.push(id);
        }
        if let Outcome::Failed { error, .. } = outcome {
            return self.fail(id, error);
        }
        self.world.events.send(Event::StepDone { address: step.address().clone(), verb, millis });
        self.took(id, millis);
        self.report.done.push((id, millis));
        self.progress.finished(id);
        let usable_after = self.world.types.get(&step.kind).map_or(Duration::ZERO, |it| it.facts().usable_after);
        // Others may not see what is new yet; a plan with nothing left to do need not wait for it.
        if usable_after.is_zero() || step.desired().is_none() || !self.progress.is_awaited(id) {
            self.progress.done(id);
        } else {
            let (sleep, stop) = (self.world.clock.sleep(usable_after), self.world.stop);
            self.news.push(
                async move {
                    stop.unless(sleep).await;
                    News::Usable(id)
                }
                .boxed(),
            );
        }
    }

    /// The next run knows how long it takes.
    fn took(&mut self, id: StepId, millis: u64) {
        let Address { component, role } = self.plan.steps[id].address();
        let verb = self.verb(id).word().to_owned();
        let resources = self.shards.get_mut(component).map(|held| &mut held.record.body.resources);
        if let Some(state) = resources.and_then(|it| it.get_mut(role)) {
            state.took.insert(verb, millis);
        }
    }

    fn fail(&mut self, id: StepId, error: String) {
        let address = self.plan.steps[id].address().clone();
        self.world.events.send(Event::StepFailed {
            address,
            verb: self.verb(id).word().to_owned(),
            error: error.clone(),
        });
        self.report.failed.push((id, error));
        self.progress.failed(id);
    }
}

/// The declared budgets, or the component's own for all verbs.
fn within(settle: SettleTable, timeout: Option<u64>) -> SettleTable {
    let Some(budget) = timeout.map(Duration::from_secs) else { return settle };
    let own = |it: Settle| Settle { budget, ..it };
    SettleTable { create: own(settle.create), update: own(settle.update), delete: own(settle.delete) }
}
