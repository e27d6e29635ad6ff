//! Drift by the real binary: changed from outside by boto3, found, set back, kept; and a part of the corpus. All of it: `--bin corpus`.

#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test stops where it is wrong"
)]

use std::fs;

use deployer_engine::drift::Report;
use deployer_tests::{
    Result, build,
    corpus::all::{Choice, run},
    emulator::Emulator,
    product::Product,
    sweep::tour,
};
use serde_json::{Value, json};

const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];
const DETECT: &[&str] = &["drift", "detect", "-e", "dev", "--detailed-exitcode"];
const REMEDIATE: &[&str] = &["drift", "remediate", "-e", "dev", "--auto-approve"];
const PATH: &str = "docs/schema/drift.json";

/// The queue's timeout, changed in the console.
const TAMPER: &str = "
import boto3, json
sqs = boto3.client('sqs', region_name='eu-west-1')
url = sqs.get_queue_url(QueueName='shop-dev-orders-queue')['QueueUrl']
sqs.set_queue_attributes(QueueUrl=url, Attributes={'VisibilityTimeout': '75', 'DelaySeconds': '3'})
sqs.tag_queue(QueueUrl=url, Tags={'console:owner': 'somebody'})
print(json.dumps(True))
";

/// A queue that says it is of this stack; and its dead letters are gone.
const STRAY: &str = "
import boto3, json, sys
sqs = boto3.client('sqs', region_name='eu-west-1')
url = sqs.get_queue_url(QueueName='shop-dev-orders-queue')['QueueUrl']
tags = sqs.list_queue_tags(QueueUrl=url)['Tags']
tags.update({'deployer:token': 'dpl-stray', 'deployer:address': 'SQS.stray/Queue'})
sqs.create_queue(QueueName='shop-dev-stray', tags=tags)
print(json.dumps(True))
";

/// Somebody opens a port.
const OPEN: &str = "
import boto3, json
ec2 = boto3.client('ec2', region_name='eu-west-1')
groups = ec2.describe_security_groups(Filters=[{'Name': 'tag:deployer:stack', 'Values': ['shop']}])['SecurityGroups']
group = next(it['GroupId'] for it in groups if 'guards' in it['GroupName'])
ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[{'IpProtocol': 'tcp', 'FromPort': 22, 'ToPort': 22, 'IpRanges': [{'CidrIp': '0.0.0.0/0'}]}])
print(json.dumps(True))
";

fn product(emulator: &Emulator, name: &str) -> Result<Product> {
    let product = Product::new(&emulator.client(name))?;
    (tour::QUEUES.fill)(&product)?;
    product.succeed(APPLY)?;
    Ok(product)
}

fn code(product: &Product, command: &[&str], expected: i32) -> Result<String> {
    let said = product.run(command)?;
    assert_eq!(said.code, Some(expected), "{command:?}\n{}{}", said.stdout, said.stderr);
    Ok(said.stdout + &said.stderr)
}

#[test]
fn a_change_in_the_console_is_named_and_set_back() -> Result<()> {
    let emulator = Emulator::start(0.01)?;
    let product = product(&emulator, "drift")?;
    code(&product, DETECT, 0)?;
    let before = product.client().inventory()?;
    product.client().python(TAMPER, &[])?;
    let said = code(&product, DETECT, 2)?;
    assert!(said.contains("VisibilityTimeout: set to 60, is 75"), "{said}");
    // Nobody said anything of the other two.
    assert!(!said.contains("DelaySeconds") && !said.contains("console"), "{said}");
    let field = said
        .split_whitespace()
        .find(|word| word.ends_with("/VisibilityTimeout`") || word.ends_with("/VisibilityTimeout"));
    let field = field.unwrap_or_default().trim_matches('`').to_owned();
    let page = product.succeed(&["drift", "detect", "-e", "dev", "--format", "markdown"])?;
    assert!(page.contains("| VisibilityTimeout | 60 | 75 |"), "{page}");
    let none =
        code(&product, &["drift", "remediate", "-e", "dev", "--only", "VisibilityTimeot", "--auto-approve"], 64)?;
    assert!(none.contains("did you mean"), "{none}");
    let said = code(&product, &[REMEDIATE, &["--only", &field]].concat(), 0)?;
    assert!(said.contains("VisibilityTimeout: 75 -> 60"), "{said}");
    code(&product, DETECT, 0)?;
    let mut after = product.client().inventory()?;
    // What is not ours stays as somebody set it.
    let queue = &mut after["queues"]["shop-dev-orders-queue"];
    assert_eq!(queue["attributes"]["DelaySeconds"], "3");
    queue["attributes"]["DelaySeconds"] = json!("0");
    assert_eq!(queue["tags"].as_object_mut().and_then(|it| it.remove("console:owner")), Some(json!("somebody")));
    assert_eq!(after, before);
    let said = code(&product, REMEDIATE, 0)?;
    assert!(said.contains("Nothing to set back"), "{said}");
    Ok(())
}

