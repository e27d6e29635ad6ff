//! A plan: what it takes, as plain data.
//!
//! It is complete: the executor needs nothing beside it, and it can be written to a file and applied later. A replacement is
//! two steps, a create and a delete, with an order between them.

mod choice;
mod connect;
mod finish;
mod mend;
mod order;
mod ours;
mod planner;
mod properties;
mod reasons;
mod removal;
mod undo;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use mend::{Mending, mend};
pub use planner::{Input, Live, plan};
pub use undo::{Instead, Undo, undo};

use crate::{
    address::{Address, ComponentId},
    desired::{Check, Desired, Lifecycle, Scope},
    diagnostic::Diagnostic,
    diff::FieldChange,
    expr::Reference,
    lookup::Answers,
    resource::{DeleteOptions, Identity, PhysicalId},
    state::DeploymentId,
};

/// A step's number in its plan.
pub type StepId = usize;

/// Everything that an apply needs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Plan {
    /// Which stack, where.
    pub scope: Scope,
    /// The state that it was made from.
    pub lineage: String,
    /// The newest deployment when it was made.
    pub from: DeploymentId,
    /// The nonce of each shard that it was made from; a shard that was absent is not in it.
    pub basis: BTreeMap<ComponentId, String>,
    /// The steps; their ids are their positions.
    pub steps: Vec<Step>,
    /// The components that have steps, with what the shards keep of them.
    pub components: BTreeMap<ComponentId, PlannedComponent>,
    /// What a person should know, beside the steps.
    pub notes: Vec<Diagnostic>,
    /// Why it cannot be applied as it is: protected data would go, what holds data has failed, or something is not ours.
    pub refusals: Vec<Diagnostic>,
    /// How many resources stay as they are.
    pub unchanged: usize,
}

/// What a shard keeps of a component beside its resources.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PlannedComponent {
    /// The Service that claims it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Whole components that come first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ComponentId>,
    /// Answers of look-ups that its expansion was bound to.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lookups: Answers,
    /// What must hold of it once its resources stand.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub checks: Vec<Check>,
    /// The wave of its last resource: how the plan is shown, not how it is run.
    pub wave: usize,
    /// It is in state and no longer in the files, or is destroyed.
    pub going: bool,
}

/// One step: one thing to do to one thing in the cloud.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its number.
    pub id: StepId,
    /// Whose address, which generation, under which token.
    pub who: Identity,
    /// The CloudFormation type name.
    #[serde(rename = "type")]
    pub kind: String,
    /// What to do.
    pub action: Action,
    /// Why, in words.
    pub reasons: Vec<String>,
    /// Field by field.
    pub changes: Vec<FieldChange>,
    /// Which steps come first.
    pub after: Vec<Edge>,
    /// It runs after everything else has succeeded: deletes, unless they free what something else needs.
    pub last: bool,
    /// How the plan is shown: longest way from a start.
    pub wave: usize,
    /// The physical name, stated or minted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What was live when the plan was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pre_image: Option<Value>,
    /// What happens when it has to go; kept in the shard.
    pub lifecycle: Lifecycle,
    /// What it needs; kept in the shard for the order of deletes.
    pub needs: BTreeSet<Address>,
    /// The outputs that it takes; kept in the shard.
    pub inputs: Vec<Reference>,
    /// Deleting it loses data.
    pub stateful: bool,
    /// The longest that it may take, in seconds, if the component says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<u64>,
    /// How long it usually takes, in milliseconds: as it was the last time, else as its type usually does.
    #[serde(default)]
    pub usual: u64,
    /// Of a rollback: properties that are sent because they were live before, and what the shard keeps in their place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub instead: Instead,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "verb", rename_all = "camelCase")]
