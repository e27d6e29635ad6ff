//! The entry of permissions to start from: what AWS's own provider of the type asks for.

use serde_json::{Value, json};

use super::schema::Schema;

/// The entry; `arn` is left to write.
pub fn entry(schema: &Schema) -> Value {
    let actions: Vec<String> = schema.permissions(None).into_iter().collect();
    json!({schema.kind(): {"arn": "{name}", "grants": [{"actions": actions}]}})
}
