//! The fields of a kind, from its JSON Schema, and which of them a value states.
//!
//! A path names what a user writes: `/ports/*/port`, `*` for any element of a list and any key of a map. All branches of a
//! union count: `/replicas` is the plain number, `/replicas/min` a field of the other way to write it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// A kind's schema, and the lists whose elements have a key.
pub struct Shape<'a> {
    schema: &'a Value,
    keys: &'a [(&'static str, &'static str)],
}

/// Where a value stands, and the path of its field.
#[derive(Clone, Default)]
struct At {
    place: String,
    path: String,
}

impl At {
    fn inside(&self, place: &str, path: &str) -> Self {
        Self { place: format!("{}/{place}", self.place), path: format!("{}/{path}", self.path) }
    }
}

/// What is known to be stated, by place.
pub type Stated = BTreeMap<String, Value>;

impl<'a> Shape<'a> {
    /// Of a kind.
    pub fn new(schema: &'a Value, keys: &'a [(&'static str, &'static str)]) -> Self {
        Self { schema, keys }
    }

    /// All paths that have no paths inside.
    pub fn paths(&self) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        self.walk(self.schema, String::new(), &mut found);
        found
    }

    fn walk(&self, schema: &'a Value, path: String, found: &mut BTreeSet<String>) {
        for branch in self.branches(schema) {
            if let Some(fields) = fields(branch) {
                fields.iter().for_each(|(name, inner)| self.walk(inner, format!("{path}/{name}"), found));
            } else if let Some(inner) = elements(branch) {
                self.walk(inner, format!("{path}/*"), found);
            } else {
                found.insert(path.clone());
            }
        }
    }

    /// The paths whose values differ from what was stated before; `stated` is brought up to date.
    pub fn changed(&self, value: &Value, stated: &mut Stated) -> BTreeSet<String> {
        let mut all = Vec::new();
        self.leaves(self.schema, value, &At::default(), &mut all);
        let mut found = BTreeSet::new();
        for (at, value) in all {
            if stated.insert(at.place, value.clone()).as_ref() != Some(value) {
                found.insert(at.path);
            }
        }
        found
    }

    fn leaves<'v>(&self, schema: &'a Value, value: &'v Value, at: &At, all: &mut Vec<(At, &'v Value)>) {
        for branch in self.branches(schema) {
            match (value, fields(branch), elements(branch)) {
                (Value::Object(map), Some(fields), _) => {
                    let known = map.iter().filter_map(|(key, inner)| Some((key, inner, fields.get(key)?)));
                    known.for_each(|(key, inner, schema)| self.leaves(schema, inner, &at.inside(key, key), all));
                }
                (Value::Object(map), None, Some(schema)) => {
                    map.iter().for_each(|(key, inner)| self.leaves(schema, inner, &at.inside(key, "*"), all));
                }
                (Value::Array(items), None, Some(schema)) => {
                    for (index, item) in items.iter().enumerate() {
                        let name = self.key(&at.path).and_then(|key| item.get(key));
                        let name = name.map_or_else(|| index.to_string(), Value::to_string);
                        self.leaves(schema, item, &at.inside(&name, "*"), all);
                    }
                }
                (value, None, None) if fits(branch, value) => all.push((at.clone(), value)),
                _ => {}
            }
        }
    }

    fn key(&self, path: &str) -> Option<&'static str> {
        let dots = path.trim_start_matches('/').replace('/', ".");
        self.keys.iter().find(|(list, _)| *list == dots).map(|(_, key)| *key)
    }

    /// The schemas that one is made of: references followed, unions opened. That it may be absent is none of them.
    fn branches(&self, schema: &'a Value) -> Vec<&'a Value> {
        if let Some(name) = schema["$ref"].as_str() {
            let target = name.strip_prefix('#').and_then(|pointer| self.schema.pointer(pointer));
            return target.map(|it| self.branches(it)).unwrap_or_default();
        }
        let union = ["anyOf", "oneOf"].iter().find_map(|word| schema[*word].as_array());
        match union {
            Some(all) => all.iter().filter(|it| it["type"] != "null").flat_map(|it| self.branches(it)).collect(),
            None => vec![schema],
        }
    }
}

fn fields(schema: &Value) -> Option<&Map<String, Value>> {
    schema["properties"].as_object()
}

/// Of a list or a map.
fn elements(schema: &Value) -> Option<&Value> {
    let inner = schema.get("items").or_else(|| schema.get("additionalProperties"));
    inner.filter(|it| it.is_object())
}

/// True if a plain value can be of this schema. Nothing, which removes, is of any.
fn fits(schema: &Value, value: &Value) -> bool {
    let word = match value {
        Value::Null => return true,
        Value::Bool(_) => "boolean",
        Value::Number(it) if it.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let is = |it: &Value| it == word || (it == "number" && word == "integer");
    match &schema["type"] {
        // A reference may stand in the place of a text.
        Value::String(_) | Value::Array(_) if value.get("valueFrom").is_some() => true,
        Value::Array(all) => all.iter().any(is),
        Value::String(_) => is(&schema["type"]),
        _ => true,
    }
}
