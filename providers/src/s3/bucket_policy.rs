//! `AWS::S3::BucketPolicy`.
//!
//! One document per bucket, found where the bucket is. A public one is refused while the bucket blocks public policies.

use aws_sdk_s3::Client;
use deployer_engine::{
    error::Result,
    facts::{
        Facts,
        Nature::{CreateOnly, Document, OnRemove},
        OnRemove::Replace,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RATE, client};
use crate::{
    Aws,
    call::{failed, found, gone},
    document,
};

/// Who else may use a bucket, and how.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct BucketPolicySpec {
    /// The bucket's name.
    pub bucket: String,
    /// The policy.
    pub policy_document: Value,
}

/// Who else may use a bucket, and how.
pub struct BucketPolicy {
    s3: Client,
}

impl BucketPolicy {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { s3: client(aws) }
    }

    async fn put(&self, spec: &BucketPolicySpec) -> Result<()> {
        let call = self.s3.put_bucket_policy().bucket(&spec.bucket).policy(spec.policy_document.to_string());
        call.send().await.map_err(failed("PutBucketPolicy")).map(drop)
    }
}

impl Resource for BucketPolicy {
    const TYPE: &'static str = "AWS::S3::BucketPolicy";
    const FACTS: Facts = Facts {
        fields: &[
            ("/Bucket", CreateOnly),
            ("/PolicyDocument", Document(document::policy)),
            ("/PolicyDocument", OnRemove(Replace)),
        ],
        slots: |spec| vec![spec["Bucket"].to_string()],
        rate: RATE,
        ..Facts::PART
    };
    type Spec = BucketPolicySpec;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<BucketPolicySpec>> {
        let answer = found(self.s3.get_bucket_policy().bucket(&id.0).send().await.map_err(failed("GetBucketPolicy")))?;
        let document = answer.and_then(|it| it.policy).and_then(|text| serde_json::from_str(&text).ok());
        let Some(document) = document else { return Ok(Seen::Absent) };
        Ok(Seen::ready(BucketPolicySpec { bucket: id.0.clone(), policy_document: document }, []))
    }

    async fn create(&self, _: &Identity, spec: &BucketPolicySpec) -> Result<Created> {
        self.put(spec).await?;
        Ok(Created::whole(spec.bucket.clone()))
    }

    async fn update(&self, _: &PhysicalId, _: &BucketPolicySpec, spec: &BucketPolicySpec, _: &Changed) -> Result<()> {
        self.put(spec).await
    }

    async fn delete(&self, id: &PhysicalId, _: &BucketPolicySpec, _: &DeleteOptions) -> Result<()> {
        gone(self.s3.delete_bucket_policy().bucket(&id.0).send().await.map_err(failed("DeleteBucketPolicy")))
    }

    async fn find(&self, _: &Identity, spec: &BucketPolicySpec) -> Result<Option<PhysicalId>> {
        Ok(Some(PhysicalId(spec.bucket.clone())))
    }
}
