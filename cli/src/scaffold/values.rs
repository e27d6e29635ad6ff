//! Values for samples, drawn from a schema: one, and another one.
//!
//! They fit the schema; whether AWS takes them together only a call can tell.

use serde_json::{Map, Value, json};

use super::{pattern::Pattern, schema::Schema};

/// A value and another one, if there is another.
pub type Pair = (Value, Option<Value>);

/// How deep parts go: deeper ones are left out where they may be.
const DEPTH: usize = 3;

/// The pair of a property.
pub fn pair(schema: &Schema, at: &Value, depth: usize) -> Pair {
    if depth > 4 * DEPTH {
        return (Value::Null, None);
    }
    let (at, _) = schema.follow(at);
    if let Some(values) = at["enum"].as_array().filter(|all| !all.is_empty()) {
        return (values[0].clone(), values.get(1).cloned());
    }
    if let Some(only) = at.get("const") {
        return (only.clone(), None);
    }
    match at["type"].as_str() {
        Some("string") => text(at),
        Some("integer" | "number") => number(at),
        // What is not AWS's own choice comes first: it has to arrive.
        Some("boolean") => (json!(at["default"] != true), Some(json!(at["default"] == true))),
        Some("array") => list(schema, at, depth),
        _ if at["properties"].as_object().is_some_and(|all| !all.is_empty()) => part(schema, at, depth),
        Some("object") => match at["patternProperties"].as_object().and_then(|all| all.values().next()) {
            Some(inner) => {
                let (first, second) = pair(schema, inner, depth + 1);
                (json!({"a": first}), second.map(|second| json!({"a": second})))
            }
            None => (json!({"a": "1"}), Some(json!({"a": "2"}))),
        },
        _ => (json!({"a": "1"}), Some(json!({"a": "2"}))),
    }
}

fn length(at: &Value, key: &str) -> Option<usize> {
    at[key].as_u64().and_then(|it| usize::try_from(it).ok())
}

fn text(at: &Value) -> Pair {
    let (least, most) = (length(at, "minLength").unwrap_or(0), length(at, "maxLength").unwrap_or(usize::MAX));
    let pattern = at["pattern"].as_str().and_then(|it| Pattern::read(it, 0));
    let padded = |word: &str| format!("{word:x<least$}");
    let words = (padded("one"), padded("two"));
    let fits = |word: &String| pattern.as_ref().is_none_or(|it| it.fits(word)) && word.len() <= most;
    let drawn = || {
        let (first, second) = pattern.as_ref()?.texts(least)?;
        // The same again: the next alternative, if there is one.
        let other = || Some(Pattern::read(at["pattern"].as_str()?, 1)?.texts(least)?.0);
        let second = if second == first { other().unwrap_or(second) } else { second };
        Some((first, second))
    };
    let (first, second) = match drawn() {
        _ if fits(&words.0) && fits(&words.1) => words,
        Some(drawn) => drawn,
        None => (words.0.chars().take(most).collect(), words.1.chars().take(most).collect()),
    };
    let other = (second != first).then(|| json!(second));
    (json!(first), other)
}

fn number(at: &Value) -> Pair {
    let whole = at["type"] == "integer";
    let made = |value: f64| if whole { json!(value as i64) } else { json!(value) };
    let (least, most) = (at["minimum"].as_f64(), at["maximum"].as_f64());
    let first = least.unwrap_or_else(|| most.map_or(1.0, |most| most.min(1.0)));
    let second = if most.is_some_and(|most| first + 1.0 > most) { first - 1.0 } else { first + 1.0 };
    let other = least.is_none_or(|least| second >= least).then(|| made(second));
    (made(first), other)
}

fn list(schema: &Schema, at: &Value, depth: usize) -> Pair {
    let (first, second) = pair(schema, &at["items"], depth + 1);
    let least = length(at, "minItems").unwrap_or(0);
    match second {
        Some(second) if least < 2 => (json!([first]), Some(json!([second]))),
        // Elements are told apart where that can be.
        Some(second) => (json!([first, second]), None),
        None => (json!([first]), None),
    }
}

fn part(schema: &Schema, at: &Value, depth: usize) -> Pair {
    let required = |name: &str| at["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
    let all = at["properties"].as_object().into_iter().flatten();
    let (mut first, mut second, mut differs) = (Map::new(), Map::new(), false);
    for (name, inner) in all.filter(|(name, _)| depth < DEPTH || required(name) && depth < 2 * DEPTH) {
        let (one, other) = pair(schema, inner, depth + 1);
        differs |= other.is_some();
        second.insert(name.clone(), other.unwrap_or_else(|| one.clone()));
        first.insert(name.clone(), one);
    }
    (first.into(), differs.then(|| second.into()))
}
