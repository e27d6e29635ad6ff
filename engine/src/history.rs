//! What is kept of each deployment: who, when, what, from which input, and how it ended.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{address::Address, lock::Owner, plan::Counts, state::DeploymentId};

/// A deployment record's body.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Deployment {
    /// Its number.
    pub id: DeploymentId,
    /// Who ran it.
    pub owner: Owner,
    /// What for: apply, destroy.
    pub purpose: String,
    /// When it started, in milliseconds since 1970 UTC.
    pub started_millis: u64,
    /// When it ended; none while it runs, or if it was killed.
    pub finished_millis: Option<u64>,
    /// How it ended.
    pub result: Ending,
    /// What was planned.
    pub counts: Counts,
    /// What was done, and what was not.
    pub steps: Vec<StepRecord>,
    /// The rendered input, secrets as references. A rollback plans to it.
    pub input: Value,
    /// The version of the input, if it is under version control.
    pub revision: Option<String>,
    /// The version of deployer.
    pub version: String,
    /// Who took its locks away while it may have been alive, if anybody did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forced: Option<Owner>,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ending {
    /// It runs, or was killed.
    #[default]
    Open,
    /// Everything is done and confirmed by reads.
    Succeeded,
    /// Some of it failed or was skipped.
    Failed,
    /// The user stopped it.
    Interrupted,
    /// It was killed; a later run settled what it left open.
    Recovered,
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct StepRecord {
    /// Whose.
    pub address: Address,
    /// create, update, delete, retain, forget.
    pub verb: String,
    /// done, failed, skipped.
    pub result: String,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// Why it failed or did not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}
