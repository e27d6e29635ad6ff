//! Crowds of real processes on one state in S3 and DynamoDB, and applies in the rain.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::process::{Output, Stdio};

use deployer_tests::{
    Result,
    emulator::{Client, Emulator},
    place,
    product::Product,
    rain::Rain,
    sweep::tour::QUEUES,
};
use serde_json::{Value, json};

/// A lock's life is still twelve seconds: so many processes on few cores keep each other waiting.
const SCALE: f64 = 0.2;

/// A stack of queues with its state in AWS.
fn queues(client: &Client, count: usize) -> Result<Product> {
    place::make(client)?;
    let product = Product::new(client)?;
    let bucket = place::bucket(client);
    let mut text = format!(
        "apiVersion: deployer.dev/v1\nkind: Stack\nmetadata: {{name: shop}}\nspec: {{environments: {{dev: {{region: eu-west-1}}}}, state: {{bucket: {bucket}, table: {}}}}}\n",
        place::TABLE
    );
    for number in 0..count {
        text += &format!("---\napiVersion: deployer.dev/v1\nkind: SQS\nmetadata: {{name: q{number}}}\nspec: {{}}\n");
    }
    product.write("stack.yaml", &text)?;
    Ok(product)
}

/// Runs as many processes as there are lists of arguments, all at once.
fn crowd(product: &Product, each: &[Vec<String>]) -> Result<Vec<Output>> {
    let start = |arguments: &Vec<String>| {
        let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        product.command(&words).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()
    };
    let children = each.iter().map(start).collect::<std::result::Result<Vec<_>, _>>()?;
    Ok(children.into_iter().map(std::process::Child::wait_with_output).collect::<std::result::Result<Vec<_>, _>>()?)
}

/// How often each said that it waited for a lock.
fn waits(outputs: &[Output]) -> usize {
    let lines = outputs
        .iter()
        .flat_map(|it| String::from_utf8_lossy(&it.stdout).lines().map(str::to_owned).collect::<Vec<_>>());
    lines.filter_map(|line| serde_json::from_str::<Value>(&line).ok()).filter(|it| it["event"] == "waiting").count()
}

fn all_succeeded(outputs: &[Output]) {
    for it in outputs {
        assert!(it.status.success(), "{}{}", String::from_utf8_lossy(&it.stdout), String::from_utf8_lossy(&it.stderr));
    }
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn thirty_two_processes_on_one_component_take_turns() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("crowd");
    let product = queues(&client, 1)?;
    let outputs = crowd(&product, &vec![words("apply -e dev --auto-approve --json --lock-timeout 2h"); 32])?;
    all_succeeded(&outputs);
    let calls = client.calls()?;
    assert_eq!(calls.by_operation.get("sqs:CreateQueue"), Some(&1), "{:?}", calls.by_operation);
    assert_eq!(place::locks(&client)?, json!({}));
    assert_eq!(product.run(&words_ref("plan -e dev --detailed-exitcode"))?.code, Some(0));
    Ok(())
}

#[test]
fn sixteen_processes_on_sixteen_components_never_wait() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("crowd");
    let product = queues(&client, 16)?;
    let each = |number: usize| {
        words(&format!("apply -e dev --auto-approve --json --target SQS.q{number} --metrics {number}.prom"))
    };
    let outputs = crowd(&product, &(0..16).map(each).collect::<Vec<_>>())?;
    all_succeeded(&outputs);
    assert_eq!(waits(&outputs), 0);
    for number in 0..16 {
        let text = std::fs::read_to_string(product.folder().join(format!("{number}.prom")))?;
        let none = |line: &str| line.starts_with("deployer_lock_contention_total{") && line.ends_with(" 0");
        assert!(text.lines().any(none), "{text}");
    }
    assert_eq!(client.calls()?.by_operation.get("sqs:CreateQueue"), Some(&16));
    assert_eq!(place::locks(&client)?, json!({}));
    assert_eq!(product.run(&words_ref("plan -e dev --detailed-exitcode"))?.code, Some(0));
    Ok(())
}

fn words_ref(text: &str) -> Vec<&str> {
    text.split_whitespace().collect()
}

#[test]
fn an_apply_in_the_rain_ends_right() -> Result<()> {
    let mut rain = Rain::new(&QUEUES, 0.05)?;
    for seed in [1, 2] {
        rain.fall(seed)?;
    }
    Ok(())
}
