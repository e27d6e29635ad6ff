//! `kind: S3`: a bucket and its policy. Private, encrypted, versioned and reachable by TLS alone unless the user says otherwise.

mod check;
mod notify;
mod spec;

use deployer_engine::{address::ComponentId, desired::OnDelete, expr};
use serde_json::{Value, json};

use self::{
    check::check,
    spec::{Cors, Deletion, Encryption, PublicAccessBlock, Rule, S3Spec, Service, Transition},
};
use super::{
    Expansion, Kind, Outputs,
    grants::{allow, kms},
    of,
};
use crate::{
    around::{Around, Peer},
    input::Policy,
    uses::{Access, Ask, Connection},
};

/// The kind.
pub(in crate::kinds) struct S3;

impl Kind for S3 {
    const KIND: &'static str = "S3";
    const MERGE_KEYS: &'static [(&'static str, &'static str)] =
        &[("lifecycleRules", "id"), ("cors", "id"), ("notifications", "name")];
    const SHOWN: &'static [&'static str] = &["name"];
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

    fn connect(spec: &S3Spec, peer: &Peer, access: Access, around: &Around<'_>) -> Option<Connection> {
        let (name, arn) = (around.output(peer, "name")?, around.output(peer, "arn")?);
        let objects = expr::join(vec![arn.clone(), json!("/*")]);
        let mut statements = Vec::new();
        if access.reads() {
            statements.push(allow(&["s3:GetObject"], objects.clone()));
            statements.push(allow(&["s3:ListBucket"], arn));
        }
        if access.writes() {
            statements.push(allow(&["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"], objects));
        }
        if let Some(Encryption::Kms(it)) = &spec.encryption {
            statements.extend(kms(&it.kms_key_id.value, access));
        }
        Some(Connection { env: vec![("BUCKET", name)], statements, ..Connection::default() })
    }

    fn asks(spec: &S3Spec, id: &ComponentId, around: &Around<'_>) -> Vec<Ask> {
        notify::asks(spec, id, around)
    }

    fn expand(spec: &S3Spec, to: &mut Expansion<'_>) {
        check(spec, to);
        let (notifications, first) = notify::configuration(spec, to);
        let rules: Option<Vec<Value>> =
            spec.lifecycle_rules.as_ref().map(|rules| rules.iter().enumerate().map(rule).collect());
        let versioning = spec.versioning.map(|on| json!({"Status": if on { "Enabled" } else { "Suspended" }}));
        let properties = json!({
            "BucketName": spec.name,
            "VersioningConfiguration": versioning,
            "BucketEncryption": spec.encryption.as_ref().map(encryption),
            "LifecycleConfiguration": rules.filter(|rules| !rules.is_empty()).map(|rules| json!({"Rules": rules})),
            "CorsConfiguration": spec.cors.as_deref().and_then(cors),
            "NotificationConfiguration": notifications,
            "PublicAccessBlockConfiguration": spec.public_access_block.as_ref().map(access),
            "Tags": to.tag_list(),
        });
        let on_delete = match spec.deletion_policy {
            Some(Deletion::Retain) => OnDelete::Retain,
            Some(Deletion::Empty) => OnDelete::Empty,
            Some(Deletion::Delete) | None => OnDelete::Delete,
        };
        let bucket = to.add("Bucket", "AWS::S3::Bucket", properties);
        bucket.lifecycle.on_delete = on_delete;
        bucket.after = first;
        let mut statements = spec.policy.as_ref().map(Policy::statements).unwrap_or_default();
        statements.extend(to.asked.iter().cloned());
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
        "Resource": [arn, expr::join(vec![arn.clone(), json!("/*")])],
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

fn cors(all: &[Cors]) -> Option<Value> {
    let rule = |it: &Cors| {
        json!({
            "Id": it.id,
            "AllowedOrigins": it.origins,
            "AllowedMethods": it.methods,
            "AllowedHeaders": it.headers,
            "ExposedHeaders": it.expose_headers,
            "MaxAge": it.max_age.map(|it| it.0),
        })
    };
    (!all.is_empty()).then(|| json!({"CorsRules": all.iter().map(rule).collect::<Vec<_>>()}))
}
