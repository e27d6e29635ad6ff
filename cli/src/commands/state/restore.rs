//! `state restore`: earlier contents of records, or those of a backup, in the place of what is there.
//!
//! Where the state cannot be read, nothing can be planned or moved: then only what is broken is written over.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use deployer_engine::{
    address::ComponentId,
    desired::Scope,
    error::Error,
    session::{
        Session,
        copy::Copied,
        mend::{Fault, Which},
    },
    state::Shard,
    store::{ObjectStore, memory::MemoryStore},
};
use serde_json::{Value, json};

use super::{Desk, approved, look::way, names, wish};
use crate::{
    args::StateCommand,
    context::Context,
    duration,
    exit::{Code, Failure},
    term::{Term, Tone},
};

type Shards = BTreeMap<ComponentId, Shard>;

/// Where what is restored comes from.
pub struct Source {
    /// A version, or a time.
    pub to: Option<String>,
    /// A backup's file.
    pub from: Option<PathBuf>,
}

/// What a source has.
struct Chosen {
    /// Of which state; none if that is the one that is here.
    lineage: Option<String>,
    shards: Shards,
}

/// Puts earlier contents back in the place of what is remembered. AWS is not touched.
pub async fn whole(mut desk: Desk, components: &[String], source: Source, auto_approve: bool) -> Result<Code, Failure> {
    let named: BTreeSet<ComponentId> = components.iter().map(|text| desk.component(text)).collect::<Result<_, _>>()?;
    let all: BTreeSet<ComponentId> =
        if named.is_empty() { desk.memory.shards.keys().cloned().collect() } else { named };
    let Chosen { lineage, shards } =
        chosen(&desk.session, desk.context.scope(), &all, components.is_empty(), source).await?;
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
        return Err(Failure::declined());
    }
    let (shards, wish) = (shards.into_iter().filter(|(id, _)| changed.contains(id)).collect(), desk.wish("restore"));
    let done = desk.session.replace(&shards, &wish, lineage.as_deref()).await;
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
    scope: &Scope,
    all: &BTreeSet<ComponentId>,
    whole: bool,
    source: Source,
) -> Result<Chosen, Failure> {
    let usage = |message: String| Failure::said(Code::Usage, message);
    match (source.from, source.to) {
        (Some(file), None) => {
            let copied = from_file(session, scope, &file).await?;
            let asked = |id: &ComponentId| whole || all.contains(id);
            let shards: Shards =
                copied.shards.into_iter().filter(|(id, _)| asked(id)).map(|(id, it)| (id, it.body)).collect();
            match all.iter().find(|id| !whole && !shards.contains_key(id)) {
                Some(id) => Err(usage(format!("{} has nothing of {id}", file.display()))),
                None => Ok(Chosen { lineage: copied.lineage, shards }),
            }
        }
        (None, Some(to)) => match to.parse::<jiff::Timestamp>() {
            Ok(time) => {
                let millis = u64::try_from(time.as_millisecond()).unwrap_or_default();
                Ok(Chosen { lineage: None, shards: at_time(session, all, millis).await? })
            }
            Err(_) if all.len() == 1 => Ok(Chosen { lineage: None, shards: at_version(session, all, &to).await? }),
            Err(_) => Err(usage(format!(
                "--to {to} is no time (2026-11-24T12:00:00Z), and a version is one component's: name it"
            ))),
        },
        _ => Err(usage("say --to VERSION, --to TIME or --from FILE".to_owned())),
    }
}

async fn at_time(session: &Session, all: &BTreeSet<ComponentId>, millis: u64) -> Result<Shards, Failure> {
    let mut found = BTreeMap::new();
    // What was not there then stays: forgetting it would leave it in AWS with nobody to delete it.
    for (id, content) in session.contents_at(all, millis).await? {
        found.insert(id, content.record?.body);
    }
    if found.is_empty() {
        return Err(Failure::said(Code::Usage, format!("nothing is known of {}", duration::date(millis))));
    }
    Ok(found)
}

