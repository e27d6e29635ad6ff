//! The records of one stack and environment: reading and writing them so that nothing is lost or taken for another's.
//!
//! A write whose answer is lost, or that is told 'stale', reads back and compares nonces: our own write that arrived is a
//! success, not a conflict.

mod copies;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, TryStreamExt, future::BoxFuture, stream};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    address::ComponentId,
    clock::Clock,
    desired::Scope,
    error::{Error, Result},
    history::Proven,
    record::{FORMAT, Record, RecordError},
    safety::Safety,
    state::{DeploymentId, Root, Shard},
    store::{HolderId, LockStore, ObjectStore, StoreError, Taken, Version},
};

/// How often a write is tried again when its answer is lost or the store fails, and how long in between.
const ATTEMPTS: u32 = 6;
const PAUSE: Duration = Duration::from_millis(500);

/// How many records are read at once: each is a connection of its own.
pub const AT_ONCE: usize = 64;

/// A record as it was read or written last.
#[derive(Clone, Debug)]
pub struct Held<T> {
    /// The stored version; none: it is not there yet.
    pub version: Option<Version>,
    /// The record.
    pub record: Record<T>,
}

/// The records of one stack and environment, as one run reads and writes them.
#[derive(Clone)]
pub struct Book {
    objects: Arc<dyn ObjectStore>,
    locks: Arc<dyn LockStore>,
    clock: Arc<dyn Clock>,
    safety: Safety,
    prefix: String,
    region: String,
    run: String,
    writes: Arc<AtomicU64>,
}

/// Where a record is kept.
#[derive(Clone, Copy)]
enum Shelf {
    Objects,
    Holders,
}

impl Book {
    /// The book of `scope`; `run` is unique to this process.
    pub fn new(
        objects: Arc<dyn ObjectStore>,
        locks: Arc<dyn LockStore>,
        clock: Arc<dyn Clock>,
        safety: Safety,
        scope: &Scope,
        run: &str,
    ) -> Self {
        let prefix = format!("{}/{}/", scope.stack, scope.env);
        let (region, run) = (scope.region.clone(), run.to_owned());
        Self { objects, locks, clock, safety, prefix, region, run, writes: Arc::default() }
    }

    /// The same book as another store holds it.
    #[must_use]
    pub fn over(&self, objects: Arc<dyn ObjectStore>) -> Self {
        Self { objects, ..self.clone() }
    }

    /// Where the records are, for people.
    pub fn describe(&self) -> String {
        format!("{}/{}", self.objects.describe(), self.prefix.trim_end_matches('/'))
    }

