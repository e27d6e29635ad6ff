//! Records in a bucket.
//!
//! An object's version is its ETag: `If-Match` and `If-None-Match` make S3 itself the arbiter, and it has one winner among any
//! number of writers. Every record carries a nonce, so equal ETags are equal writes.

use async_trait::async_trait;
use aws_sdk_s3::{
    Client,
    primitives::ByteStream,
    types::{BucketVersioningStatus, ChecksumAlgorithm, ChecksumMode, ObjectVersion},
};
use bytes::Bytes;
use deployer_engine::{
    error::{Class, Error, Result},
    store::{ObjectStore, Past, StoreError, Version},
};

use super::{Place, trouble::Site};
use crate::{Aws, call::failed};

/// Objects under a prefix of a bucket.
pub struct BucketStore {
    s3: Client,
    place: Place,
    site: Site,
}

impl BucketStore {
    /// Over these clients, which have to be of the bucket's region.
    pub fn new(aws: &Aws, place: &Place) -> Self {
        let name = format!("s3://{}/{}", place.bucket, place.prefix).trim_end_matches('/').to_owned();
        Self { s3: crate::s3::client(aws), place: place.clone(), site: Site::new(name, aws.region(), place) }
    }

    fn key(&self, key: &str) -> String {
        format!("{}{key}", self.place.prefix)
    }

    fn trouble(&self, action: &'static str, key: &str, permission: &str) -> impl FnOnce(Error) -> StoreError {
        move |error| self.site.trouble(action, key, permission, error)
    }

    async fn body(&self, key: &str, id: Option<&str>) -> Result<Option<(Version, Bytes)>> {
        let call = self
            .s3
            .get_object()
            .bucket(&self.place.bucket)
            .key(self.key(key))
            .set_version_id(id.map(str::to_owned))
            .checksum_mode(ChecksumMode::Enabled)
            .set_expected_bucket_owner(self.place.account.clone());
        let answer = match call.send().await.map_err(failed("GetObject")) {
            // A missing bucket is no missing object.
            Err(Error::Call { class: Class::NotFound, code, .. }) if code != "NoSuchBucket" => return Ok(None),
            other => other?,
        };
        let version = Version(answer.e_tag.unwrap_or_default());
        // A body that ends early is no answer.
        let cut = |source: aws_sdk_s3::primitives::ByteStreamError| Error::Call {
            operation: "GetObject",
            class: Class::Ambiguous,
            code: "BodyCut".to_owned(),
            message: format!("the body of {key} could not be read to its end"),
            source: Some(source.into()),
        };
        Ok(Some((version, answer.body.collect().await.map_err(cut)?.into_bytes())))
    }

    async fn listing(&self, prefix: &str) -> Result<Vec<(String, Version)>> {
        let (mut found, mut from) = (Vec::new(), None);
        loop {
            let call = self
                .s3
                .list_objects_v2()
                .bucket(&self.place.bucket)
                .prefix(self.key(prefix))
                .set_continuation_token(from)
                .set_expected_bucket_owner(self.place.account.clone());
            let page = call.send().await.map_err(failed("ListObjectsV2"))?;
            for it in page.contents.unwrap_or_default() {
                let Some(key) = it.key.as_deref().and_then(|key| key.strip_prefix(&self.place.prefix)) else {
                    continue;
                };
                found.push((key.to_owned(), Version(it.e_tag.unwrap_or_default())));
            }
            from = page.next_continuation_token;
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    async fn contents(&self, prefix: &str) -> Result<Vec<Past>> {
        let (mut found, mut from) = (Vec::new(), (None, None));
        loop {
            let call = self
                .s3
                .list_object_versions()
                .bucket(&self.place.bucket)
                .prefix(self.key(prefix))
                .set_key_marker(from.0)
                .set_version_id_marker(from.1)
                .set_expected_bucket_owner(self.place.account.clone());
            let page = call.send().await.map_err(failed("ListObjectVersions"))?;
            found.extend(page.versions.unwrap_or_default().into_iter().filter_map(|it| self.past(it)));
            from = (page.next_key_marker, page.next_version_id_marker);
            if from.0.is_none() {
                return Ok(found);
            }
        }
    }

    fn past(&self, it: ObjectVersion) -> Option<Past> {
        let key = it.key?.strip_prefix(&self.place.prefix)?.to_owned();
        let written = it.last_modified.and_then(|time| time.to_millis().ok()).unwrap_or_default();
        Some(Past {
            key,
            id: it.version_id.unwrap_or_default(),
            written_millis: u64::try_from(written).unwrap_or_default(),
            current: it.is_latest.unwrap_or_default(),
        })
    }
}

#[async_trait]
impl ObjectStore for BucketStore {
    async fn get(&self, key: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        self.body(key, None).await.map_err(self.trouble("read", key, "s3:GetObject"))
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Version)>, StoreError> {
        self.listing(prefix).await.map_err(self.trouble("list", prefix, "s3:ListBucket"))
    }

    async fn put_if(&self, key: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        let call = self
            .s3
            .put_object()
            .bucket(&self.place.bucket)
            .key(self.key(key))
            .body(ByteStream::from(bytes))
            .content_type("application/json")
            .checksum_algorithm(ChecksumAlgorithm::Sha256)
            .set_if_match(expected.map(|version| version.0.clone()))
            .set_if_none_match(expected.is_none().then(|| "*".to_owned()))
            .set_expected_bucket_owner(self.place.account.clone());
        match call.send().await.map_err(failed("PutObject")) {
            Ok(answer) => Ok(Version(answer.e_tag.unwrap_or_default())),
            // `If-Match` on what does not exist.
            Err(Error::Call { class: Class::NotFound, code, .. }) if code != "NoSuchBucket" => {
                Err(StoreError::Stale { key: key.to_owned() })
            }
            Err(error) => Err(self.trouble("write", key, "s3:PutObject")(error)),
        }
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Past>, StoreError> {
        self.contents(prefix).await.map_err(self.trouble("list versions", prefix, "s3:ListBucketVersions"))
    }

    async fn past(&self, key: &str, id: &str) -> Result<Option<Bytes>, StoreError> {
        let body = self.body(key, Some(id)).await;
        Ok(body.map_err(self.trouble("read", key, "s3:GetObjectVersion"))?.map(|(_, bytes)| bytes))
    }

    async fn keeps_versions(&self) -> Result<bool, StoreError> {
        let call = self
            .s3
            .get_bucket_versioning()
            .bucket(&self.place.bucket)
            .set_expected_bucket_owner(self.place.account.clone());
        let answer = call.send().await.map_err(failed("GetBucketVersioning"));
        let answer = answer.map_err(self.trouble("read", "versioning", "s3:GetBucketVersioning"))?;
        Ok(answer.status == Some(BucketVersioningStatus::Enabled))
    }

    fn describe(&self) -> String {
        self.site.name.clone()
    }
}
