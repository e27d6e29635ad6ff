//! Values in one line, as people read them.

use deployer_engine::expr::{self, Hole};
use serde_json::Value;

/// One value: text plain, references as what they will be, the rest as compact JSON.
pub fn show(value: &Value) -> String {
    match (expr::hole(value), value) {
        (Some(Hole::Ref(reference)), _) => format!("{} of {} (known after apply)", reference.output, reference.address),
        (Some(Hole::Join(parts)), _) => parts.iter().map(part).collect::<String>() + " (known after apply)",
        (Some(Hole::Secret(place)), _) => format!("the secret {}", show(place)),
        (None, Value::String(text)) => text.clone(),
        (None, Value::Array(items)) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        (None, Value::Object(map)) => {
            let entries: Vec<String> = map.iter().map(|(key, item)| format!("{key}: {}", show(item))).collect();
            format!("{{{}}}", entries.join(", "))
        }
        (None, plain) => plain.to_string(),
    }
}

fn part(value: &Value) -> String {
    match expr::hole(value) {
        Some(Hole::Ref(reference)) => format!("<{} of {}>", reference.output, reference.address),
        _ => show(value),
    }
}

/// A JSON pointer as people write paths: `Tags.team`, `Rules`.
pub fn path(pointer: &str) -> String {
    let segments = pointer.trim_start_matches('/').split('/');
    segments.map(deployer_engine::diff::unescape).collect::<Vec<_>>().join(".")
}
