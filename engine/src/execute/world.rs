//! What a run of a plan needs, and how it ended.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;

use crate::{
    book::Book,
    clock::Clock,
    desired::Test,
    error::Error,
    event::Sink,
    lock::Lease,
    plan::StepId,
    resource::Registry,
    safety::Safety,
    stop::Stop,
    verdict::{Examiner, Verdict},
};

/// Everything that a run of a plan needs.
pub struct World<'a> {
    /// The types.
    pub types: &'a Registry,
    /// Time.
    pub clock: &'a Arc<dyn Clock>,
    /// The records.
    pub book: &'a Book,
    /// The lock, which covers every component of the plan.
    pub lease: &'a Lease,
    /// The wish to stop.
    pub stop: &'a Stop,
    /// Where events go.
    pub events: &'a dyn Sink,
    /// How many steps run at once.
    pub parallelism: usize,
    /// How long a call may be on its way.
    pub call_timeout: Duration,
    /// A failure stops what is independent of it too.
    pub stop_on_failure: bool,
    /// What is on its way is waited for, and judged.
    pub wait: bool,
    /// Who tries checks.
    pub examiner: &'a dyn Examiner,
    /// What must hold of several components together.
    pub tests: &'a [Test],
    /// The number of the first step in the journal: a rollback goes on in its deployment's.
    pub first_step: StepId,
    /// The guards.
    pub safety: Safety,
}

/// How a run of a plan ended.
#[derive(Debug, Default)]
pub struct Report {
    /// Steps that are done and confirmed, with how long they took in milliseconds.
    pub done: Vec<(StepId, u64)>,
    /// Steps that failed, and why.
    pub failed: Vec<(StepId, String)>,
    /// Steps that did not start, and why not.
    pub skipped: Vec<(StepId, String)>,
    /// It was found good: by its verdict, or because all steps are confirmed where there is no more to say.
    pub good: bool,
    /// What reads said of it, if it came to that.
    pub verdict: Option<Verdict>,
    /// Steps that were not waited for.
    pub sent: Vec<StepId>,
    /// Deletes that wait for a verdict which was not waited for.
    pub later: Vec<StepId>,
    /// Polling was stopped by the user.
    pub interrupted: bool,
    /// Why the records could not be written, if so.
    pub broken: Option<Error>,
    /// The records that should have been written, by key: for a copy elsewhere.
    pub unwritten: BTreeMap<String, Bytes>,
}

impl Report {
    /// True if every step is done.
    pub fn is_success(&self) -> bool {
        let judged = self.verdict.as_ref().is_none_or(Verdict::is_good);
        judged && self.failed.is_empty() && self.skipped.is_empty() && self.broken.is_none()
    }
}
