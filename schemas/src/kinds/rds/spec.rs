//! A database's fields.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::engines::Engine;
use crate::input::Input;

/// A database.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct RdsSpec {
    /// The instance's physical name; without it one is made of stack, environment and component.
    pub(super) name: Option<String>,
    /// The engine. A replica has its source's.
    pub(super) engine: Option<Engine>,
    /// Its version, in quotes: `"16"` (AWS picks the minor version) or `"16.4"`.
    pub(super) version: Option<String>,
    /// Its size: `db.t4g.medium`.
    pub(super) class: String,
    /// Its storage.
    pub(super) storage: Option<Storage>,
    /// The database that is made in it; the component's name by default, with `_` for `-`.
    pub(super) database: Option<String>,
    /// The first user. AWS makes, keeps and rotates the password, unless `password` names one.
    pub(super) username: Option<String>,
    /// Where the first user's password is kept, instead of AWS making one. Read replicas need it: AWS makes none of a database
    /// whose password it manages.
    pub(super) password: Option<Password>,
    /// Its port; the engine's own by default.
    pub(super) port: Option<i64>,
    /// A second instance stands by in another zone.
    pub(super) multi_az: Option<bool>,
    /// The network that it stands in: a component of `kind: Networking`. Not needed if the stack has only one.
    pub(super) networking: Option<String>,
    /// Backups.
    pub(super) backups: Option<Backups>,
    /// Maintenance by AWS.
    pub(super) maintenance: Option<Maintenance>,
    /// The engine's parameters, by name.
    pub(super) parameters: Option<BTreeMap<String, Scalar>>,
    /// How it is encrypted at rest: `rds` (RDS's own key), a KMS key, or `none`.
    pub(super) encryption: Option<Encryption>,
    /// It cannot be deleted or replaced.
    pub(super) deletion_protection: Option<bool>,
    /// A last snapshot is taken before it is deleted.
    pub(super) final_snapshot: Option<bool>,
    /// It has a public address, and stands in public subnets.
    pub(super) public: Option<bool>,
    /// Logs that go to CloudWatch.
    pub(super) logs: Option<Vec<String>>,
    /// Its load is watched by Performance Insights.
    pub(super) performance_insights: Option<bool>,
    /// Snapshots carry its tags.
    pub(super) copy_tags_to_snapshots: Option<bool>,
    /// Copies of it that can only be read.
    pub(super) read_replicas: Option<Vec<Replica>>,
    /// It is a copy of this one, a component of `kind: RDS`, and can only be read.
    pub(super) replica_of: Option<String>,
}

/// Where a password is kept.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Password {
    /// A secret of Secrets Manager, by name or ARN.
    pub(super) secret: String,
    /// One field of it, if it is a JSON map.
    pub(super) key: Option<String>,
}

/// Storage.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Storage {
    /// GiB: 20 to 65,536.
    pub(super) size: Option<i64>,
    /// The most that AWS lets it grow to, in GiB; without it, it does not grow.
    pub(super) max: Option<i64>,
    /// What it is made of.
    #[serde(rename = "type")]
    pub(super) kind: Option<StorageType>,
    /// Operations a second that are kept for it.
    pub(super) iops: Option<i64>,
}

/// What storage is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::kinds) enum StorageType {
    /// Solid state; faster with size.
    Gp2,
    /// Solid state, for most uses.
    #[default]
    Gp3,
    /// Solid state with kept operations.
    Io1,
    /// The same, more durable.
    Io2,
}

impl StorageType {
    /// As AWS writes it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Gp2 => "gp2",
            Self::Gp3 => "gp3",
            Self::Io1 => "io1",
            Self::Io2 => "io2",
        }
    }
}

/// Backups.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Backups {
    /// Days that they are kept: 0 (none are made) to 35.
    pub(super) retention: Option<i64>,
    /// When they are made, UTC: `03:00-04:00`.
    pub(super) window: Option<String>,
}

/// Maintenance by AWS.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Maintenance {
    /// When, UTC: `sun:05:00-sun:06:00`.
    pub(super) window: Option<String>,
    /// Minor versions are brought in.
    pub(super) auto_minor_upgrade: Option<bool>,
}

/// The value of a parameter.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::kinds) enum Scalar {
    /// On or off: 1 or 0.
    Flag(bool),
    /// A whole number.
    Whole(i64),
    /// A number.
    Number(f64),
    /// A text.
    Text(String),
}

impl Scalar {
    /// As RDS writes it.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Flag(on) => u8::from(*on).to_string(),
            Self::Whole(number) => number.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Text(text) => text.clone(),
        }
    }
}

/// How a database is encrypted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::kinds) enum Encryption {
    /// By a key of the service, or not at all.
    Named(Service),
    /// By a KMS key.
    Kms(Kms),
}

/// A key of the service, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::kinds) enum Service {
    /// RDS's own.
    Rds,
    /// It is not encrypted, and can never be.
    None,
}

/// A KMS key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Kms {
    /// Its id, ARN or alias.
    pub(super) kms_key_id: Input<String>,
}

/// A copy that can only be read.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Replica {
    /// Its name in this component.
    pub(super) name: String,
    /// Its size; the first instance's by default.
    pub(super) class: Option<String>,
    /// A second instance stands by in another zone.
    pub(super) multi_az: Option<bool>,
}
