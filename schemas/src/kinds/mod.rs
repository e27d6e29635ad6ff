//! The kinds of components: one file each, all alike, and the registry that an out-of-tree crate adds its own to.
//!
//! Expansion is a pure function from a typed spec to resources in CloudFormation's vocabulary; it never branches on a value
//! that is not known yet.

mod grants;
mod group;
mod ingress;
mod microservice;
pub(crate) mod networking;
mod rds;
mod resource;
mod s3;
mod security;
mod sqs;

use std::collections::BTreeMap;

use deployer_engine::{
    address::{Address, ComponentId},
    desired::{DesiredResource, Scope},
    diagnostic::Severity,
    expr,
};
use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use crate::{
    around::{Around, NoPeer, Peer},
    near::nearest,
    uses::{Access, Ask, Connection},
};

/// What others may refer to: a public name, and where its value comes from.
pub type Outputs = BTreeMap<String, Source>;

/// Where a component's output comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// An output of one of its resources.
    Of {
        /// The resource's role.
        role: String,
        /// The output's CloudFormation name.
        output: String,
    },
    /// A value that is known, or made of references.
    Value(Value),
    /// A text around an output of one of its resources: an address.
    Around {
        /// What stands before.
        before: String,
        /// The resource's role.
        role: String,
        /// The output's CloudFormation name.
        output: String,
        /// What stands after.
        after: String,
    },
}

impl Source {
    /// The value, of the component `id`.
    pub fn value(&self, id: &ComponentId) -> Value {
        match self {
            Self::Of { role, output } => expr::reference(&id.at(role), output),
            Self::Value(value) => value.clone(),
            Self::Around { before, role, output, after } => {
                expr::join(vec![json!(before), expr::reference(&id.at(role), output), json!(after)])
            }
        }
    }
}

/// An entry of `Outputs`: `name` is the output `output` of the resource in `role`.
pub fn of(name: &str, role: &str, output: &str) -> (String, Source) {
    (name.to_owned(), Source::Of { role: role.to_owned(), output: output.to_owned() })
}

/// `order-worker` is `OrderWorker` in addresses.
pub fn pascal(name: &str) -> String {
    let capital = |word: &str| {
        word.chars().next().map(|first| format!("{}{}", first.to_ascii_uppercase(), &word[first.len_utf8()..]))
    };
    name.split(|c: char| !c.is_alphanumeric()).filter_map(capital).collect()
}

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

    /// Outputs that are shown to a person after an apply.
    const SHOWN: &'static [&'static str] = &[];

    /// What others may refer to, from the spec as it is (it may be at fault).
    fn outputs(spec: &Value, around: &Around<'_>) -> Outputs;

    /// What it gives to a component that uses it; none: it cannot be used.
    fn connect(_spec: &Self::Spec, _peer: &Peer, _access: Access, _around: &Around<'_>) -> Option<Connection> {
        None
    }

    /// What it needs of other components' policies: a bucket that tells a queue has to be let in by the queue.
    fn asks(_spec: &Self::Spec, _id: &ComponentId, _around: &Around<'_>) -> Vec<Ask> {
        Vec::new()
    }

    /// Its resources, and what is wrong with the spec beyond its shape.
    fn expand(spec: &Self::Spec, to: &mut Expansion<'_>);
}

/// Where a kind's expansion goes.
pub struct Expansion<'a> {
    /// Who is deployed where.
    pub scope: &'a Scope,
    /// The other components, and the answers of look-ups.
    pub around: &'a Around<'a>,
    /// What others ask of its policies.
    pub asked: &'a [Value],
    /// The component.
    pub id: &'a ComponentId,
    /// Tags of everything of it that can be tagged.
    pub tags: &'a BTreeMap<String, String>,
    /// Tags of what the whole stack shares.
    pub stack_tags: &'a BTreeMap<String, String>,
    /// What was made.
    pub resources: BTreeMap<Address, DesiredResource>,
    /// What is shared by all components of the stack: the ECS cluster, the DNS namespace.
    pub shared: BTreeMap<Address, DesiredResource>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// Where parts of resources came from: (role, pointer into properties) to pointer into the spec.
    pub origins: Vec<(String, String, String)>,
}

impl<'a> Expansion<'a> {
    /// Nothing yet.
    pub(crate) fn new(
        id: &'a ComponentId,
        around: &'a Around<'a>,
        asked: &'a [Value],
        tags: &'a BTreeMap<String, String>,
        stack_tags: &'a BTreeMap<String, String>,
    ) -> Self {
        Self {
            scope: around.scope,
            around,
            asked,
            id,
            tags,
            stack_tags,
            resources: BTreeMap::new(),
            shared: BTreeMap::new(),
            problems: Vec::new(),
            origins: Vec::new(),
        }
    }

