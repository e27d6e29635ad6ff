//! Components: what all kinds have in common.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{checks::CheckSpec, document::Document, input::Seconds, node::Origins};

/// A component's spec after all layers, with the origins of its values by JSON pointer into the spec.
#[derive(Clone, Debug)]
pub struct Merged {
    /// Its own document.
    pub document: Document,
    /// The spec.
    pub value: Value,
    /// Where its values came from.
    pub origins: Origins,
    /// A name in it has no value: what follows from that is no problem of its own.
    pub(crate) unfinished: bool,
}

/// What every component's spec may have.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Common {
    /// Components that are deployed before this one.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Tags of its resources, over the stack's.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// What must hold of it once its resources stand: after an apply, and after a rollback.
    #[serde(default)]
    pub health_checks: Vec<CheckSpec>,
    /// The longest that creating, changing or deleting one of its resources may take; by default what AWS needs at most.
    #[serde(default)]
    pub timeouts: Timeouts,
    /// What is done about its resources beyond their properties.
    #[serde(default)]
    pub lifecycle: LifecycleSpec,
    /// What it is for.
    #[serde(default)]
    #[expect(dead_code, reason = "for people; the schema checks it")]
    pub description: Option<String>,
}

/// What is done about resources beyond their properties.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct LifecycleSpec {
    /// Properties that are set when a resource is made and left alone ever after: `Role/Property`, as `deployer plan` names them.
    #[serde(default)]
    pub(crate) ignore_changes: Vec<String>,
}

/// How long things may take.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Timeouts {
    /// Making one.
    #[serde(default)]
    create: Option<Seconds>,
    /// Changing one.
    #[serde(default)]
    update: Option<Seconds>,
    /// Deleting one.
    #[serde(default)]
    delete: Option<Seconds>,
}

impl Timeouts {
    /// In seconds, by verb.
    pub(crate) fn by_verb(&self) -> BTreeMap<String, u64> {
        let all = [("create", self.create), ("update", self.update), ("delete", self.delete)];
        all.into_iter().filter_map(|(verb, it)| Some((verb.to_owned(), u64::try_from(it?.0).ok()?))).collect()
    }
}

/// The schema of a kind's spec with what all kinds have in common.
pub fn full_schema(mut schema: Value) -> Value {
    let common = schemars::schema_for!(Common).to_value();
    if let (Some(own), Some(more)) =
        (schema.get_mut("properties").and_then(Value::as_object_mut), common["properties"].as_object())
    {
        for (name, property) in more {
            own.entry(name.clone()).or_insert_with(|| property.clone());
        }
    }
    // What those refer to comes along.
    if let (Some(own), Some(more)) = (schema.as_object_mut(), common["$defs"].as_object()) {
        let defs = own.entry("$defs").or_insert_with(|| json!({}));
        for (name, def) in more {
            defs[name] = def.clone();
        }
    }
    schema
}

/// What all kinds have in common, and the rest.
pub(crate) fn split_common(mut spec: Value) -> (Common, Value) {
    let common = serde_json::from_value(spec.clone()).unwrap_or_default();
    if let Some(map) = spec.as_object_mut() {
        ["dependsOn", "tags", "healthChecks", "timeouts", "lifecycle", "description"]
            .iter()
            .for_each(|name| drop(map.remove(*name)));
    }
    (common, spec)
}
