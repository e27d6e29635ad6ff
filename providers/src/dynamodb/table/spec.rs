//! A table's properties, and what can be said of them before AWS is asked.

use std::collections::BTreeSet;

use deployer_engine::error::Result;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{call::invalid, tags::Tag};

/// A table.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TableSpec {
    /// Its name.
    pub table_name: String,
    /// Its key: an attribute of `HASH`, and one of `RANGE` if it has one.
    pub key_schema: Vec<Key>,
    /// The attributes that are keys, of the table or of an index; no others.
    pub attribute_definitions: Vec<Attribute>,
    /// `PAY_PER_REQUEST` or `PROVISIONED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub billing_mode: Option<String>,
    /// The capacity of a `PROVISIONED` table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioned_throughput: Option<Throughput>,
    /// Indexes with keys of their own. One with other keys or another projection is made anew.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global_secondary_indexes: Option<Vec<Index>>,
    /// Indexes with another range key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_secondary_indexes: Option<Vec<LocalIndex>>,
    /// Changes of items can be read as a stream. Another view is another stream, with another ARN.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_specification: Option<Stream>,
    /// It is encrypted by a KMS key, not by one of DynamoDB's own.
    #[serde(rename = "SSESpecification", skip_serializing_if = "Option::is_none")]
    pub sse_specification: Option<Encryption>,
    /// Items go at the time that one of their attributes holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub time_to_live_specification: Option<TimeToLive>,
    /// It can be brought back as it was at any time of the last days.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub point_in_time_recovery_specification: Option<Recovery>,
    /// Deleting it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_protection_enabled: Option<bool>,
    /// `STANDARD` or `STANDARD_INFREQUENT_ACCESS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub table_class: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A part of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Key {
    /// Which attribute.
    pub attribute_name: String,
    /// `HASH` or `RANGE`.
    pub key_type: String,
}

/// An attribute that is a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Attribute {
    /// Its name.
    pub attribute_name: String,
    /// `S`, `N` or `B`.
    pub attribute_type: String,
}

/// Units a second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Throughput {
    /// Reads.
    pub read_capacity_units: i64,
    /// Writes.
    pub write_capacity_units: i64,
}

/// What an index holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Projection {
    /// `ALL`, `KEYS_ONLY` or `INCLUDE`.
    pub projection_type: String,
    /// Attributes that it holds beside the keys, for `INCLUDE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub non_key_attributes: Option<Vec<String>>,
}

/// An index with keys of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Index {
    /// Its name.
    pub index_name: String,
    /// Its key.
    pub key_schema: Vec<Key>,
    /// What it holds.
    pub projection: Projection,
    /// Its capacity, in a `PROVISIONED` table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provisioned_throughput: Option<Throughput>,
}

/// An index with another range key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LocalIndex {
    /// Its name.
    pub index_name: String,
    /// The table's `HASH` and a `RANGE` of its own.
    pub key_schema: Vec<Key>,
    /// What it holds.
    pub projection: Projection,
}

/// A stream of changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Stream {
    /// `KEYS_ONLY`, `NEW_IMAGE`, `OLD_IMAGE` or `NEW_AND_OLD_IMAGES`.
    pub stream_view_type: String,
}

/// Encryption by a KMS key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Encryption {
    /// By a KMS key; else by a key of DynamoDB's own.
    #[serde(rename = "SSEEnabled")]
    pub enabled: bool,
    /// `KMS`.
    #[serde(rename = "SSEType", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Which key, by id or ARN; without it the account's `aws/dynamodb`.
    #[serde(rename = "KMSMasterKeyId", skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

/// When items go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TimeToLive {
    /// They go.
    pub enabled: bool,
    /// The attribute that holds the time, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attribute_name: Option<String>,
}

/// How far back a table can be brought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Recovery {
    /// It can be brought back.
    #[serde(rename = "PointInTimeRecoveryEnabled")]
    pub enabled: bool,
    /// Over so many days: 1 to 35.
    #[serde(rename = "RecoveryPeriodInDays", skip_serializing_if = "Option::is_none")]
    pub days: Option<i32>,
}

impl TableSpec {
    /// How its requests are paid.
    pub(super) fn billing(&self) -> &str {
        self.billing_mode.as_deref().unwrap_or("PROVISIONED")
    }

    /// Its global indexes.
    pub(super) fn indexes(&self) -> &[Index] {
        self.global_secondary_indexes.as_deref().unwrap_or_default()
    }

    /// The global index of this name.
    pub(super) fn index(&self, name: &str) -> Option<&Index> {
        self.indexes().iter().find(|it| it.index_name == name)
    }

    /// The names of all attributes that are keys of the table or of one of its local indexes.
    pub(super) fn keys(&self) -> impl Iterator<Item = &str> {
        let local = self.local_secondary_indexes.iter().flatten().flat_map(|it| &it.key_schema);
        self.key_schema.iter().chain(local).map(|key| key.attribute_name.as_str())
    }

    /// What AWS would refuse later and in other words, or take and never show.
    pub(super) fn check(&self, operation: &'static str) -> Result<()> {
        let indexed = self.indexes().iter().flat_map(|it| &it.key_schema).map(|key| key.attribute_name.as_str());
        let keys: BTreeSet<&str> = self.keys().chain(indexed).collect();
        let defined: BTreeSet<&str> = self.attribute_definitions.iter().map(|it| it.attribute_name.as_str()).collect();
        if let Some(name) = defined.symmetric_difference(&keys).next() {
            let (is, has) = if keys.contains(name) { ("a key", "no entry") } else { ("no key", "an entry") };
            return Err(invalid(operation, format!("`{name}` is {is} and has {has} in `AttributeDefinitions`")));
        }
        if self.time_to_live_specification.as_ref().is_some_and(|it| it.enabled && it.attribute_name.is_none()) {
            return Err(invalid(operation, "`TimeToLiveSpecification` is enabled and names no attribute"));
        }
        let key = self.sse_specification.as_ref().and_then(|it| it.key.as_deref());
        if key.is_some_and(|key| key.starts_with("alias/") || key.contains(":alias/")) {
            let why = "`KMSMasterKeyId` is an id or ARN: AWS tells a table's key, not the alias that led to it";
            return Err(invalid(operation, why));
        }
        Ok(())
    }
}
