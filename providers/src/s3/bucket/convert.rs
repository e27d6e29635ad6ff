//! Between the API's shapes and ours: a bucket's configurations in both directions.

use std::collections::BTreeMap;

use aws_sdk_s3::{error::BuildError, types as api};
use deployer_engine::error::Result;

use super::spec::{
    AbortUpload, Encryption, EncryptionDefault, EncryptionRule, NoncurrentExpiration, Ownership, OwnershipRule,
    PublicAccessBlock, Rule, Transition,
};
use crate::call::invalid;

/// What a bucket cannot be built from.
pub(super) fn built<T>(operation: &'static str, it: std::result::Result<T, BuildError>) -> Result<T> {
    it.map_err(|error| invalid(operation, error.to_string()))
}

/// Tags as the API has them.
pub(super) fn tags(all: &BTreeMap<String, String>) -> Result<Vec<api::Tag>> {
    all.iter()
        .map(|(key, value)| built("PutBucketTagging", api::Tag::builder().key(key).value(value).build()))
        .collect()
}

pub(super) fn encryption(live: api::ServerSideEncryptionConfiguration) -> Encryption {
    let of = |rule: api::ServerSideEncryptionRule| EncryptionRule {
        server_side_encryption_by_default: rule
            .apply_server_side_encryption_by_default
            .map(|by| EncryptionDefault { algorithm: by.sse_algorithm.as_str().to_owned(), key: by.kms_master_key_id }),
        bucket_key_enabled: rule.bucket_key_enabled,
    };
    Encryption { server_side_encryption_configuration: Some(live.rules.into_iter().map(of).collect()) }
}

pub(super) fn access(live: api::PublicAccessBlockConfiguration) -> PublicAccessBlock {
    PublicAccessBlock {
        block_public_acls: live.block_public_acls,
        ignore_public_acls: live.ignore_public_acls,
        block_public_policy: live.block_public_policy,
        restrict_public_buckets: live.restrict_public_buckets,
    }
}

/// What holds where no controls are set.
pub(super) fn writers() -> Ownership {
    let rule = OwnershipRule { object_ownership: Some("ObjectWriter".to_owned()) };
    Ownership { rules: Some(vec![rule]) }
}

pub(super) fn ownership(live: api::OwnershipControls) -> Ownership {
    let of = |rule: api::OwnershipControlsRule| OwnershipRule {
        object_ownership: Some(rule.object_ownership.as_str().to_owned()),
    };
    Ownership { rules: Some(live.rules.into_iter().map(of).collect()) }
}

/// A rule's prefix is told as a filter nowadays; no prefix and an empty one are the same.
pub(super) fn rule(live: api::LifecycleRule) -> Rule {
    #[expect(deprecated, reason = "old buckets still answer it")]
    let prefix = live.filter.and_then(|it| it.prefix).or(live.prefix);
    let transition = |it: api::Transition| Transition {
        transition_in_days: it.days,
        storage_class: it.storage_class.map(|class| class.as_str().to_owned()),
    };
    Rule {
        id: live.id,
        status: Some(live.status.as_str().to_owned()),
        prefix: prefix.filter(|text| !text.is_empty()),
        expiration_in_days: live.expiration.and_then(|it| it.days),
        noncurrent_version_expiration: live
            .noncurrent_version_expiration
            .map(|it| NoncurrentExpiration { noncurrent_days: it.noncurrent_days }),
        abort_incomplete_multipart_upload: live
            .abort_incomplete_multipart_upload
            .map(|it| AbortUpload { days_after_initiation: it.days_after_initiation }),
        transitions: live.transitions.map(|all| all.into_iter().map(transition).collect()),
    }
}

pub(super) fn to_rule(wanted: &Rule) -> Result<api::LifecycleRule> {
    let transition = |it: &Transition| {
        let class = it.storage_class.as_deref().map(api::TransitionStorageClass::from);
        api::Transition::builder().set_days(it.transition_in_days).set_storage_class(class).build()
    };
    let filter = api::LifecycleRuleFilter::builder().prefix(wanted.prefix.clone().unwrap_or_default()).build();
    let expiration = wanted.expiration_in_days.map(|days| api::LifecycleExpiration::builder().days(days).build());
    let old = wanted.noncurrent_version_expiration.as_ref();
    let old = old.map(|it| api::NoncurrentVersionExpiration::builder().set_noncurrent_days(it.noncurrent_days).build());
    let uploads = wanted.abort_incomplete_multipart_upload.as_ref();
    let uploads = uploads.map(|it| {
        api::AbortIncompleteMultipartUpload::builder().set_days_after_initiation(it.days_after_initiation).build()
    });
    let rule = api::LifecycleRule::builder()
        .set_id(wanted.id.clone())
        .status(api::ExpirationStatus::from(wanted.status.as_deref().unwrap_or("Enabled")))
        .filter(filter)
        .set_expiration(expiration)
        .set_noncurrent_version_expiration(old)
        .set_abort_incomplete_multipart_upload(uploads)
        .set_transitions(wanted.transitions.as_ref().map(|all| all.iter().map(transition).collect()));
    built("PutBucketLifecycleConfiguration", rule.build())
}
