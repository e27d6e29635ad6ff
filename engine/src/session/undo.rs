//! Taking back: what was done since components were last good is undone, and that is judged like any other deployment.
//!
//! It is planned, journaled and executed like everything else. The shards say what to go back to and that it is under way, so a
//! rollback that is killed goes on in the next run.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Applied, Approve, Memory, OnFailure, Question, Session, Trouble, Wish, deploy::hold_on, past::step_records,
};
use crate::{
    address::ComponentId,
    book::Held,
    error::Result,
    event::Event,
    execute::{self, Report},
    history::{Ending, Rollback},
    journal::{Entry, Journal},
    lock::Lease,
    observe,
    plan::{self, Plan},
    record::Record,
    state::{Shard, hash_of},
};

/// Why something is taken back, and how.
pub(super) struct Cause<'a> {
    /// Why, in one line.
    pub(super) because: String,
    /// The input that is taken back.
    pub(super) input: &'a serde_json::Value,
    /// Nobody is asked.
    pub(super) decided: bool,
}

/// What taking back came to.
#[derive(Debug, Default)]
pub struct Undone {
    /// Why it was done.
    pub because: String,
    /// What was planned.
    pub plan: Plan,
    /// What came of it.
    pub report: Report,
    /// What cannot be taken back and stays, and why.
    pub left: Vec<String>,
    /// Why there is no plan, if so.
    pub error: Option<String>,
}

impl Undone {
    /// True if everything that can be taken back was, and reads say that it is good.
    pub fn is_success(&self) -> bool {
        self.error.is_none() && self.report.is_success()
    }

    pub(super) fn ending(&self) -> Ending {
        if self.is_success() { Ending::RolledBack } else { Ending::RollbackFailed }
    }

    pub(super) fn record(&self) -> Rollback {
        Rollback {
            because: self.because.clone(),
            steps: step_records(&self.plan, &self.report),
            verdict: self.report.verdict.iter().flat_map(|it| it.findings.clone()).collect(),
            left: self.left.clone(),
            error: self.error.clone(),
        }
    }
}

type Shards = BTreeMap<ComponentId, Held<Shard>>;

impl Session {
    /// True if a rollback from this very input was cut short.
    pub(super) fn is_half_undone(&self, memory: &Memory, input: &serde_json::Value) -> bool {
        let hash = hash_of(input);
        let undoing = |held: &Held<Shard>| held.record.body.before.as_ref().and_then(|it| it.undoing.clone());
        memory.shards.values().any(|held| undoing(held).as_ref() == Some(&hash))
    }

    /// Takes back whatever is not known to be good: what an earlier run left so.
    pub async fn take_back(&mut self, wish: &Wish, because: &str, approve: Approve<'_>) -> Result<Applied, Trouble> {
        self.recover_dead(true).await?;
        self.undo_standing(wish, because, false, approve).await
    }

    pub(super) async fn undo_standing(
        &mut self,
        wish: &Wish,
        because: &str,
        decided: bool,
        approve: Approve<'_>,
    ) -> Result<Applied, Trouble> {
        let memory = self.look().await?;
        let kept = |(id, held): (&ComponentId, &Held<Shard>)| held.record.body.before.is_some().then(|| id.clone());
        let which: BTreeSet<ComponentId> = memory.shards.iter().filter_map(kept).collect();
        if which.is_empty() {
            return Ok(Applied::NoChanges);
        }
        let opened = self.open(&memory.lineage, wish, Default::default(), Some(&memory)).await?;
        let (deployment, lineage) = (opened.lease.deployment(), opened.lineage.clone());
        let holding = self.hold(&opened.lease, &which, &lineage);
        let held = hold_on(&opened.lease, holding).await;
        let mut journal = Journal::open(&self.book, deployment, &lineage);
        let work = async {
            held?;
            let mut shards = self.look().await?.shards;
            shards.retain(|id, held| which.contains(id) && held.record.body.before.is_some());
            Ok(shards)
        };
        let shards = hold_on(&opened.lease, work).await;
        let result = match shards {
            Ok(shards) => {
                let cause = Cause { because: because.to_owned(), input: &wish.input, decided };
                Ok(self.undo(cause, shards, &mut journal, &opened.lease, 0, approve).await)
            }
            Err(trouble) => Err(trouble),
        };
        let broken = matches!(&result, Ok(Some(undone)) if undone.report.broken.is_some());
        if !broken && opened.lease.sure().await.is_ok() {
            journal.append(vec![Entry::Closed]).await?;
            self.close(opened, |body| match &result {
                Ok(Some(undone)) => {
                    body.counts = undone.plan.counts();
                    body.rollback = Some(undone.record());
                    body.result = undone.ending();
                }
                Ok(None) => body.result = Ending::Interrupted,
                Err(_) => body.result = Ending::Failed,
            })
            .await?;
        }
        Ok(match result? {
            Some(undone) => Applied::TookBack { deployment, undone },
            None => Applied::Declined,
        })
    }

