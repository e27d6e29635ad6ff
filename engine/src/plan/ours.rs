//! Whose is what stands there? Nothing that deployer did not make is changed or deleted, even where it has the id of something
//! that deployer made.

use super::planner::Planner;
use crate::{
    address::Address,
    diagnostic::{Diagnostic, Place},
    drift,
    facts::Facts,
    resource::Seen,
    state::Generation,
};

/// True of what reads confirmed once: a change that failed since takes that word back, and none of its data.
pub(super) fn was_good(generation: &Generation) -> bool {
    generation.confirmed || generation.baseline.is_some()
}

impl Planner<'_> {
    /// True, and the plan refused, if something else stands where `generation` stood.
    pub(super) fn is_strange(
        &mut self,
        address: &Address,
        facts: &Facts,
        generation: &Generation,
        live: &serde_json::Value,
    ) -> bool {
        let Some(why) = why_strange(facts, generation, live) else { return false };
        let at = Place::Resource { address: address.clone(), path: String::new() };
        let message = format!("{address}: `{}` is not the one that deployer made: {why}", generation.id);
        let way = format!(
            "take it over with `deployer state rm {address}` and then `deployer state import {address} {}`; or move it away, and the next apply makes its own",
            generation.id
        );
        self.plan.refusals.push(Diagnostic::error("not-ours", at, message).help(way));
        true
    }

    /// What holds data and failed is not made again by itself: only a person knows what of the data can be saved.
    pub(super) fn refuse_loss(&mut self, address: &Address, reason: &str) {
        let at = Place::Resource { address: address.clone(), path: String::new() };
        let message = format!("{address} failed ({reason}), and making it again would lose its data");
        let way = "mend it with AWS's own tools; or save what can be saved and delete it there, and the next apply makes it again";
        self.plan.refusals.push(Diagnostic::error("failed", at, message).help(way));
    }

    /// What is there and not well is said, whether or not something of it changes.
    pub(super) fn note_stuck(&mut self, address: &Address, seen: Option<&Seen>) {
        let Some(Seen::Stuck { reason, .. }) = seen else { return };
        let at = Place::Resource { address: address.clone(), path: String::new() };
        let message = format!("{address} is there and not well: {reason}; AWS does not mend that by itself");
        self.plan.notes.push(Diagnostic::warning("stuck", at, message));
    }

    /// Why what stands where a generation stood is to be left alone, if it is.
    pub(super) fn strange(&self, address: &Address, kind: &str, generation: &Generation) -> Option<String> {
        let facts = self.input.types.get(kind)?.facts();
        let seen = self.input.live.get(&(address.clone(), generation.number))?;
        seen.spec().and_then(|spec| why_strange(facts, generation, spec))
    }
}

/// What an update that was cut short left of its tags says nothing.
fn why_strange(facts: &Facts, generation: &Generation, live: &serde_json::Value) -> Option<String> {
    if generation.confirmed { drift::stranger(facts, &generation.applied, live) } else { None }
}
