//! Components by the names that users write: `Kind.name`, or the bare name, which is unique in a stack.

use std::collections::BTreeMap;

use deployer_engine::address::ComponentId;

use crate::near::nearest;

/// All components of a stack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory(BTreeMap<String, ComponentId>);

impl Directory {
    /// Of these components.
    pub(crate) fn of<'a>(all: impl Iterator<Item = &'a ComponentId>) -> Self {
        Self(all.map(|id| (id.name.clone(), id.clone())).collect())
    }

    /// All of them.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &ComponentId> {
        self.0.values()
    }

    /// The component that a name means, or the nearest as help.
    pub(crate) fn find(&self, name: &str) -> Result<&ComponentId, Option<String>> {
        let (kind, bare) = name.split_once('.').map_or((None, name), |(kind, bare)| (Some(kind), bare));
        if let Some(id) = self.0.get(bare).filter(|id| kind.is_none_or(|kind| id.kind == kind)) {
            return Ok(id);
        }
        let whole = |id: &ComponentId| if kind.is_some() { id.to_string() } else { id.name.clone() };
        let names: Vec<String> = self.0.values().map(whole).collect();
        Err(nearest(name, names.iter().map(String::as_str)).map(|near| format!("did you mean `{near}`?")))
    }
}
