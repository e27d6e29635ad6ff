//! The kit over every type: create, read, change and remove each field, find, delete.

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
    kit::{Sample, contract, fields, samples},
    permissions::{Called, differences},
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
fn every_sample_fulfils_the_contract() -> Result<()> {
    // One sample alone: DEPLOYER_KIT=queue/standard.
    let only = std::env::var("DEPLOYER_KIT").unwrap_or_default();
    let mut all: Vec<Sample> = samples()?.into_values().flatten().filter(|it| it.file.contains(&only)).collect();
    // Taken from the end: the long ones first, so that none is alone at last.
    all.sort_by_key(|sample| (sample.kind.contains("DBInstance"), sample.fields.len()));
    // Samples wait a good part of their time: one more than there are cores.
    let cores = thread::available_parallelism().map_or(2, usize::from).clamp(1, 3);
    let workers = (cores + 1).min(all.len().max(1));
    let queue = Mutex::new(all);
    let called = Mutex::new(Called::new());
    let mut failures: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> = (0..workers).map(|_| scope.spawn(|| work(&queue, &called))).collect();
        let ended = running.into_iter().map(|it| it.join().expect("a worker ends"));
        ended.flat_map(|it| it.unwrap_or_else(|error| vec![error.to_string()])).collect()
    });
    // Here and not in a test of its own: what was called is known only after all samples.
    let called = called.into_inner().unwrap_or_else(PoisonError::into_inner);
    failures.extend(differences(&called, only.is_empty() && failures.is_empty())?);
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    Ok(())
}

/// Takes samples until none is left, with an emulator of its own; what failed.
#[allow(clippy::disallowed_methods, reason = "how long a sample takes is told in the machine's time")]
fn work(queue: &Mutex<Vec<Sample>>, called: &Mutex<Called>) -> Result<Vec<String>> {
    let emulator = Emulator::start(SCALE)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut failures = Vec::new();
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(sample) = next else { break };
        // Faults are set for the account: clients of this process carry no name of their own.
        let client = emulator.client("kit").of_account();
        let start = std::time::Instant::now();
        let result = runtime.block_on(contract(&sample, &client, &registry));
        let said = result.as_ref().map_or_else(ToString::to_string, |_| "ok".to_owned());
        println!("{} {}: {said} ({:.1} s)", sample.kind, sample.file, start.elapsed().as_secs_f64());
        match result {
            Ok(operations) => {
                let mut called = called.lock().unwrap_or_else(PoisonError::into_inner);
                operations.into_iter().for_each(|(kind, more)| called.entry(kind).or_default().extend(more));
            }
            Err(error) => failures.push(error.to_string()),
        }
    }
    let missing = emulator.unsupported()?;
    failures.extend((!missing.is_empty()).then(|| format!("the emulator could not do everything: {missing:?}")));
    Ok(failures)
}
