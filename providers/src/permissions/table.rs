//! The data: what each type, look-up and place of state needs.

use std::collections::{BTreeMap, BTreeSet};

use deployer_engine::error::{Error, Result};
use serde::Deserialize;

/// The files; a type stands in one of them.
const FILES: &[(&str, &str)] = &[
    ("around.json", include_str!("../../permissions/around.json")),
    ("cloudmap.json", include_str!("../../permissions/cloudmap.json")),
    ("ec2.json", include_str!("../../permissions/ec2.json")),
    ("ecs.json", include_str!("../../permissions/ecs.json")),
    ("elb.json", include_str!("../../permissions/elb.json")),
    ("iam.json", include_str!("../../permissions/iam.json")),
    ("messaging.json", include_str!("../../permissions/messaging.json")),
    ("rds.json", include_str!("../../permissions/rds.json")),
    ("storage.json", include_str!("../../permissions/storage.json")),
];
/// Operations that IAM calls otherwise.
const OPERATIONS: &str = include_str!("../../permissions/operations.json");

/// A condition: operators, keys and values.
pub type Condition = BTreeMap<String, BTreeMap<String, Vec<String>>>;

/// What one type needs.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What its things are called; relative to the service of the action where it is no whole ARN.
    #[serde(default)]
    pub arn: Option<String>,
    /// The property that says whose part it is: it goes by that name.
    #[serde(default)]
    pub part_of: Option<String>,
    /// The property that holds a path before the name.
    #[serde(default)]
    pub path: Option<String>,
    /// The permissions.
    pub grants: Vec<Grant>,
}

/// Some permissions that go together.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// IAM's actions.
    pub actions: Vec<String>,
    /// On what: patterns of ARNs. Nothing said: the type's own things. A pattern without values grants nothing.
    #[serde(default)]
    pub on: Vec<String>,
    /// Under which condition.
    #[serde(default)]
    pub when: Condition,
    /// Only on what bears the stack's tags: for ids that say nothing.
    #[serde(default)]
    pub ours: bool,
    /// Only if a resource has this: a property (`/KmsKeyId`, `/Kind=a`), or `lifecycle:empty`.
    #[serde(default, rename = "if")]
    pub used: Option<String>,
    /// Why it is needed though no call of the kit shows it.
    #[serde(default)]
    pub why: Option<String>,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: BTreeMap<String, Entry>,
    operations: BTreeMap<String, Vec<String>>,
}

impl Table {
    /// Reads the files that are built in.
    pub fn load() -> Result<Self> {
        let wrong = |file: &str| {
            let file = file.to_owned();
            move |error: serde_json::Error| Error::Missing(format!("permissions/{file} cannot be read: {error}"))
        };
        let mut table =
            Self { operations: serde_json::from_str(OPERATIONS).map_err(wrong("operations.json"))?, ..Self::default() };
        for (file, text) in FILES {
            table.entries.extend(serde_json::from_str::<BTreeMap<String, Entry>>(text).map_err(wrong(file))?);
        }
        Ok(table)
    }

    /// The same with what other types need: JSON of the shape of our own files.
    pub fn with(mut self, text: &str) -> Result<Self> {
        let more: BTreeMap<String, Entry> = serde_json::from_str(text)
            .map_err(|error| Error::Missing(format!("permissions that were added cannot be read: {error}")))?;
        self.entries.extend(more);
        Ok(self)
    }

    /// What a type, look-up or place needs.
    pub fn get(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// The same, or an error that says that nobody wrote it down.
    pub fn need(&self, name: &str) -> Result<&Entry> {
        self.get(name).ok_or_else(|| Error::Missing(format!("nobody wrote down which permissions {name} needs")))
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// The actions that IAM asks for when `operation` (`s3:HeadBucket`) is called.
    pub fn actions(&self, operation: &str) -> Vec<String> {
        self.operations.get(operation).cloned().unwrap_or_else(|| vec![operation.to_owned()])
    }

    /// What `operations`, called for `name`, are not granted, and which grants without a reason they do not use.
    pub fn compare(&self, name: &str, operations: &BTreeSet<String>) -> Result<(BTreeSet<String>, BTreeSet<String>)> {
        let entry = self.need(name)?;
        let called: BTreeSet<String> = operations.iter().flat_map(|it| self.actions(it)).collect();
        let actions = |of: &dyn Fn(&Grant) -> bool| -> BTreeSet<String> {
            entry.grants.iter().filter(|grant| of(grant)).flat_map(|grant| grant.actions.clone()).collect()
        };
        let (all, plain) = (actions(&|_| true), actions(&|grant| grant.why.is_none()));
        Ok((called.difference(&all).cloned().collect(), plain.difference(&called).cloned().collect()))
    }
}
