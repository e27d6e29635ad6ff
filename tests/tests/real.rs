//! The real binary against the emulator: what only the whole can show.

#![allow(clippy::disallowed_methods, clippy::print_stdout, reason = "waits for another process, in real time")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::time::{Duration, Instant};

use deployer_tests::{
    Result,
    emulator::{Client, Emulator},
    product::Product,
};
use serde_json::json;

/// Fifty times as fast as AWS: a lock's life is still more than a second.
const SCALE: f64 = 0.02;
const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];

fn stack(client: &Client) -> Result<Product> {
    let product = Product::new(client)?;
    product.succeed(&["init", "shop"])?;
    Ok(product)
}

/// 12 each of queues, buckets, roles and log groups, all independent.
fn forty_eight() -> String {
    let mut text = "apiVersion: deployer.dev/v1\nkind: Stack\nmetadata: {name: many}\nspec: {environments: {dev: {region: eu-west-1}}}\n".to_owned();
    for number in 0..12 {
        text += &format!(
            "---\napiVersion: deployer.dev/v1\nkind: SQS\nmetadata: {{name: q{number}}}\n\
             ---\napiVersion: deployer.dev/v1\nkind: S3\nmetadata: {{name: b{number}}}\nspec: {{deletionPolicy: empty}}\n\
             ---\napiVersion: deployer.dev/v1\nkind: Security\nmetadata: {{name: r{number}}}\n\
             spec: {{roles: [{{name: task, trust: {{services: [ecs-tasks.amazonaws.com]}}}}]}}\n\
             ---\napiVersion: deployer.dev/v1\nkind: Resource\nmetadata: {{name: l{number}}}\n\
             spec: {{type: 'AWS::Logs::LogGroup', properties: {{RetentionInDays: 30}}}}\n"
        );
    }
    text
}

#[test]
fn forty_eight_resources_take_four_calls_each_and_ten_at_once() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("many");
    let product = Product::new(&client)?;
    product.write("stack.yaml", &forty_eight())?;
    client.options(json!({"latency_ms": 50}))?;
    let said = product.succeed(APPLY)?;
    assert!(said.contains("60 steps done"), "{said}");
    let calls = client.calls()?;
    // 48 components are 60 resources: each bucket has its policy.
    println!("calls {} for 60 resources, {} at once: {:?}", calls.total, calls.max_in_flight, calls.by_operation);
    assert!(calls.total - 1 <= 4 * 60, "{} calls", calls.total);
    assert!(calls.max_in_flight >= 10, "{} at once", calls.max_in_flight);
    assert!(emulator.unsupported()?.is_empty(), "{:?}", emulator.unsupported()?);
    Ok(())
}

#[test]
fn refusals_half_way_say_what_is_done_and_the_next_run_goes_on() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("denied");
    let product = stack(&client)?;
    client.options(json!({"rules": [{"match": {"operation": "s3:CreateBucket"}, "fault": "denied"}]}))?;
    let said = product.run(APPLY)?;
    assert_eq!(said.code, Some(1), "{said:?}");
    for words in ["S3.receipts/Bucket", "AccessDenied", "steps done", "not started", "`deployer apply` goes on"] {
        assert!(said.stderr.contains(words), "`{words}` is missing in:\n{}", said.stderr);
    }
    client.options(json!({"rules": []}))?;
    product.succeed(APPLY)?;
    assert!(product.succeed(&["plan", "-e", "dev"])?.contains("No changes"));
    Ok(())
}

#[test]
fn faults_and_lost_answers_change_nothing() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    for seed in 0..2 {
        let client = emulator.client("rain");
        let product = stack(&client)?;
        client
            .options(json!({"seed": seed, "throttle": 0.05, "error_5xx": 0.02, "reset": 0.02, "lost_answer": 0.02}))?;
        let said = product.run(APPLY)?;
        assert_eq!(said.code, Some(0), "seed {seed}: {}{}", said.stdout, said.stderr);
        client.options(json!({"throttle": 0, "error_5xx": 0, "reset": 0, "lost_answer": 0}))?;
        assert!(product.succeed(&["plan", "-e", "dev"])?.contains("No changes"), "seed {seed}");
    }
    Ok(())
}

