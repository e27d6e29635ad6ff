//! The kit over every type: its fields, faults, late reads, what others do, tags, statuses, combinations.

#![allow(clippy::print_stdout, clippy::panic, clippy::expect_used, reason = "a test stops where it is wrong")]

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
    thread,
};

use deployer_providers::{Aws, registry};
use deployer_tests::{
    Result,
    emulator::Emulator,
    kit::{Checked, Extent, Sample, Skipped, Verdict, check, fields, samples, shapes},
    permissions::differences,
};

/// Three hundred times as fast as AWS.
const SCALE: f64 = 0.003;

#[test]
fn every_field_of_every_type_has_a_second_value() -> Result<()> {
    let samples = samples()?;
    let mut missing = Vec::new();
    for it in registry(&Aws::offline()).iter() {
        let (names, _) = fields(it.as_ref());
        let covered: BTreeSet<&String> =
            samples.get(it.kind()).into_iter().flatten().flat_map(|it| it.fields.keys().chain(&it.only)).collect();
        missing.extend(names.iter().filter(|name| !covered.contains(name)).map(|name| format!("{} {name}", it.kind())));
    }
    assert!(missing.is_empty(), "no sample under fixtures/resources has a second value for: {missing:#?}");
    Ok(())
}

#[test]
fn properties_made_by_chance_keep_their_shape() -> Result<()> {
    let extent = Extent::of_environment();
    println!("seed {}", extent.seed);
    let count = if extent.all { 5_000 } else { 300 };
    let failures: Vec<String> = registry(&Aws::offline())
        .iter()
        .filter_map(|it| shapes(it.as_ref(), extent.seed, count).err())
        .map(|error| error.to_string())
        .collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

#[test]
fn every_sample_has_all_properties() -> Result<()> {
    // One sample alone: DEPLOYER_KIT=queue/standard. Everything of it: DEPLOYER_KIT_ALL=1.
    let only = std::env::var("DEPLOYER_KIT").unwrap_or_default();
    println!("seed {}", Extent::of_environment().seed);
    let mut all: Vec<Sample> = samples()?.into_values().flatten().filter(|it| it.file.contains(&only)).collect();
    // Taken from the end: the long ones first, so that none is alone at last.
    all.sort_by_key(|sample| (sample.kind.contains("DBInstance"), sample.fields.len()));
    // Samples wait a good part of their time: one more than there are cores.
    let cores = thread::available_parallelism().map_or(2, usize::from).clamp(1, 3);
    let workers = (cores + 1).min(all.len().max(1));
    let queue = Mutex::new(all);
    let checked = Mutex::new(Checked::default());
    let mut failures: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(|| work(&queue, &checked))).collect();
        let ended = running.into_iter().map(|it| it.join().expect("a worker ends"));
        ended.flat_map(|it| it.unwrap_or_else(|error| vec![error.to_string()])).collect()
    });
    let Checked { rows, called } = checked.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.extend(rows.iter().filter(|it| matches!(it.verdict, Verdict::Failed(_))).map(ToString::to_string));
    let whole = only.is_empty() && failures.is_empty();
    // Here and not in tests of their own: what was called and shown is known only after all samples.
    failures.extend(differences(&called, whole)?);
    if whole {
        let types = registry(&Aws::offline());
        let kinds: BTreeSet<&str> = types.iter().map(|it| it.kind()).collect();
        failures.extend(Skipped::load()?.differences(&rows, &kinds));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Takes samples until none is left, with an emulator of its own; what failed beside the properties.
fn work(queue: &Mutex<Vec<Sample>>, all: &Mutex<Checked>) -> Result<Vec<String>> {
    let emulator = Emulator::start(SCALE)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let (mut failures, extent) = (Vec::new(), Extent::of_environment());
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(sample) = next else { break };
        // Faults are set for the account: clients of this process carry no name of their own.
        let client = emulator.client("kit").of_account();
        match runtime.block_on(check(&sample, &client, &registry, &extent, &mut |row| println!("{row}"))) {
            Ok(checked) => {
                let mut all = all.lock().unwrap_or_else(PoisonError::into_inner);
                all.rows.extend(checked.rows);
                checked.called.into_iter().for_each(|(kind, more)| all.called.entry(kind).or_default().extend(more));
            }
            Err(error) => failures.push(format!("{}: {error}", sample.file)),
        }
    }
    let missing = emulator.unsupported()?;
    failures.extend((!missing.is_empty()).then(|| format!("the emulator could not do everything: {missing:?}")));
    Ok(failures)
}
