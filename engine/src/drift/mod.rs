//! Drift: what is live held against what was applied last, field by field.
//!
//! What differs between the files and the last apply is pending, not drift: the files are not looked at. What cannot be compared
//! is said to be so, and is never called in sync.

mod compare;
mod orphans;
mod place;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use compare::{compare, is_under, stranger};
pub use orphans::{Census, Orphan, Part, Tagged, Unmanaged, orphans, unmanaged};
pub use place::put;

use crate::{address::Address, desired::Scope, state::DeploymentId};

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Which stack, where.
    pub scope: Scope,
    /// The newest deployment.
    pub deployment: DeploymentId,
    /// Every thing that stands, by address.
    pub things: Vec<Thing>,
    /// What carries the stack's tags and is not in its state.
    pub orphans: Vec<Orphan>,
    /// What others put into things of the stack.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmanaged: Vec<Unmanaged>,
    /// Why what is not in the state could not be looked for everywhere.
    pub unsearched: Vec<String>,
}

/// One thing that is in state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Thing {
    /// Its address.
    pub address: Address,
    /// The CloudFormation type name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// The deployment that last set it.
    pub deployment: DeploymentId,
    /// A deployment is at work on its component just now: what differs may be its doing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moving: bool,
    /// It is on its way, or stuck: the cloud's own word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What it came to.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Fields that are set apart, and why.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub apart: Vec<Apart>,
}

/// What comparing one thing came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// Every field that can be compared is as it was set.
    InSync,
    /// Some are not.
    Drifted {
        /// Those.
        fields: Vec<Field>,
    },
    /// It is not there any more.
    Missing,
    /// Something stands in its place that deployer did not make.
    Stranger {
        /// How we know.
        why: String,
    },
    /// It is in a state that it cannot leave by itself.
    Failed {
        /// The cloud's own reason.
        why: String,
    },
    /// It could not be compared.
    NotCompared {
        /// Why.
        why: String,
    },
}

/// One field that is not as it was set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Field {
    /// A JSON pointer into the properties; an element of a keyed list stands under its key.
    pub path: String,
    /// What it was set to; none: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Value>,
    /// What it is; none: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Value>,
    /// It cannot be set back in place: that takes a new thing.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub create_only: bool,
}

/// A field that is not compared, or whose difference is no drift.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Apart {
    /// A JSON pointer into the properties.
    pub path: String,
    /// Why.
    pub why: Why,
    /// What it was set to, where that may be told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<Value>,
    /// What it is, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is: Option<Value>,
}

/// Why a field is set apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// AWS moves it, as the type's facts declare: a count under autoscaling, a minor version.
    OwnedElsewhere,
    /// AWS never tells it.
    NotReadable,
    /// The files say that it is to be left alone.
    Ignored,
}

/// How much of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Tally {
    /// Things as they were set.
    pub in_sync: usize,
    /// Things with fields that are not.
    pub drifted: usize,
    /// Those fields.
    pub fields: usize,
    /// Things that are gone.
    pub missing: usize,
    /// Things in whose place something else stands.
    pub strangers: usize,
    /// Things that failed.
    pub failed: usize,
    /// Things that could not be compared.
    pub not_compared: usize,
    /// Things that carry the stack's tags and are not in its state.
    pub orphans: usize,
    /// What others put into things of the stack: no drift.
    pub unmanaged: usize,
}

impl Report {
    /// How much of what.
    pub fn tally(&self) -> Tally {
        let (orphans, unmanaged) = (self.orphans.len(), self.unmanaged.len());
        let mut tally = Tally { orphans, unmanaged, ..Tally::default() };
        for thing in &self.things {
            match &thing.verdict {
                Verdict::InSync => tally.in_sync += 1,
                Verdict::Drifted { fields } => {
                    tally.drifted += 1;
                    tally.fields += fields.len();
                }
                Verdict::Missing => tally.missing += 1,
                Verdict::Stranger { .. } => tally.strangers += 1,
                Verdict::Failed { .. } => tally.failed += 1,
                Verdict::NotCompared { .. } => tally.not_compared += 1,
            }
        }
        tally
    }

    /// True if something is not as it was left.
    pub fn has_drift(&self) -> bool {
        let Tally { drifted, missing, strangers, failed, orphans, .. } = self.tally();
        drifted + missing + strangers + failed + orphans > 0
    }

    /// True if everything could be looked at.
    pub fn is_whole(&self) -> bool {
        self.unsearched.is_empty() && self.tally().not_compared == 0
    }
}

impl Field {
    /// The innermost places at which a field that is compared as a whole differs: what a person looks for in a policy or a
    /// container. The field itself, if there is nothing inside.
    pub fn inside(&self) -> Vec<Self> {
        let mut found = Vec::new();
        inside(&self.path, self.set.as_ref(), self.is.as_ref(), self.create_only, &mut found);
        found
    }
}

fn inside(path: &str, set: Option<&Value>, is: Option<&Value>, create_only: bool, found: &mut Vec<Field>) {
    let at = |key: &str| format!("{path}/{}", crate::diff::escape(key));
    match (set, is) {
        (Some(Value::Object(a)), Some(Value::Object(b))) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().for_each(|key| inside(&at(key), a.get(key), b.get(key), create_only, found));
        }
        (Some(Value::Array(a)), Some(Value::Array(b))) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().for_each(|(index, (a, b))| {
                inside(&at(&index.to_string()), Some(a), Some(b), create_only, found);
            });
        }
        _ if set == is => {}
        _ => found.push(Field { path: path.to_owned(), set: set.cloned(), is: is.cloned(), create_only }),
    }
}

#[cfg(test)]
mod tests;
