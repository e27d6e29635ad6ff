//! Components: what all kinds have in common, references between them, and their expansion.

use std::collections::BTreeMap;

use deployer_engine::{
    address::ComponentId,
    desired::{Desired, DesiredComponent},
    diagnostic::{Diagnostic, Place},
    expr,
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::{
    check::check,
    directory::Directory,
    document::Document,
    kinds::{Expansion, Outputs},
    load::{Loader, TypeCatalog, place},
    near::nearest,
    node::Origins,
    service::Service,
};

/// A component's spec after all layers, with the origins of its values by JSON pointer into the spec.
#[derive(Clone, Debug)]
pub struct Merged {
    /// Its own document.
    pub document: Document,
    /// The spec.
    pub value: Value,
    /// Where its values came from.
    pub origins: Origins,
    /// A name in it has no value: what follows from that is no problem of its own.
    pub(crate) unfinished: bool,
}

/// What every component's spec may have.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Common {
    /// Components that are deployed before this one.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Tags of its resources, over the stack's.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// What it is for.
    #[serde(default)]
    #[expect(dead_code, reason = "for people; the schema checks it")]
    pub description: Option<String>,
}

/// The schema of a kind's spec with what all kinds have in common.
pub fn full_schema(mut schema: Value) -> Value {
    let common = schemars::schema_for!(Common).to_value();
    if let (Some(own), Some(more)) =
        (schema.get_mut("properties").and_then(Value::as_object_mut), common["properties"].as_object())
    {
        for (name, property) in more {
            own.entry(name.clone()).or_insert_with(|| property.clone());
        }
    }
    schema
}

/// Expands all components into `desired`.
pub(crate) fn expand_all(
    loader: &mut Loader<'_>,
    mut desired: Desired,
    mut components: BTreeMap<ComponentId, Merged>,
    services: &BTreeMap<String, Service>,
    tags: &BTreeMap<String, String>,
    types: &dyn TypeCatalog,
) -> (Desired, BTreeMap<ComponentId, Merged>) {
    let outputs: BTreeMap<ComponentId, (Outputs, Value)> = components
        .iter()
        .filter_map(|(id, it)| Some((id.clone(), ((loader.kinds.get(&id.kind)?.outputs)(&it.value), it.value.clone()))))
        .collect();
    let schemas: BTreeMap<&str, Value> =
        loader.kinds.names().filter_map(|name| Some((name, full_schema((loader.kinds.get(name)?.schema)())))).collect();
    let mut type_schemas: BTreeMap<String, Option<Value>> = BTreeMap::new();
    let directory = Directory::of(components.keys());
    for (id, merged) in components.iter_mut().filter(|(_, it)| !it.unfinished) {
        let rendered = json!({"kind": id.kind, "name": id.name, "spec": merged.value});
        let bound = Binder { loader, outputs: &outputs, directory: &directory, origins: &merged.origins, types }
            .bind(&merged.value, "");
        let Some(schema) = schemas.get(id.kind.as_str()) else { continue };
        let misfits = check(schema, &bound, false);
        loader.misfits(&misfits, &merged.origins);
        if !misfits.is_empty() {
            continue;
        }
        let (common, spec) = split_common(bound);
        let depends_on = depends_on(loader, &common, merged, &directory);
        let service = services.iter().find(|(_, it)| it.members.contains(id)).map(|(name, _)| name.clone());
        let at = if let Place::File(at) = merged.document.node.origin.place() { Some(at) } else { None };
        desired.components.insert(id.clone(), DesiredComponent { service, depends_on, at, rendered });
        let mut all_tags = tags.clone();
        all_tags.extend(common.tags);
        expand(loader, &mut desired, id, merged, &spec, &all_tags, types, &mut type_schemas);
    }
    (desired, components)
}

fn split_common(mut spec: Value) -> (Common, Value) {
    let common = serde_json::from_value(spec.clone()).unwrap_or_default();
    if let Some(map) = spec.as_object_mut() {
        ["dependsOn", "tags", "description"].iter().for_each(|name| drop(map.remove(*name)));
    }
    (common, spec)
}

fn depends_on(loader: &mut Loader<'_>, common: &Common, merged: &Merged, directory: &Directory) -> Vec<ComponentId> {
    let mut found = Vec::new();
    for (index, name) in common.depends_on.iter().enumerate() {
        match directory.find(name) {
            Ok(id) => found.push(id.clone()),
            Err(help) => {
                let at = place(&merged.origins, &format!("/dependsOn/{index}"), false);
                let problem = Diagnostic::error("unknown-component", at, format!("there is no component `{name}`"));
                loader.problems.push(Diagnostic { help, ..problem });
            }
        }
    }
    found
}

