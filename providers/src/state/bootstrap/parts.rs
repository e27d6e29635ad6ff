//! Bucket, its policy, and table, as they have to be.

use serde_json::{Value, json};

use super::super::{EXPIRES, KEY};

/// How long old versions of records are kept, in days.
const KEPT_DAYS: u32 = 90;
pub(super) fn bucket(name: &str) -> Value {
    let expiry = json!({
        "Id": "old-versions",
        "Status": "Enabled",
        "Prefix": "",
        "NoncurrentVersionExpiration": {"NoncurrentDays": KEPT_DAYS},
    });
    json!({
        "BucketName": name,
        "VersioningConfiguration": {"Status": "Enabled"},
        "LifecycleConfiguration": {"Rules": [expiry]},
        "BucketEncryption": {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]},
        "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true,
        },
    })
}

pub(super) fn tls_only(partition: &str, name: &str) -> Value {
    let arn = format!("arn:{partition}:s3:::{name}");
    json!({
        "Bucket": name,
        "PolicyDocument": {"Version": "2012-10-17", "Statement": [{
            "Sid": "TlsOnly",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [arn, format!("{arn}/*")],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }]},
    })
}

pub(super) fn table(name: &str) -> Value {
    json!({
        "TableName": name,
        "AttributeDefinitions": [{"AttributeName": KEY, "AttributeType": "S"}],
        "KeySchema": [{"AttributeName": KEY, "KeyType": "HASH"}],
        "BillingMode": "PAY_PER_REQUEST",
        "TimeToLiveSpecification": {"AttributeName": EXPIRES, "Enabled": true},
        "DeletionProtectionEnabled": true,
        "Tags": [{"Key": "Name", "Value": name}, {"Key": "ManagedBy", "Value": "deployer"}],
    })
}
