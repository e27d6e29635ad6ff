//! The book as a pile of records: for copies, checks, and contents of before.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::{AT_ONCE, Book, Shelf};
use crate::{
    address::ComponentId,
    error::{Error, Result},
    record::{FORMAT, Record},
    state::{DeploymentId, Shard},
    store::{Past, StoreError, Version},
};

impl Book {
    /// The root record's key.
    pub fn root_key(&self) -> String {
        format!("{}root.json", self.prefix)
    }

    /// The key of a deployment's record.
    pub fn deployment_key(&self, id: DeploymentId) -> String {
        format!("{}deployments/{id:08}.json", self.prefix)
    }

    /// The deployment whose record is kept at `key`.
    pub fn deployment_of(&self, key: &str) -> Option<DeploymentId> {
        key.strip_prefix(&self.prefix)?.strip_prefix("deployments/")?.strip_suffix(".json")?.parse().ok()
    }

    /// Every deployment that has a record or a journal.
    pub async fn deployments(&self) -> Result<BTreeSet<DeploymentId>> {
        let keys = self.list("").await?;
        let of = |key: &str| self.deployment_of(key).or_else(|| self.journal_place(key).map(|(id, _)| id));
        Ok(keys.iter().filter_map(|(key, _)| of(key)).collect())
    }

    /// The key of a journal's entry.
    pub fn journal_key(&self, deployment: DeploymentId, seq: u64) -> String {
        format!("{}journal/{deployment:08}/{seq:08}.json", self.prefix)
    }

    /// The deployment and place of the journal's entry at `key`.
    pub fn journal_place(&self, key: &str) -> Option<(DeploymentId, u64)> {
        let (deployment, file) = key.strip_prefix(&self.prefix)?.strip_prefix("journal/")?.split_once('/')?;
        Some((deployment.parse().ok()?, file.strip_suffix(".json")?.parse().ok()?))
    }

    /// Every record, by key, as bytes.
    pub async fn records(&self) -> Result<BTreeMap<String, Bytes>> {
        let keys = self.list("").await?;
        let reads: Vec<_> = keys.iter().map(|(key, _)| self.get(Shelf::Objects, key)).collect();
        let read: Vec<Option<(Version, Bytes)>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        let found = keys.into_iter().zip(read).filter_map(|((key, _), it)| Some((key, it?.1)));
        Ok(found.collect())
    }

    /// Everything that the record at `key` has and had, the newest first.
    pub async fn versions(&self, key: &str) -> Result<Vec<Past>, StoreError> {
        let all = self.again(|| self.objects.versions(key)).await?;
        Ok(all.into_iter().filter(|it| it.key == key).collect())
    }

    /// Everything that a component's shard has and had, the newest first.
    pub async fn pasts(&self, id: &ComponentId) -> Result<Vec<Past>, StoreError> {
        self.versions(&self.shard_key(id)).await
    }

    /// One content of a record, checked.
    pub async fn past<T: Serialize + DeserializeOwned>(&self, it: &Past) -> Result<Record<T>> {
        let bytes = self.again(|| self.objects.past(&it.key, &it.id)).await?;
        let gone = || Error::Missing(format!("the content {} of {} is gone", it.id, it.key));
        Ok(Record::decode(&it.key, &bytes.ok_or_else(gone)?, None)?)
    }

    /// Writes a shard over one that cannot be read.
    pub async fn mend_shard(&self, id: &ComponentId, lineage: &str, body: Shard) -> Result<()> {
        self.mend(&self.shard_key(id), lineage, body).await
    }

    /// Writes a record over one that cannot be read. Its serial and fence are above all that were ever read of it.
    pub async fn mend<T: Default + Serialize + DeserializeOwned>(
        &self,
        key: &str,
        lineage: &str,
        body: T,
    ) -> Result<()> {
        let there = self.get(Shelf::Objects, key).await?;
        let loose =
            there.as_ref().and_then(|(_, bytes)| serde_json::from_slice::<Value>(bytes).ok()).unwrap_or_default();
        let (mut serial, mut fence) = (loose["serial"].as_u64().unwrap_or(0), loose["fence"].as_u64().unwrap_or(0));
        for past in self.versions(key).await? {
            if let Ok(record) = self.past::<Value>(&past).await {
                (serial, fence) = (serial.max(record.serial), fence.max(record.fence));
            }
        }
        let before = Record {
            format: FORMAT,
            lineage: lineage.to_owned(),
            serial,
            fence,
            nonce: String::new(),
            body: T::default(),
        };
        let record = self.next(Some(&before), lineage, fence + 1, body);
        self.write(Shelf::Objects, key, there.map(|(version, _)| version), record).await.map(drop)
    }

    /// The bytes that a write of this shard would have written: for a copy that is kept where the state cannot be reached.
    pub fn unwritten(&self, id: &ComponentId, before: &Record<Shard>, body: Shard) -> Result<(String, Bytes)> {
        let key = self.shard_key(id);
        let record = self.next(Some(before), &before.lineage, before.fence, body);
        let bytes = record.encode(&key)?;
        Ok((key, bytes))
    }
}
