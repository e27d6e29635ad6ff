//! A value held against its JSON Schema, in a user's words.
//!
//! Our own, because a validator's words for unions and unknown fields cannot be told to a person at a place: this one names
//! the nearest field, and skips references where a value may come later.

use deployer_engine::expr;
use serde_json::{Map, Value};

use crate::{input::seconds, near::nearest};

/// The schema's word for 'a reference may stand here'.
pub const REFERENCE: &str = "x-reference";

/// What does not fit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where, as a JSON pointer.
    pub path: String,
    /// The key is meant, not its value.
    pub key: bool,
    /// A stable word.
    pub code: &'static str,
    /// What.
    pub message: String,
    /// The way out.
    pub help: Option<String>,
}

/// Everything in `value` that does not fit `schema`. `anywhere`: references may stand everywhere.
pub fn check(schema: &Value, value: &Value, anywhere: bool) -> Vec<Misfit> {
    let mut check = Check { root: schema, anywhere, found: Vec::new() };
    check.value(schema, value, "");
    check.found
}

struct Check<'a> {
    root: &'a Value,
    anywhere: bool,
    found: Vec<Misfit>,
}

impl<'a> Check<'a> {
    fn push(&mut self, path: &str, code: &'static str, message: String, help: Option<String>) {
        self.found.push(Misfit { path: path.to_owned(), key: false, code, message, help });
    }

