//! `AWS::S3::Bucket`.
//!
//! A bucket is a name and a handful of configurations, each with its own get, put and delete, each replaced as a whole; the
//! calls for them are in `configs`. Only those that somebody compares are read.

mod configs;
mod convert;
mod notice;
mod spec;

use std::time::Duration;

use aws_sdk_s3::{
    Client,
    types::{BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier},
};
use deployer_engine::{
    error::{Class, Error, Result},
    facts::{
        Facts, NameRule, NameScope,
        Nature::{ByKey, CaseFolded, CreateOnly, OnRemove, ServerDefault, Unordered},
        OnRemove::{Keep, Reset},
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use serde_json::json;

pub use self::spec::BucketSpec;
use super::{RATE, client};
use crate::{
    Aws,
    call::{failed, found, gone},
    tags,
};

/// What AWS gives every new bucket.
const ENCRYPTED: &str =
    r#"{"ServerSideEncryptionConfiguration":[{"ServerSideEncryptionByDefault":{"SSEAlgorithm":"AES256"}}]}"#;
const PRIVATE: &str =
    r#"{"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"RestrictPublicBuckets":true}"#;
const OWNED: &str = r#"{"Rules":[{"ObjectOwnership":"BucketOwnerEnforced"}]}"#;

/// A bucket.
pub struct Bucket {
    s3: Client,
    region: String,
    suffix: &'static str,
}

impl Bucket {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        let suffix = if aws.region().starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Self { s3: client(aws), region: aws.region().to_owned(), suffix }
    }

    fn partition(&self) -> &'static str {
        match self.region.as_str() {
            region if region.starts_with("cn-") => "aws-cn",
            region if region.starts_with("us-gov-") => "aws-us-gov",
            _ => "aws",
        }
    }

    /// Deletes one page of object versions; false if there was none.
    async fn empty_page(&self, bucket: &str) -> Result<bool> {
        let page = self.s3.list_object_versions().bucket(bucket).send().await.map_err(failed("ListObjectVersions"))?;
        let versions = page.versions.into_iter().flatten().map(|it| (it.key, it.version_id));
        let markers = page.delete_markers.into_iter().flatten().map(|it| (it.key, it.version_id));
        let object = |(key, version): (Option<String>, Option<String>)| {
            ObjectIdentifier::builder().key(key.unwrap_or_default()).set_version_id(version).build().ok()
        };
        let objects: Vec<ObjectIdentifier> = versions.chain(markers).filter_map(object).collect();
        if objects.is_empty() {
            return Ok(false);
        }
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(|error| Error::Missing(error.to_string()))?;
        let answer =
            self.s3.delete_objects().bucket(bucket).delete(delete).send().await.map_err(failed("DeleteObjects"))?;
        // Refusals arrive inside a 200.
        match answer.errors.into_iter().flatten().next() {
            None => Ok(true),
            Some(first) => Err(Error::Call {
                operation: "DeleteObjects",
                class: Class::Denied,
                code: first.code.unwrap_or_default(),
                message: format!("{}: {}", first.key.unwrap_or_default(), first.message.unwrap_or_default()),
                source: None,
            }),
        }
    }
}