    /// Takes back what `shards` say they were before; none if the person said no.
    pub(super) async fn undo(
        &self,
        cause: Cause<'_>,
        mut shards: Shards,
        journal: &mut Journal,
        lease: &Lease,
        first_step: usize,
        approve: Approve<'_>,
    ) -> Option<Undone> {
        let Cause { because, input, decided } = cause;
        let mut undone = Undone { because, ..Undone::default() };
        let work = self.way_back(input, &mut shards, lease);
        let (undo, plan) = match hold_on(lease, work).await {
            Ok(way) => way,
            Err(trouble) => {
                undone.error = Some(words(trouble));
                return Some(undone);
            }
        };
        undone.left = undo.left.clone();
        // What is protected is not taken away on the way back either; what stands in another's place, or failed with its data, stays.
        let (protected, others): (Vec<_>, Vec<_>) = plan.refusals.iter().partition(|it| it.code == "protected");
        if !protected.is_empty() {
            undone.error = Some(protected.iter().map(|it| it.message.clone()).collect::<Vec<_>>().join("; "));
            return Some(undone);
        }
        undone.left.extend(others.into_iter().map(|it| it.message.clone()));
        let question = Question::Rollback { because: &undone.because, left: &undone.left, decided };
        let asked = hold_on(lease, async { Ok(approve(&plan, question).await) }).await;
        if !matches!(asked, Ok(true)) && !decided {
            return None;
        }
        let begin = self.begin_undo(undo.shards, &mut shards, journal, lease);
        if let Err(Trouble::Failed(error)) = hold_on(lease, async { Ok(begin.await?) }).await {
            undone.report.broken = Some(error);
            return Some(undone);
        }
        self.world.events.send(Event::RollingBack {
            deployment: lease.deployment(),
            because: undone.because.clone(),
            steps: plan.steps.len(),
        });
        let world = execute::World { wait: true, ..self.executing(lease, OnFailure::Never, first_step) };
        undone.report = execute::execute(&plan, journal, &mut shards, &world).await;
        undone.plan = plan;
        Some(undone)
    }

    /// Reads, and plans the way back.
    async fn way_back(
        &self,
        input: &serde_json::Value,
        shards: &mut Shards,
        lease: &Lease,
    ) -> Result<(plan::Undo, Plan), Trouble> {
        let root = self.book.root().await?;
        let lineage = root.map(|it| it.record.lineage).unwrap_or_default();
        let bodies = shards.iter().map(|(id, held)| (id.clone(), held.record.body.clone())).collect();
        let undo = plan::undo(&self.scope, &bodies, &self.world.types, &hash_of(input));
        let records: BTreeMap<ComponentId, Record<Shard>> = undo
            .shards
            .iter()
            .filter_map(|(id, body)| {
                let mut record = shards.get(id)?.record.clone();
                record.body = body.clone();
                Some((id.clone(), record))
            })
            .collect();
        let asked = observe::to_read(&undo.desired, &undo.shards);
        let live = self.reading().all(asked).await?;
        let plan =
            undo.plan(&lineage, lease.deployment(), &records, &live, &self.world.types).map_err(Trouble::Problems)?;
        Ok((undo, plan))
    }

    /// What is gone back to is durable, in the journal and then in the shards, before anything is called.
    async fn begin_undo(
        &self,
        bodies: BTreeMap<ComponentId, Shard>,
        shards: &mut Shards,
        journal: &mut Journal,
        lease: &Lease,
    ) -> Result<()> {
        let mut entries = Vec::new();
        for (id, body) in bodies {
            entries.push(Entry::Edit { component: id.clone(), shard: Box::new(body.clone()) });
            if let Some(held) = shards.get_mut(&id) {
                held.record.body = body;
            }
        }
        journal.append(entries).await?;
        for (id, held) in shards.iter_mut() {
            lease.sure().await?;
            let body = held.record.body.clone();
            *held = self.book.write_shard(id, held, held.record.fence, body).await?;
        }
        Ok(())
    }
}

fn words(trouble: Trouble) -> String {
    match trouble {
        Trouble::Problems(problems) => problems.iter().map(|it| it.message.clone()).collect::<Vec<_>>().join("; "),
        Trouble::Failed(error) => error.chain(),
    }
}
