//! The journal: what was meant, durable before the call, and what came of it.
//!
//! A journal has one writer and no gaps: one append is on its way at a time, and what becomes ready meanwhile shares the
//! next. So a taker that writes a seal at the next free place ends it for good.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    address::{Address, ComponentId},
    book::Book,
    desired::Lifecycle,
    error::{Error, Result},
    lock::{self, Owner},
    plan::{Instead, StepId},
    resource::{Identity, Outputs, PhysicalId},
    state::{DeploymentId, Input, Shard},
    store::StoreError,
};

/// One entry of a journal; a batch of them is one record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "entry", rename_all = "camelCase")]
pub enum Entry {
    /// What is meant.
    Intent(Box<Intent>),
    /// What came of it.
    Outcome {
        /// Of which intent.
        step: StepId,
        /// What.
        outcome: Outcome,
    },
    /// What is remembered changes without a call - by a person's hand, or because it is gone back to: the whole new shard. It
    /// counts from here on, whether it was written or not.
    Edit {
        /// Whose.
        component: ComponentId,
        /// What it is from now on.
        shard: Box<Shard>,
    },
    /// Nothing may follow: the deployment was taken over.
    Sealed {
        /// By whom.
        by: Owner,
    },
    /// Nothing follows: the deployment ended by itself.
    Closed,
}

/// What is meant, complete enough that it can be settled without plan or files.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    /// The step.
    pub step: StepId,
    /// The deployment.
    pub deployment: DeploymentId,
    /// Whose, which generation, under which token.
    pub who: Identity,
    /// The CloudFormation type name.
    #[serde(rename = "type")]
    pub kind: String,
    /// The version of its properties' shape.
    pub schema_version: u32,
    /// What to do.
    pub verb: Verb,
    /// The id, of what exists.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<PhysicalId>,
    /// The physical name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The properties, references resolved; secrets are places, never values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<Value>,
    /// What was live before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_image: Option<Value>,
    /// The generation that it takes the place of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<u32>,
    /// What happens when it has to go.
    pub lifecycle: Lifecycle,
    /// What it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub needs: Vec<Address>,
    /// The values of others that it takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// Properties that are sent and are not ours: what the shard keeps in their place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub instead: Instead,
    /// The shard's fence when it was written.
    pub fence: u64,
}

impl Intent {
    /// What the shard keeps as applied, once it is.
    pub fn kept(&self) -> Value {
        let mut kept = self.desired.clone().unwrap_or_default();
        if let Some(map) = kept.as_object_mut() {
            for (key, value) in &self.instead {
                match value {
                    Some(value) => map.insert(key.clone(), value.clone()),
                    None => map.remove(key),
                };
            }
        }
        kept
    }
}

/// What to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verb {
    /// Make it.
    Create,
    /// Change it in place, or confirm it.
    Update,
    /// Take it away.
    Delete,
    /// Leave it in the cloud, marked in state.
    Retain,
    /// Take it out of state.
    Forget,
}

impl Verb {
    /// The word for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
            Self::Retain => "retain",
            Self::Forget => "forget",
        }
    }
}

/// What came of an intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "result", rename_all = "camelCase")]
pub enum Outcome {
    /// The create call answered; it is not confirmed yet.
    Created {
        /// The new id.
        id: PhysicalId,
        /// The outputs known so far.
        outputs: Outputs,
    },
    /// Reads have confirmed it.
    Confirmed {
        /// All outputs.
        outputs: Outputs,
        /// What was read.
        live: Value,
    },
    /// It is on its way as it was set, and nobody waits for it: the next run confirms it.
    Sent,
    /// It is gone, left or forgotten, as was meant.
    Gone,
    /// It did not come to its end. `settled`: it surely changed nothing.
    Failed {
        /// Why.
        error: String,
        /// True if nothing was changed for sure.
        settled: bool,
    },
}

/// The writing end of a journal.
pub struct Journal {
    book: Book,
    deployment: DeploymentId,
    lineage: String,
    next: u64,
}