pub enum Action {
    /// Make it.
    Create {
        /// Its properties; references that are not known yet stand in them.
        desired: Value,
        /// The generation that it takes the place of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        replaces: Option<u32>,
        /// The old one goes first, because both cannot stand together.
        #[serde(default, rename = "deleteFirst", skip_serializing_if = "std::ops::Not::not")]
        delete_first: bool,
    },
    /// Change it in place; without changes, wait until reads confirm it.
    Update {
        /// Its id.
        id: PhysicalId,
        /// Its properties.
        desired: Value,
        /// What was applied last.
        applied: Value,
    },
    /// Take it away.
    Delete {
        /// Its id.
        id: PhysicalId,
        /// What was applied last.
        applied: Value,
        /// How.
        how: DeleteOptions,
    },
    /// Leave it in the cloud, marked in state.
    Retain,
    /// Take it out of state: it is gone already.
    Forget,
}

/// A step that comes first, and how far it must have come.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Edge {
    /// Which step.
    pub step: StepId,
    /// Its create call's answer is enough.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub created: bool,
}

impl Step {
    /// Its address.
    pub fn address(&self) -> &Address {
        &self.who.address
    }

    /// The properties that it brings, if it brings any.
    pub fn desired(&self) -> Option<&Value> {
        match &self.action {
            Action::Create { desired, .. } | Action::Update { desired, .. } => Some(desired),
            _ => None,
        }
    }

    /// The word for what it does, for people.
    pub fn verb(&self) -> &'static str {
        match &self.action {
            Action::Create { .. } => "create",
            Action::Update { .. } => "update",
            Action::Delete { .. } => "delete",
            Action::Retain => "retain",
            Action::Forget => "forget",
        }
    }

    /// The Terraform-shaped actions that this step stands for.
    pub fn verbs(&self) -> &'static [&'static str] {
        match &self.action {
            Action::Create { replaces: None, .. } => &["create"],
            Action::Create { delete_first: true, .. } => &["delete", "create"],
            Action::Create { .. } => &["create", "delete"],
            Action::Update { .. } => &["update"],
            Action::Delete { .. } => &["delete"],
            Action::Retain | Action::Forget => &["forget"],
        }
    }
}

/// One resource in the graph.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Which.
    pub address: Address,
    /// The CloudFormation type name.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it needs.
    pub needs: BTreeSet<Address>,
    /// The longest way from a start, from 1.
    pub wave: usize,
}

/// The whole graph in order of needs, or its cycles.
pub fn graph(desired: &Desired) -> Result<Vec<Node>, Vec<Diagnostic>> {
    let needs = order::needs(desired);
    let mut waves: BTreeMap<Address, usize> = BTreeMap::new();
    let mut nodes = Vec::new();
    for address in order::sorted(&needs)? {
        let first = needs.get(&address).cloned().unwrap_or_default();
        let wave = first.iter().filter_map(|it| waves.get(it)).max().map_or(1, |deepest| deepest + 1);
        waves.insert(address.clone(), wave);
        let kind = desired.resources.get(&address).map(|it| it.kind.clone()).unwrap_or_default();
        nodes.push(Node { address, kind, needs: first, wave });
    }
    Ok(nodes)
}

/// What is wrong with the graph by itself: cycles.
pub fn check(desired: &Desired) -> Result<(), Vec<Diagnostic>> {
    graph(desired).map(drop)
}

/// How much of what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// New things.
    pub create: usize,
    /// Changes in place.
    pub change: usize,
    /// Replacements.
    pub replace: usize,
    /// Deletes that belong to no replacement.
    pub delete: usize,
    /// Things left in the cloud.
    pub retain: usize,
}

impl Plan {
    /// True if there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// How much of what.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts::default();
        let replaced: BTreeSet<(&Address, u32)> = self
            .steps
            .iter()
            .filter_map(|step| match &step.action {
                Action::Create { replaces: Some(old), .. } => Some((step.address(), *old)),
                _ => None,
            })
            .collect();
        for step in &self.steps {
            match &step.action {
                Action::Create { replaces: None, .. } => counts.create += 1,
                Action::Create { .. } => counts.replace += 1,
                Action::Update { .. } => counts.change += 1,
                Action::Delete { .. } if !replaced.contains(&(step.address(), step.who.generation)) => {
                    counts.delete += 1
                }
                Action::Retain if !replaced.contains(&(step.address(), step.who.generation)) => counts.retain += 1,
                _ => {}
            }
        }
        counts
    }
}
