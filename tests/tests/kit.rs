//! The kit over every type: create, read, change and remove each field, find, delete.

#![allow(clippy::print_stdout, clippy::panic, clippy::expect_used, reason = "a test stops where it is wrong")]

use std::collections::BTreeSet;

use deployer_providers::{Aws, registry};
use deployer_tests::{
    Result,
    emulator::Emulator,
    kit::{contract, fields, samples},
};

const SCALE: f64 = 0.01;

#[test]
fn every_field_of_every_type_has_a_second_value() -> Result<()> {
    let samples = samples()?;
    let mut missing = Vec::new();
    for it in registry(&Aws::offline()).iter() {
        let (names, _) = fields(it.as_ref());
        let covered: BTreeSet<&String> =
            samples.get(it.kind()).into_iter().flatten().flat_map(|sample| sample.fields.keys()).collect();
        missing.extend(names.iter().filter(|name| !covered.contains(name)).map(|name| format!("{} {name}", it.kind())));
    }
    assert!(missing.is_empty(), "no sample under fixtures/resources has a second value for: {missing:#?}");
    Ok(())
}

#[test]
fn every_sample_fulfils_the_contract() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let mut failures = Vec::new();
    // One sample alone: DEPLOYER_KIT=queue/standard.
    let only = std::env::var("DEPLOYER_KIT").unwrap_or_default();
    for (kind, all) in samples()? {
        for sample in all.into_iter().filter(|sample| sample.file.contains(&only)) {
            let client = emulator.client("kit");
            // Faults are set for the account: clients of this process carry no name of their own.
            let client = client.of_account();
            let result = runtime.block_on(contract(&sample, &client));
            let said = result.as_ref().map_or_else(ToString::to_string, |()| "ok".to_owned());
            println!("{kind} {}: {said}", sample.file);
            failures.extend(result.err().map(|error| error.to_string()));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(emulator.unsupported()?.is_empty(), "{:?}", emulator.unsupported()?);
    Ok(())
}
