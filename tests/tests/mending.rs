//! A state that a person has to mend, in a stack with look-ups: what is broken is named, and put back.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::fs;

use deployer_tests::{Result, emulator::Emulator, product::Product};
use serde_json::Value;

const STACK: &str = "apiVersion: deployer.dev/v1
kind: Stack
metadata: {name: shop}
spec: {environments: {dev: {region: eu-west-1}}}
---
apiVersion: deployer.dev/v1
kind: Networking
metadata: {name: main}
spec: {managed: {cidr: 10.20.0.0/16, nat: none, endpoints: []}}
---
apiVersion: deployer.dev/v1
kind: SQS
metadata: {name: jobs}
spec: {visibilityTimeout: 60}
";

const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];

fn json(product: &Product, words: &[&str]) -> Result<Value> {
    let said = product.run(&[words, &["-e", "dev", "--json"]].concat())?;
    Ok(serde_json::from_str(&said.stdout)
        .map_err(|error| format!("{words:?}: {error}: {}{}", said.stdout, said.stderr))?)
}

#[test]
fn a_broken_record_is_named_and_put_back() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let product = Product::new(&emulator.client("mending"))?;
    product.write("stack.yaml", STACK)?;
    product.succeed(APPLY)?;
    product.edit("stack.yaml", "visibilityTimeout: 60", "visibilityTimeout: 90")?;
    product.succeed(APPLY)?;

    // The one that keeps the answers of look-ups, and another.
    let folder = product.folder().join(".deployer/objects/shop/dev/components/eu-west-1");
    for file in ["Networking.main.json", "SQS.jobs.json"] {
        let whole = fs::read_to_string(folder.join(file))?;
        fs::write(folder.join(file), &whole[..whole.len() / 2])?;
    }
    assert_eq!(product.run(&["plan", "-e", "dev"])?.code, Some(1));
    let found = json(&product, &["state", "verify"])?;
    let faults = found["faults"].as_array().expect("faults");
    assert_eq!(faults.len(), 2, "{found:#}");
    for fault in faults {
        let (component, version) = (fault["component"].as_str().unwrap(), fault["newestGood"].as_str());
        // What was written once only has no earlier content.
        let Some(version) = version else { continue };
        json(&product, &["state", "restore", component, "--to", version, "--auto-approve"])?;
    }
    let left = json(&product, &["state", "verify"])?;
    assert!(left["faults"].as_array().expect("faults").iter().all(|it| it["newestGood"].is_null()), "{left:#}");
    Ok(())
}

#[test]
fn every_change_of_the_state_says_one_document_under_json() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let product = Product::new(&emulator.client("mending"))?;
    product.write("stack.yaml", STACK)?;
    product.succeed(APPLY)?;
    for words in [
        "state list",
        "state versions",
        "state versions SQS.jobs",
        "state verify",
        "state pull copy",
        "state push copy",
        "state backup all.json",
        "state restore --from all.json --auto-approve",
        "state mv SQS.jobs SQS.tasks",
        "state rm SQS.tasks --auto-approve",
        "unlock",
        "unlock --force --auto-approve",
    ] {
        json(&product, &words.split(' ').collect::<Vec<_>>())?;
    }
    Ok(())
}
