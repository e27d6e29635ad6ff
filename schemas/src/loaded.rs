//! A loaded stack: the desired graph, and the way back to the user's files.

use std::collections::BTreeMap;

use deployer_engine::{
    address::ComponentId,
    desired::Desired,
    diagnostic::{Diagnostic, Place, Position},
};
use serde_json::Value;

use crate::{
    around::Asked,
    component::Merged,
    document::Document,
    load::place,
    node::Layer,
    service::Service,
    source::Sources,
    stack::{Rollback, StackSpec, StatePlace},
};

/// What is said about the stack as a whole.
#[derive(Clone, Debug, Default)]
pub struct StackInfo {
    /// Its name.
    pub name: String,
    /// Its environments.
    pub environments: Vec<String>,
    /// The only account that this environment may be deployed to.
    pub account: Option<String>,
    /// What a failure does.
    pub rollback: Rollback,
    /// Where the state is kept, if the stack says it.
    pub state: Option<StatePlace>,
    /// Owner and tier of each Service.
    pub services: BTreeMap<String, (Option<String>, Option<String>)>,
}

impl StackInfo {
    pub(crate) fn new(stack: &Document, spec: &StackSpec, env: &str, services: &BTreeMap<String, Service>) -> Self {
        let environment = spec.environments.get(env);
        Self {
            name: stack.name.clone(),
            environments: spec.environments.keys().cloned().collect(),
            account: environment.and_then(|it| it.account.clone()),
            state: None,
            rollback: environment.map(|it| it.rollback).unwrap_or_default(),
            services: services
                .iter()
                .map(|(name, it)| (name.clone(), (it.spec.owner.clone(), it.spec.tier.clone())))
                .collect(),
        }
    }
}

/// A loaded stack.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What should be.
    pub desired: Desired,
    /// What is said about the stack as a whole.
    pub stack: StackInfo,
    /// What is worth reading and stops nothing.
    pub warnings: Vec<Diagnostic>,
    /// `${account}` is used, and the account's number was not given.
    pub needs_account: bool,
    /// The look-ups that its components asked. While one of them is open, what is desired is good for checking alone.
    pub asked: Vec<Asked>,
    /// The files' texts.
    pub sources: Sources,
    /// The rendered documents: what a deployment record keeps.
    pub input: Value,
    /// All components after all layers.
    pub components: BTreeMap<ComponentId, Merged>,
    /// What is told to a person after an apply, by component and name: addresses, endpoints; references stand in them.
    pub shown: BTreeMap<ComponentId, BTreeMap<String, Value>>,
}

impl Loaded {
    /// The layer and place of a value, by JSON pointer into the component's document (`/spec/delay`); none: built in.
    pub fn origin(&self, id: &ComponentId, path: &str) -> Option<(Layer, Position)> {
        let pointer = path.strip_prefix("/spec").unwrap_or(path);
        let (_, origin) = self.components.get(id)?.origins.get(pointer)?;
        Some((origin.layer, (**origin.at.as_ref()?).clone()))
    }

    /// The place in a file that a place in the data means.
    pub fn locate(&self, it: &Place) -> Option<Position> {
        let of_component = |id: &ComponentId, path: &str| match place(&self.components.get(id)?.origins, path, false) {
            Place::File(at) => Some(at),
            _ => self.desired.components.get(id)?.at.clone(),
        };
        match it {
            Place::File(at) => Some(at.clone()),
            Place::Component { component, path } => of_component(component, path.strip_prefix("/spec").unwrap_or(path)),
            Place::Resource { address, path } => {
                let origins = self.desired.resources.get(address).map(|it| &it.origins);
                let nearest = deployer_engine::facts::ancestors(path).find_map(|at| origins?.get(at).cloned());
                nearest.or_else(|| of_component(&address.component, ""))
            }
            Place::Input => None,
        }
    }

    /// The same problem at its place in the files.
    #[must_use]
    pub fn located(&self, mut it: Diagnostic) -> Diagnostic {
        let file = |place: Place| self.locate(&place).map_or(place, Place::File);
        it.related = it.related.into_iter().map(|(place, what)| (file(place), what)).collect();
        it.at = file(it.at);
        it
    }
}
