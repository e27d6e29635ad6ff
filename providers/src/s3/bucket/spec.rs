//! A bucket's properties, in CloudFormation's names and shapes.

use deployer_engine::diff::canonical;
use deployer_engine::resource::Resource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    Bucket,
    notice::{Cors, Notification},
};
use crate::tags::Tag;

/// Writes a struct of optional parts the way all of them are written.
macro_rules! parts {
    ($($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $of:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        pub struct $name {
            $($(#[$field_doc])* #[serde(default, skip_serializing_if = "Option::is_none")] pub $field: Option<$of>,)*
        }
    )*};
}
pub(super) use parts;

/// A bucket.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct BucketSpec {
    /// Its name, unique in the partition.
    pub bucket_name: String,
    /// Whether old versions are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub versioning_configuration: Option<Versioning>,
    /// How objects are encrypted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket_encryption: Option<Encryption>,
    /// What happens to objects with time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifecycle_configuration: Option<Lifecycle>,
    /// What keeps it private.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_access_block_configuration: Option<PublicAccessBlock>,
    /// Who owns objects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership_controls: Option<Ownership>,
    /// Which websites' pages may read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cors_configuration: Option<Cors>,
    /// Who is told what happens in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notification_configuration: Option<Notification>,
    /// Its tags.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

parts! {
    /// Whether old versions are kept.
    Versioning {
        /// `Enabled` or `Suspended`.
        status: String,
    }
    /// How objects are encrypted.
    Encryption {
        /// One rule.
        server_side_encryption_configuration: Vec<EncryptionRule>,
    }
    /// How objects are encrypted.
    EncryptionRule {
        /// By what, unless a request says otherwise.
        server_side_encryption_by_default: EncryptionDefault,
        /// One key for many objects.
        bucket_key_enabled: bool,
    }
    /// What happens to objects with time.
    Lifecycle {
        /// Rules, by id.
        rules: Vec<Rule>,
    }
    /// What happens to objects with time.
    Rule {
        /// Its id.
        id: String,
        /// `Enabled` or `Disabled`.
        status: String,
        /// Only objects whose key starts with this.
        prefix: String,
        /// Deleted after so many days.
        expiration_in_days: i32,
        /// What happens to old versions.
        noncurrent_version_expiration: NoncurrentExpiration,
        /// What happens to uploads that were not finished.
        abort_incomplete_multipart_upload: AbortUpload,
        /// Moves to other storage classes.
        transitions: Vec<Transition>,
    }
    /// What happens to old versions.
    NoncurrentExpiration {
        /// Deleted after so many days.
        noncurrent_days: i32,
    }
    /// What happens to uploads that were not finished.
    AbortUpload {
        /// Given up after so many days.
        days_after_initiation: i32,
    }
    /// A move to another storage class.
    Transition {
        /// After so many days.
        transition_in_days: i32,
        /// Which.
        storage_class: String,
    }
    /// What keeps it private.
    PublicAccessBlock {
        /// New public ACLs are refused.
        block_public_acls: bool,
        /// Public ACLs do not count.
        ignore_public_acls: bool,
        /// New public policies are refused.
        block_public_policy: bool,
        /// With a public policy, only this account gets in.
        restrict_public_buckets: bool,
    }
    /// Who owns objects.
    Ownership {
        /// One rule.
        rules: Vec<OwnershipRule>,
    }
    /// Who owns objects.
    OwnershipRule {
        /// `BucketOwnerEnforced`, `BucketOwnerPreferred`, `ObjectWriter`.
        object_ownership: String,
    }
}

/// By what objects are encrypted. CloudFormation writes these two in its own way.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EncryptionDefault {
    /// `AES256`, `aws:kms`, `aws:kms:dsse`.
    #[serde(rename = "SSEAlgorithm")]
    pub algorithm: String,
    /// The KMS key.
    #[serde(rename = "KMSMasterKeyID", default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
}

impl BucketSpec {
    /// The configurations that a new bucket does not have by itself: they have to be sent.
    pub(super) fn beyond_defaults(&self) -> Vec<&'static str> {
        let value = serde_json::to_value(self).unwrap_or_default();
        let all = [
            "VersioningConfiguration",
            "BucketEncryption",
            "LifecycleConfiguration",
            "PublicAccessBlockConfiguration",
            "OwnershipControls",
            "CorsConfiguration",
            "NotificationConfiguration",
        ];
        let facts = &<Bucket as Resource>::FACTS;
        let differs = |name: &&str| {
            let path = format!("/{name}");
            let of = |value: &Value| canonical(facts, &path, value);
            value
                .get(*name)
                .is_some_and(|wanted| facts.server_default(&path).is_none_or(|default| of(&default) != of(wanted)))
        };
        all.into_iter().filter(differs).collect()
    }
}
