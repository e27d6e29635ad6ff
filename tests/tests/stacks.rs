//! Every stack under `fixtures/stacks` from nothing to nothing: validate, plan, apply, a version that crashes, a change, destroy. What
//! has to be there before is made by its `before.py`; AWS is read by boto3 at the end.

#![allow(clippy::print_stdout, reason = "says what it does")]
#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::{collections::BTreeSet, fs};

use deployer_tests::{Result, build, emulator::Emulator, product::Product};
use serde_json::{Value, json};

/// A hundred times as fast as AWS.
const SCALE: f64 = 0.01;
const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];
const DESTROY: &[&str] = &["destroy", "-e", "dev", "--auto-approve"];
const DETECT: &[&str] = &["drift", "detect", "-e", "dev", "--detailed-exitcode"];
const PLAN: &[&str] = &["plan", "-e", "dev", "--detailed-exitcode"];

/// The file of a service with this variable, which every stack has, and what is in it.
fn service(product: &Product) -> Result<(String, String)> {
    for entry in fs::read_dir(product.folder())? {
        let path = entry?.path();
        let text = if path.is_file() { fs::read_to_string(&path)? } else { String::new() };
        if text.contains("LOG_LEVEL: info") {
            return Ok((path.file_name().unwrap_or_default().to_string_lossy().into_owned(), text));
        }
    }
    Err("no service of it has `LOG_LEVEL: info`".into())
}

/// A version that crashes is taken back, and nothing has drifted then.
fn crash(product: &Product) -> Result<()> {
    let (file, text) = service(product)?;
    let image = text.lines().find(|line| line.trim_start().starts_with("image: ")).ok_or("it has no image")?;
    let crashing = image.strip_suffix('"').map_or_else(|| format!("{image}-crash"), |open| format!("{open}-crash\""));
    product.edit(&file, image, &crashing)?;
    let said = product.run(APPLY)?;
    assert_eq!(said.code, Some(6), "{}{}", said.stdout, said.stderr);
    let said = product.run(DETECT)?;
    assert_eq!(said.code, Some(0), "after the rollback:\n{}{}", said.stdout, said.stderr);
    product.edit(&file, &crashing, image)?;
    is_empty(product)
}

/// Nothing is left to do, and nothing has drifted.
fn is_empty(product: &Product) -> Result<()> {
    for command in [PLAN, DETECT] {
        let said = product.run(command)?;
        assert_eq!(said.code, Some(0), "{}{}", said.stdout, said.stderr);
    }
    Ok(())
}

#[test]
fn every_stack_goes_from_nothing_to_nothing() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    for entry in fs::read_dir(build::workspace().join("fixtures/stacks"))? {
        let folder = entry?.path();
        let name = folder.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let product = Product::new(&emulator.client(&name))?;
        product.stack(&name)?;
        let before = product.client().inventory()?;
        println!("{name}: {}", product.succeed(&["validate", "-e", "dev"])?.trim());
        assert_eq!(product.run(PLAN)?.code, Some(2));
        product.succeed(APPLY)?;
        is_empty(&product)?;
        product.succeed(APPLY)?;
        is_empty(&product)?;
        crash(&product)?;
        product.edit(&service(&product)?.0, "LOG_LEVEL: info", "LOG_LEVEL: debug")?;
        let plan: Value = serde_json::from_str(&product.succeed(&["plan", "-e", "dev", "--json"])?)?;
        // The task definition and its service, and nothing else.
        assert_eq!(plan["resource_changes"].as_array().map(Vec::len), Some(2), "{plan:#}");
        product.succeed(APPLY)?;
        is_empty(&product)?;
        product.succeed(DESTROY)?;
        assert_eq!(product.client().inventory()?, before, "{name}: not as it was before");
    }
    assert!(emulator.unsupported()?.is_empty(), "{:?}", emulator.unsupported()?);
    Ok(())
}

/// The names and values of a container's variables, as boto3 reads them.
fn variables(inventory: &Value, family: &str) -> Value {
    let environment = &inventory["task_definitions"][family]["containerDefinitions"][0]["environment"];
    let all = environment.as_array().into_iter().flatten();
    all.map(|it| (it["name"].as_str().unwrap_or_default().to_owned(), it["value"].clone()))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

/// Who is let in by a group, at which ports, as boto3 reads it.
fn lets_in(inventory: &Value, group: &str) -> Vec<Value> {
    let rules = inventory["security_groups"][group]["rules"].as_array().into_iter().flatten();
    rules.filter(|it| it["IsEgress"] == false).map(|it| json!([it["group"], it["FromPort"], it["ToPort"]])).collect()
}

#[test]
fn two_services_that_use_each_other_have_what_they_need_and_nothing_wider() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let product = Product::new(&emulator.client("pair"))?;
    product.stack("two-services")?;
    let plan: Value = serde_json::from_str(&product.succeed(&["plan", "-e", "dev", "--json"])?)?;
    let address = |it: &Value| it["address"].as_str().unwrap_or_default().to_owned();
    let opens = |it: &&Value| {
        let kind = it["type"].as_str().unwrap_or_default();
        address(it).starts_with("MicroService.") && (kind.contains("SecurityGroup") || kind.ends_with("Policy"))
    };
    let changes = plan["resource_changes"].as_array().into_iter().flatten();
    let found: BTreeSet<String> = changes.filter(opens).map(address).collect();
    let expected = [
        "MicroService.accounts/Egress",
        "MicroService.accounts/ExecutionPolicy",
        "MicroService.accounts/SecurityGroup",
        "MicroService.web/Egress",
        "MicroService.web/ExecutionPolicy",
        "MicroService.web/FromIngress",
        "MicroService.web/IngressOut",
        "MicroService.web/ReachesAccounts",
        "MicroService.web/SecurityGroup",
    ];
    assert_eq!(found, expected.map(str::to_owned).into());

    product.succeed(APPLY)?;
    let inventory = product.client().inventory()?;
    let web = json!({
        "ACCOUNTS_HOST": "accounts.pair-dev.internal",
        "ACCOUNTS_PORT": "9000",
        "ACCOUNTS_URL": "http://accounts.pair-dev.internal:9000",
        "LOG_LEVEL": "info",
    });
    assert_eq!(variables(&inventory, "pair-dev-web"), web);
    let accounts = json!({"WEB_URL": "http://<pair-dev-public host>"});
    assert_eq!(variables(&inventory, "pair-dev-accounts"), accounts);
    let (web, accounts) = ("MicroService.web/SecurityGroup", "MicroService.accounts/SecurityGroup");
    assert_eq!(lets_in(&inventory, accounts), [json!([format!("<{web}>"), 9000, 9000])], "{inventory:#}");
    assert_eq!(lets_in(&inventory, web), [json!(["<Ingress.public/SecurityGroup>", 8080, 8080])]);
    for role in inventory["roles"].as_object().into_iter().flatten() {
        let inline: Vec<&String> = role.1["inline"].as_object().into_iter().flatten().map(|it| it.0).collect();
        let expected = if role.0.contains("execution") { vec!["execution"] } else { Vec::new() };
        assert_eq!(inline, expected, "{}", role.0);
        assert_eq!(role.1["attached"], json!([]), "{}", role.0);
    }
    Ok(())
}
