//! `kind: Resource`: any supported type as it is, in CloudFormation's own vocabulary.

use deployer_engine::desired::OnDelete;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{Expansion, Kind, Outputs, of};
use crate::around::Around;

/// A resource as it is.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ResourceSpec {
    /// Its CloudFormation type name: `AWS::SQS::Queue`.
    #[serde(rename = "type")]
    kind: String,
    /// Its properties; `valueFrom` may stand anywhere in them.
    #[serde(default)]
    properties: Map<String, Value>,
    /// What happens to it when it has to go.
    deletion_policy: Option<Deletion>,
    /// Deleting or replacing it is refused.
    protect: Option<bool>,
}

/// What happens to it when it has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Deletion {
    /// It stays in AWS.
    Retain,
    /// It is deleted.
    Delete,
}

/// The kind.
pub(super) struct Resource;

/// The last part of the type is the role: `Queue`.
fn role(kind: &str) -> &str {
    kind.rsplit("::").next().unwrap_or(kind)
}

impl Kind for Resource {
    const KIND: &'static str = "Resource";
    type Spec = ResourceSpec;

    /// Every output of the type, by its own name; whether the type has it is checked against the type.
    fn outputs(spec: &Value, _: &Around<'_>) -> Outputs {
        let kind = spec.get("type").and_then(Value::as_str).unwrap_or_default();
        Outputs::from([of("*", role(kind), "*")])
    }

    fn expand(spec: &ResourceSpec, to: &mut Expansion<'_>) {
        let mut properties = Value::Object(spec.properties.clone());
        let tags = properties.get("Tags").and_then(Value::as_array).cloned().unwrap_or_default();
        if let Some(map) = properties.as_object_mut().filter(|_| !to.tags.is_empty()) {
            let stated = |key: &str| tags.iter().any(|tag| tag["Key"] == key);
            let more =
                to.tags.iter().filter(|(key, _)| !stated(key)).map(|(key, value)| json!({"Key": key, "Value": value}));
            let all: Vec<Value> = tags.iter().cloned().chain(more).collect();
            map.insert("Tags".to_owned(), all.into());
        }
        let keys: Vec<String> = spec.properties.keys().cloned().collect();
        let own = role(&spec.kind).to_owned();
        let resource = to.add(&own, &spec.kind, properties);
        resource.lifecycle.protect = spec.protect == Some(true);
        if spec.deletion_policy == Some(Deletion::Retain) {
            resource.lifecycle.on_delete = OnDelete::Retain;
        }
        for key in keys {
            let pointer = format!("/{}", deployer_engine::diff::escape(&key));
            to.origins.push((own.clone(), pointer.clone(), format!("/properties{pointer}")));
        }
    }
}
