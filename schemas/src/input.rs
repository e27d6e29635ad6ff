//! Types that fields of components are made of.

use std::{borrow::Cow, marker::PhantomData};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::check::REFERENCE;

/// A value that may come from elsewhere: `valueFrom` may stand in its place.
#[derive(Clone, Debug)]
pub struct Input<T> {
    /// The value, or a reference.
    pub value: Value,
    of: PhantomData<T>,
}

impl<'de, T> Deserialize<'de> for Input<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        Ok(Self { value: Value::deserialize(from)?, of: PhantomData })
    }
}

impl<T: JsonSchema> JsonSchema for Input<T> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}OrReference", T::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = generator.subschema_for::<T>();
        schema.insert(REFERENCE.to_owned(), Value::Bool(true));
        schema
    }
}

/// A time: a number of seconds, or a text such as `30s`, `5m`, `12h`, `4d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seconds(pub i64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match Value::deserialize(from)? {
            Value::Number(number) => {
                number.as_i64().map(Self).ok_or_else(|| serde::de::Error::custom("a time is a whole number of seconds"))
            }
            Value::String(text) => seconds(&text)
                .map(Self)
                .ok_or_else(|| serde::de::Error::custom(format!("`{text}` is no time; write 30s, 5m, 12h or 4d"))),
            _ => Err(serde::de::Error::custom("a time is a number of seconds, or a text such as 30s, 5m, 12h, 4d")),
        }
    }
}

/// The seconds that a text means.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let factor = match &text[digits.len()..] {
        "" | "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 86_400,
        _ => return None,
    };
    digits.parse::<i64>().ok()?.checked_mul(factor)
}

impl JsonSchema for Seconds {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["integer", "string"], "x-time": true, "description": "Seconds, or a text such as 30s, 5m, 12h, 4d."})
    }
}

/// A policy: a list of statements, or a whole document. References may stand anywhere inside.
#[derive(Clone, Debug, Deserialize)]
#[serde(transparent)]
pub struct Policy(pub Value);

impl Default for Policy {
    fn default() -> Self {
        Self(Value::Array(Vec::new()))
    }
}

impl Policy {
    /// The whole document.
    pub fn document(&self) -> Value {
        match &self.0 {
            Value::Array(statements) => serde_json::json!({"Version": "2012-10-17", "Statement": statements}),
            whole => whole.clone(),
        }
    }

    /// The whole document with these statements at its end.
    pub fn with(&self, more: &[Value]) -> Value {
        let mut document = self.document();
        if let Some(map) = document.as_object_mut().filter(|_| !more.is_empty()) {
            map.insert("Statement".to_owned(), self.statements().into_iter().chain(more.iter().cloned()).collect());
        }
        document
    }

    /// Its statements.
    pub fn statements(&self) -> Vec<Value> {
        match &self.0 {
            Value::Array(statements) => statements.clone(),
            Value::Object(whole) => match whole.get("Statement") {
                Some(Value::Array(statements)) => statements.clone(),
                Some(one) => vec![one.clone()],
                None => Vec::new(),
            },
            _ => Vec::new(),
        }
    }
}

impl JsonSchema for Policy {
    fn schema_name() -> Cow<'static, str> {
        "Policy".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["array", "object"], "description": "A list of policy statements, or a whole policy document."})
    }
}