#[test]
fn a_change_is_kept_and_the_line_that_says_otherwise_is_shown() -> Result<()> {
    let emulator = Emulator::start(0.01)?;
    let product = product(&emulator, "accept")?;
    product.client().python(TAMPER, &[])?;
    let field = "SQS.orders-queue/Queue/VisibilityTimeout";
    code(&product, &["drift", "accept", "-e", "dev", field], 4)?;
    let said = code(&product, &["drift", "accept", "-e", "dev", field, "--auto-approve"], 0)?;
    assert!(said.contains("orders/components.yaml:") && said.contains("visibilityTimeout: 60"), "{said}");
    code(&product, DETECT, 0)?;
    // Pending, and no drift.
    code(&product, &["plan", "-e", "dev", "--detailed-exitcode"], 2)?;
    product.edit("orders/components.yaml", "visibilityTimeout: 60s", "visibilityTimeout: 75s")?;
    code(&product, &["plan", "-e", "dev", "--detailed-exitcode"], 0)?;
    Ok(())
}

#[test]
fn strays_are_found_and_what_may_not_be_read_is_said() -> Result<()> {
    let emulator = Emulator::start(0.01)?;
    let product = product(&emulator, "stray")?;
    product.client().python(STRAY, &[])?;
    let said = code(&product, DETECT, 2)?;
    assert!(said.contains("deployer state import SQS.stray/Queue") && said.contains("shop-dev-stray"), "{said}");
    // Only these: nothing is said of the account.
    code(&product, &[DETECT, &["--target", "SQS.orders-queue"]].concat(), 0)?;
    let denied = json!({"rules": [{"match": {"operation": "logs:DescribeLogGroups"}, "fault": "denied"}]});
    product.client().options(denied)?;
    let said = code(&product, &[DETECT, &["--target", "Resource.audit"]].concat(), 1)?;
    assert!(said.contains("not compared") && said.contains("DescribeLogGroups"), "{said}");
    product.client().options(json!({"rules": []}))?;
    let report: Value = serde_json::from_str(&product.succeed(&["drift", "detect", "-e", "dev", "--json"])?)?;
    assert_eq!((&report["drift"], &report["tally"]["orphans"]), (&json!(true), &json!(1)), "{report:#}");
    let _: Report = serde_json::from_value(report)?;
    Ok(())
}

#[test]
fn what_others_put_into_ours_is_told_and_is_no_drift() -> Result<()> {
    let emulator = Emulator::start(0.01)?;
    let product = Product::new(&emulator.client("rules"))?;
    let groups = build::workspace().join("fixtures/fields/Security/groups/stack.yaml");
    product.write("stack.yaml", &fs::read_to_string(groups)?)?;
    product.succeed(APPLY)?;
    let said = code(&product, DETECT, 0)?;
    assert!(!said.contains("somebody else"), "{said}");
    product.client().python(OPEN, &[])?;
    let said = code(&product, DETECT, 0)?;
    assert!(
        said.contains("1 put in by others") && said.contains("tcp 22 from 0.0.0.0/0  in Security.guards/"),
        "{said}"
    );
    let report: Report = serde_json::from_str(&product.succeed(&["drift", "detect", "-e", "dev", "--json"])?)?;
    assert_eq!(report.unmanaged[0].kind, "AWS::EC2::SecurityGroupIngress");
    Ok(())
}

#[test]
fn the_shape_of_the_report_is_the_published_one() -> Result<()> {
    let mut schema = schemars::schema_for!(Report).to_value();
    schema["title"] = json!("What `deployer drift detect --json` prints; `tally` and `drift` beside it");
    let (path, found) = (build::workspace().join(PATH), format!("{schema:#}\n"));
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        return Ok(fs::write(path, found)?);
    }
    let written = fs::read_to_string(path).unwrap_or_default();
    assert!(written == found, "{PATH} is not what the types say: UPDATE_EXPECT=1 writes it");
    Ok(())
}

#[test]
fn a_part_of_the_corpus() -> Result<()> {
    let seed = std::env::var("DEPLOYER_SEED").ok().and_then(|it| it.parse().ok()).unwrap_or(1);
    println!("seed {seed}");
    let table = run(&Choice { only: String::new(), workers: 3, every: 8, seed })?;
    println!("{table}");
    table.untried.iter().for_each(|it| println!("not tried  {it}"));
    assert!(table.wrong.is_empty(), "{}", table.wrong.join("\n"));
    assert!(table.total().mutations > 10, "{table}");
    Ok(())
}
