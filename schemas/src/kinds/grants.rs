//! Statements of what a component that uses another may do.

use deployer_engine::expr;
use serde_json::{Value, json};

use crate::uses::Access;

/// A statement that allows these actions on what `resource` names.
pub(super) fn allow(actions: &[&str], resource: Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": resource})
}

/// What the use of a KMS key needs. A policy takes ARNs of keys alone: for an id or alias the key's own policy has to do.
pub(super) fn kms(key: &Value, access: Access) -> Option<Value> {
    let names_a_key = key.as_str().map_or(expr::hole(key).is_some(), |text| text.contains(":key/"));
    // Writers decrypt too: the parts of an upload, and the data key that a queue uses again.
    let actions: &[&str] = if access.writes() { &["kms:Decrypt", "kms:GenerateDataKey"] } else { &["kms:Decrypt"] };
    names_a_key.then(|| allow(actions, key.clone()))
}
