//! What is wrong with a database's fields, beyond their shape.

use super::{
    super::{Expansion, Problem},
    classes,
    engines::{Engine, SQL},
    is_stated,
    spec::{RdsSpec, StorageType},
    use_of, versions, windows,
};
use crate::around::Peer;

/// Fields of a replica that are its source's.
const OF_THE_SOURCE: [&str; 8] =
    ["engine", "version", "storage", "database", "username", "password", "port", "encryption"];

/// AWS's documentation says so of every engine but SQL Server.
const MANAGED: &str =
    "AWS makes no replica of a database whose password it manages: keep one in Secrets Manager and name it";

/// What is wrong with it.
pub(super) fn check(spec: &RdsSpec, source: Option<&(&Peer, RdsSpec)>, to: &mut Expansion<'_>) {
    if let Some(name) = &spec.name {
        identifier("/name", name, to);
    }
    match (&spec.replica_of, source) {
        (Some(name), source) => replica(name, spec, source, to),
        (None, _) => primary(spec, to),
    }
    classes::check("/class", &spec.class, to);
    let backups = spec.backups.as_ref();
    to.within("/backups/retention", backups.and_then(|it| it.retention), 0, 35);
    let maintenance = spec.maintenance.as_ref().and_then(|it| it.window.as_deref());
    windows::check(backups.and_then(|it| it.window.as_deref()), maintenance, to);
    if let Some(engine) = source.map_or(spec.engine, |(_, source)| source.engine) {
        logs(engine, spec, to);
    }
    replicas(spec, to);
}

fn identifier(path: &str, name: &str, to: &mut Expansion<'_>) {
    let fits = (1..=63).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.ends_with('-')
        && !name.contains("--");
    if !fits {
        let form = "1 to 63 letters, digits and single `-`, starts with a letter and does not end with `-`";
        to.problem(path, format!("an instance's name has {form}"));
    }
}

fn primary(spec: &RdsSpec, to: &mut Expansion<'_>) {
    let Some(engine) = spec.engine else {
        return to.problem("/engine", "`engine` is missing: postgres, mysql or mariadb");
    };
    match &spec.version {
        Some(version) => versions::check(engine, version, to),
        None => {
            to.problem("/version", format!("`version` is missing, in quotes: \"{}\"", engine.facts().example));
        }
    }
    storage(spec, to);
    names(engine, spec, to);
    to.within("/port", spec.port, 1_150, 65_535);
}

fn storage(spec: &RdsSpec, to: &mut Expansion<'_>) {
    let storage = spec.storage.as_ref();
    let Some((storage, size)) = storage.and_then(|it| Some((it, it.size?))) else {
        return to.problem("/storage", "`size` is missing: how many GiB it starts with, at least 20");
    };
    to.within("/storage/size", Some(size), 20, 65_536);
    to.within("/storage/max", storage.max, 22, 65_536);
    if let Some(max) = storage.max.filter(|max| max.saturating_mul(10) < size.saturating_mul(11)) {
        let least = size.saturating_mul(11).saturating_add(9) / 10;
        let message =
            format!("{max} leaves too little to grow into: AWS wants a tenth more than {size}, so {least} or more");
        to.problem("/storage/max", message);
    }
    // Below this, gp3 has what it has.
    const STRIPED: i64 = 400;
    match (storage.kind.unwrap_or_default(), storage.iops) {
        (StorageType::Gp2, Some(_)) => {
            to.problem("/storage/iops", "gp2 keeps no operations: take `type: gp3`, `io1` or `io2`");
        }
        (StorageType::Gp3, Some(_)) if size < STRIPED => {
            let message = format!("gp3 has 3000 operations below {STRIPED} GiB, and no others: leave `iops` out");
            to.problem("/storage/iops", message);
        }
        (StorageType::Gp3, iops) => to.within("/storage/iops", iops, 12_000, 64_000),
        (StorageType::Io1 | StorageType::Io2, Some(iops)) => {
            to.within("/storage/iops", Some(iops), 1_000, 256_000);
        }
        (kind @ (StorageType::Io1 | StorageType::Io2), None) => {
            to.problem("/storage", format!("`iops` is missing: {} is paid for by them", kind.word()));
        }
        (StorageType::Gp2, None) => {}
    }
}

