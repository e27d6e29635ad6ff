//! The sample of a type: a first and a second value for each property.

use serde_json::{Value, json};

use super::{
    pattern::Pattern,
    schema::Schema,
    values::{Pair, pair},
};

/// The sample's text.
pub fn text(schema: &Schema) -> String {
    let mut only: Vec<&str> = Vec::new();
    let (mut fields, mut base) = (String::new(), String::new());
    for (property, at) in schema.properties() {
        let (first, second) = values(schema, property, at);
        match second {
            Some(second) => {
                fields += &format!("  {property}: [{}, {}]\n", flow(&first), flow(&second));
                let pattern = schema.follow(at).0["pattern"].as_str().filter(|it| Pattern::read(it, 0).is_none());
                fields += &pattern.map(|it| format!("  # has to fit {it}\n")).unwrap_or_default();
            }
            None => {
                only.push(property);
                base += &format!("  {property}: {}\n", flow(&first));
            }
        }
    }
    let mut text = format!(
        "# Made from the schema: values that fit it, a first and a second one for each property. What belongs together is yours to\n\
         # say: what else there has to be (`needs`), what changes along with a field (`along`), what stays (`keep`).\n\
         type: {}\n",
        schema.kind()
    );
    if !only.is_empty() {
        let names = only.join(", ");
        text += &format!(
            "# The schema has no second value for these: find one, or say why there is none.\nbase:\n{base}only: [{names}]\n"
        );
    }
    if !fields.is_empty() {
        text += &format!("fields:\n{fields}");
    }
    text
}

fn values(schema: &Schema, property: &str, at: &Value) -> Pair {
    if schema.tags() == Some(property) {
        let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
        return (json!([tag("a", "1")]), Some(json!([tag("a", "2"), tag("b", "3")])));
    }
    // The kit looks for what never was by another name than this.
    if schema.name_property() == Some(property) {
        return (json!("stated"), Some(json!("stated-b")));
    }
    pair(schema, at, 0)
}

/// A value on one line of YAML.
fn flow(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let entries: Vec<String> = map.iter().map(|(key, item)| format!("{}: {}", word(key), flow(item))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        Value::String(text) => word(text),
        other => other.to_string(),
    }
}

/// Plain where YAML reads it as the same text.
fn word(text: &str) -> String {
    let plain = text.starts_with(|it: char| it.is_ascii_alphabetic())
        && text.chars().all(|it| it.is_ascii_alphanumeric() || "-_/".contains(it));
    let meant = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"].contains(&text.to_lowercase().as_str());
    if plain && !meant { text.to_owned() } else { json!(text).to_string() }
}