impl Resource for Bucket {
    const TYPE: &'static str = "AWS::S3::Bucket";
    const FACTS: Facts = Facts {
        fields: &[
            ("/BucketName", CreateOnly),
            // Once it was on, versioning can only be suspended.
            ("/VersioningConfiguration", OnRemove(Reset(r#"{"Status":"Suspended"}"#))),
            ("/VersioningConfiguration/Status", OnRemove(Reset("\"Suspended\""))),
            ("/BucketEncryption", ServerDefault(ENCRYPTED)),
            ("/BucketEncryption/ServerSideEncryptionConfiguration/*/BucketKeyEnabled", ServerDefault("false")),
            ("/PublicAccessBlockConfiguration", ServerDefault(PRIVATE)),
            ("/PublicAccessBlockConfiguration", OnRemove(Keep)),
            ("/PublicAccessBlockConfiguration/BlockPublicAcls", ServerDefault("false")),
            ("/PublicAccessBlockConfiguration/IgnorePublicAcls", ServerDefault("false")),
            ("/PublicAccessBlockConfiguration/BlockPublicPolicy", ServerDefault("false")),
            ("/PublicAccessBlockConfiguration/RestrictPublicBuckets", ServerDefault("false")),
            ("/OwnershipControls", ServerDefault(OWNED)),
            ("/OwnershipControls", OnRemove(Keep)),
            ("/LifecycleConfiguration/Rules", Unordered),
            ("/NotificationConfiguration", ServerDefault("{}")),
            ("/NotificationConfiguration/EventBridgeConfiguration", ServerDefault(r#"{"EventBridgeEnabled":false}"#)),
            ("/NotificationConfiguration/QueueConfigurations", Unordered),
            ("/NotificationConfiguration/QueueConfigurations/*/Filter/S3Key/Rules", Unordered),
            ("/NotificationConfiguration/QueueConfigurations/*/Filter/S3Key/Rules/*/Name", CaseFolded),
            ("/NotificationConfiguration/TopicConfigurations", Unordered),
            ("/NotificationConfiguration/TopicConfigurations/*/Filter/S3Key/Rules", Unordered),
            ("/NotificationConfiguration/TopicConfigurations/*/Filter/S3Key/Rules/*/Name", CaseFolded),
            ("/NotificationConfiguration/LambdaConfigurations", Unordered),
            ("/NotificationConfiguration/LambdaConfigurations/*/Filter/S3Key/Rules", Unordered),
            ("/NotificationConfiguration/LambdaConfigurations/*/Filter/S3Key/Rules/*/Name", CaseFolded),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[
            Output::ready("Arn"),
            Output::created("BucketName"),
            Output::ready("DomainName"),
            Output::ready("RegionalDomainName"),
        ],
        name: Some(NameRule { max: 63, scope: NameScope::Global, ..NameRule::regional("/BucketName") }),
        rate: RATE,
        stateful: true,
        // In us-east-1 a create of one's own bucket answers 200.
        create_adopts: true,
        settle: SettleTable {
            delete: Settle { budget: Duration::from_secs(3_600), ..Settle::FAST },
            ..SettleTable::FAST
        },
        visibility: Duration::from_secs(30),
        ..Facts::NAMED
    };
    type Spec = BucketSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<BucketSpec>> {
        // The first configuration that is asked for tells whether the bucket is there; without any, its head does.
        match self.read_configs(&id.0, wanted).await? {
            None => Ok(Seen::Absent),
            Some(spec) => Ok(Seen::ready(
                spec,
                [
                    ("Arn", json!(format!("arn:{}:s3:::{id}", self.partition()))),
                    ("BucketName", json!(id)),
                    ("DomainName", json!(format!("{id}.s3.{}", self.suffix))),
                    ("RegionalDomainName", json!(format!("{id}.s3.{}.{}", self.region, self.suffix))),
                ],
            )),
        }
    }

    async fn create(&self, _: &Identity, spec: &BucketSpec) -> Result<Created> {
        // us-east-1 is the place that must not be named.
        let place =
            Some(self.region.as_str()).filter(|region| *region != "us-east-1").map(BucketLocationConstraint::from);
        let tags = convert::tags(&tags::to_map(spec.tags.as_ref()))?;
        let config = CreateBucketConfiguration::builder()
            .set_location_constraint(place)
            .set_tags(Some(tags).filter(|it| !it.is_empty()));
        self.s3
            .create_bucket()
            .bucket(&spec.bucket_name)
            .create_bucket_configuration(config.build())
            .send()
            .await
            .map_err(failed("CreateBucket"))?;
        let name = spec.bucket_name.clone();
        Ok(Created::whole(name.clone()).without(&spec.beyond_defaults()).output("BucketName", name))
    }

    async fn update(&self, id: &PhysicalId, _: &BucketSpec, spec: &BucketSpec, changed: &Changed) -> Result<()> {
        // One after the other: two configurations of a bucket that change at once abort each other.
        self.write_configs(&id.0, spec, changed).await
    }

    /// A bucket with objects is refused. With `empty`, each call deletes one page of them and answers that it goes on.
    async fn delete(&self, id: &PhysicalId, _: &BucketSpec, how: &DeleteOptions) -> Result<()> {
        if how.empty && found(self.empty_page(&id.0).await)? == Some(true) {
            let message = format!("{id} is being emptied");
            return Err(Error::Call {
                operation: "DeleteBucket",
                class: Class::Conflict,
                code: "BucketNotEmpty".to_owned(),
                message,
                source: None,
            });
        }
        gone(self.s3.delete_bucket().bucket(&id.0).send().await.map_err(failed("DeleteBucket")))
    }

    async fn find(&self, _: &Identity, spec: &BucketSpec) -> Result<Option<PhysicalId>> {
        // Somebody else's bucket answers 403 or 301: there is one, and it is not ours.
        match found(self.s3.head_bucket().bucket(&spec.bucket_name).send().await.map_err(failed("HeadBucket")))? {
            Some(_) => Ok(Some(PhysicalId(spec.bucket_name.clone()))),
            None => Ok(None),
        }
    }
}
