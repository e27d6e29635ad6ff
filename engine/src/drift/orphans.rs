//! What carries the stack's tags and is not in its state: left by a run whose state was lost, or moved by hand.

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
