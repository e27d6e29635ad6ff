//! Why: the words for what a step does, and what it takes the place of.

use std::time::Duration;

use serde_json::Value;

use crate::{
    desired::{Lifecycle, OnDelete},
    diff::{FieldChange, How},
    facts::Facts,
    journal::Verb,
    state::{Generation, ResourceState},
};

/// What is replaced, and why.
pub(super) struct Replaced<'a> {
    pub(super) generation: &'a Generation,
    pub(super) reasons: Vec<String>,
    pub(super) changes: Vec<FieldChange>,
    pub(super) live: Option<Value>,
}

/// What stands of a resource: the current generation, else the newest that was left in the cloud (then true).
pub(super) fn standing(recorded: &ResourceState) -> Option<(&Generation, bool)> {
    recorded.current.as_ref().map(|it| (it, false)).or_else(|| recorded.retained.last().map(|it| (it, true)))
}

pub(super) fn replace_reasons(changes: &[FieldChange]) -> Vec<String> {
    let replaced = changes.iter().filter(|change| change.how == How::Replace);
    replaced.map(|change| format!("{} cannot be changed in place", change.path.trim_start_matches('/'))).collect()
}

pub(super) fn lifecycle_reason(before: Lifecycle, after: Lifecycle) -> String {
    let word = |it: Lifecycle| match (it.on_delete, it.protect) {
        (_, true) => "protected",
        (OnDelete::Delete, _) => "delete",
        (OnDelete::Retain, _) => "retain",
        (OnDelete::Empty, _) => "empty, then delete",
        (OnDelete::Snapshot, _) => "take a last snapshot, then delete",
    };
    format!("what deleting it means changes: {} -> {}", word(before), word(after))
}

/// How long a verb usually takes, in milliseconds: as it was the last time, else as the type declares.
pub(super) fn usual(facts: Option<&Facts>, recorded: Option<&ResourceState>, verb: Verb) -> u64 {
    let settle = facts.map(|it| it.settle);
    let declared = settle.map_or(Duration::ZERO, |settle| match verb {
        Verb::Create => settle.create.usual,
        Verb::Update => settle.update.usual,
        Verb::Delete => settle.delete.usual,
        Verb::Retain | Verb::Forget => Duration::ZERO,
    });
    let took = recorded.and_then(|it| it.took.get(verb.word()).copied());
    took.unwrap_or_else(|| u64::try_from(declared.as_millis()).unwrap_or(u64::MAX))
}
