//! What should be: the components of a stack, expanded into resources.
//!
//! Plain data, made by the loader from the user's files and bound by look-ups; the planner needs nothing beside it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    address::{Address, ComponentId},
    diagnostic::Position,
    journal::Verb,
    lookup::Answers,
};

/// The stack in one environment, as its files say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Desired {
    /// Who is deployed where.
    pub scope: Scope,
    /// All components by id.
    pub components: BTreeMap<ComponentId, DesiredComponent>,
    /// Their resources by address.
    pub resources: BTreeMap<Address, DesiredResource>,
    /// What must hold of several of them together: smoke tests, in the order in which they run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<Test>,
}

/// The stack, its environment and where that is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// The stack's name.
    pub stack: String,
    /// The environment's name.
    pub env: String,
    /// The environment's region.
    pub region: String,
    /// The account, from the guard or from the caller-identity look-up; empty while unknown.
    pub account: String,
    /// The partition (`aws`, `aws-cn` ..), from the region.
    pub partition: String,
}

/// One component.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DesiredComponent {
    /// The Service that it belongs to, if one claims it.
    pub service: Option<String>,
    /// Whole components that come first (`dependsOn`).
    pub depends_on: Vec<ComponentId>,
    /// Answers of look-ups that its expansion is bound to, by question.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lookups: Answers,
    /// What must hold of it once its resources stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// The longest that creating, changing or deleting one of its resources may take, in seconds, by verb.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub timeouts: BTreeMap<String, u64>,
    /// Where its document starts.
    pub at: Option<Position>,
    /// Its rendered document: what the deployment record keeps and a rollback plans to. Secrets are references in it.
    pub rendered: Value,
}

impl DesiredComponent {
    /// The longest that `verb` may take, in seconds, if that is stated.
    pub fn timeout(&self, verb: Verb) -> Option<u64> {
        self.timeouts.get(verb.word()).copied()
    }
}

/// Something that must hold, and how long that may take.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Its name, for people.
    pub name: String,
    /// What is tried, in the shape that the examiner knows; references of outputs may stand in it.
    pub test: Value,
    /// It must hold within so many seconds.
    pub within: u64,
    /// It is tried every so many seconds.
    pub every: u64,
    /// Once it holds, it must go on holding for so many seconds.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub hold: u64,
}

fn is_zero(seconds: &u64) -> bool {
    *seconds == 0
}

/// A check of several components together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Test {
    /// The Service that it is about; none: the stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What must hold.
    pub check: Check,
}

/// One resource.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesiredResource {
    /// Its CloudFormation type name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its properties in CloudFormation's shape, with holes (see `expr`). The type's name property is absent unless the user
    /// states a name: the planner mints it. Our own tags are absent: the planner adds them.
    pub properties: Value,
    /// What the role adds to a minted name (`dead-letter`), if anything.
    pub name_part: Option<String>,
    /// A number among its properties that we chose, by JSON pointer: what was applied once stays, and a new one gives way to
    /// slots that are taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen: Option<String>,
    /// What happens to it when it has to go.
    pub lifecycle: Lifecycle,
    /// Siblings and others that come first although no value is needed from them.
    pub after: Vec<Address>,
    /// Properties that are set when it is made and left alone ever after, by JSON pointer (`lifecycle.ignoreChanges`).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignored: Vec<String>,
    /// Where its properties came from, by JSON pointer into `properties`; the nearest ancestor counts.
    pub origins: BTreeMap<String, Position>,
}

impl DesiredResource {
    /// One with nothing but its properties.
    pub fn new(kind: &str, properties: Value) -> Self {
        Self {
            kind: kind.to_owned(),
            properties,
            name_part: None,
            chosen: None,
            lifecycle: Lifecycle::default(),
            after: Vec::new(),
            ignored: Vec::new(),
            origins: BTreeMap::new(),
        }
    }
}

/// What happens to a resource that has to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Lifecycle {
    /// What deleting means.
    pub on_delete: OnDelete,
    /// Deleting or replacing it is refused by name until the user says otherwise.
    pub protect: bool,
}

/// What deleting means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnDelete {
    /// It is deleted; AWS may refuse if it still holds data.
    #[default]
    Delete,
    /// It stays in AWS and, marked, in state.
    Retain,
    /// It is emptied, then deleted.
    Empty,
    /// A last snapshot is taken, then it is deleted.
    Snapshot,
}
