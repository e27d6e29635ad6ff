//! `state pull | push | backup | restore`: copies of what is remembered.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use deployer_engine::{
    address::ComponentId,
    error::Error,
    session::{Session, copy::Copied},
    state::Shard,
    store::{ObjectStore, local::LocalStore, memory::MemoryStore},
};
use serde_json::{Value, json};

use super::{Desk, declined, names};
use crate::{
    args::StateCommand,
    context::Context,
    duration,
    exit::{Code, Failure},
    term::{Term, Tone},
};

/// Where what is restored comes from.
pub struct Source {
    /// A version, or a time.
    pub to: Option<String>,
    /// A backup's file.
    pub from: Option<PathBuf>,
}

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

/// The records of a backup's file, as a store.
async fn from_file(session: &Session, file: &Path) -> Result<Copied, Failure> {
    let bad = |why: String| Failure::said(Code::Usage, format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
    let all: Value = serde_json::from_str(&text).map_err(|error| bad(format!("it is no backup: {error}")))?;
    let records = all["records"].as_object().ok_or_else(|| bad("it is no backup: it has no records".to_owned()))?;
    let memory = MemoryStore::default();
    for (key, record) in records {
        let bytes = format!("{record:#}\n").into_bytes();
        memory.put_if(key, None, bytes.into()).await.map_err(Error::from)?;
    }
    Ok(session.copied(Arc::new(memory)).await?)
}

/// Puts earlier contents back in the place of what is remembered. AWS is not touched.
pub async fn restore(
    mut desk: Desk,
    components: &[String],
    source: Source,
    auto_approve: bool,
) -> Result<Code, Failure> {
    let named: BTreeSet<ComponentId> = components.iter().map(|text| desk.component(text)).collect::<Result<_, _>>()?;
    let all: BTreeSet<ComponentId> =
        if named.is_empty() { desk.memory.shards.keys().cloned().collect() } else { named };
    let shards = chosen(&desk.session, &all, components.is_empty(), source).await?;
    let differs = |(id, shard): &(&ComponentId, &Shard)| {
        desk.memory.shards.get(*id).is_none_or(|held| held.record.body != **shard)
    };
    let changed: Vec<ComponentId> = shards.iter().filter(differs).map(|(id, _)| id.clone()).collect();
    if changed.is_empty() {
        let nothing = json!({"deployment": null, "restored": changed});
        return Ok(desk.done(nothing, "The state is so already; nothing was written."));
    }
    desk.term.say(format!(
        "{}: what is remembered of them becomes what it was. AWS is not touched; the next plan shows what differs.",
        names(&changed)
    ));
    if !desk.approved(auto_approve, "Put it back?")? {
        return Err(declined());
    }
    let (shards, wish) = (shards.into_iter().filter(|(id, _)| changed.contains(id)).collect(), desk.wish("restore"));
    let done = desk.session.replace(&shards, &wish, None).await;
    let deployment = done.map_err(|trouble| desk.context.failure(trouble))?;
    let words = format!(
        "{}  {}, recorded as deployment {deployment}",
        desk.term.paint(Tone::Good, "restored"),
        names(&changed)
    );
    Ok(desk.done(json!({"deployment": deployment, "restored": changed}), words))
}

/// What the source has of `all`.
async fn chosen(
    session: &Session,
    all: &BTreeSet<ComponentId>,
    whole: bool,
    source: Source,
) -> Result<BTreeMap<ComponentId, Shard>, Failure> {
    let usage = |message: String| Failure::said(Code::Usage, message);
    match (source.from, source.to) {
        (Some(file), None) => {
            let copied = from_file(session, &file).await?;
            let asked = |id: &ComponentId| whole || all.contains(id);
            Ok(copied.shards.into_iter().filter(|(id, _)| asked(id)).map(|(id, it)| (id, it.body)).collect())
        }
        (None, Some(to)) => match to.parse::<jiff::Timestamp>() {
            Ok(time) => at_time(session, all, u64::try_from(time.as_millisecond()).unwrap_or_default()).await,
            Err(_) if all.len() == 1 => at_version(session, all, &to).await,
            Err(_) => Err(usage(format!(
                "--to {to} is no time (2026-11-24T12:00:00Z), and a version is one component's: name it"
            ))),
        },
        _ => Err(usage("say --to VERSION, --to TIME or --from FILE".to_owned())),
    }
}

async fn at_time(
    session: &Session,
    all: &BTreeSet<ComponentId>,
    millis: u64,
) -> Result<BTreeMap<ComponentId, Shard>, Failure> {
    let mut found = BTreeMap::new();
    for id in all {
        let then = session.contents(id).await?.into_iter().find(|it| it.past.written_millis <= millis);
        // What was not there then stays: forgetting it would leave it in AWS with nobody to delete it.
        let Some(content) = then else { continue };
        found.insert(id.clone(), content.record?.body);
    }
    if found.is_empty() {
        return Err(Failure::said(Code::Usage, format!("nothing is known of {}", duration::date(millis))));
    }
    Ok(found)
}

async fn at_version(
    session: &Session,
    all: &BTreeSet<ComponentId>,
    version: &str,
) -> Result<BTreeMap<ComponentId, Shard>, Failure> {
    let mut found = BTreeMap::new();
    for id in all {
        let content = session
            .contents(id)
            .await?
            .into_iter()
            .find(|it| it.past.id == version || it.past.id.trim_matches('"').starts_with(version));
        let Some(content) = content else {
            let failure = Failure::said(Code::Usage, format!("{id} has no version {version}"));
            return Err(failure.help(format!("`deployer state versions {id}` lists them")));
        };
        found.insert(id.clone(), content.record?.body);
    }
    Ok(found)
}

/// The state cannot be read, so nothing can be locked as usual: only the broken shards are written over, each by its version.
pub async fn restore_broken(
    context: Context,
    mut session: Session,
    command: StateCommand,
    error: Error,
    term: Term,
) -> Result<Code, Failure> {
    let StateCommand::Restore { components, to: Some(to), auto_approve, .. } = command else {
        return Err(error.into());
    };
    let mut ids = Vec::new();
    for text in &components {
        ids.push(text.parse::<ComponentId>().map_err(|error| Failure::said(Code::Usage, error.to_string()))?);
    }
    let [id] = ids.as_slice() else {
        return Err(Failure::from(error).help("name the one broken component as Kind.name, and its version"));
    };
    let shards = at_version(&session, &BTreeSet::from([id.clone()]), &to).await?;
    let Some(shard) = shards.get(id) else { return Err(error.into()) };
    term.say(format!("{id} cannot be read; the content of version {to} takes its place. AWS is not touched."));
    let yes = auto_approve || term.asks && term.confirm("Put it back?");
    if !yes {
        return Err(declined());
    }
    let deployment = session.mend(id, shard.clone()).await.map_err(|trouble| context.failure(trouble))?;
    if context.global.json {
        term.line(format!("{:#}", json!({"deployment": deployment, "restored": [id]})));
    }
    term.say(format!("{}  {id}; `deployer plan` shows what differs", term.paint(Tone::Good, "restored")));
    Ok(Code::Done)
}