fn names(engine: Engine, spec: &RdsSpec, to: &mut Expansion<'_>) {
    let facts = engine.facts();
    let database = use_of::database(spec, to.id);
    let word = |name: &str, most: usize| {
        (1..=most).contains(&name.len())
            && name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let lower = database.to_ascii_lowercase();
    let message = if !word(&database, 63) {
        let form = "1 to 63 letters, digits and `_`, and starts with a letter";
        Some(format!("`{database}` is no name of a database: it has {form}"))
    } else if facts.databases.contains(&lower.as_str()) || SQL.contains(&lower.as_str()) {
        Some(format!("{} keeps the name `{database}` for itself: choose another", facts.word))
    } else {
        None
    };
    if let Some(message) = message {
        let derived = spec.database.is_none();
        let help = derived.then(|| "it is made of the component's name: state another with `database`".to_owned());
        to.problems.push(Problem { help, ..Problem::error("/database", message) });
    }
    let Some(user) = &spec.username else { return };
    let lower = user.to_ascii_lowercase();
    let most = facts.longest_user;
    if !word(user, most) {
        let form = format!("1 to {most} letters, digits and `_`, and starts with a letter");
        to.problem("/username", format!("`{user}` is no name of a user: it has {form}"));
    } else if facts.users.contains(&lower.as_str()) || SQL.contains(&lower.as_str()) || lower.starts_with("pg_") {
        to.problem("/username", format!("{} keeps the name `{user}` for itself: choose another", facts.word));
    }
}

fn logs(engine: Engine, spec: &RdsSpec, to: &mut Expansion<'_>) {
    let facts = engine.facts();
    for (index, log) in spec.logs.iter().flatten().enumerate().filter(|(_, it)| !facts.logs.contains(&it.as_str())) {
        to.unknown(&format!("/logs/{index}"), format!("{} has no log `{log}`", facts.word), log, facts.logs);
    }
}

fn replicas(spec: &RdsSpec, to: &mut Expansion<'_>) {
    let all = spec.read_replicas.as_deref().unwrap_or_default();
    if all.is_empty() || spec.replica_of.is_some() {
        return;
    }
    if no_backups(spec) {
        let message = "a replica starts from a backup, and none are made: set `backups.retention` to 1 or more";
        to.problem("/readReplicas", message);
    }
    if spec.password.is_none() {
        to.problem("/readReplicas", format!("{MANAGED} with `password: {{secret: NAME}}`"));
    }
    for (index, it) in all.iter().enumerate() {
        identifier(&format!("/readReplicas/{index}/name"), &it.name, to);
        if let Some(class) = &it.class {
            classes::check(&format!("/readReplicas/{index}/class"), class, to);
        }
    }
}

fn replica(name: &str, spec: &RdsSpec, source: Option<&(&Peer, RdsSpec)>, to: &mut Expansion<'_>) {
    for field in OF_THE_SOURCE {
        let path = format!("/{field}");
        if is_stated(&path, to) {
            to.problem(&path, format!("a replica has the {field} of its source, `{name}`: leave it out"));
        }
    }
    if spec.read_replicas.as_ref().is_some_and(|all| !all.is_empty()) {
        to.problem("/readReplicas", format!("a replica has no replicas: give them to its source, `{name}`"));
    }
    let Some((peer, source)) = source else { return };
    let error = |message: String| Problem::error("/replicaOf", message);
    if peer.id == *to.id {
        to.problem("/replicaOf", "a database is no replica of itself");
    } else if source.replica_of.is_none() && !no_backups(source) {
        if source.password.is_none() {
            to.problem("/replicaOf", format!("{MANAGED} in `{name}`: `password: {{secret: NAME}}`"));
        }
    } else if let Some(first) = &source.replica_of {
        let related = Some((peer.id.clone(), "/replicaOf".to_owned(), "it is a replica here".to_owned()));
        let message = format!("`{name}` is a replica itself: name its source, `{first}`");
        to.problems.push(Problem { related, ..error(message) });
    } else {
        let related = Some((peer.id.clone(), "/backups/retention".to_owned(), "no backups are made".to_owned()));
        let message = format!("a replica starts from a backup: `{name}` needs a `backups.retention` of 1 or more");
        to.problems.push(Problem { related, ..error(message) });
    }
}

fn no_backups(spec: &RdsSpec) -> bool {
    spec.backups.as_ref().and_then(|it| it.retention) == Some(0)
}
