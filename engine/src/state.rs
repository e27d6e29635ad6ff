//! What is remembered: the root record, one shard per component, and their body types.
//!
//! A change rewrites one shard, not the world. Everything that a later run needs to go on without the user's files is in
//! here: what was applied, what it answered, what depends on what, and what happens to it when it has to go.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    address::{Address, ComponentId},
    desired::{Check, Lifecycle},
    history::Proven,
    lock::Owner,
    resource::{Identity, Outputs, PhysicalId},
};

/// Numbers the deployments of a stack and environment, from 1.
pub type DeploymentId = u64;

/// The root record's body: `{stack}/{env}/root.json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Root {
    /// The newest deployment.
    pub last: DeploymentId,
    /// Deployments that ended without being found good, as long as a component remembers what was before them.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub bad: BTreeSet<DeploymentId>,
    /// The newest deployment that was found good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<DeploymentId>,
    /// Deployments whose journals are not closed, and who opened them: they run, or were killed. Recovery starts from here. The
    /// owner is here as well as in the holder record, which comes a moment later and goes a moment earlier.
    pub open: BTreeMap<DeploymentId, Owner>,
}

impl Root {
    /// A deployment ended, and is open no more.
    pub fn close(&mut self, deployment: DeploymentId, proven: Proven) {
        self.open.remove(&deployment);
        match proven {
            Proven::Good => self.good = self.good.max(Some(deployment)),
            Proven::Bad => drop(self.bad.insert(deployment)),
            Proven::Void => {}
        }
    }

    /// True if a deployment runs, was killed, or was not found good.
    pub fn is_unproven(&self, deployment: DeploymentId) -> bool {
        self.open.contains_key(&deployment) || self.bad.contains(&deployment)
    }
}

/// A shard's body: one component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Shard {
    /// Its resources by role.
    pub resources: BTreeMap<String, ResourceState>,
    /// What it was before the deployment that last began to change it while it was good. It counts as long as that deployment is
    /// not known to be good, which the root record tells: a rollback goes back to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Box<Before>>,
    /// What must hold of it once its resources stand.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// The deployment that last changed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment: Option<DeploymentId>,
    /// The Service that claimed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Whole components that came first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ComponentId>,
    /// The values of others that it was built from.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// Answers of look-ups that its expansion is bound to, by question.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub lookups: BTreeMap<String, Value>,
    /// Something of a journal that was about it was lost: what it makes from then on is looked for first, as it may be there.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsure: bool,
}

/// What a component was when it was last good.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Before {
    /// The deployment that began to change it.
    pub since: DeploymentId,
    /// The shard of then.
    pub shard: Shard,
    /// What was live of a resource when it was first touched since, by role: fields that had drifted go back to that.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub images: BTreeMap<String, Value>,
    /// A rollback to it is under way: the hash of the input that is taken back. With the same input it goes on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoing: Option<String>,
}

impl Shard {
    /// `deployment` begins to change it: what it is now is kept, unless something older that was good is.
    pub fn keep_before(&mut self, deployment: DeploymentId) {
        if self.before.is_none() {
            let shard = self.clone();
            self.before = Some(Box::new(Before { since: deployment, shard, ..Before::default() }));
        }
    }

    /// An output of what stands now under `role`.
    pub fn output(&self, role: &str, output: &str) -> Option<&Value> {
        self.resources.get(role)?.current.as_ref()?.outputs.get(output)
    }

    /// The same as it stands under `root`: what was before a deployment that is good counts no more.
    pub fn settle(&mut self, root: &Root) {
        self.before.take_if(|it| !root.is_unproven(it.since));
    }
}

/// A value of another component that this one was built from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Input {
    /// Whose value.
    pub address: Address,
    /// Which output.
    pub output: String,
    /// SHA-256 of the value used.
    pub hash: String,
}

/// One resource, through its generations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ResourceState {
    /// Its CloudFormation type name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of its properties' shape.
    pub schema_version: u32,
    /// The highest generation that there ever was; a tombstone keeps it after a delete.
    pub generation: u32,
    /// How long each verb took last, in milliseconds.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub took: BTreeMap<String, u64>,
    /// What stands now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Generation>,
    /// Replaced and not deleted yet.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deposed: Vec<Generation>,
    /// Left in the cloud on purpose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retained: Vec<Generation>,
    /// What it needs: these are deleted after it.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub needs: BTreeSet<Address>,
    /// What happens when it has to go.
    #[serde(default)]
    pub lifecycle: Lifecycle,
}

/// One generation of a resource: one thing in the cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Generation {
    /// Its number, from 1.
    pub number: u32,
    /// Its id.
    pub id: PhysicalId,
    /// Its name, minted or stated; never computed again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The properties that were sent, references resolved.
    pub applied: Value,
    /// What it answered.
    #[serde(default)]
    pub outputs: Outputs,
    /// What was read back after all siblings ran: for comparison only, nothing is ever reverted to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Value>,
    /// False from its create (or an update that was cut short) until reads have confirmed it.
    pub confirmed: bool,
    /// The deployment that made it.
    pub deployment: DeploymentId,
}

impl ResourceState {
    /// Every generation that stands in the cloud.
    pub fn standing(&self) -> impl Iterator<Item = &Generation> {
        self.current.iter().chain(&self.deposed).chain(&self.retained)
    }

    /// True if nothing of it is left but its number.
    pub fn is_tombstone(&self) -> bool {
        self.standing().next().is_none()
    }

    /// True if what stands now is not generation `number` and still has `id`: a name or a place can be had again.
    pub fn is_anothers(&self, number: u32, id: &PhysicalId) -> bool {
        self.current.as_ref().is_some_and(|it| it.number != number && it.id == *id)
    }

    /// Takes generation `number` out, wherever it stands.
    pub fn forget(&mut self, number: u32) {
        self.current.take_if(|it| it.number == number);
        self.deposed.retain(|it| it.number != number);
        self.retained.retain(|it| it.number != number);
    }

    /// The generation of this number, wherever it stands.
    pub fn generation_mut(&mut self, number: u32) -> Option<&mut Generation> {
        self.current.iter_mut().chain(&mut self.deposed).chain(&mut self.retained).find(|it| it.number == number)
    }
}

/// Who generation `generation` of `address` is: the same for every attempt, another for every generation.
pub fn identity(lineage: &str, address: &Address, generation: u32) -> Identity {
    let digest = short_hash(&[lineage, &address.to_string(), &generation.to_string()], 28);
    Identity { address: address.clone(), generation, token: format!("dpl-{digest}") }
}

/// The first `length` characters of a base-32 hash of `parts`: lower-case letters and digits.
pub fn short_hash(parts: &[&str], length: usize) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    hash.finalize().iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).take(length).collect()
}

/// SHA-256 of a value's canonical JSON, as hexadecimal text.
pub fn hash_of(value: &Value) -> String {
    Sha256::digest(value.to_string().as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
