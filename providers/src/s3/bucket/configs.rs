//! A bucket's configurations: one get, one put and one delete each, and the conversions between the API's shapes and ours.

use std::collections::BTreeMap;

use aws_sdk_s3::types as api;
use deployer_engine::{
    error::{Error, Result},
    resource::{Changed, Wanted},
};

use super::{
    Bucket,
    convert::{access, built, encryption, ownership, rule, tags, to_rule, writers},
    notice,
    spec::{
        BucketSpec, Encryption, EncryptionRule, Lifecycle, Ownership, OwnershipRule, PublicAccessBlock, Rule,
        Versioning,
    },
};
use crate::{
    call::{failed, found, gone},
    tags as common,
};

/// A configuration that is not set, of a bucket that is there. `NoSuchBucket` alone means that the bucket is not.
fn set<T>(answer: Result<T>) -> Result<Option<Option<T>>> {
    match answer {
        Err(Error::Call { code, .. }) if code == "NoSuchBucket" => Ok(None),
        other => found(other).map(Some),
    }
}

/// Reads one configuration into its field; the whole read ends where the bucket is not there.
macro_rules! read {
    ($operation:literal, $call:expr, $answer:ident => $field:expr, $value:expr) => {
        match set($call.send().await.map_err(failed($operation)))? {
            None => return Ok(None),
            Some(Some($answer)) => $field = $value,
            Some(None) => {}
        }
    };
}

impl Bucket {
    /// The configurations that are wanted; none if the bucket is not there.
    pub(super) async fn read_configs(&self, bucket: &str, wanted: &Wanted) -> Result<Option<BucketSpec>> {
        let mut spec = BucketSpec { bucket_name: bucket.to_owned(), ..BucketSpec::default() };
        let s3 = &self.s3;
        if wanted.has("Tags") {
            read!("GetBucketTagging", s3.get_bucket_tagging().bucket(bucket), it => spec.tags, common::from_map(it.tag_set.into_iter().map(|tag| (tag.key, tag.value))));
        } else if found(s3.head_bucket().bucket(bucket).send().await.map_err(failed("HeadBucket")))?.is_none() {
            return Ok(None);
        }
        if wanted.has("VersioningConfiguration") {
            read!("GetBucketVersioning", s3.get_bucket_versioning().bucket(bucket), it => spec.versioning_configuration,
                it.status.map(|status| Versioning { status: Some(status.as_str().to_owned()) }));
        }
        if wanted.has("BucketEncryption") {
            read!("GetBucketEncryption", s3.get_bucket_encryption().bucket(bucket), it => spec.bucket_encryption,
                it.server_side_encryption_configuration.map(encryption));
        }
        if wanted.has("LifecycleConfiguration") {
            read!("GetBucketLifecycleConfiguration", s3.get_bucket_lifecycle_configuration().bucket(bucket), it => spec.lifecycle_configuration,
                it.rules.map(|rules| Lifecycle { rules: Some(rules.into_iter().map(rule).collect()) }));
        }
        if wanted.has("PublicAccessBlockConfiguration") {
            // Where none is set nothing is blocked: that a new bucket has one is no reason to take it for there.
            spec.public_access_block_configuration = Some(PublicAccessBlock::default());
            read!("GetPublicAccessBlock", s3.get_public_access_block().bucket(bucket), it => spec.public_access_block_configuration,
                Some(it.public_access_block_configuration.map(access).unwrap_or_default()));
        }
        if wanted.has("OwnershipControls") {
            // And whoever writes an object owns it.
            spec.ownership_controls = Some(writers());
            read!("GetBucketOwnershipControls", s3.get_bucket_ownership_controls().bucket(bucket), it => spec.ownership_controls, it.ownership_controls.map(ownership));
        }
        if wanted.has("CorsConfiguration") {
            read!("GetBucketCors", s3.get_bucket_cors().bucket(bucket), it => spec.cors_configuration, it.cors_rules.map(notice::cors));
        }
        if wanted.has("NotificationConfiguration") {
            read!("GetBucketNotificationConfiguration", s3.get_bucket_notification_configuration().bucket(bucket), it => spec.notification_configuration,
                Some(notice::notices(it.queue_configurations, it.topic_configurations, it.lambda_function_configurations, it.event_bridge_configuration.is_some())));
        }
        Ok(Some(spec))
    }

    /// Sends the configurations that changed, one after the other.
    pub(super) async fn write_configs(&self, bucket: &str, spec: &BucketSpec, changed: &Changed) -> Result<()> {
        if changed.touches("OwnershipControls") {
            self.write_ownership(bucket, spec.ownership_controls.as_ref()).await?;
        }
        if changed.touches("PublicAccessBlockConfiguration") {
            self.write_access(bucket, spec.public_access_block_configuration.as_ref()).await?;
        }
        if let Some(versioning) =
            spec.versioning_configuration.as_ref().filter(|_| changed.touches("VersioningConfiguration"))
        {
            let status = versioning.status.as_deref().map(api::BucketVersioningStatus::from);
            let config = api::VersioningConfiguration::builder().set_status(status).build();
            let call = self.s3.put_bucket_versioning().bucket(bucket).versioning_configuration(config);
            call.send().await.map_err(failed("PutBucketVersioning"))?;
        }
        if changed.touches("BucketEncryption") {
            self.write_encryption(bucket, spec.bucket_encryption.as_ref()).await?;
        }
        if changed.touches("LifecycleConfiguration") {
            self.write_lifecycle(bucket, spec.lifecycle_configuration.as_ref()).await?;
        }
        if changed.touches("CorsConfiguration") {
            self.write_cors(bucket, spec.cors_configuration.as_ref()).await?;
        }
        if changed.touches("NotificationConfiguration") {
            self.write_notices(bucket, spec.notification_configuration.as_ref()).await?;
        }
        if changed.touches("Tags") {
            self.write_tags(bucket, spec, changed).await?;
        }
        Ok(())
    }

