//! What was called, held against the permissions that are written down for it.

use std::collections::{BTreeMap, BTreeSet};

use deployer_providers::permissions::Table;

use crate::{Result, emulator::Client};

/// The operations that were called, by the type, look-up or place that they were called for.
pub type Called = BTreeMap<String, BTreeSet<String>>;

/// Where the two differ, in words. `whole`: everything that can be called was, so what was not called may not be granted.
pub fn differences(called: &Called, whole: bool) -> Result<Vec<String>> {
    differences_in(&Table::load()?, called, whole)
}

/// The same with what is written down elsewhere.
pub fn differences_in(table: &Table, called: &Called, whole: bool) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for (name, operations) in called {
        let (lacks, exceeds) = table.compare(name, operations)?;
        found.extend(lacks.iter().map(|action| format!("{name}: {action} is called and not granted")));
        let words = "is granted, and neither called nor given a reason";
        found.extend(exceeds.iter().filter(|_| whole).map(|action| format!("{name}: {action} {words}")));
    }
    Ok(found)
}

/// What a client called so far.
pub fn operations(client: &Client) -> Result<BTreeSet<String>> {
    Ok(client.calls()?.by_operation.into_keys().collect())
}
