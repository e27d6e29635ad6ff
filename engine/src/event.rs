//! What happens, as it happens: typed events that the command line draws and `--json` prints.
//!
//! Scripts read them: `docs/schema/events.json` is their published shape.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    address::{Address, ComponentId},
    lock::Owner,
    state::DeploymentId,
    verdict::Finding,
};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "camelCase")]
pub enum Event {
    /// Resources are read.
    Refreshing {
        /// How many.
        resources: usize,
    },
    /// AWS did not answer a read, or refused it because of the rate: it is asked again after a pause.
    ReadAgain {
        /// How many resources.
        resources: usize,
        /// What it said.
        why: String,
    },
    /// Something is to be known although nothing is to be done.
    Noted {
        /// What.
        message: String,
    },
    /// An earlier deployment was killed; what it left open is settled.
    Recovering {
        /// Which one.
        deployment: DeploymentId,
        /// Whose it was.
        owner: Owner,
        /// How many calls have no recorded outcome.
        open: usize,
    },
    /// One open intent was settled by reads.
    Settled {
        /// Whose.
        address: Address,
        /// What was meant: create, update, delete.
        verb: String,
        /// What came of it, in words.
        outcome: String,
    },
    /// Someone else holds the lock.
    Waiting {
        /// Who.
        owner: Owner,
        /// What for.
        purpose: String,
        /// Since when, in milliseconds since 1970 UTC.
        since_millis: u64,
    },
    /// Someone else holds the lock, and is waited for no longer.
    GaveUp {
        /// Who.
        owner: Owner,
        /// What for.
        purpose: String,
        /// Since when, in milliseconds since 1970 UTC.
        since_millis: u64,
    },
    /// The locks are ours.
    Locked {
        /// For which deployment.
        deployment: DeploymentId,
        /// How many components.
        components: usize,
        /// How long others were waited for.
        waited_millis: u64,
    },
    /// The state moved between plan and lock; the plan is made again.
    PlanAgain {
        /// What moved.
        components: Vec<ComponentId>,
    },
    /// The deployment starts.
    Started {
        /// Its number.
        deployment: DeploymentId,
        /// How many steps.
        steps: usize,
    },
    /// A step starts.
    StepStarted {
        /// Whose.
        address: Address,
        /// create, update, delete, retain, forget.
        verb: String,
        /// How long it usually takes, in milliseconds.
        usual_millis: u64,
    },
    /// A step waits, with the cloud's own word for the status.
    StepStatus {
        /// Whose.
        address: Address,
        /// The status.
        status: String,
    },
    /// A step is done, confirmed by reads.
    StepDone {
        /// Whose.
        address: Address,
        /// What was done.
        verb: String,
        /// How long it took.
        millis: u64,
    },
    /// A step failed.
    StepFailed {
        /// Whose.
        address: Address,
        /// What was tried.
        verb: String,
        /// Why.
        error: String,
    },
    /// A step did not start.
    StepSkipped {
        /// Whose.
        address: Address,
        /// What would have been done.
        verb: String,
        /// Why not.
        because: String,
    },
    /// A check begins.
    Checking {
        /// Which: its name under its component, service or stack.
        what: String,
    },
    /// A check came to an end.
    Checked {
        /// To which.
        finding: Finding,
    },
    /// A component was judged by reads.
    Judged {
        /// Which.
        component: ComponentId,
        /// It does what it is there for.
        good: bool,
        /// Why not, if it does not.
        why: String,
    },
    /// What was done is taken back.
    RollingBack {
        /// The deployment.
        deployment: DeploymentId,
        /// Why.
        because: String,
        /// How many steps that takes.
        steps: usize,
    },
    /// The state could not be written.
    StateFailed {
        /// Why.
        error: String,
    },
    /// The deployment ended.
    Finished {
        /// Its number.
        deployment: DeploymentId,
        /// Steps that are done.
        done: usize,
        /// Steps that failed.
        failed: usize,
        /// Steps that did not start.
        skipped: usize,
        /// How long it took.
        millis: u64,
    },
}

/// Where events go.
pub trait Sink: Send + Sync {
    /// Takes one.
    fn send(&self, event: Event);
}

/// Nowhere.
pub struct Nowhere;

impl Sink for Nowhere {
    fn send(&self, _: Event) {}
}
