//! All samples, by workers with an emulator each.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use deployer_providers::registry;

use super::Table;
use crate::{
    Result,
    emulator::Emulator,
    kit::{Sample, samples},
};

/// Three hundred times as fast as AWS.
const SCALE: f64 = 0.003;

/// What is run.
#[derive(Clone, Debug)]
pub struct Choice {
    /// Samples whose file has this in its name.
    pub only: String,
    /// How many emulators.
    pub workers: usize,
    /// Of all changes one in so many.
    pub every: usize,
    /// Where to start counting.
    pub seed: usize,
}

/// Runs them; the table.
pub fn run(choice: &Choice) -> Result<Table> {
    let mut all: Vec<Sample> = samples()?.into_values().flatten().filter(|it| it.file.contains(&choice.only)).collect();
    // Taken from the end: the long ones first, so that none is alone at last.
    all.sort_by_key(|sample| (sample.kind.contains("DBInstance"), sample.fields.len()));
    let (queue, table, number) = (Mutex::new(all), Mutex::new(Table::default()), AtomicUsize::new(choice.seed));
    let failed: Vec<String> = thread::scope(|scope| {
        let running: Vec<_> =
            (0..choice.workers.max(1)).map(|_| scope.spawn(|| work(&queue, &table, &number, choice))).collect();
        let ended = running.into_iter().map(|it| it.join().unwrap_or_else(|_| Err("a worker panicked".into())));
        ended.filter_map(|it| it.err().map(|error| error.to_string())).collect()
    });
    let mut table = table.into_inner().unwrap_or_else(PoisonError::into_inner);
    table.wrong.extend(failed);
    table.wrong.sort();
    table.untried.sort();
    Ok(table)
}

fn work(queue: &Mutex<Vec<Sample>>, table: &Mutex<Table>, number: &AtomicUsize, choice: &Choice) -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let Some(sample) = next else { break };
        let client = emulator.client("corpus").of_account();
        let mine = |_: &super::Change| number.fetch_add(1, Ordering::Relaxed).is_multiple_of(choice.every.max(1));
        let tried = runtime.block_on(super::run(&sample, &client, &registry, &mine));
        let mut table = table.lock().unwrap_or_else(PoisonError::into_inner);
        match tried {
            Ok(all) => all.iter().for_each(|it| table.add(&sample.file, it)),
            Err(error) => table.wrong.push(error.to_string()),
        }
    }
    let missing = emulator.unsupported()?;
    if missing.is_empty() { Ok(()) } else { Err(format!("the emulator could not do everything: {missing:?}").into()) }
}
