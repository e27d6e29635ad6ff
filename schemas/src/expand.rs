//! From components to resources, in three passes: all are bound and checked, then each says what it asks of others, then each
//! is expanded with its peers in sight.

use std::collections::BTreeMap;

use deployer_engine::{
    address::{Address, ComponentId},
    desired::{Check, Desired, DesiredComponent, DesiredResource, Test},
    diagnostic::{Diagnostic, Place},
    lookup::Answers,
};
use serde_json::{Value, json};

use crate::{
    around::{Around, Asked, NoPeer, Peer},
    bind::Binder,
    check::check,
    checks::CheckSpec,
    component::{Common, Merged, full_schema, split_common},
    directory::Directory,
    ignored,
    interpolate::{Names, interpolate},
    kinds::{DynKind, Expansion, Outputs, Problem},
    load::{Loader, TypeCatalog, place},
    near::nearest,
    node::{Node, Origins},
    service::Service,
};

/// What the expansion works with.
pub(crate) struct Expander<'a, 'b> {
    pub(crate) loader: &'a mut Loader<'b>,
    pub(crate) components: &'a BTreeMap<ComponentId, Merged>,
    pub(crate) services: &'a BTreeMap<String, Service>,
    pub(crate) tags: &'a BTreeMap<String, String>,
    pub(crate) types: &'a dyn TypeCatalog,
    pub(crate) answers: &'a Answers,
    pub(crate) asked: Vec<Asked>,
    pub(crate) shown: BTreeMap<ComponentId, BTreeMap<String, Value>>,
    type_schemas: BTreeMap<String, Option<Value>>,
    /// What each component's outputs are, as references name them.
    outputs: BTreeMap<ComponentId, (Outputs, Value)>,
}

/// All components as their peers see them.
type Peers = BTreeMap<ComponentId, Peer>;

impl<'a, 'b> Expander<'a, 'b> {
    pub(crate) fn new(
        loader: &'a mut Loader<'b>,
        components: &'a BTreeMap<ComponentId, Merged>,
        services: &'a BTreeMap<String, Service>,
        tags: &'a BTreeMap<String, String>,
        types: &'a dyn TypeCatalog,
        answers: &'a Answers,
    ) -> Self {
        let (asked, shown, type_schemas, outputs) = Default::default();
        Self { loader, components, services, tags, types, answers, asked, shown, type_schemas, outputs }
    }

    /// Expands all components into `desired`.
    pub(crate) fn run(&mut self, mut desired: Desired) -> Desired {
        let directory = Directory::of(self.components.keys());
        let (peers, commons) = self.bind_all(&desired, &directory);
        let asks = self.asks(&desired, &directory, &peers);
        for (id, peer) in &peers {
            let Some(kind) = self.loader.kinds.get(&id.kind).cloned() else { continue };
            let scope = desired.scope.clone();
            let around = Around::new(&scope, self.loader.kinds, &directory, &peers, self.answers);
            let merged = &self.components[id];
            let common = &commons[id];
            let mut tags = self.tags.clone();
            tags.extend(common.tags.clone());
            let asked = asks.get(id).map_or(&[][..], Vec::as_slice);
            let to = Expansion::new(id, &around, asked, &tags, self.tags);
            self.expand(&mut desired, &kind, (peer, common), to);
            let own = around.output(peer, "url");
            let shown = kind.shown.iter().filter_map(|name| Some(((*name).to_owned(), around.output(peer, name)?)));
            self.shown.insert(id.clone(), shown.collect());
            let (lookups, asked) = around.end();
            self.asked.extend(asked);
            let depends_on = self.depends_on(common, merged, &directory);
            let service = self.services.iter().find(|(_, it)| it.members.contains(id)).map(|(name, _)| name.clone());
            let at = if let Place::File(at) = merged.document.node.origin.place() { Some(at) } else { None };
            let rendered = json!({"kind": id.kind, "name": id.name, "spec": merged.value});
            let checks = self.checks(common, merged, own.as_ref());
            let timeouts = common.timeouts.by_verb();
            let component = DesiredComponent { service, depends_on, lookups, checks, timeouts, at, rendered };
            desired.components.insert(id.clone(), component);
        }
        desired
    }