impl Journal {
    /// A new journal.
    pub fn open(book: &Book, deployment: DeploymentId, lineage: &str) -> Self {
        Self { book: book.clone(), deployment, lineage: lineage.to_owned(), next: 1 }
    }

    /// Writes a batch as one record. Where something else stands in its place, it was sealed: the lock is lost.
    pub fn append(&mut self, batch: Vec<Entry>) -> impl Future<Output = Result<()>> + Send + 'static {
        let (book, deployment, seq, lineage) = (self.book.clone(), self.deployment, self.next, self.lineage.clone());
        self.next += 1;
        async move { book.append(deployment, seq, &lineage, batch).await.map_err(lock::taken) }
    }
}

/// What changes a shard.
#[derive(Debug)]
pub enum Change {
    /// An outcome is folded into it.
    Outcome(StepId, Outcome),
    /// It is another one from here on.
    Edit(ComponentId, Box<Shard>),
}

/// What is done about entries that cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// They are an error: what was meant there is not known.
    Refused,
    /// They are passed over, as a person wishes who knows of them.
    PassedOver,
}

/// A journal as it was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Every intent with its last outcome, in order.
    pub intents: BTreeMap<StepId, (Intent, Option<Outcome>)>,
    /// What changed shards, in the order in which it was written.
    pub changes: Vec<Change>,
    /// The next free place.
    pub next: u64,
    /// It was sealed or closed.
    pub ended: bool,
    /// The keys of entries that were passed over.
    pub lost: Vec<String>,
}

/// Reads a whole journal.
pub async fn read(book: &Book, deployment: DeploymentId, lineage: &str, damage: Damage) -> Result<Found> {
    let records = book.journal::<Vec<Entry>>(deployment, lineage).await?;
    let mut found = Found { next: records.len() as u64 + 1, ..Found::default() };
    let mut entries = Vec::new();
    for record in records {
        match record {
            Ok(record) => entries.extend(record.body),
            Err(error) if damage == Damage::PassedOver => found.lost.push(error.key().to_owned()),
            Err(error) => return Err(error.into()),
        }
    }
    for entry in entries {
        match entry {
            Entry::Intent(intent) => {
                found.intents.insert(intent.step, (*intent, None));
            }
            Entry::Outcome { step, outcome } => {
                if let Some((_, last)) = found.intents.get_mut(&step) {
                    *last = Some(outcome.clone());
                }
                found.changes.push(Change::Outcome(step, outcome));
            }
            Entry::Edit { component, shard } => found.changes.push(Change::Edit(component, shard)),
            Entry::Sealed { .. } | Entry::Closed => found.ended = true,
        }
    }
    if !found.lost.is_empty() {
        found.open_headless();
    }
    Ok(found)
}

impl Found {
    /// What was made, and whose id was in an entry that is lost, is open again: what is known of it later is of no use without.
    fn open_headless(&mut self) {
        let id_of = |change: &Change| match change {
            Change::Outcome(step, Outcome::Created { .. }) => Some(*step),
            _ => None,
        };
        let known: BTreeSet<StepId> = self.changes.iter().filter_map(id_of).collect();
        for (step, (intent, last)) in &mut self.intents {
            let there = matches!(last, Some(Outcome::Confirmed { .. } | Outcome::Sent));
            if intent.verb == Verb::Create && there && !known.contains(step) {
                *last = None;
                self.changes.retain(|change| !matches!(change, Change::Outcome(of, _) if of == step));
            }
        }
    }
}

/// Seals a journal at its next free place and reads it as it is for good. What its writer adds meanwhile is read too.
pub async fn seal(
    book: &Book,
    deployment: DeploymentId,
    lineage: &str,
    by: &Owner,
    damage: Damage,
    really: bool,
) -> Result<Found> {
    loop {
        let found = read(book, deployment, lineage, damage).await?;
        if found.ended || !really {
            return Ok(found);
        }
        let seal = vec![Entry::Sealed { by: by.clone() }];
        match book.append(deployment, found.next, lineage, seal).await {
            Ok(()) => return Ok(found),
            Err(Error::Store(StoreError::Stale { .. })) => {}
            Err(error) => return Err(error),
        }
    }
}
