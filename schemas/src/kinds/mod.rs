//! The kinds of components: one file each, all alike, and the registry that an out-of-tree crate adds its own to.
//!
//! Expansion is a pure function from a typed spec to resources in CloudFormation's vocabulary; it never branches on a value
//! that is not known yet.

mod resource;
mod s3;
mod security;
mod sqs;

use std::collections::BTreeMap;

use deployer_engine::{
    address::{Address, ComponentId},
    desired::{DesiredResource, Lifecycle, Scope},
    expr,
};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// What others may refer to: a public name, and which resource's output it is.
pub type Outputs = BTreeMap<String, (String, String)>;

/// A kind of component. What authors write.
pub trait Kind {
    /// Its name in YAML.
    const KIND: &'static str;
    /// Lists whose elements have a key: `roles` by `name`.
    const MERGE_KEYS: &'static [(&'static str, &'static str)] = &[];
    /// Its `spec`.
    type Spec: DeserializeOwned + JsonSchema;

    /// The values of what the user leaves out.
    fn defaults() -> Value {
        json!({})
    }

    /// What others may refer to, from the spec as it is (it may be at fault).
    fn outputs(spec: &Value) -> Outputs;

    /// Its resources, and what is wrong with the spec beyond its shape.
    fn expand(spec: &Self::Spec, to: &mut Expansion<'_>);
}

/// Where a kind's expansion goes.
pub struct Expansion<'a> {
    /// Who is deployed where.
    pub scope: &'a Scope,
    /// The component.
    pub id: &'a ComponentId,
    /// Tags of everything that can be tagged.
    pub tags: &'a BTreeMap<String, String>,
    /// What was made.
    pub resources: BTreeMap<Address, DesiredResource>,
    /// What is wrong, by JSON pointer into the spec: a stable word and a message.
    pub problems: Vec<(String, &'static str, String)>,
    /// Where parts of resources came from: (role, pointer into properties) to pointer into the spec.
    pub origins: Vec<(String, String, String)>,
}

impl Expansion<'_> {
    /// Adds a resource; nulls in `properties` are left out.
    pub fn add(&mut self, role: &str, kind: &str, properties: Value) -> &mut DesiredResource {
        let properties = without_nulls(properties);
        let resource = DesiredResource {
            kind: kind.to_owned(),
            properties,
            name_part: None,
            lifecycle: Lifecycle::default(),
            after: Vec::new(),
            origins: BTreeMap::new(),
        };
        let address = self.id.at(role);
        if self.resources.contains_key(&address) {
            self.problems.push((
                String::new(),
                "role-clash",
                format!("two parts of it would be {address}: choose other names"),
            ));
        }
        self.resources.entry(address).insert_entry(resource).into_mut()
    }

    /// The value of a sibling's output.
    pub fn sibling(&self, role: &str, output: &str) -> Value {
        expr::reference(&self.id.at(role), output)
    }

    /// The component's tags as a resource has them; null if there are none.
    pub fn tag_list(&self) -> Value {
        if self.tags.is_empty() {
            return Value::Null;
        }
        self.tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
    }

    /// Something is wrong at a pointer into the spec.
    pub fn problem(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push((path.to_owned(), "invalid", message.into()));
    }

    /// A number that has to be within bounds.
    pub fn within(&mut self, path: &str, value: Option<i64>, least: i64, most: i64) {
        if let Some(value) = value.filter(|value| *value < least || *value > most) {
            self.problem(path, format!("{value} is out of range: {least} to {most}"));
        }
    }
}

/// Leaves nulls out of maps, at any depth.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .filter(|(_, item)| !item.is_null())
            .map(|(key, item)| (key, without_nulls(item)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(without_nulls).collect(),
        plain => plain,
    }
}

/// A kind as the loader holds it: the object-safe twin of `Kind`.
#[derive(Clone)]
pub struct DynKind {
    /// Its name.
    pub kind: &'static str,
    /// Lists by key.
    pub merge_keys: &'static [(&'static str, &'static str)],
    /// The JSON Schema of its spec.
    pub schema: fn() -> Value,
    /// What is built in.
    pub defaults: fn() -> Value,
    /// What others may refer to.
    pub outputs: fn(&Value) -> Outputs,
    /// Decodes and expands; the error says why the spec cannot be decoded.
    pub expand: fn(&Value, &mut Expansion<'_>) -> Result<(), serde_json::Error>,
}

/// All kinds that are known, by name.
#[derive(Clone, Default)]
pub struct Kinds {
    kinds: BTreeMap<&'static str, DynKind>,
}

impl Kinds {
    /// Those that come with deployer.
    pub fn standard() -> Self {
        Self::default().with::<sqs::Sqs>().with::<s3::S3>().with::<security::Security>().with::<resource::Resource>()
    }

    /// The same with one more.
    #[must_use]
    pub fn with<K: Kind>(mut self) -> Self {
        let kind = DynKind {
            kind: K::KIND,
            merge_keys: K::MERGE_KEYS,
            schema: || schemars::schema_for!(K::Spec).to_value(),
            defaults: K::defaults,
            outputs: K::outputs,
            expand: |spec, to| {
                K::expand(&K::Spec::deserialize(spec)?, to);
                Ok(())
            },
        };
        self.kinds.insert(K::KIND, kind);
        self
    }

    /// The kind of this name.
    pub fn get(&self, kind: &str) -> Option<&DynKind> {
        self.kinds.get(kind)
    }

    /// Their names.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.kinds.keys().copied()
    }
}