    /// The call replaces the whole set: what others put there is read and kept.
    async fn write_tags(&self, bucket: &str, spec: &BucketSpec, changed: &Changed) -> Result<()> {
        let live = found(self.s3.get_bucket_tagging().bucket(bucket).send().await.map_err(failed("GetBucketTagging")))?;
        let mut all: BTreeMap<String, String> =
            live.into_iter().flat_map(|it| it.tag_set).map(|tag| (tag.key, tag.value)).collect();
        let change = common::change(changed, spec.tags.as_ref());
        all.extend(change.set);
        all.retain(|key, _| !change.remove.contains(key));
        let tagging = built("PutBucketTagging", api::Tagging::builder().set_tag_set(Some(tags(&all)?)).build())?;
        self.s3
            .put_bucket_tagging()
            .bucket(bucket)
            .tagging(tagging)
            .send()
            .await
            .map_err(failed("PutBucketTagging"))
            .map(drop)
    }

    async fn write_ownership(&self, bucket: &str, wanted: Option<&Ownership>) -> Result<()> {
        let Some(wanted) = wanted else {
            return gone(
                self.s3
                    .delete_bucket_ownership_controls()
                    .bucket(bucket)
                    .send()
                    .await
                    .map_err(failed("DeleteBucketOwnershipControls")),
            );
        };
        let of = |rule: &OwnershipRule| {
            let ownership =
                api::ObjectOwnership::from(rule.object_ownership.as_deref().unwrap_or("BucketOwnerEnforced"));
            built(
                "PutBucketOwnershipControls",
                api::OwnershipControlsRule::builder().object_ownership(ownership).build(),
            )
        };
        let rules: Vec<_> = wanted.rules.iter().flatten().map(of).collect::<Result<_>>()?;
        let controls =
            built("PutBucketOwnershipControls", api::OwnershipControls::builder().set_rules(Some(rules)).build())?;
        let call = self.s3.put_bucket_ownership_controls().bucket(bucket).ownership_controls(controls);
        call.send().await.map_err(failed("PutBucketOwnershipControls")).map(drop)
    }

    async fn write_access(&self, bucket: &str, wanted: Option<&PublicAccessBlock>) -> Result<()> {
        let Some(wanted) = wanted else {
            return gone(
                self.s3
                    .delete_public_access_block()
                    .bucket(bucket)
                    .send()
                    .await
                    .map_err(failed("DeletePublicAccessBlock")),
            );
        };
        let config = api::PublicAccessBlockConfiguration::builder()
            .set_block_public_acls(wanted.block_public_acls)
            .set_ignore_public_acls(wanted.ignore_public_acls)
            .set_block_public_policy(wanted.block_public_policy)
            .set_restrict_public_buckets(wanted.restrict_public_buckets)
            .build();
        let call = self.s3.put_public_access_block().bucket(bucket).public_access_block_configuration(config);
        call.send().await.map_err(failed("PutPublicAccessBlock")).map(drop)
    }

    async fn write_encryption(&self, bucket: &str, wanted: Option<&Encryption>) -> Result<()> {
        let Some(wanted) = wanted else {
            return gone(
                self.s3
                    .delete_bucket_encryption()
                    .bucket(bucket)
                    .send()
                    .await
                    .map_err(failed("DeleteBucketEncryption")),
            );
        };
        let of = |rule: &EncryptionRule| {
            let by = rule.server_side_encryption_by_default.as_ref().map(|by| {
                let algorithm = api::ServerSideEncryption::from(by.algorithm.as_str());
                built(
                    "PutBucketEncryption",
                    api::ServerSideEncryptionByDefault::builder()
                        .sse_algorithm(algorithm)
                        .set_kms_master_key_id(by.key.clone())
                        .build(),
                )
            });
            let by = by.transpose()?;
            Ok(api::ServerSideEncryptionRule::builder()
                .set_apply_server_side_encryption_by_default(by)
                .set_bucket_key_enabled(rule.bucket_key_enabled)
                .build())
        };
        let rules: Vec<_> =
            wanted.server_side_encryption_configuration.iter().flatten().map(of).collect::<Result<_>>()?;
        let config = built(
            "PutBucketEncryption",
            api::ServerSideEncryptionConfiguration::builder().set_rules(Some(rules)).build(),
        )?;
        let call = self.s3.put_bucket_encryption().bucket(bucket).server_side_encryption_configuration(config);
        call.send().await.map_err(failed("PutBucketEncryption")).map(drop)
    }

    async fn write_lifecycle(&self, bucket: &str, wanted: Option<&Lifecycle>) -> Result<()> {
        let rules: Vec<&Rule> = wanted.iter().flat_map(|it| it.rules.iter().flatten()).collect();
        if rules.is_empty() {
            return gone(
                self.s3.delete_bucket_lifecycle().bucket(bucket).send().await.map_err(failed("DeleteBucketLifecycle")),
            );
        }
        let rules: Vec<_> = rules.into_iter().map(to_rule).collect::<Result<_>>()?;
        let config = built(
            "PutBucketLifecycleConfiguration",
            api::BucketLifecycleConfiguration::builder().set_rules(Some(rules)).build(),
        )?;
        let call = self.s3.put_bucket_lifecycle_configuration().bucket(bucket).lifecycle_configuration(config);
        call.send().await.map_err(failed("PutBucketLifecycleConfiguration")).map(drop)
    }
}
