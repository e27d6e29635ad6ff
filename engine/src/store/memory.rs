//! A store in memory: the model that the contract is read against, and what the engine's own tests keep state in.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;
use bytes::Bytes;

use super::{HolderId, LockStore, ObjectStore, Past, StoreError, Taken, Version};
use crate::address::ComponentId;

/// Objects and locks in memory; clones of an `Arc` of it are its clients.
#[derive(Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
}

#[derive(Clone, Default)]
struct Inner {
    writes: u64,
    objects: BTreeMap<String, (Version, Bytes)>,
    /// What objects have and had, the oldest first; the time is the number of the write.
    contents: Vec<(String, u64, Bytes)>,
    holders: BTreeMap<String, (Version, Bytes)>,
    locks: BTreeMap<ComponentId, HolderId>,
}

impl Inner {
    fn put(
        &mut self,
        holders: bool,
        key: &str,
        expected: Option<&Version>,
        bytes: Bytes,
    ) -> Result<Version, StoreError> {
        self.writes += 1;
        let version = Version(self.writes.to_string());
        let map = if holders { &mut self.holders } else { &mut self.objects };
        if map.get(key).map(|(stored, _)| stored) != expected {
            return Err(StoreError::Stale { key: key.to_owned() });
        }
        map.insert(key.to_owned(), (version.clone(), bytes.clone()));
        if !holders {
            self.contents.push((key.to_owned(), self.writes, bytes));
        }
        Ok(version)
    }
}

impl MemoryStore {
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A copy that lives on its own.
    #[must_use]
    pub fn fork(&self) -> Self {
        Self { inner: Mutex::new(self.lock().clone()) }
    }
}

#[async_trait]
impl ObjectStore for MemoryStore {
    async fn get(&self, key: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        Ok(self.lock().objects.get(key).cloned())
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Version)>, StoreError> {
        let inner = self.lock();
        let under = inner.objects.range(prefix.to_owned()..).take_while(|(key, _)| key.starts_with(prefix));
        Ok(under.map(|(key, (version, _))| (key.clone(), version.clone())).collect())
    }

    async fn put_if(&self, key: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        self.lock().put(false, key, expected, bytes)
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Past>, StoreError> {
        let inner = self.lock();
        let current = |key: &str, write: u64| inner.objects.get(key).is_some_and(|(it, _)| it.0 == write.to_string());
        let under = inner.contents.iter().rev().filter(|(key, ..)| key.starts_with(prefix));
        let past = |(key, write, _): &(String, u64, Bytes)| Past {
            key: key.clone(),
            id: write.to_string(),
            written_millis: *write,
            current: current(key, *write),
        };
        let mut all: Vec<Past> = under.map(past).collect();
        all.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(all)
    }

    async fn past(&self, key: &str, id: &str) -> Result<Option<Bytes>, StoreError> {
        let inner = self.lock();
        let mut had = inner.contents.iter().filter(|(it, write, _)| it == key && write.to_string() == id);
        Ok(had.next().map(|(.., bytes)| bytes.clone()))
    }

    fn describe(&self) -> String {
        "memory".to_owned()
    }
}

#[async_trait]
impl LockStore for MemoryStore {
    async fn holder(&self, id: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        Ok(self.lock().holders.get(id).cloned())
    }

    async fn put_holder(&self, id: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        self.lock().put(true, id, expected, bytes)
    }

    async fn drop_holder(&self, id: &str, expected: &Version) -> Result<(), StoreError> {
        let mut inner = self.lock();
        match inner.holders.get(id) {
            Some((stored, _)) if stored != expected => Err(StoreError::Stale { key: id.to_owned() }),
            _ => {
                inner.holders.remove(id);
                Ok(())
            }
        }
    }

    async fn take(&self, holder: &str, components: &[ComponentId]) -> Result<Taken, StoreError> {
        let mut inner = self.lock();
        let others = held_by_others(&inner.locks, holder, components);
        if !others.is_empty() {
            return Ok(Taken::HeldBy(others));
        }
        for component in components {
            inner.locks.insert(component.clone(), holder.to_owned());
        }
        Ok(Taken::All)
    }

    async fn free(&self, holder: &str, components: &[ComponentId]) -> Result<(), StoreError> {
        let mut inner = self.lock();
        for component in components {
            if inner.locks.get(component).is_some_and(|held| held == holder) {
                inner.locks.remove(component);
            }
        }
        Ok(())
    }

    async fn locks(&self) -> Result<BTreeMap<ComponentId, HolderId>, StoreError> {
        Ok(self.lock().locks.clone())
    }
}

/// Which of `components` point to another holder than `holder`.
pub(super) fn held_by_others(
    locks: &BTreeMap<ComponentId, HolderId>,
    holder: &str,
    components: &[ComponentId],
) -> BTreeMap<ComponentId, HolderId> {
    components
        .iter()
        .filter_map(|component| Some((component.clone(), locks.get(component).filter(|held| *held != holder)?.clone())))
        .collect()
}
