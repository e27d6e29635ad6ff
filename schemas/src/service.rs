//! `kind: Service`: which components it claims.

use std::collections::{BTreeMap, BTreeSet};

use deployer_engine::{
    address::ComponentId,
    diagnostic::{Diagnostic, Place},
};

use crate::{
    component::Merged,
    directory::Directory,
    document::Document,
    load::{Loader, Patches},
    node::{Node, Yaml},
    stack::ServiceSpec,
};

/// A Service and what it claims.
#[derive(Clone, Debug)]
pub struct Service {
    /// What is said of it.
    pub spec: ServiceSpec,
    /// Its components.
    pub members: BTreeSet<ComponentId>,
    /// What must hold of them together, as it was written.
    pub(crate) tests: Vec<Node>,
}

/// The smoke tests of a Service or a stack, as they were written.
pub(crate) fn tests(spec: &Node) -> Vec<Node> {
    match spec.get("smokeTests").map(|it| &it.value) {
        Some(Yaml::List(items)) => items.clone(),
        _ => Vec::new(),
    }
}

impl Loader<'_> {
    /// Which Service claims which component.
    pub(crate) fn services(
        &mut self,
        base: &[Document],
        over: &Patches<'_>,
        components: &BTreeMap<ComponentId, Merged>,
    ) -> BTreeMap<String, Service> {
        let mut found = BTreeMap::new();
        let mut claimed: BTreeMap<ComponentId, &Document> = BTreeMap::new();
        for document in base.iter().filter(|it| it.kind == "Service") {
            let node = self.overlaid(document, over, &[]);
            let Some(spec) = self.decode::<ServiceSpec>(&node) else { continue };
            let members = self.members(document, &spec, &node, components);
            for id in &members {
                if let Some(first) = claimed.insert(id.clone(), document) {
                    let message = format!("{id} belongs to the service `{}` and to `{}`", first.name, document.name);
                    let problem = Diagnostic::error("claimed-twice", document.name_at.clone(), message);
                    self.problems.push(problem.related(first.name_at.clone(), "the first one"));
                }
            }
            found.insert(document.name.clone(), Service { spec, members, tests: tests(&node) });
        }
        found
    }

    fn members(
        &mut self,
        document: &Document,
        spec: &ServiceSpec,
        node: &Node,
        components: &BTreeMap<ComponentId, Merged>,
    ) -> BTreeSet<ComponentId> {
        let mut members = BTreeSet::new();
        let directory = Directory::of(components.keys());
        for (index, name) in spec.components.iter().enumerate() {
            match directory.find(name) {
                Ok(id) => drop(members.insert(id.clone())),
                Err(help) => {
                    let items = node.get("components").map(|it| &it.value);
                    let at = if let Some(Yaml::List(items)) = items {
                        items.get(index).map(|it| it.origin.place())
                    } else {
                        None
                    };
                    let problem = Diagnostic::error(
                        "unknown-component",
                        at.unwrap_or(Place::Input),
                        format!("there is no component `{name}`"),
                    );
                    self.problems.push(Diagnostic { help, ..problem });
                }
            }
        }
        let own = document.file.rsplit_once('/').map_or("", |(folder, _)| folder);
        let folder = spec
            .folder
            .as_deref()
            .map(|folder| folder.trim_matches('/'))
            .or_else(|| Some(own).filter(|_| spec.components.is_empty()));
        if let Some(folder) = folder {
            let inside =
                |file: &str| folder.is_empty() || file.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'));
            members.extend(components.iter().filter(|(_, it)| inside(&it.document.file)).map(|(id, _)| id.clone()));
        }
        members
    }
}
