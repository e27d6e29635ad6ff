//! Values at paths: what a drift report calls a field, found or put into properties.

use serde_json::{Map, Value, json};

use crate::{
    diff::{elements_key, escape, plain_text, unescape},
    facts::Facts,
};

/// Puts `value` at `path` of `properties`, or takes away what is there; maps on the way are made, elements of keyed lists are
/// found by their key. False if the way does not exist.
pub fn put(facts: &Facts, properties: &mut Value, path: &str, value: Option<Value>) -> bool {
    let segments: Vec<String> = path.trim_start_matches('/').split('/').map(unescape).collect();
    step(facts, properties, String::new(), &segments, value)
}

fn step(facts: &Facts, here: &mut Value, at: String, rest: &[String], value: Option<Value>) -> bool {
    let Some((segment, rest)) = rest.split_first() else { return false };
    let next = format!("{at}/{}", escape(segment));
    let key = elements_key(facts, &at);
    if here.is_null() {
        *here = if key.is_some() { json!([]) } else { Map::new().into() };
    }
    match here {
        Value::Object(map) if rest.is_empty() => {
            match value {
                Some(value) => map.insert(segment.clone(), value),
                None => map.remove(segment),
            };
            true
        }
        Value::Object(map) => step(facts, map.entry(segment.clone()).or_insert(Value::Null), next, rest, value),
        Value::Array(items) => {
            let of = |item: &Value| key.map(|key| plain_text(item.get(key).unwrap_or(item)));
            let found = match key {
                Some(_) => items.iter().position(|item| of(item).as_deref() == Some(segment)),
                None => segment.parse().ok().filter(|index| *index < items.len()),
            };
            match (found, value, rest.is_empty()) {
                (Some(index), Some(value), true) => items[index] = value,
                (Some(index), None, true) => drop(items.remove(index)),
                (Some(index), value, false) => return step(facts, &mut items[index], next, rest, value),
                (None, Some(value), true) if key.is_some() => items.push(value),
                (None, None, true) => {}
                _ => return false,
            }
            true
        }
        _ => false,
    }
}