    /// Each component bound and held against its schema; those that fit.
    fn bind_all(&mut self, desired: &Desired, directory: &Directory) -> (Peers, BTreeMap<ComponentId, Common>) {
        // What all kinds have in common is none of a kind's business.
        let own = |it: &Merged| split_common(it.value.clone()).1;
        let raw: Peers = self.components.iter().map(|(id, it)| (id.clone(), peer(id, own(it), it))).collect();
        let kinds = self.loader.kinds;
        let around = Around::new(&desired.scope, kinds, directory, &raw, self.answers);
        self.outputs = self
            .components
            .iter()
            .filter_map(|(id, it)| {
                let spec = own(it);
                Some((id.clone(), ((kinds.get(&id.kind)?.outputs)(&spec, &around), spec)))
            })
            .collect();
        self.asked.extend(around.end().1);
        let schemas: BTreeMap<&str, Value> =
            kinds.names().filter_map(|name| Some((name, full_schema((kinds.get(name)?.schema)())))).collect();
        let (mut peers, mut commons) = (Peers::new(), BTreeMap::new());
        for (id, merged) in self.components.iter().filter(|(_, it)| !it.unfinished) {
            let (origins, types) = (&merged.origins, self.types);
            let bound = Binder { loader: self.loader, outputs: &self.outputs, directory, origins, types }
                .bind(&merged.value, "");
            let Some(schema) = schemas.get(id.kind.as_str()) else { continue };
            let misfits = check(schema, &bound, false);
            self.loader.misfits(&misfits, &merged.origins);
            if misfits.is_empty() {
                let (common, spec) = split_common(bound);
                peers.insert(id.clone(), peer(id, spec, merged));
                commons.insert(id.clone(), common);
            }
        }
        (peers, commons)
    }

    /// Statements that components ask of others' policies, by whose policy it is.
    fn asks(&mut self, desired: &Desired, directory: &Directory, peers: &Peers) -> BTreeMap<ComponentId, Vec<Value>> {
        let around = Around::new(&desired.scope, self.loader.kinds, directory, peers, self.answers);
        let mut found: BTreeMap<ComponentId, Vec<Value>> = BTreeMap::new();
        for (id, peer) in peers {
            let Some(kind) = self.loader.kinds.get(&id.kind) else { continue };
            for ask in (kind.asks)(peer, &around) {
                match around.peer(&ask.of) {
                    Ok(of) => found.entry(of.id.clone()).or_default().push(ask.statement),
                    Err(NoPeer::AtFault) => {}
                    Err(NoPeer::Unknown(help)) => {
                        let at = place(&peer.origins, &ask.path, false);
                        let message = format!("there is no component `{}`", ask.of);
                        let problem = Diagnostic::error("unknown-component", at, message);
                        self.loader.problems.push(Diagnostic { help, ..problem });
                    }
                }
            }
        }
        self.asked.extend(around.end().1);
        found
    }

    fn depends_on(&mut self, common: &Common, merged: &Merged, directory: &Directory) -> Vec<ComponentId> {
        let mut found = Vec::new();
        for (index, name) in common.depends_on.iter().enumerate() {
            match directory.find(name) {
                Ok(id) => found.push(id.clone()),
                Err(help) => {
                    let at = place(&merged.origins, &format!("/dependsOn/{index}"), false);
                    let problem = Diagnostic::error("unknown-component", at, format!("there is no component `{name}`"));
                    self.loader.problems.push(Diagnostic { help, ..problem });
                }
            }
        }
        found
    }

    /// What must hold of the component; `own` is its URL, if it has one.
    fn checks(&mut self, common: &Common, merged: &Merged, own: Option<&Value>) -> Vec<Check> {
        let mut found = Vec::new();
        for (index, check) in common.health_checks.iter().enumerate() {
            match check.check(own) {
                Ok(check) => found.push(check),
                Err((path, message)) => {
                    let at = place(&merged.origins, &format!("/healthChecks/{index}{path}"), false);
                    self.loader.problems.push(Diagnostic::error("invalid-check", at, message));
                }
            }
        }
        found
    }

    /// The smoke tests of Services and of the stack, in this order.
    pub(crate) fn tests(&mut self, wanted: Vec<(Option<String>, Node)>, names: &Names) -> Vec<Test> {
        let schema = schemars::schema_for!(CheckSpec).to_value();
        let directory = Directory::of(self.components.keys());
        let mut found = Vec::new();
        for (service, node) in wanted {
            let (node, _) = interpolate(node, names, &mut self.loader.problems);
            let mut origins = Origins::new();
            let value = node.plain("", &mut origins);
            let bound = Binder {
                loader: self.loader,
                outputs: &self.outputs,
                directory: &directory,
                origins: &origins,
                types: self.types,
            }
            .bind(&value, "");
            let misfits = check(&schema, &bound, false);
            self.loader.misfits(&misfits, &origins);
            let Some(spec) = serde_json::from_value::<CheckSpec>(bound).ok().filter(|_| misfits.is_empty()) else {
                continue;
            };
            match spec.check(None) {
                Ok(check) => found.push(Test { service, check }),
                Err((path, message)) => {
                    let at = place(&origins, path, false);
                    self.loader.problems.push(Diagnostic::error("invalid-check", at, message));
                }
            }
        }
        found
    }

