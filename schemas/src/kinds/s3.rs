//! `kind: S3`: a bucket and its policy. Private, encrypted, versioned and reachable by TLS alone unless the user says otherwise.

use deployer_engine::desired::OnDelete;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Expansion, Kind, Outputs, of};
use crate::{
    around::Around,
    input::{Input, Policy},
};

/// A bucket.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct S3Spec {
    /// The bucket's physical name; without it one is made of stack, environment, component, account and region.
    name: Option<String>,
    /// Old versions of objects are kept. Once on, AWS can only suspend it.
    versioning: Option<bool>,
    /// How objects are encrypted at rest: `s3` (S3's own key), or a KMS key.
    encryption: Option<Encryption>,
    /// What happens to objects with time.
    lifecycle: Option<Vec<Rule>>,
    /// What keeps it private.
    public_access_block: Option<PublicAccessBlock>,
    /// Requests without TLS are denied.
    tls_only: Option<bool>,
    /// Who else may do what.
    policy: Option<Policy>,
    /// What happens to it when it has to go: `retain` (it stays in AWS), `delete` (if it is empty), `empty` (with all it holds).
    deletion_policy: Option<Deletion>,
}

/// How objects are encrypted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Encryption {
    /// By a key of the service.
    Named(Service),
    /// By a KMS key.
    Kms(Kms),
}

/// A key of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Service {
    /// S3's own.
    S3,
}

/// A KMS key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Kms {
    /// Its id or ARN.
    kms_key_id: Input<String>,
    /// One key for many objects: fewer KMS calls.
    bucket_key: Option<bool>,
}

/// What happens to objects with time.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Rule {
    /// Its name; overlays change the rule of the same name.
    id: Option<String>,
    /// Only objects whose key starts with this.
    prefix: Option<String>,
    /// Deleted after so many days.
    expire_after_days: Option<i64>,
    /// Old versions are deleted after so many days.
    noncurrent_expire_after_days: Option<i64>,
    /// Uploads that were not finished are given up after so many days.
    abort_incomplete_uploads_after_days: Option<i64>,
    /// Moved to a cheaper storage class.
    transitions: Option<Vec<Transition>>,
}

/// Moved to a cheaper storage class.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Transition {
    /// After so many days.
    after_days: i64,
    /// Which: `STANDARD_IA`, `GLACIER` ..
    storage_class: String,
}

/// What keeps a bucket private.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct PublicAccessBlock {
    /// New public ACLs are refused.
    block_public_acls: Option<bool>,
    /// Public ACLs do not count.
    ignore_public_acls: Option<bool>,
    /// New public policies are refused.
    block_public_policy: Option<bool>,
    /// With a public policy, only this account gets in.
    restrict_public_buckets: Option<bool>,
}

/// What happens to a bucket that has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Deletion {
    /// It stays in AWS.
    Retain,
    /// It is deleted if it is empty.
    Delete,
    /// It is deleted with all it holds.
    Empty,
}

/// The kind.
pub(super) struct S3;

impl Kind for S3 {
    const KIND: &'static str = "S3";
    const MERGE_KEYS: &'static [(&'static str, &'static str)] = &[("lifecycle", "id")];
    type Spec = S3Spec;

    fn defaults() -> Value {
        json!({
            "versioning": true,
            "encryption": "s3",
            "publicAccessBlock": {
                "blockPublicAcls": true, "ignorePublicAcls": true, "blockPublicPolicy": true, "restrictPublicBuckets": true,
            },
            "tlsOnly": true,
            "deletionPolicy": "retain",
        })
    }

    fn outputs(_: &Value, _: &Around<'_>) -> Outputs {
        let of = |name: &str, output: &str| of(name, "Bucket", output);
        Outputs::from([
            of("name", "BucketName"),
            of("arn", "Arn"),
            of("domainName", "DomainName"),
            of("regionalDomainName", "RegionalDomainName"),
        ])
    }

