//! A store in a local folder: the default, `.deployer/`.
//!
//! Each object is a file; a write goes to a temporary file, is synced, and is renamed over the old one under the folder's
//! lock file, so a reader sees the old or the new bytes and never half of them, whenever the writer dies. A version is
//! the SHA-256 of the bytes: every record carries a nonce, so no two writes are equal. What is written over stays for a while
//! under `past/`, by its version: the file keeps its inode, so keeping it costs a link.

use std::{
    cmp::Reverse,
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use async_trait::async_trait;
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{HolderId, LockStore, ObjectStore, Past, StoreError, Taken, Version, memory::held_by_others};
use crate::{address::ComponentId, desired::Scope};

/// How many earlier contents of an object are kept.
const KEPT: usize = 50;

/// Objects under `objects/`, what they were under `past/`, holders and locks of one stack and environment under `locks/`.
#[derive(Clone, Debug)]
pub struct LocalStore {
    root: PathBuf,
    /// `locks/{stack}/{env}`: the folder of holders, and of the file that says which component points to which.
    locks: String,
}

/// The one file that holds which component points to which holder.
const LOCKS: &str = "components.json";

impl LocalStore {
    /// A store in `root`, which need not exist yet, with the locks of `scope`.
    pub fn new(root: impl Into<PathBuf>, scope: &Scope) -> Self {
        Self { root: root.into(), locks: format!("locks/{}/{}", scope.stack, scope.env) }
    }

    fn holders(&self) -> String {
        format!("{}/holders", self.locks)
    }

    fn locks_file(&self) -> String {
        format!("{}/{LOCKS}", self.locks)
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
    if let Some(before) = stored.filter(|_| folder == "objects") {
        keep(root, key, &before)?;
    }
    replace(&path, bytes)?;
    Ok(version(bytes))
}

/// Keeps what `key` has now for those who want it back, and lets go of what is older than the last few.
fn keep(root: &Path, key: &str, current: &Version) -> io::Result<()> {
    let folder = root.join("past").join(key);
    fs::create_dir_all(&folder)?;
    let (from, to) = (root.join("objects").join(key), folder.join(&current.0));
    match fs::hard_link(&from, &to) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        // Not every file system knows links.
        Err(_) => drop(fs::copy(from, to)?),
    }
    let (mut all, mut paths) = (Vec::new(), Vec::new());
    files(root, &folder, &mut paths)?;
    for path in paths {
        all.push((fs::metadata(root.join(&path))?.modified()?, path));
    }
    all.sort();
    let surplus = all.len().saturating_sub(KEPT);
    all.into_iter().take(surplus).try_for_each(|(_, path)| fs::remove_file(root.join(path)))
}

/// An object's content that lies in `file`.
fn past(file: &Path, key: String, id: String, current: bool) -> io::Result<Past> {
    let written = fs::metadata(file)?.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
    let written_millis = u64::try_from(written.as_millis()).unwrap_or(u64::MAX);
    Ok(Past { key, id, written_millis, current })
}

/// What the objects under `prefix` have and had.
fn contents(root: &Path, prefix: &str) -> io::Result<Vec<Past>> {
    let (mut now, mut before, mut found) = (Vec::new(), Vec::new(), Vec::new());
    let (objects, earlier) = (root.join("objects"), root.join("past"));
    files(&objects, &objects.join(prefix), &mut now)?;
    files(&earlier, &earlier.join(prefix), &mut before)?;
    for path in now {
        let file = objects.join(&path);
        if let Some((version, _)) = read(&file)? {
            found.push(past(&file, path.to_string_lossy().into_owned(), version.0, true)?);
        }
    }
    for path in before {
        let Some(key) = path.parent().map(|it| it.to_string_lossy().into_owned()) else { continue };
        let id = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        if !found.iter().any(|it: &Past| it.current && it.key == key && it.id == id) {
            found.push(past(&earlier.join(&path), key, id, false)?);
        }
    }
    let rank = |it: &Past| (it.key.clone(), !it.current, Reverse(it.written_millis));
    found.sort_by_key(rank);
    Ok(found)
}

/// Every file under `folder`, as a path relative to `root`; temporary files of a killed writer are left out.
fn files(root: &Path, folder: &Path, found: &mut Vec<PathBuf>) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        // One object rather than a folder of them.
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            found.extend(folder.strip_prefix(root).ok().map(Path::to_owned));
            return Ok(());
        }
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