#[test]
fn stale_reads_after_a_create_are_waited_out() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("stale");
    let product = stack(&client)?;
    client.options(json!({"stale_reads": 3}))?;
    product.succeed(APPLY)?;
    client.options(json!({"stale_reads": 0}))?;
    assert!(product.succeed(&["plan", "-e", "dev"])?.contains("No changes"));
    Ok(())
}

#[test]
fn an_interrupt_awaits_what_is_in_flight_and_the_next_run_goes_on() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("interrupt");
    let product = stack(&client)?;
    client.options(json!({"latency_ms": 300}))?;
    let child = product.start(APPLY)?;
    wait_for_calls(&client, 3)?;
    signal(&child, "INT")?;
    let said = deployer_tests::product::said(child.wait_with_output()?);
    assert_eq!(said.code, Some(130), "{said:?}");
    assert!(said.stderr.contains("interrupted"), "{said:?}");
    client.options(json!({"latency_ms": 0}))?;
    product.succeed(APPLY)?;
    assert!(product.succeed(&["plan", "-e", "dev"])?.contains("No changes"));
    Ok(())
}

#[test]
fn a_second_interrupt_leaves_at_once_and_the_next_run_settles_it() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("twice");
    let product = stack(&client)?;
    // Its fourth change is never answered: only leaving ends this run.
    client.freeze(4, "after")?;
    let child = product.start(APPLY)?;
    client.wait_frozen(20_000)?.ok_or("the call did not come")?;
    signal(&child, "INT")?;
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "INT")?;
    let said = deployer_tests::product::said(child.wait_with_output()?);
    client.unfreeze()?;
    assert_eq!(said.code, Some(130), "{said:?}");
    assert!(said.stderr.contains("leaving at once"), "{said:?}");
    let next = product.succeed(APPLY)?;
    for words in ["deployment 1 of tester on ", " was killed; ", " of its calls have no recorded outcome", "  settled "]
    {
        assert!(next.contains(words), "`{words}` is missing in:\n{next}");
    }
    assert!(product.succeed(&["plan", "-e", "dev"])?.contains("No changes"));
    Ok(())
}

#[test]
fn two_applies_at_once_the_second_says_who_holds_the_lock_or_waits() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("two");
    let product = stack(&client)?;
    client.options(json!({"latency_ms": 300}))?;
    let first = product.start(APPLY)?;
    wait_for_calls(&client, 3)?;
    let measured = || std::fs::read_to_string(product.folder().join("run.prom"));
    let labels = "{stack=\"shop\",environment=\"dev\"}";
    let second = product.run(&[APPLY, &["--metrics", "run.prom"]].concat())?;
    assert_eq!(second.code, Some(5), "{second:?}");
    for words in ["held by tester", " for apply, deployment 1", "gives no sign of life for 60 s", "held since "] {
        assert!(second.stderr.contains(words), "`{words}` is missing in:\n{}", second.stderr);
    }
    let text = measured()?;
    assert!(text.contains(&format!("deployer_lock_contention_total{labels} 1\n")), "{text}");
    assert!(text.contains("deployer_lock_age_seconds{") && text.contains("holder=\"tester@"), "{text}");
    let waited = product.run(&[APPLY, &["--lock-timeout", "2h", "--metrics", "run.prom"]].concat())?;
    assert_eq!(waited.code, Some(0), "{waited:?}");
    assert!(waited.stdout.contains("waiting for the lock: tester on "), "{waited:?}");
    let text = measured()?;
    assert!(text.contains(&format!("deployer_lock_contention_total{labels} 1\n")), "{text}");
    assert!(text.contains(&format!("deployer_lock_wait_seconds{labels} ")), "{text}");
    assert_eq!(first.wait_with_output()?.status.code(), Some(0));
    client.options(json!({"latency_ms": 0}))?;
    assert!(product.succeed(&["plan", "-e", "dev"])?.contains("No changes"));
    Ok(())
}

