//! `init --bootstrap`: creates, adopts and corrects where state is kept, and the state is kept there.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use deployer_tests::{
    Result, build,
    emulator::{Client, Emulator},
    owned::OwnedBuckets,
    product::Product,
};
use serde_json::{Value, json};

const BOOTSTRAP: &[&str] = &["init", "--bootstrap", "--auto-approve", "--github", "acme/shop:environment:prod"];

fn bucket(client: &Client) -> String {
    format!("deployer-state-{}-eu-west-1", client.account())
}

/// What has to hold of bucket, table and role, asked by boto3.
const AUDIT: &str = r#"
import boto3, json, sys
from botocore.config import Config
name, region = sys.argv[1], "eu-west-1"
s3 = boto3.client("s3", region_name=region, config=Config(s3={"addressing_style": "path"}))
dynamodb, iam = boto3.client("dynamodb", region_name=region), boto3.client("iam", region_name=region)
policy = json.loads(s3.get_bucket_policy(Bucket=name)["Policy"])["Statement"]
table = dynamodb.describe_table(TableName="deployer-state-locks")["Table"]
expiry = dynamodb.describe_time_to_live(TableName="deployer-state-locks")["TimeToLiveDescription"]
tags = {it["Key"]: it["Value"] for it in dynamodb.list_tags_of_resource(ResourceArn=table["TableArn"])["Tags"]}
trust = iam.get_role(RoleName="DeployerExecutionRole")["Role"]["AssumeRolePolicyDocument"]["Statement"]
print(json.dumps({
    "versioning": s3.get_bucket_versioning(Bucket=name)["Status"],
    "old versions": [it["NoncurrentVersionExpiration"]["NoncurrentDays"] for it in s3.get_bucket_lifecycle_configuration(Bucket=name)["Rules"] if it["Status"] == "Enabled"],
    "encryption": [it["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] for it in s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]],
    "public": s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"],
    "without TLS": [[it["Effect"], it["Action"], it["Resource"]] for it in policy if it["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}],
    "key": [table["KeySchema"], table["AttributeDefinitions"]],
    "billing": table["BillingModeSummary"]["BillingMode"],
    "expires": expiry.get("AttributeName") if expiry["TimeToLiveStatus"].startswith("EN") else None,
    "tags": {key: tags.get(key) for key in ("Name", "ManagedBy")},
    "machines": [it["Action"] for it in trust if it["Principal"] == {"Service": "ec2.amazonaws.com"}],
    "jobs": [{key: it[key] for key in ("Effect", "Action", "Condition")} for it in trust if "Federated" in it["Principal"]],
}))
"#;

/// All of it is as it has to be, and these statements let jobs in.
fn is_right(client: &Client, jobs: &Value) -> Result<()> {
    let name = bucket(client);
    let arn = format!("arn:aws:s3:::{name}");
    let found = client.python(AUDIT, &[&name])?;
    let expected = json!({
        "versioning": "Enabled",
        "old versions": [90],
        "encryption": ["AES256"],
        "public": {"BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true},
        "without TLS": [["Deny", "s3:*", [arn, format!("{arn}/*")]]],
        "key": [[{"AttributeName": "lockKey", "KeyType": "HASH"}], [{"AttributeName": "lockKey", "AttributeType": "S"}]],
        "billing": "PAY_PER_REQUEST",
        "expires": "expiresAt",
        "tags": {"Name": "deployer-state-locks", "ManagedBy": "deployer"},
        "machines": ["sts:AssumeRole"],
        "jobs": jobs,
    });
    assert_eq!(found, expected, "{found:#}");
    Ok(())
}

/// What lets in the jobs of this subject, under this operator.
fn jobs_of(operator: &str, subject: &str) -> Value {
    let mut conditions = json!({"StringEquals": {"token.actions.githubusercontent.com:aud": "sts.amazonaws.com"}});
    conditions[operator]["token.actions.githubusercontent.com:sub"] = json!(subject);
    json!([{"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Condition": conditions}])
}

#[test]
fn it_creates_and_then_finds_nothing_to_do() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    let said = product.succeed(BOOTSTRAP)?;
    let (name, account) = (bucket(&client), client.account());
    let state = format!("state: {{bucket: {name}, region: eu-west-1, account: \"{account}\"}}");
    assert!(said.contains(&state), "{said}");
    let said = product.succeed(BOOTSTRAP)?;
    assert!(said.contains("No changes"), "{said}");
    let there = client.inventory()?;
    // Without a stack at hand, the role may keep the state of any.
    let rights = there["managed_policies"]["DeployerExecutionRole-1"].to_string();
    let objects = format!("arn:aws:s3:::{}/*/*/*", bucket(&client));
    assert!(rights.contains(&objects), "{objects} is not in {rights}");
    is_right(&client, &jobs_of("StringEquals", "repo:acme/shop:environment:prod"))?;

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
    assert_eq!(bucket["tags"]["cost"], "42", "{bucket:#}");
    assert_eq!(bucket["tags"]["deployer:stack"], "deployer", "{bucket:#}");
    is_right(&client, &jobs_of("StringEquals", "repo:acme/shop:environment:prod"))?;
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
    for policy in ["DeployerExecutionRole-shop.dev-1", "DeployerExecutionRole-shop.dev-2"] {
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

/// A role with a wide policy of its own, such as a person makes from a sketch.
const WIDE: &str = r#"
import boto3, json
iam = boto3.client("iam", region_name="eu-west-1")
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]}
iam.create_role(RoleName="DeployerExecutionRole", AssumeRolePolicyDocument=json.dumps(trust))
everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
iam.put_role_policy(RoleName="DeployerExecutionRole", PolicyName="sketch", PolicyDocument=json.dumps(everything))
print(json.dumps(None))
"#;

#[test]
fn an_inline_policy_of_an_adopted_role_is_left_and_told_each_time() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    client.python(WIDE, &[])?;
    client.advance(60)?;
    for _ in 0..2 {
        let said = product.succeed(BOOTSTRAP)?;
        assert!(said.contains("DeployerExecutionRole has the inline policy sketch, which stays"), "{said}");
        let way = "aws iam delete-role-policy --role-name DeployerExecutionRole --policy-name sketch";
        assert!(said.contains(way), "{said}");
    }
    let role = client.inventory()?["roles"]["DeployerExecutionRole"].clone();
    assert!(role["inline"]["sketch"].is_object(), "{role:#}");
    Ok(())
}

#[test]
fn the_jobs_of_a_repository_keep_their_way_in() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    let trust = || -> Result<String> { Ok(client.inventory()?["roles"]["DeployerExecutionRole"]["trust"].to_string()) };
    product.succeed(BOOTSTRAP)?;
    let again = ["init", "--bootstrap", "--auto-approve"];
    let said = product.succeed(&again)?;
    assert!(said.contains("GitHub's jobs of repo:acme/shop:environment:prod") && said.contains("No changes"), "{said}");
    assert!(trust()?.contains("repo:acme/shop:environment:prod"), "{}", trust()?);
    product.succeed(&[&again[..], &["--github", "acme/other"]].concat())?;
    assert!(trust()?.contains("repo:acme/other:ref") && !trust()?.contains("acme/shop"), "{}", trust()?);
    product.succeed(&[&again[..], &["--github", "none"]].concat())?;
    assert!(!trust()?.contains("acme"), "{}", trust()?);
    Ok(())
}

/// A role that jobs were meant to take, and cannot: a star under `StringEquals`, the call of others, no audience.
const SKETCH: &str = r#"
import boto3, json, sys
iam = boto3.client("iam", region_name="eu-west-1")
provider = f"arn:aws:iam::{sys.argv[1]}:oidc-provider/token.actions.githubusercontent.com"
condition = {"StringEquals": {"token.actions.githubusercontent.com:sub": "repo:acme/shop:*"}}
trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Federated": provider}, "Action": "sts:AssumeRole", "Condition": condition}]}
iam.create_role(RoleName="DeployerExecutionRole", AssumeRolePolicyDocument=json.dumps(trust))
print(json.dumps(None))
"#;

#[test]
fn a_trust_that_lets_nobody_in_is_corrected() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    client.python(SKETCH, &[client.account()])?;
    client.advance(60)?;
    product.succeed(&["init", "--bootstrap", "--auto-approve"])?;
    is_right(&client, &jobs_of("StringLike", "repo:acme/shop:*"))?;
    assert!(product.succeed(&["init", "--bootstrap", "--auto-approve"])?.contains("No changes"));
    Ok(())
}

#[test]
fn without_a_yes_nothing_is_made() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    let said = product.run(&["init", "--bootstrap"])?;
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.stderr.contains("nobody can be asked here"), "{said:?}");
    assert!(said.stdout.contains("5 to create") && said.stdout.contains("DeployerExecutionRole"), "{said:?}");
    assert_eq!(client.calls()?.mutating, 0);
    Ok(())
}

