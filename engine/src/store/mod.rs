//! Where records and locks are kept.
//!
//! A backend moves bytes under compare-and-swap and holds lock rows; encoding, lineage, fences, takeover and words for people
//! live above it, once. Its meaning is the contract in `contract`, which every backend runs with two clients.

#[cfg(any(test, feature = "sim"))]
pub mod contract;
pub mod local;
pub mod memory;

use std::collections::BTreeMap;

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{address::ComponentId, error::BoxError};

/// The version of a stored object: opaque, equal only to itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub String);

/// Why a backend could not do something.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The stored version is not the expected one; nothing changed.
    #[error("`{key}` was changed by someone else")]
    Stale {
        /// Which object.
        key: String,
    },
    /// The answer was lost: it may or may not have happened.
    #[error("no answer to {action} of `{key}`: it may or may not have happened")]
    Unanswered {
        /// What was tried.
        action: &'static str,
        /// Which object.
        key: String,
        /// Why.
        #[source]
        source: BoxError,
    },
    /// The place itself is not as it has to be; nothing happened.
    #[error("{place}: {why}")]
    Unusable {
        /// Which place.
        place: String,
        /// What is wrong with it.
        why: String,
        /// The way on.
        help: String,
    },
    /// It surely did not happen.
    #[error("{action} of `{key}` failed")]
    Failed {
        /// What was tried.
        action: &'static str,
        /// Which object.
        key: String,
        /// Why.
        #[source]
        source: BoxError,
    },
}

/// One content that an object has or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// The object.
    pub key: String,
    /// Names this content among the object's: opaque, other than its `Version`.
    pub id: String,
    /// When it was written, in milliseconds since 1970 UTC, as the store knows it.
    pub written_millis: u64,
    /// True for what the object has now.
    pub current: bool,
}

/// Objects under compare-and-swap. Keys are `/`-separated paths of `[A-Za-z0-9._-]`.
#[async_trait]
pub trait ObjectStore: Send + Sync {
    /// The object and its version, or none.
    async fn get(&self, key: &str) -> Result<Option<(Version, Bytes)>, StoreError>;
    /// Every key under `prefix` (a path up to and with a `/`), sorted, with its version.
    async fn list(&self, prefix: &str) -> Result<Vec<(String, Version)>, StoreError>;
    /// Writes only if the stored version is still `expected` (`None`: absent); else `Stale`, and nothing changed.
    async fn put_if(&self, key: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError>;
    /// Everything that the objects under `prefix` (a path up to and with a `/`, or one whole key) have and had, by key, the newest
    /// first. How far back is the place's matter.
    async fn versions(&self, prefix: &str) -> Result<Vec<Past>, StoreError>;
    /// One content out of `versions`, or none if it is gone by now.
    async fn past(&self, key: &str, id: &str) -> Result<Option<Bytes>, StoreError>;
    /// False if the place is not set to keep what is written over, so that `versions` has nothing to restore from. Where keeping it
    /// is the store's own doing, it cannot be turned off.
    async fn keeps_versions(&self) -> Result<bool, StoreError> {
        Ok(true)
    }
    /// Where it is, for people.
    fn describe(&self) -> String;
}

/// What a lock row points to.
pub type HolderId = String;

/// The answer to an attempt to take locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// All of them are ours now.
    All,
    /// None was taken: these are held by others.
    HeldBy(BTreeMap<ComponentId, HolderId>),
}

/// Holder records and the component locks that point to them, of one stack and environment.
#[async_trait]
pub trait LockStore: Send + Sync {
    /// A holder's record and its version.
    async fn holder(&self, id: &str) -> Result<Option<(Version, Bytes)>, StoreError>;
    /// Writes a holder's record if its version is still `expected` (`None`: absent).
    async fn put_holder(&self, id: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError>;
    /// Takes the record away if its version is still `expected`. Absent is done.
    async fn drop_holder(&self, id: &str, expected: &Version) -> Result<(), StoreError>;
    /// Points all of `components` to `holder`, or none of them. What points to it already stays.
    async fn take(&self, holder: &str, components: &[ComponentId]) -> Result<Taken, StoreError>;
    /// Frees those of `components` that point to `holder`.
    async fn free(&self, holder: &str, components: &[ComponentId]) -> Result<(), StoreError>;
    /// Every lock, with the holder that it points to.
    async fn locks(&self) -> Result<BTreeMap<ComponentId, HolderId>, StoreError>;
}
