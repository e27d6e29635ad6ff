//! A bucket's fields.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::input::{Input, Policy, Seconds};

/// A bucket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct S3Spec {
    /// The bucket's physical name; without it one is made of stack, environment, component, account and region.
    pub(super) name: Option<String>,
    /// Old versions of objects are kept. Once on, AWS can only suspend it.
    pub(super) versioning: Option<bool>,
    /// How objects are encrypted at rest: `s3` (S3's own key), or a KMS key.
    pub(super) encryption: Option<Encryption>,
    /// What happens to objects with time.
    pub(super) lifecycle_rules: Option<Vec<Rule>>,
    /// What keeps it private.
    pub(super) public_access_block: Option<PublicAccessBlock>,
    /// Requests without TLS are denied.
    pub(super) tls_only: Option<bool>,
    /// Who else may do what.
    pub(super) policy: Option<Policy>,
    /// Which web pages of other sites may read it, and how.
    pub(super) cors: Option<Vec<Cors>>,
    /// Who is told of what happens to objects.
    pub(super) notifications: Option<Vec<Notification>>,
    /// EventBridge is told of everything.
    pub(super) event_bridge: Option<bool>,
    /// What happens to it when it has to go: `retain` (it stays in AWS), `delete` (if it is empty), `empty` (with all it holds).
    pub(super) deletion_policy: Option<Deletion>,
}

/// How objects are encrypted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(in crate::kinds) enum Encryption {
    /// By a key of the service.
    Named(Service),
    /// By a KMS key.
    Kms(Kms),
}

/// A key of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::kinds) enum Service {
    /// S3's own.
    S3,
}

/// A KMS key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Kms {
    /// Its id or ARN.
    pub(super) kms_key_id: Input<String>,
    /// One key for many objects: fewer KMS calls.
    pub(super) bucket_key: Option<bool>,
}

/// What happens to objects with time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Rule {
    /// Its name; overlays change the rule of the same name.
    pub(super) id: Option<String>,
    /// Only objects whose key starts with this.
    pub(super) prefix: Option<String>,
    /// Deleted after so many days.
    pub(super) expire_after_days: Option<i64>,
    /// Old versions are deleted after so many days.
    pub(super) noncurrent_expire_after_days: Option<i64>,
    /// Uploads that were not finished are given up after so many days.
    pub(super) abort_incomplete_uploads_after_days: Option<i64>,
    /// Moved to a cheaper storage class.
    pub(super) transitions: Option<Vec<Transition>>,
}

/// Moved to a cheaper storage class.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Transition {
    /// After so many days.
    pub(super) after_days: i64,
    /// Which: `STANDARD_IA`, `GLACIER` ..
    pub(super) storage_class: String,
}

/// What keeps a bucket private.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct PublicAccessBlock {
    /// New public ACLs are refused.
    pub(super) block_public_acls: Option<bool>,
    /// Public ACLs do not count.
    pub(super) ignore_public_acls: Option<bool>,
    /// New public policies are refused.
    pub(super) block_public_policy: Option<bool>,
    /// With a public policy, only this account gets in.
    pub(super) restrict_public_buckets: Option<bool>,
}

/// What happens to a bucket that has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(in crate::kinds) enum Deletion {
    /// It stays in AWS.
    Retain,
    /// It is deleted if it is empty.
    Delete,
    /// It is deleted with all it holds.
    Empty,
}

/// Which web pages of other sites may read a bucket, and how.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Cors {
    /// Its name; overlays change the rule of the same name.
    pub(super) id: Option<String>,
    /// The pages' sites: `https://shop.example.com`, `https://*.example.com`.
    pub(super) origins: Vec<String>,
    /// What they may do.
    pub(super) methods: Vec<Method>,
    /// Headers that they may send.
    pub(super) headers: Option<Vec<String>>,
    /// Headers of answers that they may see.
    pub(super) expose_headers: Option<Vec<String>>,
    /// How long a browser remembers the answer.
    pub(super) max_age: Option<Seconds>,
}

/// What a web page may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub(in crate::kinds) enum Method {
    /// Objects are read.
    Get,
    /// Objects are looked at.
    Head,
    /// Objects are written.
    Put,
    /// Objects are written by a form.
    Post,
    /// Objects are deleted.
    Delete,
}

/// Who is told of what happens to objects.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in crate::kinds) struct Notification {
    /// Its name; overlays change the one of the same name.
    pub(super) name: String,
    /// What happens: `s3:ObjectCreated:*` ..
    pub(super) events: Vec<String>,
    /// The queue that is told, a component of `kind: SQS`.
    pub(super) queue: String,
    /// Only objects whose key starts with this.
    pub(super) prefix: Option<String>,
    /// Only objects whose key ends with this.
    pub(super) suffix: Option<String>,
}