async fn at_version(session: &Session, all: &BTreeSet<ComponentId>, version: &str) -> Result<Shards, Failure> {
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

/// Shards that cannot be read are written over, each as the source has it; all of them, or those that are named.
pub async fn broken(
    context: Context,
    mut session: Session,
    command: StateCommand,
    error: Error,
    term: Term,
) -> Result<Code, Failure> {
    let StateCommand::Restore { components, to, from, auto_approve } = command else { return Err(error.into()) };
    let (_, faults) = session.verify().await?;
    if let Some(root) = faults.iter().find(|it| it.what == Which::Root) {
        return Err(Failure::from(error).help(format!("first `deployer state restore {}`", root.key)));
    }
    let shard = |it: &Fault| if let Which::Shard(id) = &it.what { Some(id.clone()) } else { None };
    let broken: BTreeSet<ComponentId> = faults.iter().filter_map(shard).collect();
    let mut wanted = BTreeSet::new();
    for text in &components {
        let id = text.parse::<ComponentId>().map_err(|error| Failure::said(Code::Usage, error.to_string()))?;
        if !broken.contains(&id) {
            let message = format!("{id} is not broken, and {} is: that comes first", names(&broken));
            return Err(Failure::said(Code::Usage, message));
        }
        wanted.insert(id);
    }
    let wanted = if wanted.is_empty() { broken } else { wanted };
    if wanted.is_empty() {
        return Err(error.into());
    }
    let Chosen { shards, .. } = chosen(&session, context.scope(), &wanted, false, Source { to, from }).await?;
    let restored: Vec<ComponentId> = shards.keys().cloned().collect();
    term.say(format!("{}: what cannot be read is written over. AWS is not touched.", names(&restored)));
    if !approved(&term, auto_approve, "Put it back?")? {
        return Err(Failure::declined());
    }
    let wish = wish(&format!("restore {}", names(&restored)));
    let deployment = session.mend(&shards, &wish).await.map_err(|trouble| context.failure(trouble))?;
    if context.global.json {
        term.line(format!("{:#}", json!({"deployment": deployment, "restored": restored})));
    }
    term.say(format!(
        "{}  {}; `deployer plan` shows what differs",
        term.paint(Tone::Good, "restored"),
        names(&restored)
    ));
    Ok(Code::Done)
}

/// True for what `state verify` calls a record that is no component's.
pub fn is_record(text: &str) -> bool {
    text.contains('/') && text.ends_with(".json")
}

/// Broken records that are no component's are written over with what they were.
pub async fn records(
    context: &Context,
    session: &Session,
    keys: &[String],
    auto_approve: bool,
    term: &Term,
) -> Result<Code, Failure> {
    let (_, faults) = session.verify().await?;
    let mut wanted = Vec::new();
    for key in keys {
        let Some(fault) = faults.iter().find(|it| it.key == *key) else {
            let failure = Failure::said(Code::Usage, format!("{key} is not broken"));
            return Err(failure.help("`deployer state verify` names the records that are"));
        };
        match (&fault.what, &fault.good) {
            (Which::Root, _) | (Which::Deployment(_), Some(_)) => wanted.push(fault),
            _ => return Err(Failure::said(Code::Usage, format!("{key} is not mended like this")).help(way(fault))),
        }
    }
    term.say(format!("{}: what cannot be read is written over. AWS is not touched.", keys.join(", ")));
    if !approved(term, auto_approve, "Put it back?")? {
        return Err(Failure::declined());
    }
    for fault in wanted {
        session.mend_record(fault).await?;
    }
    if context.global.json {
        term.line(format!("{:#}", json!({"restored": keys})));
    }
    term.say(format!("{}  {}", term.paint(Tone::Good, "restored"), keys.join(", ")));
    Ok(Code::Done)
}

/// The records of a backup's file, as a store.
async fn from_file(session: &Session, scope: &Scope, file: &Path) -> Result<Copied, Failure> {
    let bad = |why: String| Failure::said(Code::Usage, format!("{}: {why}", file.display()));
    let text = std::fs::read_to_string(file).map_err(|error| bad(error.to_string()))?;
    let all: Value = serde_json::from_str(&text).map_err(|error| bad(format!("it is no backup: {error}")))?;
    let records = all["records"].as_object().ok_or_else(|| bad("it is no backup: it has no records".to_owned()))?;
    if (all["stack"].as_str(), all["env"].as_str()) != (Some(&scope.stack), Some(&scope.env)) {
        let (stack, env) = (all["stack"].as_str().unwrap_or("?"), all["env"].as_str().unwrap_or("?"));
        let why = format!("it is a backup of {stack} in {env}, not of {} in {}", scope.stack, scope.env);
        return Err(bad(why).help("name the other stack's folder with -C, or its environment with -e"));
    }
    let memory = MemoryStore::default();
    for (key, record) in records {
        let bytes = format!("{record:#}\n").into_bytes();
        memory.put_if(key, None, bytes.into()).await.map_err(Error::from)?;
    }
    let copied = session.copied(Arc::new(memory)).await?;
    session.is_of_this_state(&copied).await?;
    Ok(copied)
}