fn read_locks(path: &Path) -> io::Result<BTreeMap<ComponentId, HolderId>> {
    match read(path)? {
        Some((_, bytes)) => serde_json::from_slice(&bytes).map_err(io::Error::other),
        None => Ok(BTreeMap::new()),
    }
}

fn write_locks(path: &Path, locks: &BTreeMap<ComponentId, HolderId>) -> io::Result<()> {
    replace(path, &serde_json::to_vec_pretty(locks).map_err(io::Error::other)?)
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

    async fn versions(&self, prefix: &str) -> Result<Vec<Past>, StoreError> {
        let (root, under) = (self.root.clone(), prefix.to_owned());
        run("list", prefix, move || contents(&root, &under)).await
    }

    async fn past(&self, key: &str, id: &str) -> Result<Option<Bytes>, StoreError> {
        let (now, before) = (self.root.join("objects").join(key), self.root.join("past").join(key).join(id));
        let id = id.to_owned();
        let found = move || match read(&now)? {
            Some((version, bytes)) if version.0 == id => Ok(Some(bytes)),
            _ => Ok(read(&before)?.map(|(_, bytes)| bytes)),
        };
        run("read", key, found).await
    }

    fn describe(&self) -> String {
        self.root.display().to_string()
    }
}

#[async_trait]
impl LockStore for LocalStore {
    async fn holder(&self, id: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        let path = self.root.join(self.holders()).join(id);
        run("read", id, move || read(&path)).await
    }

    async fn put_holder(&self, id: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        let (folder, name, expected) = (self.holders(), id.to_owned(), expected.cloned());
        self.exclusive("write", id, move |root| put(root, &folder, &name, expected.as_ref(), &bytes)).await
    }

    async fn drop_holder(&self, id: &str, expected: &Version) -> Result<(), StoreError> {
        let (folder, name, expected) = (self.holders(), id.to_owned(), expected.clone());
        let drop = move |root: &Path| {
            let path = root.join(&folder).join(&name);
            match read(&path)? {
                Some((stored, _)) if stored != expected => Err(stale(&name)),
                Some(_) => fs::remove_file(path),
                None => Ok(()),
            }
        };
        self.exclusive("remove", id, drop).await
    }

    async fn take(&self, holder: &str, components: &[ComponentId]) -> Result<Taken, StoreError> {
        let (file, id, wanted) = (self.locks_file(), holder.to_owned(), components.to_vec());
        let take = move |root: &Path| {
            let file = root.join(&file);
            let mut locks = read_locks(&file)?;
            let others = held_by_others(&locks, &id, &wanted);
            if !others.is_empty() {
                return Ok(Taken::HeldBy(others));
            }
            locks.extend(wanted.into_iter().map(|component| (component, id.clone())));
            write_locks(&file, &locks)?;
            Ok(Taken::All)
        };
        self.exclusive("lock", holder, take).await
    }

    async fn free(&self, holder: &str, components: &[ComponentId]) -> Result<(), StoreError> {
        let (file, id, freed) = (self.locks_file(), holder.to_owned(), components.to_vec());
        let free = move |root: &Path| {
            let file = root.join(&file);
            let mut locks = read_locks(&file)?;
            locks.retain(|component, held| *held != id || !freed.contains(component));
            write_locks(&file, &locks)
        };
        self.exclusive("unlock", holder, free).await
    }

    async fn locks(&self) -> Result<BTreeMap<ComponentId, HolderId>, StoreError> {
        let file = self.root.join(self.locks_file());
        run("list", "locks", move || read_locks(&file)).await
    }
}
