//! What carries the stack's tags and is not in its state: left by a run whose state was lost, or moved by hand. And what others
//! put into things of ours, which is theirs.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    address::{Address, ComponentId},
    desired::Scope,
    error::Result,
    state::{self, Shard},
};

/// One thing that carries the stack's tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// The CloudFormation type name, where it can be told.
    pub kind: Option<String>,
    /// Its id, as `state import` takes it; else its ARN.
    pub id: String,
    /// All of its tags.
    pub tags: BTreeMap<String, String>,
}

/// Finds what carries a stack's tags.
#[async_trait]
pub trait Census: Send + Sync {
    /// Everything in the account and region that carries the tags of `scope`'s stack and environment; one answer for each place
    /// that was asked.
    async fn tagged(&self, scope: &Scope) -> Vec<Result<Vec<Tagged>>>;

    /// What is inside of `things`, given by type and id, as a thing of its own: whoever made it. One answer for each place that was
    /// asked.
    async fn inside(&self, things: &[(String, String)]) -> Vec<Result<Vec<Part>>> {
        let _ = things;
        Vec::new()
    }
}

/// A part of one of our things.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The id of the thing that it is a part of.
    pub of: String,
    /// Its CloudFormation type name.
    pub kind: String,
    /// Its id, as `state import` takes it.
    pub id: String,
    /// What it is, in words: `tcp 22 from 0.0.0.0/0`.
    pub what: String,
}

/// A part of one of our things that deployer did not make: it is left alone, and told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Unmanaged {
    /// The thing that it is a part of.
    pub address: Address,
    /// Its CloudFormation type name.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its id.
    pub id: String,
    /// What it is, in words.
    pub what: String,
}

/// Those of `parts` that no state knows, at the addresses of the things that stand.
pub fn unmanaged(shards: &BTreeMap<ComponentId, &Shard>, parts: Vec<Part>) -> Vec<Unmanaged> {
    let mut standing: BTreeMap<&str, Address> = BTreeMap::new();
    for (component, shard) in shards {
        for (role, it) in &shard.resources {
            standing.extend(it.standing().map(|one| (one.id.0.as_str(), component.at(role))));
        }
    }
    let of = |it: Part| {
        let address = standing.get(it.of.as_str()).filter(|_| !standing.contains_key(it.id.as_str()))?.clone();
        Some(Unmanaged { address, kind: it.kind, id: it.id, what: it.what })
    };
    let found: BTreeSet<Unmanaged> = parts.into_iter().filter_map(of).collect();
    found.into_iter().collect()
}

/// What is tagged as ours and is not in state.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Orphan {
    /// What its tag says that it is.
    pub address: String,
    /// The CloudFormation type name, where it can be told.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Its id.
    pub id: String,
    /// It was made by another state of a stack of the same name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub other_state: bool,
}

/// Those of `tagged` whose token no standing generation has.
pub fn orphans(lineage: &str, shards: &BTreeMap<ComponentId, &Shard>, tagged: Vec<Tagged>) -> Vec<Orphan> {
    let mut known: BTreeSet<String> = BTreeSet::new();
    let mut ids: BTreeSet<&str> = BTreeSet::new();
    for (component, shard) in shards {
        for (role, it) in &shard.resources {
            let address = component.at(role);
            known.extend(it.standing().map(|one| state::identity(lineage, &address, one.number).token));
            // What was renamed carries the token of its old address until the next apply.
            known.extend(it.standing().filter_map(token));
            ids.extend(it.standing().map(|one| one.id.0.as_str()));
        }
    }
    let orphan = |it: Tagged| {
        let tag = |key: &str| it.tags.get(key).cloned();
        let token = tag("deployer:token")?;
        (!known.contains(&token) && !ids.contains(it.id.as_str())).then(|| Orphan {
            address: tag("deployer:address").filter(|it| it.parse::<Address>().is_ok()).unwrap_or_default(),
            other_state: tag("deployer:lineage").as_deref() != Some(lineage),
            kind: it.kind.clone(),
            id: it.id.clone(),
        })
    };
    let found: BTreeSet<Orphan> = tagged.into_iter().filter_map(orphan).collect();
    found.into_iter().collect()
}

fn token(generation: &state::Generation) -> Option<String> {
    let tags = generation.applied.get("Tags")?.as_array()?;
    tags.iter().find(|tag| tag["Key"] == "deployer:token")?["Value"].as_str().map(str::to_owned)
}