    /// Adds a resource; nulls in `properties` are left out.
    pub fn add(&mut self, role: &str, kind: &str, properties: Value) -> &mut DesiredResource {
        let resource = new_resource(kind, properties);
        let address = self.id.at(role);
        if self.resources.contains_key(&address) {
            let message = format!("two parts of it would be {address}: choose other names");
            self.problems.push(Problem { code: "role-clash", ..Problem::error("", message) });
        }
        self.resources.entry(address).insert_entry(resource).into_mut()
    }

    /// Adds a resource that the whole stack shares, unless another component did; its address.
    pub fn share(&mut self, role: &str, kind: &str, mut properties: Value) -> Address {
        let address = Address::new("Stack", self.scope.stack.clone(), role);
        properties["Tags"] = tag_list(self.stack_tags);
        self.shared.entry(address.clone()).or_insert_with(|| new_resource(kind, properties));
        address
    }

    /// The value of a sibling's output.
    pub fn sibling(&self, role: &str, output: &str) -> Value {
        expr::reference(&self.id.at(role), output)
    }

    /// The component's tags as a resource has them; null if there are none.
    pub fn tag_list(&self) -> Value {
        tag_list(self.tags)
    }

    /// Something is wrong at a pointer into the spec.
    pub fn problem(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(Problem::error(path, message));
    }

    /// Something is worth reading and stops nothing.
    pub fn warning(&mut self, path: &str, message: impl Into<String>) {
        self.problems.push(Problem { severity: Severity::Warning, ..Problem::error(path, message) });
    }

    /// The peer that a name at `path` means; a problem if there is none.
    pub fn peer(&mut self, path: &str, name: &str) -> Option<&'a Peer> {
        match self.around.peer(name) {
            Ok(peer) => Some(peer),
            Err(NoPeer::AtFault) => None,
            Err(NoPeer::Unknown(help)) => {
                let error = Problem::error(path, format!("there is no component `{name}`"));
                self.problems.push(Problem { code: "unknown-component", help, ..error });
                None
            }
        }
    }

    /// The peer of this kind that a name at `path` means, decoded; a problem if it is of another kind.
    pub fn peer_of<K: Kind>(&mut self, path: &str, name: &str) -> Option<(&'a Peer, K::Spec)> {
        let peer = self.peer(path, name)?;
        if peer.id.kind != K::KIND {
            self.problem(path, format!("`{name}` is of kind {}, and this takes one of kind {}", peer.id.kind, K::KIND));
            return None;
        }
        Some((peer, peer.decode()?))
    }

    /// Something that there is none of, with the nearest of what there is.
    pub fn unknown(&mut self, path: &str, message: String, given: &str, known: &[&str]) {
        let help = match nearest(given, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", known.join(", ")),
        };
        self.problems.push(Problem { help: Some(help), ..Problem::error(path, message) });
    }

    /// A number that has to be within bounds.
    pub fn within(&mut self, path: &str, value: Option<i64>, least: i64, most: i64) {
        if let Some(value) = value.filter(|value| *value < least || *value > most) {
            self.problem(path, format!("{value} is out of range: {least} to {most}"));
        }
    }
}

fn tag_list(tags: &BTreeMap<String, String>) -> Value {
    if tags.is_empty() {
        return Value::Null;
    }
    tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

fn new_resource(kind: &str, properties: Value) -> DesiredResource {
    DesiredResource::new(kind, without_nulls(properties))
}

/// What is wrong with a spec.
#[derive(Clone, Debug)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// A stable word.
    pub code: &'static str,
    /// Where, as a JSON pointer into the spec.
    pub path: String,
    /// What.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
    /// Another place that has to do with it: a component, and where in its spec.
    pub related: Option<(ComponentId, String, String)>,
}

impl Problem {
    /// Something is wrong at a pointer into the spec.
    pub fn error(path: &str, message: impl Into<String>) -> Self {
        let (path, message) = (path.to_owned(), message.into());
        Self { severity: Severity::Error, code: "invalid", path, message, help: None, related: None }
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
    pub outputs: fn(&Value, &Around<'_>) -> Outputs,
    /// Outputs that are shown to a person after an apply.
    pub shown: &'static [&'static str],
    /// What it gives to a component that uses it.
    pub connect: fn(&Peer, Access, &Around<'_>) -> Option<Connection>,
    /// What it needs of other components' policies.
    pub asks: fn(&Peer, &Around<'_>) -> Vec<Ask>,
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
        Self::default()
            .with::<networking::Networking>()
            .with::<ingress::Ingress>()
            .with::<microservice::MicroService>()
            .with::<rds::Rds>()
            .with::<s3::S3>()
            .with::<security::Security>()
            .with::<sqs::Sqs>()
            .with::<resource::Resource>()
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
            shown: K::SHOWN,
            connect: |peer, access, around| K::connect(&peer.decode()?, peer, access, around),
            asks: |peer, around| peer.decode().map(|spec| K::asks(&spec, &peer.id, around)).unwrap_or_default(),
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