    fn expand(spec: &S3Spec, to: &mut Expansion<'_>) {
        check(spec, to);
        let rules: Option<Vec<Value>> =
            spec.lifecycle.as_ref().map(|rules| rules.iter().enumerate().map(rule).collect());
        let versioning = spec.versioning.map(|on| json!({"Status": if on { "Enabled" } else { "Suspended" }}));
        let properties = json!({
            "BucketName": spec.name,
            "VersioningConfiguration": versioning,
            "BucketEncryption": spec.encryption.as_ref().map(encryption),
            "LifecycleConfiguration": rules.filter(|rules| !rules.is_empty()).map(|rules| json!({"Rules": rules})),
            "PublicAccessBlockConfiguration": spec.public_access_block.as_ref().map(access),
            "Tags": to.tag_list(),
        });
        let on_delete = match spec.deletion_policy {
            Some(Deletion::Retain) => OnDelete::Retain,
            Some(Deletion::Empty) => OnDelete::Empty,
            Some(Deletion::Delete) | None => OnDelete::Delete,
        };
        to.add("Bucket", "AWS::S3::Bucket", properties).lifecycle.on_delete = on_delete;
        let mut statements = spec.policy.as_ref().map(Policy::statements).unwrap_or_default();
        if spec.tls_only == Some(true) {
            statements.push(tls_only(&to.sibling("Bucket", "Arn")));
        }
        if !statements.is_empty() {
            let document = json!({"Version": "2012-10-17", "Statement": statements});
            let properties = json!({"Bucket": to.sibling("Bucket", "BucketName"), "PolicyDocument": document});
            // What is left in AWS keeps its policy.
            to.add("Policy", "AWS::S3::BucketPolicy", properties).lifecycle.on_delete =
                if on_delete == OnDelete::Retain { OnDelete::Retain } else { OnDelete::Delete };
        }
    }
}

fn tls_only(arn: &Value) -> Value {
    json!({
        "Sid": "TlsOnly",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, deployer_engine::expr::join(vec![arn.clone(), json!("/*")])],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    })
}

fn encryption(it: &Encryption) -> Value {
    let rule = match it {
        Encryption::Named(Service::S3) => json!({"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}),
        Encryption::Kms(kms) => json!({
            "ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": kms.kms_key_id.value},
            "BucketKeyEnabled": kms.bucket_key,
        }),
    };
    json!({"ServerSideEncryptionConfiguration": [rule]})
}

fn access(it: &PublicAccessBlock) -> Value {
    json!({
        "BlockPublicAcls": it.block_public_acls.unwrap_or(false),
        "IgnorePublicAcls": it.ignore_public_acls.unwrap_or(false),
        "BlockPublicPolicy": it.block_public_policy.unwrap_or(false),
        "RestrictPublicBuckets": it.restrict_public_buckets.unwrap_or(false),
    })
}

fn rule((index, it): (usize, &Rule)) -> Value {
    let transition = |it: &Transition| json!({"TransitionInDays": it.after_days, "StorageClass": it.storage_class});
    let days = |days: Option<i64>, key: &str| days.map(|days| json!({ key: days }));
    json!({
        "Id": it.id.clone().unwrap_or_else(|| format!("rule-{}", index + 1)),
        "Status": "Enabled",
        "Prefix": it.prefix.clone().unwrap_or_default(),
        "ExpirationInDays": it.expire_after_days,
        "NoncurrentVersionExpiration": days(it.noncurrent_expire_after_days, "NoncurrentDays"),
        "AbortIncompleteMultipartUpload": days(it.abort_incomplete_uploads_after_days, "DaysAfterInitiation"),
        "Transitions": it.transitions.as_ref().map(|all| all.iter().map(transition).collect::<Vec<_>>()),
    })
}

fn check(spec: &S3Spec, to: &mut Expansion<'_>) {
    if let Some(name) = &spec.name {
        let ends = |c: Option<char>| c.is_some_and(|c| c.is_ascii_lowercase() || c.is_ascii_digit());
        let inner = name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' || c == '-');
        if !(3..=63).contains(&name.len())
            || !inner
            || !ends(name.chars().next())
            || !ends(name.chars().last())
            || name.contains("..")
        {
            to.problem("/name", "a bucket's name has 3 to 63 lower-case letters, digits, `.` and `-`, and starts and ends with a letter or digit");
        }
    }
    for (index, rule) in spec.lifecycle.iter().flatten().enumerate() {
        let at = |field: &str| format!("/lifecycle/{index}/{field}");
        to.within(&at("expireAfterDays"), rule.expire_after_days, 1, i64::from(i32::MAX));
        to.within(&at("noncurrentExpireAfterDays"), rule.noncurrent_expire_after_days, 1, i64::from(i32::MAX));
        to.within(
            &at("abortIncompleteUploadsAfterDays"),
            rule.abort_incomplete_uploads_after_days,
            1,
            i64::from(i32::MAX),
        );
        let nothing = rule.expire_after_days.is_none()
            && rule.noncurrent_expire_after_days.is_none()
            && rule.abort_incomplete_uploads_after_days.is_none()
            && rule.transitions.as_ref().is_none_or(Vec::is_empty);
        if nothing {
            to.problem(&format!("/lifecycle/{index}"), "the rule does nothing: say what happens after how many days");
        }
    }
}
