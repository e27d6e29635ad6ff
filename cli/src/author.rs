//! What a binary knows: the kinds and types that come with deployer, and an author's own.
//!
//! Types are made over clients, and clients are made once the region is known: an author gives the function that makes one.

use std::{fmt, process::ExitCode, sync::Arc};

use deployer_engine::{
    error::Result,
    resource::{DynResource, Registry, Resource},
};
use deployer_providers::{Aws, permissions::Table, registry};
use deployer_schemas::{Kind, Kinds};

use crate::start;

/// Makes a type over clients.
type Make = Arc<dyn Fn(&Aws) -> Arc<dyn DynResource> + Send + Sync>;

/// The command line with the kinds and types that it knows.
///
/// `Deployer::standard().main()` is the binary `deployer`. An author's own binary has a line more for each kind and type.
#[derive(Clone)]
pub struct Deployer {
    kinds: Kinds,
    types: Vec<Make>,
    permissions: Vec<&'static str>,
}

impl Deployer {
    /// What comes with deployer.
    pub fn standard() -> Self {
        Self { kinds: Kinds::standard(), types: Vec::new(), permissions: Vec::new() }
    }

    /// The same with one more kind of component. One of a name that is there already takes its place.
    #[must_use]
    pub fn with_kind<K: Kind>(mut self) -> Self {
        self.kinds = self.kinds.with::<K>();
        self
    }

    /// The same with one more resource type: `with_type(MetricFilter::new)`. One of a name that is there already takes its place.
    #[must_use]
    pub fn with_type<R: Resource>(mut self, make: impl Fn(&Aws) -> R + Send + Sync + 'static) -> Self {
        self.types.push(Arc::new(move |aws| Arc::new(make(aws))));
        self
    }

    /// The same with the permissions that types need, for `iam-policy`: JSON as in deployer's own `providers/permissions`.
    #[must_use]
    pub fn with_permissions(mut self, json: &'static str) -> Self {
        self.permissions.push(json);
        self
    }

    /// Reads this process's arguments, does what they ask for, and says how it ended: a binary's whole `main`.
    pub fn main(self) -> ExitCode {
        start::run(self)
    }

    /// The kinds.
    pub fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    /// The types, over these clients.
    pub fn types(&self, aws: &Aws) -> Registry {
        self.types.iter().fold(registry(aws), |all, make| all.with_shared(make(aws)))
    }

    /// The permissions that the types need; an error if an author's cannot be read.
    pub fn permissions(&self) -> Result<Table> {
        self.permissions.iter().try_fold(Table::load()?, |table, json| table.with(json))
    }
}

impl Default for Deployer {
    fn default() -> Self {
        Self::standard()
    }
}

impl fmt::Debug for Deployer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kinds: Vec<&str> = self.kinds.names().collect();
        f.debug_struct("Deployer").field("kinds", &kinds).field("own_types", &self.types.len()).finish()
    }
}
