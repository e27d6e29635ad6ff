//! A store in a local folder: the default, `.deployer/`.
//!
//! Each object is a file; a write goes to a temporary file, is synced, and is renamed over the old one under the folder's
//! lock file, so a reader sees the old or the new bytes and never half of them, whenever the writer dies. A version is
//! the SHA-256 of the bytes: every record carries a nonce, so no two writes are equal.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{HolderId, LockStore, ObjectStore, StoreError, Taken, Version, memory::held_by_others};
use crate::address::ComponentId;

/// Objects under `objects/`, holders and locks under `locks/`.
#[derive(Clone, Debug)]
pub struct LocalStore {
    root: PathBuf,
}

/// The one file that holds which component points to which holder.
const LOCKS: &str = "locks/components.json";

impl LocalStore {
    /// A store in `root`, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// Runs `what` under the folder's lock file, away from the event loop.
    async fn exclusive<T: Send + 'static>(
        &self,
        action: &'static str,
        key: &str,
        what: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let root = self.root.clone();
        let locked = move || {
            let guard = open_lock(&root)?;
            guard.lock()?;
            what(&root)
        };
        run(action, key, locked).await
    }
}

async fn run<T: Send + 'static>(
    action: &'static str,
    key: &str,
    what: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T, StoreError> {
    let failed = |source: io::Error| match source.downcast::<StoreError>() {
        Ok(ours) => ours,
        Err(source) => StoreError::Failed { action, key: key.to_owned(), source: source.into() },
    };
    match tokio::task::spawn_blocking(what).await {
        Ok(result) => result.map_err(failed),
        Err(stopped) => Err(failed(io::Error::other(stopped))),
    }
}

fn open_lock(root: &Path) -> io::Result<File> {
    fs::create_dir_all(root)?;
    File::options().create(true).truncate(false).write(true).open(root.join(".lock"))
}

fn version(bytes: &[u8]) -> Version {
    Version(Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect())
}

fn read(path: &Path) -> io::Result<Option<(Version, Bytes)>> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some((version(&bytes), bytes.into()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes `bytes` to `path` so that it holds the old or the new content at every moment.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    fs::create_dir_all(folder)?;
    // Writers exclude each other, so one name will do, and what a killed one left is written over.
    let temporary = folder.join(".tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(folder)?.sync_all()
}

fn stale(key: &str) -> io::Error {
    io::Error::other(StoreError::Stale { key: key.to_owned() })
}

fn put(root: &Path, folder: &str, key: &str, expected: Option<&Version>, bytes: &[u8]) -> io::Result<Version> {
    let path = root.join(folder).join(key);
    let stored = read(&path)?.map(|(version, _)| version);
    if stored.as_ref() != expected {
        return Err(stale(key));
    }
    replace(&path, bytes)?;
    Ok(version(bytes))
}

/// Every file under `folder`, as a path relative to `root`; temporary files of a killed writer are left out.
fn files(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if entry.file_type()?.is_dir() {
            files(root, &entry.path(), found)?;
        } else if !hidden {
            found.extend(entry.path().strip_prefix(root).ok().map(Path::to_owned));
        }
    }
    Ok(())
}

fn read_locks(root: &Path) -> io::Result<BTreeMap<ComponentId, HolderId>> {
    match read(&root.join(LOCKS))? {
        Some((_, bytes)) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        None => Ok(BTreeMap::new()),
    }
}

fn write_locks(root: &Path, locks: &BTreeMap<ComponentId, HolderId>) -> io::Result<()> {
    replace(&root.join(LOCKS), &serde_json::to_vec_pretty(locks).map_err(io::Error::other)?)
}

#[async_trait]
impl ObjectStore for LocalStore {
    async fn get(&self, key: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        let path = self.root.join("objects").join(key);
        run("read", key, move || read(&path)).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Version)>, StoreError> {
        let (root, prefix_owned) = (self.root.join("objects"), prefix.to_owned());
        let listing = move || {
            let (mut paths, mut found) = (Vec::new(), Vec::new());
            files(&root, &root.join(&prefix_owned), &mut paths)?;
            for path in paths {
                if let Some((version, _)) = read(&root.join(&path))? {
                    found.push((path.to_string_lossy().into_owned(), version));
                }
            }
            found.sort();
            Ok(found)
        };
        run("list", prefix, listing).await
    }

    async fn put_if(&self, key: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        let (name, expected) = (key.to_owned(), expected.cloned());
        self.exclusive("write", key, move |root| put(root, "objects", &name, expected.as_ref(), &bytes)).await
    }

    fn describe(&self) -> String {
        self.root.display().to_string()
    }
}

#[async_trait]
impl LockStore for LocalStore {
    async fn holder(&self, id: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        let path = self.root.join("locks/holders").join(id);
        run("read", id, move || read(&path)).await
    }

    async fn put_holder(&self, id: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        let (name, expected) = (id.to_owned(), expected.cloned());
        self.exclusive("write", id, move |root| put(root, "locks/holders", &name, expected.as_ref(), &bytes)).await
    }

    async fn drop_holder(&self, id: &str, expected: &Version) -> Result<(), StoreError> {
        let (name, expected) = (id.to_owned(), expected.clone());
        let drop = move |root: &Path| {
            let path = root.join("locks/holders").join(&name);
            match read(&path)? {
                Some((stored, _)) if stored != expected => Err(stale(&name)),
                Some(_) => fs::remove_file(path),
                None => Ok(()),
            }
        };
        self.exclusive("remove", id, drop).await
    }

    async fn take(&self, holder: &str, components: &[ComponentId]) -> Result<Taken, StoreError> {
        let (id, wanted) = (holder.to_owned(), components.to_vec());
        let take = move |root: &Path| {
            let mut locks = read_locks(root)?;
            let others = held_by_others(&locks, &id, &wanted);
            if !others.is_empty() {
                return Ok(Taken::HeldBy(others));
            }
            locks.extend(wanted.into_iter().map(|component| (component, id.clone())));
            write_locks(root, &locks)?;
            Ok(Taken::All)
        };
        self.exclusive("lock", holder, take).await
    }

    async fn free(&self, holder: &str, components: &[ComponentId]) -> Result<(), StoreError> {
        let (id, freed) = (holder.to_owned(), components.to_vec());
        let free = move |root: &Path| {
            let mut locks = read_locks(root)?;
            locks.retain(|component, held| *held != id || !freed.contains(component));
            write_locks(root, &locks)
        };
        self.exclusive("unlock", holder, free).await
    }

    async fn locks(&self) -> Result<BTreeMap<ComponentId, HolderId>, StoreError> {
        let root = self.root.clone();
        run("list", "locks", move || read_locks(&root)).await
    }
}
