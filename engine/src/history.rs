//! What is kept of each deployment: who, when, what, from which input, and how it ended.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    address::{Address, ComponentId},
    book::{Book, Held},
    error::Result,
    lock::Owner,
    plan::Counts,
    state::{DeploymentId, Root, Shard},
    verdict::Finding,
};

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
    /// What it changed was found good, whatever became of what was to be deleted after that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub good: bool,
    /// What was planned.
    pub counts: Counts,
    /// What was done, and what was not.
    pub steps: Vec<StepRecord>,
    /// What reads said of it: probes, checks, tests.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub verdict: Vec<Finding>,
    /// What taking it back came to, if it was taken back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback: Option<Rollback>,
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

/// What a deployment's end says of what it changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proven {
    /// It is good.
    Good,
    /// There is nothing of it: it was taken back.
    Void,
    /// Nobody knows, or it is not.
    Bad,
}

impl Deployment {
    /// What its end says of what it changed.
    pub fn proven(&self) -> Proven {
        match self.result {
            Ending::Succeeded => Proven::Good,
            _ if self.good => Proven::Good,
            Ending::RolledBack => Proven::Void,
            _ => Proven::Bad,
        }
    }
}

/// What taking a deployment back came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Rollback {
    /// Why.
    pub because: String,
    /// What was done, and what was not.
    pub steps: Vec<StepRecord>,
    /// What reads said after it.
    pub verdict: Vec<Finding>,
    /// What stays as it is, and why.
    pub left: Vec<String>,
    /// Why there is no plan for it, if so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
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
    /// Everything was sent, and not waited for: the next run verifies it.
    Unverified,
    /// Some of it failed or was skipped, or it was not found good.
    Failed,
    /// It was taken back, and what was before is good.
    #[serde(rename = "rolled-back")]
    RolledBack,
    /// It was to be taken back, and some of it is left.
    #[serde(rename = "rollback-failed")]
    RollbackFailed,
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
    /// done, failed, skipped; killed, if the run was in the middle of it.
    pub result: String,
    /// How long it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub millis: Option<u64>,
    /// Why it failed or did not start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// Lets each of `shards` keep what was before only as long as that counts. A deployment gives its locks back before the root record
/// says how it ended; its own record says it earlier.
pub async fn settle(book: &Book, root: &Root, shards: &mut BTreeMap<ComponentId, Held<Shard>>) -> Result<()> {
    let since = |held: &Held<Shard>| held.record.body.before.as_ref().map(|it| it.since);
    let asked: BTreeSet<DeploymentId> =
        shards.values().filter_map(since).filter(|it| root.open.contains_key(it)).collect();
    let mut root = root.clone();
    for id in asked {
        let ended = book.deployment::<Deployment>(id).await?.map(|it| it.record.body.proven());
        if ended.is_some_and(|it| it != Proven::Bad) {
            root.open.remove(&id);
        }
    }
    shards.values_mut().for_each(|held| held.record.body.settle(&root));
    Ok(())
}
