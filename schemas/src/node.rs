//! YAML with the position of every key and value.
//!
//! Whatever a user wrote can be traced to its file, line and column, through merges and interpolation: nodes carry their
//! origin with them.

use std::collections::BTreeMap;

use deployer_engine::diagnostic::{Place, Position};
use serde_json::{Map, Number, Value};

/// Where a value came from, among the layers that are merged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Layer {
    /// What is built in.
    #[default]
    BuiltIn,
    /// `InfraDefaults`.
    Defaults,
    /// The component's own document.
    Component,
    /// An overlay of the environment.
    Overlay,
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::BuiltIn => "built-in default",
            Self::Defaults => "InfraDefaults",
            Self::Component => "component",
            Self::Overlay => "overlay",
        })
    }
}

/// A place in the files, and the layer that it belongs to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Origin {
    /// The place; none: built in.
    pub at: Option<std::sync::Arc<Position>>,
    /// The layer.
    pub layer: Layer,
    /// The text starts one column later, after a quote.
    pub quoted: bool,
}

impl Origin {
    /// The place for a diagnostic.
    pub fn place(&self) -> Place {
        self.at.as_ref().map_or(Place::Input, |at| Place::File((**at).clone()))
    }

    /// The place `offset` characters into the text.
    pub fn inside(&self, offset: usize) -> Place {
        let Some(at) = &self.at else { return Place::Input };
        let shift = u32::try_from(offset).unwrap_or(0) + u32::from(self.quoted);
        Place::File(Position { column: at.column + shift, ..(**at).clone() })
    }
}

/// A value with its origin.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Node {
    /// The value.
    pub value: Yaml,
    /// Where it is.
    pub origin: Origin,
}

/// A YAML value.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Yaml {
    /// Nothing: `null`, `~`, or no text.
    #[default]
    Null,
    /// `true`, `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map, in the user's order.
    Map(Vec<Entry>),
}

/// A key and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: String,
    /// Where the key is.
    pub origin: Origin,
    /// The value.
    pub node: Node,
}

/// The origins of every key and value of a tree, by JSON pointer.
pub type Origins = BTreeMap<String, (Origin, Origin)>;

impl Node {
    /// The value under `key` of a map.
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node)
    }

    /// The entry under `key` of a map.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.value {
            Yaml::Map(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Yaml::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A built-in value.
    pub fn built_in(value: &Value) -> Self {
        let value = match value {
            Value::Null => Yaml::Null,
            Value::Bool(flag) => Yaml::Bool(*flag),
            Value::Number(number) => Yaml::Number(number.clone()),
            Value::String(text) => Yaml::Text(text.clone()),
            Value::Array(items) => Yaml::List(items.iter().map(Self::built_in).collect()),
            Value::Object(map) => Yaml::Map(
                map.iter()
                    .map(|(key, item)| Entry {
                        key: key.clone(),
                        origin: Origin::default(),
                        node: Self::built_in(item),
                    })
                    .collect(),
            ),
        };
        Self { value, origin: Origin::default() }
    }

    /// The same with every origin in `layer`.
    #[must_use]
    pub fn in_layer(mut self, layer: Layer) -> Self {
        self.origin.layer = layer;
        self.value = match self.value {
            Yaml::List(items) => Yaml::List(items.into_iter().map(|item| item.in_layer(layer)).collect()),
            Yaml::Map(entries) => Yaml::Map(
                entries
                    .into_iter()
                    .map(|entry| Entry {
                        origin: Origin { layer, ..entry.origin },
                        node: entry.node.in_layer(layer),
                        key: entry.key,
                    })
                    .collect(),
            ),
            plain => plain,
        };
        self
    }

    /// The plain value, with nulls left out of maps: null means absent. Origins are noted under `path`.
    pub fn plain(&self, path: &str, origins: &mut Origins) -> Value {
        origins.entry(path.to_owned()).or_insert_with(|| (self.origin.clone(), self.origin.clone()));
        match &self.value {
            Yaml::Null => Value::Null,
            Yaml::Bool(flag) => Value::Bool(*flag),
            Yaml::Number(number) => Value::Number(number.clone()),
            Yaml::Text(text) => Value::String(text.clone()),
            Yaml::List(items) => {
                items.iter().enumerate().map(|(index, item)| item.plain(&format!("{path}/{index}"), origins)).collect()
            }
            Yaml::Map(entries) => {
                let mut map = Map::new();
                for entry in entries.iter().filter(|entry| entry.node.value != Yaml::Null) {
                    let at = format!("{path}/{}", deployer_engine::diff::escape(&entry.key));
                    origins.insert(at.clone(), (entry.origin.clone(), entry.node.origin.clone()));
                    map.insert(entry.key.clone(), entry.node.plain(&at, origins));
                }
                Value::Object(map)
            }
        }
    }
}
