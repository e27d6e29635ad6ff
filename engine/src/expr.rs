//! Values that are not known yet, inside values that are.
//!
//! A desired property tree is plain JSON in which three reserved one-key objects stand for what only AWS can tell:
//! `{"$ref": {address, output}}`, `{"$join": [parts]}` (a text with references inside) and `{"$secret": {..}}` (a value that
//! never enters a record: it is fetched by the provider when called). CloudFormation property names never start with `$`,
//! and the loader refuses keys of users that do, so the forms cannot be confused with data.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::address::Address;

/// The key of a reference.
pub const REF: &str = "$ref";
/// The key of a text with references inside.
pub const JOIN: &str = "$join";
/// The key of a secret's place.
pub const SECRET: &str = "$secret";

/// An output of another resource.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Reference {
    /// Whose output.
    pub address: Address,
    /// Which one, by its CloudFormation attribute name: `Arn`, `QueueUrl`.
    pub output: String,
}

impl std::fmt::Display for Reference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", self.output, self.address)
    }
}

/// The value of `output` of `address`, to be known later.
pub fn reference(address: &Address, output: &str) -> Value {
    json!({ REF: { "address": address, "output": output } })
}

/// A text of `parts`, each a string or a reference.
pub fn join(parts: Vec<Value>) -> Value {
    if parts.iter().all(Value::is_string) {
        return Value::String(parts.iter().filter_map(Value::as_str).collect());
    }
    json!({ JOIN: parts })
}

/// The place of a secret: `{"secret": ARN-or-name, "key"?: field}` or `{"ssm": name}`.
pub fn secret(place: Value) -> Value {
    json!({ SECRET: place })
}

/// What a one-key reserved object stands for.
#[derive(Debug)]
pub enum Hole<'a> {
    /// A reference that has no value yet.
    Ref(Reference),
    /// A text with references inside.
    Join(&'a [Value]),
    /// A secret's place.
    Secret(&'a Value),
}

/// The hole that `value` is, if it is one.
pub fn hole(value: &Value) -> Option<Hole<'_>> {
    let map = value.as_object()?;
    let (key, inner) = map.iter().next().filter(|_| map.len() == 1)?;
    match key.as_str() {
        REF => serde_json::from_value(inner.clone()).ok().map(Hole::Ref),
        JOIN => inner.as_array().map(|parts| Hole::Join(parts)),
        SECRET => Some(Hole::Secret(inner)),
        _ => None,
    }
}

/// Every reference inside `value`, in order of appearance.
pub fn references(value: &Value) -> Vec<Reference> {
    let mut found = Vec::new();
    walk(value, &mut |it| {
        if let Some(Hole::Ref(reference)) = hole(it) {
            found.push(reference);
        }
    });
    found
}

/// True if a reference without a value stands anywhere inside.
pub fn has_unknown(value: &Value) -> bool {
    !references(value).is_empty()
}

fn walk(value: &Value, see: &mut impl FnMut(&Value)) {
    see(value);
    match value {
        Value::Array(items) => items.iter().for_each(|item| walk(item, see)),
        Value::Object(map) => map.values().for_each(|item| walk(item, see)),
        _ => {}
    }
}

/// `value` with each reference replaced by what `known` says of it; those that it does not know stay.
pub fn resolve(value: &Value, known: &impl Fn(&Reference) -> Option<Value>) -> Value {
    match (hole(value), value) {
        (Some(Hole::Ref(reference)), _) => known(&reference).unwrap_or_else(|| value.clone()),
        (Some(Hole::Join(parts)), _) => join(parts.iter().map(|part| text_of(resolve(part, known))).collect()),
        (Some(Hole::Secret(_)), _) => value.clone(),
        (None, Value::Array(items)) => items.iter().map(|item| resolve(item, known)).collect(),
        (None, Value::Object(map)) => {
            map.iter().map(|(key, item)| (key.clone(), resolve(item, known))).collect::<Map<_, _>>().into()
        }
        (None, plain) => plain.clone(),
    }
}

/// Numbers and booleans inside a longer text become text.
fn text_of(value: Value) -> Value {
    match value {
        Value::Number(number) => Value::String(number.to_string()),
        Value::Bool(flag) => Value::String(flag.to_string()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_join_becomes_text_once_all_is_known() {
        let queue = Address::new("SQS", "orders", "Queue");
        let value = json!({"Url": join(vec![json!("arn/"), reference(&queue, "Arn"), json!("/*")])});
        assert_eq!(references(&value).len(), 1);
        let known = resolve(&value, &|_| Some(json!("a")));
        assert_eq!(known, json!({"Url": "arn/a/*"}));
        assert!(!has_unknown(&known));
        assert_eq!(resolve(&value, &|_| None), value);
    }
}
