//! The types that a run knows, by name: ours, and those that an author puts beside them or in their place.

use std::{collections::BTreeMap, sync::Arc};

use super::DynResource;
use crate::error::{Error, Result};

/// All types that are known, by name. Registration is one line: `.with(Queue::new(clients))`.
#[derive(Clone, Default)]
pub struct Registry {
    types: BTreeMap<&'static str, Arc<dyn DynResource>>,
}

impl Registry {
    /// The same with one more type.
    #[must_use]
    pub fn with(self, resource: impl DynResource + 'static) -> Self {
        self.with_shared(Arc::new(resource))
    }

    /// The same with a type of another registry, in the place of its own if it has it.
    #[must_use]
    pub fn with_shared(mut self, resource: Arc<dyn DynResource>) -> Self {
        self.types.insert(resource.kind(), resource);
        self
    }

    /// The type of this name.
    pub fn get(&self, kind: &str) -> Option<&Arc<dyn DynResource>> {
        self.types.get(kind)
    }

    /// The type of this name, or an error that says that this version does not know it.
    pub fn need(&self, kind: &str) -> Result<&Arc<dyn DynResource>> {
        self.get(kind).ok_or_else(|| Error::Missing(format!("this version of deployer does not know the type {kind}")))
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn DynResource>> {
        self.types.values()
    }
}
