//! `init --bootstrap`: creates, adopts and corrects where state is kept, and the state is kept there.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use deployer_tests::{
    Result, build,
    emulator::{Client, Emulator},
    product::Product,
};
use serde_json::{Value, json};

const BOOTSTRAP: &[&str] = &["init", "--bootstrap", "--auto-approve", "--github", "acme/shop:environment:prod"];

fn bucket(client: &Client) -> String {
    format!("deployer-state-{}-eu-west-1", client.account())
}

#[test]
fn it_creates_and_then_finds_nothing_to_do() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    let said = product.succeed(BOOTSTRAP)?;
    assert!(said.contains(&format!("state: {{bucket: {}, region: eu-west-1}}", bucket(&client))), "{said}");
    let said = product.succeed(BOOTSTRAP)?;
    assert!(said.contains("No changes"), "{said}");
    let there = client.inventory()?;
    // Without a stack at hand, the role may keep the state of any.
    let rights = there["managed_policies"]["DeployerExecutionRole-1"].to_string();
    let objects = format!("arn:aws:s3:::{}/*/*/*", bucket(&client));
    assert!(rights.contains(&objects), "{objects} is not in {rights}");
    let trust = &there["roles"]["DeployerExecutionRole"]["trust"]["Statement"];
    let jobs = trust.as_array().into_iter().flatten().find(|it| it["Sid"] == "Jobs");
    let condition = &jobs.expect("a statement for jobs")["Condition"]["StringEquals"];
    assert_eq!(condition["token.actions.githubusercontent.com:sub"], "repo:acme/shop:environment:prod", "{there:#}");

    // And a stack keeps its state there.
    product.succeed(&["init", "shop"])?;
    let state = format!("s3://{}", bucket(&client));
    product.succeed(&["apply", "-e", "dev", "--auto-approve", "--state", &state])?;
    let plan = product.run(&["plan", "-e", "dev", "--detailed-exitcode", "--state", &state])?;
    assert_eq!(plan.code, Some(0), "{}{}", plan.stdout, plan.stderr);
    product.succeed(&["state", "verify", "-e", "dev", "--state", &state])?;
    assert!(!product.folder().join(".deployer").exists(), "state was kept in a folder too");
    Ok(())
}

/// A bucket without versions and protection, and a table without its janitor.
const BARE: &str = r#"
import boto3, json, sys
s3, dynamodb = (boto3.client(it, region_name="eu-west-1") for it in ("s3", "dynamodb"))
s3.create_bucket(Bucket=sys.argv[1], CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
s3.put_bucket_tagging(Bucket=sys.argv[1], Tagging={"TagSet": [{"Key": "cost", "Value": "42"}]})
dynamodb.create_table(TableName="deployer-state-locks", BillingMode="PAY_PER_REQUEST", KeySchema=[{"AttributeName": "lockKey", "KeyType": "HASH"}], AttributeDefinitions=[{"AttributeName": "lockKey", "AttributeType": "S"}])
print(json.dumps(None))
"#;

#[test]
fn it_corrects_what_is_there_and_leaves_what_is_others() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    client.python(BARE, &[&bucket(&client)])?;
    client.advance(60)?;
    let said = product.succeed(BOOTSTRAP)?;
    assert!(said.contains("2 resources taken over"), "{said}");
    let there = client.inventory()?;
    let bucket = &there["buckets"][bucket(&client)];
    assert_eq!(bucket["versioning"], "Enabled", "{bucket:#}");
    assert_eq!(bucket["tags"]["cost"], "42", "{bucket:#}");
    assert_eq!(bucket["tags"]["deployer:stack"], "deployer", "{bucket:#}");
    assert!(product.succeed(BOOTSTRAP)?.contains("No changes"));
    Ok(())
}

/// In a stack's folder the role may what this stack needs: more than one policy for the web app.
#[test]
fn in_a_stacks_folder_the_role_may_deploy_it() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    product.fill(&build::workspace().join("fixtures/stacks/web-app"))?;
    product.succeed(&["init", "--bootstrap", "--auto-approve", "-e", "dev"])?;
    assert!(product.succeed(&["init", "--bootstrap", "--auto-approve", "-e", "dev"])?.contains("No changes"));
    let role = client.inventory()?["roles"]["DeployerExecutionRole"].to_string();
    for policy in ["DeployerExecutionRole-1", "DeployerExecutionRole-2"] {
        assert!(role.contains(policy), "{role}");
    }
    Ok(())
}

#[test]
fn it_prints_a_template_and_makes_nothing() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    let printed: Value = serde_json::from_str(&product.succeed(&["init", "--bootstrap", "--print"])?)?;
    let resources = printed["Resources"].as_object().expect("resources");
    let kinds: Vec<&Value> = resources.values().map(|it| &it["Type"]).collect();
    for kind in [
        "AWS::S3::Bucket",
        "AWS::S3::BucketPolicy",
        "AWS::DynamoDB::Table",
        "AWS::IAM::Role",
        "AWS::IAM::ManagedPolicy",
    ] {
        assert!(kinds.contains(&&json!(kind)), "{kinds:?}");
    }
    let calls = client.calls()?;
    assert_eq!(calls.mutating, 0, "{:?}", calls.by_operation);
    Ok(())
}

#[test]
fn a_missing_place_names_the_command() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let product = Product::new(&emulator.client("bootstrap"))?;
    product.succeed(&["init", "shop"])?;
    let said = product.run(&["apply", "-e", "dev", "--auto-approve", "--state", "s3://nobody-made-it"])?;
    assert_eq!(said.code, Some(1));
    assert!(said.stderr.contains("s3://nobody-made-it: it does not exist"), "{}", said.stderr);
    assert!(said.stderr.contains("deployer init --bootstrap"), "{}", said.stderr);
    Ok(())
}
