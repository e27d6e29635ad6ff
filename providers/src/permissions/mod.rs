//! The IAM permissions that a stack needs, and no others: a policy made of data.
//!
//! `permissions/*.json` say for each type which actions its provider calls, on what, under which condition, and which actions
//! no call shows, each with its reason. The kit holds the data against the calls: it can neither lack nor exceed.

mod document;
mod pattern;
mod scope;
mod table;

use std::collections::BTreeSet;

use deployer_engine::{desired::Desired, error::Result, lookup::Lookup, resource::Registry};
use serde_json::Value;

pub use document::LIMIT;
pub use table::{Condition, Entry, Grant, Table};

use crate::state::Place;
use document::{Statement, documents, statements};
use pattern::Scoped;
use scope::Values;

/// Where the state of a stack is.
#[derive(Clone, Copy, Debug)]
pub struct Kept<'a> {
    /// Bucket and table.
    pub place: &'a Place,
    /// The region of both.
    pub region: &'a str,
}

/// What a policy is for.
#[derive(Clone, Copy)]
pub struct Needs<'a> {
    /// What each type needs.
    pub table: &'a Table,
    /// The types, for the names that they mint.
    pub types: &'a Registry,
    /// The resources.
    pub desired: &'a Desired,
    /// What AWS is asked before expansion.
    pub lookups: &'a [&'a Lookup],
    /// Where the state is, if it is in AWS.
    pub state: Option<Kept<'a>>,
    /// The account, if it is known.
    pub account: Option<&'a str>,
}

/// The policy, as one document or, where IAM's limit of a managed policy asks for it, as several.
pub fn policies(needs: &Needs) -> Result<Vec<Value>> {
    let table = needs.table;
    let values = Values::new(needs, table);
    let mut granted: Vec<Statement> = Vec::new();
    let kinds: BTreeSet<&str> = needs.desired.resources.values().map(|it| it.kind.as_str()).collect();
    for kind in kinds {
        // A type without an entry would make a policy that lacks something.
        let entry = table.need(kind)?;
        entry.grants.iter().for_each(|grant| granted.extend(values.of_type(kind, entry, grant)));
    }
    for lookup in needs.lookups {
        let entry = table.need(&format!("look-up {}", lookup.kind))?;
        entry.grants.iter().for_each(|grant| granted.extend(values.of_lookup(&lookup.ask, entry, grant)));
    }
    let mut around = vec![("caller", values.plain()), ("drift", values.plain())];
    let checks = needs.desired.components.values().flat_map(|it| &it.checks);
    let mut checks = checks.chain(needs.desired.tests.iter().map(|it| &it.check));
    if checks.any(|it| it.test.get("alarm").is_some()) {
        around.push(("check alarm", values.plain()));
    }
    if let Some(kept) = &needs.state {
        around.extend([("state bucket", values.of_state(kept)), ("state table", values.of_state(kept))]);
    }
    for (name, scoped) in around {
        let entry = table.need(name)?;
        entry.grants.iter().for_each(|grant| granted.extend(Scoped::expand(&scoped, entry, grant)));
    }
    Ok(documents(statements(granted)))
}
