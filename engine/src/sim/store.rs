//! The store of the world: memory, with a point at each write.

use std::{collections::BTreeMap, future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use super::{Site, deeds::Sort, process::Way};
use crate::{
    address::ComponentId,
    clock::Clock,
    store::{HolderId, LockStore, ObjectStore, Past, StoreError, Taken, Version, memory::MemoryStore},
};

/// The store as one process reaches it.
#[derive(Clone)]
pub struct SimStore {
    memory: Arc<MemoryStore>,
    site: Site,
    takes: Arc<dyn Fn() -> Duration + Send + Sync>,
}

impl SimStore {
    /// `memory` as `site` reaches it: at once.
    pub fn new(memory: &Arc<MemoryStore>, site: &Site) -> Self {
        Self { memory: memory.clone(), site: site.clone(), takes: Arc::new(|| Duration::ZERO) }
    }

    /// The same where each write takes a while.
    #[must_use]
    pub fn that_takes(self, takes: impl Fn() -> Duration + Send + Sync + 'static) -> Self {
        Self { takes: Arc::new(takes), ..self }
    }

    async fn write<T>(
        &self,
        action: &'static str,
        key: &str,
        what: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let source = || "the world wills it".into();
        let takes = (self.takes)();
        if !takes.is_zero() {
            self.site.sleep(takes).await;
        }
        match self.site.pass(&format!("{action} {key}")).await {
            Way::Do => what.await,
            Way::Refuse => Err(StoreError::Failed { action, key: key.to_owned(), source: source() }),
            Way::Mute => {
                let _ = what.await;
                Err(StoreError::Unanswered { action, key: key.to_owned(), source: source() })
            }
            Way::DoAndDie | Way::Late => {
                let _ = what.await;
                self.site.die().await
            }
        }
    }
}

/// Whose shard this is.
fn component(key: &str) -> Option<ComponentId> {
    let (_, file) = key.split_once("/components/")?.1.split_once('/')?;
    file.strip_suffix(".json")?.parse().ok()
}

#[async_trait]
impl ObjectStore for SimStore {
    async fn get(&self, key: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        self.memory.get(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Version)>, StoreError> {
        self.memory.list(prefix).await
    }

    async fn put_if(&self, key: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        let doer = self.site.doer();
        let (whose, put) = (doer.holding(), self.memory.put_if(key, expected, bytes));
        let noted = async {
            let version = put.await?;
            if let Some(component) = component(key) {
                doer.did(self.site.world().now(), whose, (component, Sort::Write), format!("write {key}"));
            }
            Ok(version)
        };
        self.write("write", key, noted).await
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Past>, StoreError> {
        self.memory.versions(prefix).await
    }

    async fn past(&self, key: &str, id: &str) -> Result<Option<Bytes>, StoreError> {
        self.memory.past(key, id).await
    }

    fn describe(&self) -> String {
        "the world".to_owned()
    }
}

#[async_trait]
impl LockStore for SimStore {
    async fn holder(&self, id: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        self.memory.holder(id).await
    }

    async fn put_holder(&self, id: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        self.write("write holder", id, self.memory.put_holder(id, expected, bytes)).await
    }

    async fn drop_holder(&self, id: &str, expected: &Version) -> Result<(), StoreError> {
        let dropped = self.write("drop holder", id, self.memory.drop_holder(id, expected)).await;
        self.site.doer().released();
        dropped
    }

    async fn take(&self, holder: &str, components: &[ComponentId]) -> Result<Taken, StoreError> {
        self.write("take", holder, self.memory.take(holder, components)).await
    }

    async fn free(&self, holder: &str, components: &[ComponentId]) -> Result<(), StoreError> {
        self.write("free", holder, self.memory.free(holder, components)).await
    }

    async fn locks(&self) -> Result<BTreeMap<ComponentId, HolderId>, StoreError> {
        self.memory.locks().await
    }
}