    /// Does what may be done twice, until it is answered or a few attempts have failed.
    async fn again<'c, T>(&self, what: impl Fn() -> BoxFuture<'c, Result<T, StoreError>>) -> Result<T, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            match what().await {
                Err(StoreError::Unanswered { .. } | StoreError::Failed { .. }) if attempt < ATTEMPTS => {
                    self.clock.sleep(PAUSE * attempt).await;
                }
                other => return other,
            }
        }
    }

    /// Points all of `components` to `holder`, or none of them.
    pub async fn take(&self, holder: &str, components: &[ComponentId]) -> Result<Taken, StoreError> {
        self.again(|| self.locks.take(holder, components)).await
    }

    /// Frees those of `components` that point to `holder`.
    pub async fn free(&self, holder: &str, components: &[ComponentId]) -> Result<(), StoreError> {
        self.again(|| self.locks.free(holder, components)).await
    }

    /// Every lock of this stack and environment, with the holder that it points to.
    pub async fn locks(&self) -> Result<BTreeMap<ComponentId, HolderId>, StoreError> {
        self.again(|| self.locks.locks()).await
    }

    /// Takes a holder's record away if its version is still `expected`. Absent is done.
    pub async fn drop_holder(&self, id: &str, expected: &Version) -> Result<(), StoreError> {
        self.again(|| self.locks.drop_holder(id, expected)).await
    }

    /// A record of `body` that this run is about to write over `before`.
    fn next<T>(&self, before: Option<&Record<T>>, lineage: &str, fence: u64, body: T) -> Record<T> {
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        Record {
            format: FORMAT,
            lineage: lineage.to_owned(),
            serial: before.map_or(0, |it| it.serial) + 1,
            fence,
            nonce: format!("{}-{number}", self.run),
            body,
        }
    }

    async fn get(&self, shelf: Shelf, key: &str) -> Result<Option<(Version, bytes::Bytes)>, StoreError> {
        self.again(|| match shelf {
            Shelf::Objects => self.objects.get(key),
            Shelf::Holders => self.locks.holder(key),
        })
        .await
    }

    /// Every key under `folder`, with its version.
    async fn list(&self, folder: &str) -> Result<Vec<(String, Version)>, StoreError> {
        let prefix = format!("{}{folder}", self.prefix);
        self.again(|| self.objects.list(&prefix)).await
    }

    async fn put(
        &self,
        shelf: Shelf,
        key: &str,
        expected: Option<&Version>,
        bytes: bytes::Bytes,
    ) -> Result<Version, StoreError> {
        match shelf {
            Shelf::Objects => self.objects.put_if(key, expected, bytes).await,
            Shelf::Holders => self.locks.put_holder(key, expected, bytes).await,
        }
    }

    async fn read<T: Serialize + DeserializeOwned>(
        &self,
        shelf: Shelf,
        key: &str,
        lineage: Option<&str>,
    ) -> Result<Option<Held<T>>> {
        let Some((version, bytes)) = self.get(shelf, key).await? else { return Ok(None) };
        Ok(Some(Held { version: Some(version), record: Record::decode(key, &bytes, lineage)? }))
    }

    /// Writes `record` over what is expected, however often the answer is lost.
    async fn write<T: Serialize + DeserializeOwned>(
        &self,
        shelf: Shelf,
        key: &str,
        expected: Option<Version>,
        record: Record<T>,
    ) -> Result<Held<T>> {
        let bytes = record.encode(key)?;
        let mut attempt = 0;
        loop {
            attempt += 1;
            let error = match self.put(shelf, key, expected.as_ref(), bytes.clone()).await {
                Ok(version) => return Ok(Held { version: Some(version), record }),
                Err(error) => error,
            };
            if matches!(error, StoreError::Unusable { .. }) {
                return Err(error.into());
            }
            if !matches!(error, StoreError::Failed { .. }) && self.safety.nonce() {
                let stored = self.get(shelf, key).await?;
                if let Some((version, _)) = stored.as_ref().filter(|(_, there)| *there == bytes) {
                    return Ok(Held { version: Some(version.clone()), record });
                }
                if stored.map(|(version, _)| version) != expected {
                    return Err(StoreError::Stale { key: key.to_owned() }.into());
                }
            }
            if attempt >= ATTEMPTS || matches!(error, StoreError::Stale { .. }) {
                return Err(error.into());
            }
            self.clock.sleep(PAUSE * attempt).await;
        }
    }

    /// The root record, or none if nothing was ever deployed.
    pub async fn root(&self) -> Result<Option<Held<Root>>> {
        self.read(Shelf::Objects, &self.root_key(), None).await
    }

    /// Changes the root record, trying again when others change it meanwhile. `lineage` is for the first one.
    pub async fn change_root(&self, lineage: &str, change: impl Fn(&mut Root)) -> Result<Held<Root>> {
        let key = self.root_key();
        loop {
            let before = self.root().await?;
            let mut body = before.as_ref().map(|it| it.record.body.clone()).unwrap_or_default();
            change(&mut body);
            let lineage = before.as_ref().map_or(lineage, |it| &it.record.lineage);
            let record = self.next(before.as_ref().map(|it| &it.record), lineage, 0, body);
            match self.write(Shelf::Objects, &key, before.and_then(|it| it.version), record).await {
                Err(Error::Store(StoreError::Stale { .. })) => {}
                other => return other,
            }
        }
    }

    /// Takes a deployment out of the open ones.
    pub async fn close(&self, lineage: &str, deployment: DeploymentId, proven: Proven) -> Result<()> {
        self.change_root(lineage, |root| root.close(deployment, proven)).await.map(drop)
    }

    /// All shards.
    pub async fn shards(&self, lineage: &str) -> Result<BTreeMap<ComponentId, Held<Shard>>> {
        let ids = self.components().await?;
        let reads: Vec<_> = ids.iter().map(|id| self.shard(id, lineage)).collect();
        let read: Vec<Held<Shard>> = stream::iter(reads).buffered(AT_ONCE).try_collect().await?;
        Ok(ids.into_iter().zip(read).filter(|(_, held)| held.version.is_some()).collect())
    }

    /// The components that have a shard.
    pub async fn components(&self) -> Result<Vec<ComponentId>> {
        let keys = self.list("components/").await?;
        Ok(keys.iter().filter_map(|(key, _)| self.component(key)).collect())
    }

    /// One shard; an empty one of version none if it is not there.
    pub async fn shard(&self, id: &ComponentId, lineage: &str) -> Result<Held<Shard>> {
        self.any_shard(id, Some(lineage)).await
    }

    /// One shard, of whatever lineage if none is given.
    pub async fn any_shard(&self, id: &ComponentId, lineage: Option<&str>) -> Result<Held<Shard>> {
        let key = self.shard_key(id);
        let absent = || Held {
            version: None,
            record: Record {
                format: FORMAT,
                lineage: lineage.unwrap_or_default().to_owned(),
                serial: 0,
                fence: 0,
                nonce: String::new(),
                body: Shard::default(),
            },
        };
        Ok(self.read(Shelf::Objects, &key, lineage).await?.unwrap_or_else(absent))
    }

    /// Writes a shard over the version that is held.
    pub async fn write_shard(
        &self,
        id: &ComponentId,
        held: &Held<Shard>,
        fence: u64,
        body: Shard,
    ) -> Result<Held<Shard>> {
        let record = self.next(Some(&held.record), &held.record.lineage, fence, body);
        self.write(Shelf::Objects, &self.shard_key(id), held.version.clone(), record).await
    }

    fn shard_key(&self, id: &ComponentId) -> String {
        let region = id.region.as_ref().unwrap_or(&self.region);
        format!("{}components/{region}/{}.{}.json", self.prefix, id.kind, id.name)
    }

    /// The component whose shard is kept at `key`.
    pub fn component(&self, key: &str) -> Option<ComponentId> {
        let (region, file) = key.strip_prefix(&self.prefix)?.strip_prefix("components/")?.split_once('/')?;
        let (kind, name) = file.strip_suffix(".json")?.split_once('.')?;
        let region = Some(region.to_owned()).filter(|region| *region != self.region);
        Some(ComponentId { region, kind: kind.to_owned(), name: name.to_owned() })
    }

    /// A journal's entries in order, up to its last; of each that cannot be used, why.
    pub async fn journal<T: Serialize + DeserializeOwned>(
        &self,
        deployment: DeploymentId,
        lineage: &str,
    ) -> Result<Vec<Result<Record<T>, RecordError>>> {
        let keys = self.list(&format!("journal/{deployment:08}/")).await?;
        let last = keys.iter().filter_map(|(key, _)| Some(self.journal_place(key)?.1)).max().unwrap_or(0);
        let entry = |seq| async move {
            let key = self.journal_key(deployment, seq);
            match self.read(Shelf::Objects, &key, Some(lineage)).await {
                Ok(Some(held)) => Ok(Ok(held.record)),
                Ok(None) => Ok(Err(RecordError::Gone { key })),
                Err(Error::Record(error)) => Ok(Err(error)),
                Err(error) => Err(error),
            }
        };
        let reads: Vec<_> = (1..=last).map(entry).collect();
        stream::iter(reads).buffered(AT_ONCE).try_collect().await
    }

    /// Adds the entry `seq` to a journal; `Stale` if something else stands there.
    pub async fn append<T: Serialize + DeserializeOwned>(
        &self,
        deployment: DeploymentId,
        seq: u64,
        lineage: &str,
        body: T,
    ) -> Result<()> {
        let key = self.journal_key(deployment, seq);
        let record = self.next(None, lineage, 0, body);
        self.write(Shelf::Objects, &key, None, record).await.map(drop)
    }

    /// A deployment's record.
    pub async fn deployment<T: Serialize + DeserializeOwned>(&self, id: DeploymentId) -> Result<Option<Held<T>>> {
        self.read(Shelf::Objects, &self.deployment_key(id), None).await
    }

    /// Writes a deployment's record over the one that is held.
    pub async fn write_deployment<T: Serialize + DeserializeOwned>(
        &self,
        id: DeploymentId,
        lineage: &str,
        before: Option<&Held<T>>,
        body: T,
    ) -> Result<Held<T>> {
        let key = self.deployment_key(id);
        let record = self.next(before.map(|it| &it.record), lineage, 0, body);
        self.write(Shelf::Objects, &key, before.and_then(|it| it.version.clone()), record).await
    }

    /// A lock holder's record.
    pub async fn holder<T: Serialize + DeserializeOwned>(&self, id: &str) -> Result<Option<Held<T>>> {
        self.read(Shelf::Holders, id, None).await
    }

    /// Writes a lock holder's record over the one that is held.
    pub async fn write_holder<T: Serialize + DeserializeOwned>(
        &self,
        id: &str,
        lineage: &str,
        before: Option<&Held<T>>,
        body: T,
    ) -> Result<Held<T>> {
        let record = self.next(before.map(|it| &it.record), lineage, 0, body);
        self.write(Shelf::Holders, id, before.and_then(|it| it.version.clone()), record).await
    }
}