#[test]
fn what_is_not_ours_is_refused_with_the_import_command() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("foreign");
    let (one, other) = (stack(&client)?, stack(&client)?);
    one.succeed(APPLY)?;
    let said = other.run(APPLY)?;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("is not ours") && said.stderr.contains("deployer state import"), "{}", said.stderr);
    assert!(one.succeed(&["plan", "-e", "dev"])?.contains("No changes"));
    Ok(())
}

#[test]
fn wrong_account_and_no_credentials_are_said_plainly() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let product = stack(&emulator.client("guard"))?;
    product.edit("stack.yaml", "dev: {region: eu-west-1}", "dev: {region: eu-west-1, account: \"999999999999\"}")?;
    let said = product.run(&["plan", "-e", "dev"])?;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.stderr.contains("belongs to account 999999999999"), "{}", said.stderr);
    let mut command = product.command(&["plan", "-e", "dev"]);
    let output = command
        .env_remove("AWS_ACCESS_KEY_ID")
        .env_remove("AWS_SECRET_ACCESS_KEY")
        .env("HOME", product.folder())
        .output()?;
    let said = deployer_tests::product::said(output);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("no credentials") && said.stderr.contains("AWS_PROFILE"), "{}", said.stderr);
    let offline = product.run(&["plan", "-e", "dev", "--offline"])?;
    assert_eq!(offline.code, Some(0), "{offline:?}");
    Ok(())
}

#[test]
fn damaged_records_are_named_and_nothing_is_changed() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let product = stack(&emulator.client("damage"))?;
    product.succeed(APPLY)?;
    let file = product.folder().join(".deployer/objects/shop/dev/components/eu-west-1/SQS.orders-queue.json");
    let good = std::fs::read_to_string(&file)?;
    let damages = [
        (good[..good.len() / 2].to_owned(), "cannot be read"),
        (good.replacen("\"confirmed\": true", "\"confirmed\": false", 1), "checksum"),
        (good.replacen("\"format\": 1", "\"format\": 99", 1), "format 99"),
    ];
    for (text, words) in damages {
        std::fs::write(&file, text)?;
        let said = product.run(APPLY)?;
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains(words) && said.stderr.contains("SQS.orders-queue.json"), "{}", said.stderr);
    }
    std::fs::write(&file, good)?;
    assert!(product.succeed(&["plan", "-e", "dev"])?.contains("No changes"));
    Ok(())
}

#[test]
fn json_is_one_document_or_lines_and_nothing_else() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let product = stack(&emulator.client("json"))?;
    let plan: serde_json::Value = serde_json::from_str(&product.succeed(&["plan", "-e", "dev", "--json"])?)?;
    assert_eq!(plan["resource_changes"].as_array().map(Vec::len), Some(8));
    assert_eq!(plan["resource_changes"][0]["change"]["actions"], json!(["create"]));
    let lines = product.succeed(&[APPLY, &["--json"]].concat())?;
    let events: Vec<serde_json::Value> =
        lines.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?;
    assert_eq!(events.last().map(|it| it["result"].clone()), Some(json!("succeeded")));
    for command in
        [&["list"][..], &["history"], &["graph", "--format", "json"], &["show", "SQS.orders-queue"], &["validate"]]
    {
        let said = product.succeed(&[command, &["-e", "dev", "--json"]].concat())?;
        serde_json::from_str::<serde_json::Value>(&said).map_err(|error| format!("{command:?}: {error}: {said}"))?;
    }
    assert_eq!(product.run(&["plan", "--nonsense"])?.code, Some(64));
    assert_eq!(
        product.run(APPLY.split_last().map_or(&[], |(_, rest)| rest))?.code,
        Some(0),
        "no changes need no approval"
    );
    product.edit("orders/components.yaml", "60s", "70s")?;
    let said = product.run(&["apply", "-e", "dev"])?;
    assert_eq!(said.code, Some(4), "{said:?}");
    Ok(())
}

fn wait_for_calls(client: &Client, count: u64) -> Result<()> {
    let start = Instant::now();
    while client.calls()?.total < count {
        if start.elapsed() > Duration::from_secs(20) {
            return Err("the calls did not come".into());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

fn signal(child: &std::process::Child, name: &str) -> Result<()> {
    let status = std::process::Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status()?;
    if status.success() { Ok(()) } else { Err("the signal was not sent".into()) }
}
