//! Properties made by chance from a type's JSON Schema: they survive being read and written, and differ from themselves in nothing.
//!
//! They need not make sense to AWS, and nothing is called.

use deployer_engine::{
    diff::{canonical, diff},
    resource::DynResource,
};
use serde_json::{Map, Value, json};

use crate::{Result, dice::Dice};

/// How deep optional parts go.
const DEPTH: u32 = 6;
/// Texts that other shapes are made of, and some that nothing is.
const TEXTS: [&str; 9] =
    ["", "a", "A", "60", "true", "{}", "10.0.0.0/16", "ü ~/", "arn:aws:iam::111122223333:role/kit"];

/// Makes `count` properties of the type's shape, and holds each to it.
pub fn shapes(it: &dyn DynResource, seed: u64, count: u32) -> Result<()> {
    let schema = it.schema();
    let mut maker = Maker { root: &schema, dice: Dice(seed) };
    for _ in 0..count {
        let made = maker.value(&schema, 0);
        holds(it, &made).map_err(|error| format!("{} seed {seed}: {error}\n  made: {made}", it.kind()))?;
    }
    Ok(())
}

fn holds(it: &dyn DynResource, made: &Value) -> Result<()> {
    let facts = it.facts();
    let once = it.shaped(made)?;
    let twice = it.shaped(&once)?;
    if once != twice {
        return Err(format!("written and read it is another: {once} and {twice}").into());
    }
    let lost = lost(made, &once, String::new());
    if !lost.is_empty() {
        return Err(format!("written it has lost {lost:?}").into());
    }
    let differs = diff(facts, &once, &once, &once);
    if !differs.is_empty() {
        return Err(format!("it differs from itself: {differs:?}").into());
    }
    // What is empty is no part of the form, and here it could be what an order goes by.
    let full = full(&once);
    let (form, again) = (canonical(facts, "", &full), canonical(facts, "", &canonical(facts, "", &full)));
    if form != again {
        return Err(format!("its one form is not one: {form} and {again}").into());
    }
    Ok(())
}

/// The same without what is empty.
fn full(value: &Value) -> Value {
    let is_full = |it: &Value| !matches!(it, Value::Null) && *it != json!("") && *it != json!([]) && *it != json!({});
    match value {
        Value::Object(map) => {
            let inner = map.iter().map(|(key, it)| (key.clone(), full(it))).filter(|(_, it)| is_full(it));
            inner.collect::<Map<_, _>>().into()
        }
        Value::Array(items) => items.iter().map(full).filter(is_full).collect(),
        other => other.clone(),
    }
}

/// Where values were made and are not written any more; nulls are nothing.
fn lost(made: &Value, written: &Value, at: String) -> Vec<String> {
    match (made, written) {
        (Value::Object(made), _) => {
            let set = made.iter().filter(|(_, value)| !value.is_null());
            set.flat_map(|(key, value)| match written.get(key) {
                Some(other) => lost(value, other, format!("{at}/{key}")),
                None => vec![format!("{at}/{key}")],
            })
            .collect()
        }
        (Value::Array(made), Value::Array(written)) if made.len() == written.len() => {
            let both = made.iter().zip(written).enumerate();
            both.flat_map(|(number, (made, written))| lost(made, written, format!("{at}/{number}"))).collect()
        }
        _ if made == written || made.as_f64().is_some_and(|it| written.as_f64() == Some(it)) => Vec::new(),
        _ => vec![at],
    }
}

struct Maker<'a> {
    root: &'a Value,
    dice: Dice,
}

impl<'a> Maker<'a> {
    fn value(&mut self, schema: &'a Value, depth: u32) -> Value {
        if let Some(at) = schema["$ref"].as_str() {
            let target = self.root.pointer(at.trim_start_matches('#')).unwrap_or(&Value::Null);
            return self.value(target, depth);
        }
        for union in ["oneOf", "anyOf", "enum"] {
            let Some(all) = schema[union].as_array().filter(|all| !all.is_empty()) else { continue };
            let one = &all[self.dice.below(all.len())];
            return if union == "enum" { one.clone() } else { self.value(one, depth) };
        }
        if let Some(one) = schema.get("const") {
            return one.clone();
        }
        let kinds: Vec<&str> = match &schema["type"] {
            Value::String(one) => vec![one],
            Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
            _ if schema.get("properties").is_some() => vec!["object"],
            _ => vec!["boolean", "string", "integer", "null"],
        };
        match self.dice.pick(&kinds).copied().unwrap_or("null") {
            "object" => self.object(schema, depth),
            "array" => {
                let items = schema.get("items").unwrap_or(&Value::Null);
                let count = if depth < DEPTH { self.dice.below(3) } else { 0 };
                (0..count).map(|_| self.value(items, depth + 1)).collect()
            }
            "string" => json!(TEXTS[self.dice.below(TEXTS.len())]),
            "boolean" => json!(self.dice.below(2) == 1),
            "integer" => json!(self.dice.below(100_000)),
            "number" => json!(f64::from(u32::try_from(self.dice.below(1_000)).unwrap_or(0)) / 4.0),
            _ => Value::Null,
        }
    }

    fn object(&mut self, schema: &'a Value, depth: u32) -> Value {
        let required: Vec<&Value> = schema["required"].as_array().into_iter().flatten().collect();
        let mut made = Map::new();
        for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
            let needed = required.iter().any(|it| *it == name);
            if needed || depth < DEPTH && self.dice.below(2) == 1 {
                made.insert(name.clone(), self.value(inner, depth + 1));
            }
        }
        // A map: its keys are the user's.
        let open = schema.get("additionalProperties").filter(|it| **it != json!(false));
        if let Some(inner) = open.filter(|_| depth < DEPTH) {
            for number in 0..self.dice.below(3) {
                made.insert(format!("key/{number}"), self.value(inner, depth + 1));
            }
        }
        made.into()
    }
}