#[allow(clippy::too_many_arguments, reason = "one step of one function, split off for length")]
fn expand(
    loader: &mut Loader<'_>,
    desired: &mut Desired,
    id: &ComponentId,
    merged: &Merged,
    spec: &Value,
    tags: &BTreeMap<String, String>,
    types: &dyn TypeCatalog,
    type_schemas: &mut BTreeMap<String, Option<Value>>,
) {
    let Some(kind) = loader.kinds.get(&id.kind) else { return };
    let scope = desired.scope.clone();
    let mut to =
        Expansion { scope: &scope, id, tags, resources: BTreeMap::new(), problems: Vec::new(), origins: Vec::new() };
    if let Err(error) = (kind.expand)(spec, &mut to) {
        let at = place(&merged.origins, "", false);
        return loader.problems.push(Diagnostic::error("invalid", at, format!("the spec does not fit: {error}")));
    }
    for (path, code, message) in to.problems {
        loader.problems.push(Diagnostic::error(code, place(&merged.origins, &path, false), message));
    }
    for (role, pointer, from) in to.origins {
        if let (Some(resource), Place::File(at)) =
            (to.resources.get_mut(&id.at(role)), place(&merged.origins, &from, false))
        {
            resource.origins.insert(pointer, at);
        }
    }
    for (address, mut resource) in to.resources {
        let schema = type_schemas.entry(resource.kind.clone()).or_insert_with(|| types.schema(&resource.kind));
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
                check_type(loader, merged, schema, &resource.properties, &address.role);
            }
            None => unknown_type(loader, merged, &resource.kind, types),
        }
        desired.resources.insert(address, resource);
    }
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
fn check_type(loader: &mut Loader<'_>, merged: &Merged, schema: &Value, properties: &Value, role: &str) {
    for mut it in check(schema, properties, true) {
        if it.code == "missing-field" && it.path.is_empty() && it.message.contains("Name`") {
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

/// Puts references in the place of `valueFrom`.
struct Binder<'a, 'b> {
    loader: &'a mut Loader<'b>,
    outputs: &'a BTreeMap<ComponentId, (Outputs, Value)>,
    directory: &'a Directory,
    origins: &'a Origins,
    types: &'a dyn TypeCatalog,
}

impl Binder<'_, '_> {
    fn bind(&mut self, value: &Value, path: &str) -> Value {
        match value {
            Value::Object(map) => match map.get("valueFrom").filter(|_| map.len() == 1) {
                Some(from) => self.reference(from, &format!("{path}/valueFrom")),
                None => map
                    .iter()
                    .map(|(key, item)| {
                        (key.clone(), self.bind(item, &format!("{path}/{}", deployer_engine::diff::escape(key))))
                    })
                    .collect::<Map<_, _>>()
                    .into(),
            },
            Value::Array(items) => {
                items.iter().enumerate().map(|(index, item)| self.bind(item, &format!("{path}/{index}"))).collect()
            }
            plain => plain.clone(),
        }
    }

    fn problem(&mut self, path: &str, code: &str, message: String, help: Option<String>) {
        let problem = Diagnostic::error(code, place(self.origins, path, false), message);
        self.loader.problems.push(Diagnostic { help, ..problem });
    }

    fn reference(&mut self, from: &Value, path: &str) -> Value {
        let text = |name: &str| from.get(name).and_then(Value::as_str);
        match (text("component"), text("output"), text("secret"), text("ssm")) {
            (Some(component), Some(output), None, None) => return self.output(component, output, path),
            (None, None, Some(_), None) | (None, None, None, Some(_)) => return expr::secret(from.clone()),
            _ => {}
        }
        let message = "`valueFrom` is one of {component, output}, {secret}, {ssm}".to_owned();
        self.problem(path, "bad-reference", message, None);
        expr::secret(json!({}))
    }

    fn output(&mut self, component: &str, output: &str, path: &str) -> Value {
        let id = match self.directory.find(component) {
            Ok(id) => id,
            Err(help) => {
                self.problem(
                    &format!("{path}/component"),
                    "unknown-component",
                    format!("there is no component `{component}`"),
                    help,
                );
                return expr::secret(json!({}));
            }
        };
        let Some((outputs, spec)) = self.outputs.get(id) else { return expr::secret(json!({})) };
        let names: Vec<String> = match outputs.get("*") {
            Some((role, _)) => {
                let all = self.types.outputs(spec["type"].as_str().unwrap_or_default()).unwrap_or_default();
                if all.iter().any(|name| name == output) {
                    return expr::reference(&id.at(role), output);
                }
                all
            }
            None => {
                if let Some((role, name)) = outputs.get(output) {
                    return expr::reference(&id.at(role), name);
                }
                outputs.keys().cloned().collect()
            }
        };
        let near = nearest(output, names.iter().map(String::as_str));
        let help =
            near.map_or_else(|| format!("there are {}", names.join(", ")), |near| format!("did you mean `{near}`?"));
        self.problem(&format!("{path}/output"), "unknown-output", format!("{id} has no output `{output}`"), Some(help));
        expr::secret(json!({}))
    }
}