#[test]
fn a_role_deploys_one_stack_and_loses_nothing_to_another() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let role = |name: &str| -> Result<String> { Ok(client.inventory()?["roles"][name]["attached"].to_string()) };
    let (nowhere, shop, other) = (Product::new(&client)?, Product::new(&client)?, Product::new(&client)?);
    let bootstrap = ["init", "--bootstrap", "--auto-approve"];
    let in_dev = ["init", "--bootstrap", "--auto-approve", "-e", "dev"];
    // At first for no stack; then the policy for that is not needed any more, and goes.
    nowhere.succeed(&bootstrap)?;
    assert!(role("DeployerExecutionRole")?.contains("DeployerExecutionRole-1\""));
    shop.succeed(&["init", "shop"])?;
    shop.succeed(&in_dev)?;
    let of_shop = role("DeployerExecutionRole")?;
    assert!(of_shop.contains("DeployerExecutionRole-shop.dev-1") && !of_shop.contains("Role-1\""), "{of_shop}");
    let policies = client.inventory()?["managed_policies"].clone();
    assert!(policies["DeployerExecutionRole-1"].is_null(), "{policies:#}");
    assert!(shop.succeed(&in_dev)?.contains("No changes"));
    // Another stack is told; beside no stack nothing is taken away.
    other.succeed(&["init", "other"])?;
    let said = other.run(&in_dev)?;
    assert_eq!(said.code, Some(4), "{}", said.stderr);
    assert!(said.stderr.contains("DeployerExecutionRole deploys shop.dev already"), "{}", said.stderr);
    assert!(said.stderr.contains("--role NAME"), "{}", said.stderr);
    let said = nowhere.succeed(&bootstrap)?;
    assert!(said.contains("No changes") && said.contains("DeployerExecutionRole keeps arn:aws:iam"), "{said}");
    assert_eq!(role("DeployerExecutionRole")?, of_shop);
    other.succeed(&[&in_dev[..], &["--role", "OtherRole"]].concat())?;
    assert!(role("OtherRole")?.contains("OtherRole-other.dev-1"));
    assert_eq!(role("DeployerExecutionRole")?, of_shop);
    Ok(())
}

#[test]
fn a_table_with_another_key_is_answered_with_another_table() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    client.boto3("place.py", &["other_table", "-", "deployer-state-locks"])?;
    let said = product.run(BOOTSTRAP)?;
    assert_eq!(said.code, Some(4), "{}", said.stderr);
    assert!(said.stderr.contains("the table deployer-state-locks cannot become one of locks"), "{}", said.stderr);
    assert!(said.stderr.contains("?table=NAME"), "{}", said.stderr);
    Ok(())
}

#[test]
fn a_bucket_of_another_account_is_refused() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("bootstrap");
    let product = Product::new(&client)?;
    let theirs = OwnedBuckets::of("999988887777")?;
    let said = product.command(BOOTSTRAP).env("AWS_ENDPOINT_URL_S3", theirs.endpoint()).output()?;
    let words = String::from_utf8_lossy(&said.stderr);
    assert_eq!(said.status.code(), Some(4), "{words}");
    let refused = format!("the bucket {} does not belong to account {}", bucket(&client), client.account());
    assert!(words.contains(&refused) && words.contains("name another"), "{words}");
    assert_eq!(theirs.expected(), [client.account()]);
    assert_eq!(client.calls()?.mutating, 0);
    Ok(())
}
