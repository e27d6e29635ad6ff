//! `state pull | push | backup`: copies of what is remembered.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use deployer_engine::{
    error::Error,
    store::{ObjectStore, local::LocalStore, memory::MemoryStore},
};
use serde_json::{Value, json};

use super::{Desk, names};
use crate::{
    duration,
    exit::{Code, Failure},
    term::Tone,
};

fn folder(desk: &Desk, dir: &Path) -> LocalStore {
    LocalStore::new(dir, desk.context.scope())
}

/// Copies every record into a folder that `--state` can name.
pub async fn pull(desk: &Desk, dir: &Path) -> Result<Code, Failure> {
    let copied = desk.session.copy_to(&folder(desk, dir)).await?;
    let (at, count) = (dir.display(), duration::count(copied, "record"));
    let words = format!(
        "{}  {count} to {at}\n`deployer plan --offline --state {at}` plans with it and opens no socket.",
        desk.term.paint(Tone::Good, "copied")
    );
    Ok(desk.done(json!({"records": copied, "folder": dir}), words))
}

/// Writes what a folder has newer than the state.
pub async fn push(mut desk: Desk, dir: &Path) -> Result<Code, Failure> {
    if !dir.is_dir() {
        return Err(Failure::said(Code::Usage, format!("{} is not a folder", dir.display())));
    }
    let copy = desk.session.copied(Arc::new(folder(&desk, dir))).await?;
    if copy.shards.is_empty() {
        let scope = desk.context.scope();
        let message = format!("{} holds no state of {} in {}", dir.display(), scope.stack, scope.env);
        return Err(Failure::said(Code::Usage, message));
    }
    let wish = desk.wish(&format!("push {}", dir.display()));
    let pushed = desk.session.push(copy, &wish).await.map_err(|trouble| desk.context.failure(trouble))?;
    let words = match pushed.deployment {
        Some(deployment) => format!(
            "{}  {}, recorded as deployment {deployment}",
            desk.term.paint(Tone::Good, "written"),
            names(&pushed.written)
        ),
        None => "The state has all of it already; nothing was written.".to_owned(),
    };
    Ok(desk.done(json!({"deployment": pushed.deployment, "written": pushed.written, "equal": pushed.equal}), words))
}

/// One file with every record.
pub async fn backup(desk: &Desk, file: Option<PathBuf>) -> Result<Code, Failure> {
    let scope = desk.context.scope();
    let file = file
        .unwrap_or_else(|| PathBuf::from(format!("{}-{}-{}.backup.json", scope.stack, scope.env, desk.memory.last)));
    let memory = MemoryStore::default();
    let copied = desk.session.copy_to(&memory).await?;
    let mut records = BTreeMap::new();
    for (key, _) in memory.list("").await.map_err(Error::from)? {
        let Some((_, bytes)) = memory.get(&key).await.map_err(Error::from)? else { continue };
        records.insert(key, serde_json::from_slice::<Value>(&bytes).unwrap_or_default());
    }
    let all = json!({"backup": 1, "stack": scope.stack, "env": scope.env, "deployment": desk.memory.last, "records": records});
    std::fs::write(&file, format!("{all:#}\n"))
        .map_err(|error| Failure::said(Code::Failed, format!("{} cannot be written: {error}", file.display())))?;
    let (at, count) = (file.display(), duration::count(copied, "record"));
    let words = format!(
        "{}  {count} in {at}\n`deployer state restore --from {at}` puts it back.",
        desk.term.paint(Tone::Good, "backed up")
    );
    Ok(desk.done(json!({"records": copied, "file": file}), words))
}