    fn follow(&self, schema: &'a Value) -> &'a Value {
        let target =
            schema.get("$ref").and_then(Value::as_str).and_then(|at| self.root.pointer(at.trim_start_matches('#')));
        target.map_or(schema, |target| self.follow(target))
    }

    fn value(&mut self, schema: &'a Value, value: &Value, path: &str) {
        let allowed = self.anywhere || schema.get(REFERENCE).is_some();
        let schema = self.follow(schema);
        if expr::hole(value).is_some() {
            if !allowed && schema.get(REFERENCE).is_none() && schema != &Value::Bool(true) {
                self.push(
                    path,
                    "no-reference-here",
                    "a reference may not stand here: its value is needed before anything is deployed".to_owned(),
                    None,
                );
            }
            return;
        }
        if let Some(options) = options(schema).filter(|_| choices(schema).is_none()) {
            return self.any(options, value, path);
        }
        if let Some(all) = schema.get("allOf").and_then(Value::as_array) {
            all.iter().for_each(|schema| self.value(schema, value, path));
        }
        if let Some(choices) = choices(schema) {
            if !choices.contains(&value) {
                let names: Vec<String> =
                    choices.iter().map(|it| it.as_str().map_or_else(|| it.to_string(), str::to_owned)).collect();
                let near = value.as_str().and_then(|text| nearest(text, names.iter().map(String::as_str)));
                let help = near.map(|near| format!("did you mean `{near}`?"));
                self.push(path, "not-one-of", format!("this is one of {}", names.join(", ")), help);
            }
            return;
        }
        if !self.fits_type(schema, value) {
            let message = format!("expected {}, found {}", expected(schema), kind(value));
            return self.push(path, "wrong-type", message, None);
        }
        match value {
            Value::Object(map) => self.object(schema, map, path),
            Value::Array(items) => {
                if let Some(of) = schema.get("items") {
                    items.iter().enumerate().for_each(|(index, item)| self.value(of, item, &format!("{path}/{index}")));
                }
            }
            Value::String(text) if schema.get("x-time").is_some() && seconds(text).is_none() => {
                self.push(
                    path,
                    "bad-time",
                    format!("`{text}` is no time"),
                    Some("write 30s, 5m, 12h or 4d".to_owned()),
                );
            }
            Value::Number(number) => self.range(schema, number.as_f64().unwrap_or_default(), path),
            _ => {}
        }
    }

    fn range(&mut self, schema: &Value, number: f64, path: &str) {
        let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
        match (bound("minimum"), bound("maximum")) {
            (Some(least), _) if number < least => {
                self.push(path, "out-of-range", format!("this is at least {least}"), None)
            }
            (_, Some(most)) if number > most => {
                self.push(path, "out-of-range", format!("this is at most {most}"), None)
            }
            _ => {}
        }
    }

    /// One of several shapes: the first that fits, else the complaints of the one that is nearest by type.
    fn any(&mut self, options: &'a [Value], value: &Value, path: &str) {
        let mut best: Option<Vec<Misfit>> = None;
        for option in options {
            let mut inner = Check { root: self.root, anywhere: self.anywhere, found: Vec::new() };
            inner.value(option, value, path);
            if inner.found.is_empty() {
                return;
            }
            let is_near = self.fits_type(self.follow(option), value);
            if is_near && best.as_ref().is_none_or(|best| inner.found.len() < best.len()) {
                best = Some(inner.found);
            }
        }
        match best {
            Some(found) => self.found.extend(found),
            None => {
                let shapes: Vec<String> =
                    options.iter().map(|it| expected(self.follow(it))).filter(|it| it != "nothing").collect();
                self.push(path, "wrong-type", format!("expected {}, found {}", shapes.join(" or "), kind(value)), None);
            }
        }
    }

    fn object(&mut self, schema: &'a Value, map: &Map<String, Value>, path: &str) {
        let properties = schema.get("properties").and_then(Value::as_object);
        let rest = schema.get("additionalProperties");
        for (key, item) in map {
            let at = format!("{path}/{}", deployer_engine::diff::escape(key));
            match (properties.and_then(|it| it.get(key)), rest) {
                (Some(inner), _) => self.value(inner, item, &at),
                (None, Some(Value::Bool(false))) => self.unknown(&at, key, properties),
                (None, Some(inner @ Value::Object(_))) => self.value(inner, item, &at),
                (None, _) => {}
            }
        }
        let required = schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        for name in required.filter(|name| !map.contains_key(*name)) {
            self.push(path, "missing-field", format!("`{name}` is missing"), None);
        }
    }

    fn unknown(&mut self, at: &str, key: &str, properties: Option<&Map<String, Value>>) {
        let names: Vec<&str> = properties.into_iter().flat_map(Map::keys).map(String::as_str).collect();
        let help = match nearest(key, names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", names.join(", ")),
        };
        let message = format!("there is no field `{key}` here");
        self.found.push(Misfit { path: at.to_owned(), key: true, code: "unknown-field", message, help: Some(help) });
    }

    fn fits_type(&self, schema: &Value, value: &Value) -> bool {
        let fits = |name: &str| match name {
            "null" => value.is_null(),
            "boolean" => value.is_boolean(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "string" => value.is_string(),
            "array" => value.is_array(),
            _ => value.is_object(),
        };
        match schema.get("type") {
            Some(Value::String(name)) => fits(name),
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).any(fits),
            _ if choices(schema).is_some() => !value.is_object() && !value.is_array(),
            _ => true,
        }
    }
}

fn options(schema: &Value) -> Option<&Vec<Value>> {
    schema.get("anyOf").or_else(|| schema.get("oneOf"))?.as_array()
}

/// The words that a value is one of. Words with descriptions come as options of one or some words each.
fn choices(schema: &Value) -> Option<Vec<&Value>> {
    if let Some(listed) = schema.get("enum").and_then(Value::as_array) {
        return Some(listed.iter().collect());
    }
    if let Some(only) = schema.get("const") {
        return Some(vec![only]);
    }
    let each: Option<Vec<Vec<&Value>>> = options(schema)?.iter().map(choices).collect();
    each.map(|all| all.into_iter().flatten().collect())
}

fn expected(schema: &Value) -> String {
    let word = |name: &str| match name {
        "null" => "nothing",
        "boolean" => "true or false",
        "integer" => "a whole number",
        "number" => "a number",
        "string" => "a text",
        "array" => "a list",
        _ => "a map",
    };
    match (schema.get("type"), choices(schema)) {
        (_, Some(choices)) => choices.iter().map(|it| it.to_string()).collect::<Vec<_>>().join(" or "),
        (Some(Value::String(name)), _) => word(name).to_owned(),
        (Some(Value::Array(names)), _) => {
            let words = names.iter().filter_map(Value::as_str).filter(|name| *name != "null").map(word);
            words.collect::<Vec<_>>().join(" or ")
        }
        _ => "something else".to_owned(),
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "nothing",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a map",
    }
}