    fn expand(
        &mut self,
        desired: &mut Desired,
        kind: &DynKind,
        (peer, common): (&Peer, &Common),
        mut to: Expansion<'_>,
    ) {
        let merged = &self.components[&peer.id];
        if let Err(error) = (kind.expand)(&peer.spec, &mut to) {
            let at = place(&merged.origins, "", false);
            let problem = Diagnostic::error("invalid", at, format!("the spec does not fit: {error}"));
            return self.loader.problems.push(problem);
        }
        for it in to.problems {
            self.problem(it, merged);
        }
        for (role, pointer, from) in to.origins {
            if let (Some(resource), Place::File(at)) =
                (to.resources.get_mut(&peer.id.at(role)), place(&merged.origins, &from, false))
            {
                resource.origins.insert(pointer, at);
            }
        }
        for (index, message, help) in ignored::mark(&common.lifecycle.ignore_changes, &mut to.resources, self.types) {
            let at = place(&merged.origins, &format!("/lifecycle/ignoreChanges/{index}"), false);
            let problem = Diagnostic::error("unknown-field", at, message);
            self.loader.problems.push(Diagnostic { help, ..problem });
        }
        for (address, resource) in to.resources {
            self.keep(desired, merged, address, resource);
        }
        for (address, resource) in to.shared {
            if !desired.resources.contains_key(&address) {
                let component = DesiredComponent {
                    rendered: json!({"kind": address.component.kind, "name": address.component.name, "spec": {}}),
                    ..DesiredComponent::default()
                };
                desired.components.entry(address.component.clone()).or_insert(component);
                self.keep(desired, merged, address, resource);
            }
        }
    }

    /// What is wrong with a component as a whole stands at its name.
    fn problem(&mut self, it: Problem, merged: &Merged) {
        let whole = it.path.is_empty();
        let at = if whole { merged.document.name_at.clone() } else { place(&merged.origins, &it.path, false) };
        let mut problem = Diagnostic::error(it.code, at, it.message);
        problem.severity = it.severity;
        problem.help = it.help;
        if let Some((id, path, what)) = it.related
            && let Some(other) = self.components.get(&id)
        {
            problem = problem.related(place(&other.origins, &path, false), what);
        }
        self.loader.problems.push(problem);
    }

    /// Holds a resource against its type's schema.
    fn keep(&mut self, desired: &mut Desired, merged: &Merged, address: Address, mut resource: DesiredResource) {
        let types = self.types;
        let schema = self.type_schemas.entry(resource.kind.clone()).or_insert_with(|| types.schema(&resource.kind));
        match schema {
            Some(schema) => {
                let taggable = schema.pointer("/properties/Tags").is_some();
                if let Some(map) = resource
                    .properties
                    .as_object_mut()
                    .filter(|_| !taggable && merged.value.pointer("/properties/Tags").is_none())
                {
                    map.remove("Tags");
                }
                let minted = types.name(&resource.kind);
                check_type(self.loader, merged, schema, &resource.properties, minted.as_deref(), &address.role);
            }
            None => unknown_type(self.loader, merged, &resource.kind, types),
        }
        desired.resources.insert(address, resource);
    }
}

fn peer(id: &ComponentId, spec: Value, merged: &Merged) -> Peer {
    Peer { id: id.clone(), spec, origins: merged.origins.clone() }
}

fn unknown_type(loader: &mut Loader<'_>, merged: &Merged, kind: &str, types: &dyn TypeCatalog) {
    let at = place(&merged.origins, "/type", false);
    let all = types.types();
    let near = nearest(kind, all.iter().map(String::as_str));
    let help = near.map_or_else(|| format!("there are {}", all.join(", ")), |near| format!("did you mean `{near}`?"));
    loader.problems.push(
        Diagnostic::error("unknown-type", at, format!("this version does not know the type `{kind}`")).help(help),
    );
}

/// Properties against their type's schema; names that are minted later are not missing.
fn check_type(
    loader: &mut Loader<'_>,
    merged: &Merged,
    schema: &Value,
    properties: &Value,
    minted: Option<&str>,
    role: &str,
) {
    let minted = minted.map(|name| format!("`{}` is missing", name.trim_start_matches('/')));
    for mut it in check(schema, properties, true) {
        if it.code == "missing-field" && it.path.is_empty() && Some(&it.message) == minted.as_ref() {
            continue;
        }
        let raw = format!("/properties{}", it.path);
        if merged.document.kind == "Resource" {
            it.path = raw;
        } else {
            it.message = format!("{role}{}: {}", it.path, it.message);
            it.path = String::new();
        }
        loader.misfits(&[it], &merged.origins);
    }
}
