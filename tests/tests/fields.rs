//! Each field of each kind, changed once end to end by the real binary: an update, a replacement, or nothing, as AWS has it.

#![allow(clippy::print_stdout, clippy::panic, clippy::expect_used, reason = "a test stops where it is wrong")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    sync::{Mutex, PoisonError},
    thread,
};

use deployer_schemas::Kinds;
use deployer_tests::{
    Result, build,
    emulator::Emulator,
    fields::{Fixture, fixtures},
    leaves::Shape,
};

/// A hundred times as fast as AWS.
const SCALE: f64 = 0.02;

/// The kinds whose fields are changed.
const KINDS: [&str; 6] = ["Networking", "Ingress", "Security", "MicroService", "RDS", "S3"];

#[test]
fn every_field_of_every_kind_is_changed_once() -> Result<()> {
    let kinds = Kinds::standard();
    let mut covered: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for fixture in fixtures()? {
        covered.entry(fixture.kind.clone()).or_default().extend(fixture.covered(&kinds)?);
    }
    let excuses: BTreeMap<String, String> =
        serde_json::from_str(&fs::read_to_string(build::workspace().join("fixtures/fields/uncovered.json"))?)?;
    let mut open = BTreeSet::new();
    for kind in KINDS {
        let it = kinds.get(kind).expect("a kind");
        let schema = (it.schema)();
        let all = Shape::new(&schema, it.merge_keys).paths();
        let mine = covered.remove(kind).unwrap_or_default();
        println!("{kind}: {} of {} fields", all.intersection(&mine).count(), all.len());
        open.extend(all.difference(&mine).map(|path| format!("{kind} {path}")));
    }
    let missing: Vec<&String> = open.iter().filter(|it| !excuses.contains_key(*it)).collect();
    assert!(missing.is_empty(), "no change under fixtures/fields changes: {missing:#?}");
    let needless: Vec<&String> = excuses.keys().filter(|it| !open.contains(*it)).collect();
    assert!(needless.is_empty(), "these need no excuse in uncovered.json: {needless:#?}");
    Ok(())
}

#[test]
fn every_change_is_what_aws_makes_of_it() -> Result<()> {
    // One stack alone: DEPLOYER_FIELDS=S3/bucket.
    let only = std::env::var("DEPLOYER_FIELDS").unwrap_or_default();
    let mut all: Vec<Fixture> = fixtures()?.into_iter().filter(|it| it.name.contains(&only)).collect();
    // Taken from the end: the long ones first, so that none is alone at last.
    all.sort_by_key(|fixture| (fixture.kind == "RDS", fixture.changes.len()));
    // Much of the time is waiting: two more than there are cores.
    let cores = thread::available_parallelism().map_or(2, usize::from).clamp(1, 4);
    let workers = (cores + 2).min(all.len().max(1));
    let queue = Mutex::new(all);
    let failures: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(|| work(&queue))).collect();
        let ended = running.into_iter().map(|it| it.join().expect("a worker ends"));
        ended.flat_map(|it| it.unwrap_or_else(|error| vec![error.to_string()])).collect()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Takes stacks until none is left, with an emulator of its own; what failed.
#[allow(clippy::disallowed_methods, reason = "how long a stack takes is told in the machine's time")]
fn work(queue: &Mutex<Vec<Fixture>>) -> Result<Vec<String>> {
    let emulator = Emulator::start(SCALE)?;
    let mut failures = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(fixture) = next else { break };
        let start = std::time::Instant::now();
        let wrong = fixture.run(&emulator.client("fields")).unwrap_or_else(|error| vec![error.to_string()]);
        let (took, changes) = (start.elapsed().as_secs_f64(), fixture.changes.len());
        println!("{}: {changes} changes, {} wrong ({took:.1} s)", fixture.name, wrong.len());
        failures.extend(wrong);
    }
    let missing = emulator.unsupported()?;
    failures.extend((!missing.is_empty()).then(|| format!("the emulator could not do everything: {missing:?}")));
    Ok(failures)
}
