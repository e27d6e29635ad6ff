//! What a deployment recorded as its input, loaded again: that is what a rollback by hand goes back to.
//!
//! It needs no version control, and no files of then: all layers are merged in it, and all variables have their values.

use std::collections::BTreeMap;

use deployer_engine::address::ComponentId;
use serde_json::Value;

use crate::{component::Merged, document::Document, node::Origins};

/// The components of a deployment's record: rendered, so nothing is merged or put in any more. Those that the files still have keep
/// their place in them.
pub(crate) fn components(
    recorded: &Value,
    there: &BTreeMap<ComponentId, Merged>,
    stack: &Document,
) -> BTreeMap<ComponentId, Merged> {
    let all = recorded["components"].as_object().into_iter().flatten();
    all.filter_map(|(text, spec)| {
        let id: ComponentId = text.parse().ok()?;
        let document = there.get(&id).map(|it| it.document.clone()).unwrap_or_else(|| Document {
            kind: id.kind.clone(),
            name: id.name.clone(),
            file: String::new(),
            ..stack.clone()
        });
        Some((id, Merged { document, value: spec.clone(), origins: Origins::new(), unfinished: false }))
    })
    .collect()
}
