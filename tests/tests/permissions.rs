//! The permissions that are written down: complete, narrow, and printed as policies that IAM takes.
//!
//! What types call is held against them at the end of the kit, what look-ups call where they are tested; here it is state's turn.

#![allow(clippy::panic, clippy::expect_used, reason = "a test stops where it is wrong")]

use std::collections::{BTreeMap, BTreeSet};

use deployer_engine::{
    address::ComponentId,
    desired::Scope,
    store::{LockStore, ObjectStore},
};
use deployer_providers::{
    Aws,
    permissions::{LIMIT, Table},
    registry,
    state::{BucketStore, TableLocks},
    sts,
};
use deployer_tests::{
    Result, build,
    emulator::Emulator,
    permissions::{Called, differences, operations},
    place,
    product::Product,
};
use serde_json::{Value, json};

#[test]
fn every_type_is_written_down_and_nothing_else() -> Result<()> {
    let (table, types) = (Table::load()?, registry(&Aws::offline()));
    let known: BTreeSet<&str> = types.iter().map(|it| it.kind()).collect();
    let written: BTreeSet<&str> = table.names().filter(|name| name.starts_with("AWS::")).collect();
    assert_eq!(written, known, "left what is written down, right the types");
    Ok(())
}

#[test]
fn no_grant_is_wider_than_it_has_to_be() -> Result<()> {
    let table = Table::load()?;
    for name in table.names() {
        let entry = table.need(name)?;
        for grant in &entry.grants {
            let told = format!("{name}: {grant:?}");
            assert!(!grant.on.is_empty() || entry.arn.is_some(), "on nothing: {told}");
            assert!(grant.why.as_ref().is_none_or(|why| why.len() > 15), "a reason says why: {told}");
            let services: BTreeSet<_> = grant.actions.iter().map(|it| it.split(':').next()).collect();
            let everywhere = grant.on.iter().any(|it| it == "*");
            assert!(services.len() == 1 || everywhere, "what is relative is so to one service: {told}");
            for action in &grant.actions {
                assert!(action.split_once(':').is_some_and(|(_, it)| !it.contains('*')), "{told}");
                let keys: BTreeSet<&String> = grant.when.values().flat_map(BTreeMap::keys).collect();
                let needs = |key: &str| assert!(keys.iter().any(|it| *it == key), "{action} needs {key}: {told}");
                match action.as_str() {
                    "iam:PassRole" => needs("iam:PassedToService"),
                    "iam:CreateServiceLinkedRole" => needs("iam:AWSServiceName"),
                    "iam:AttachRolePolicy" => needs("iam:PolicyARN"),
                    "ec2:CreateTags" if !grant.ours => needs("ec2:CreateAction"),
                    _ => {}
                }
            }
        }
    }
    Ok(())
}

#[test]
fn what_lacks_and_what_exceeds_is_seen() -> Result<()> {
    let called = |operations: &[&str]| -> Called {
        let all = operations.iter().map(|it| (*it).to_owned()).collect();
        Called::from([("AWS::SQS::QueuePolicy".to_owned(), all)])
    };
    let told = |operations: &[&str]| differences(&called(operations), true);
    assert!(told(&["sqs:GetQueueAttributes", "sqs:SetQueueAttributes"])?.is_empty());
    let more = told(&["sqs:GetQueueAttributes", "sqs:SetQueueAttributes", "sqs:PurgeQueue"])?;
    assert_eq!(more, ["AWS::SQS::QueuePolicy: sqs:PurgeQueue is called and not granted"]);
    let less = told(&["sqs:GetQueueAttributes"])?;
    assert_eq!(
        less,
        ["AWS::SQS::QueuePolicy: sqs:SetQueueAttributes is granted, and neither called nor given a reason"]
    );
    Ok(())
}

#[tokio::test]
async fn what_state_and_the_caller_need_is_granted() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("state").of_account();
    place::make(&client)?;
    let place = place::of(&client, "team/");
    let scope = Scope { stack: "s".to_owned(), env: "e".to_owned(), ..Scope::default() };
    let aws = client.aws().await;
    let (objects, locks) = (BucketStore::new(&aws, &place), TableLocks::new(&aws, &place, &scope));
    let version = objects.put_if("s/e/root.json", None, "{}".into()).await?;
    objects.put_if("s/e/root.json", Some(&version), "[]".into()).await?;
    assert!(objects.get("s/e/root.json").await?.is_some());
    assert_eq!(objects.list("s/e/").await?.len(), 1);
    for past in objects.versions("s/e/root.json").await? {
        assert!(objects.past("s/e/root.json", &past.id).await?.is_some());
    }
    assert!(objects.keeps_versions().await?);
    let component = ComponentId::new("SQS", "orders");
    let held = locks.put_holder("1", None, "{}".into()).await?;
    locks.take("1", std::slice::from_ref(&component)).await?;
    assert_eq!(locks.locks().await?.len(), 1);
    // Freed as a page, and one by one where a part of the page is not the holder's.
    locks.free("1", std::slice::from_ref(&component)).await?;
    locks.free("1", std::slice::from_ref(&component)).await?;
    assert!(locks.holder("1").await?.is_some());
    locks.drop_holder("1", &held).await?;
    sts::caller_identity(&aws).await?;

    let places = [("s3:", "state bucket"), ("dynamodb:", "state table"), ("sts:", "caller")];
    let called = operations(&client)?;
    let of = |(service, name): (&str, &str)| {
        (name.to_owned(), called.iter().filter(|it| it.starts_with(service)).cloned().collect())
    };
    let called: Called = places.into_iter().map(of).collect();
    let found = differences(&called, true)?;
    assert!(found.is_empty(), "{found:#?}");
    Ok(())
}

/// What `iam-policy` prints: its documents, and all of their statements.
fn policy(product: &Product, arguments: &[&str]) -> Result<(Vec<Value>, Vec<Value>)> {
    let printed: Value = serde_json::from_str(&product.succeed(arguments)?)?;
    let documents = printed.as_array().cloned().unwrap_or_else(|| vec![printed]);
    let all = documents.iter().flat_map(|it| it["Statement"].as_array().cloned().unwrap_or_default()).collect();
    Ok((documents, all))
}

/// The statements that allow an action.
fn allowing<'a>(all: &'a [Value], action: &str) -> Vec<&'a Value> {
    let has = |it: &&Value| it["Action"].as_array().is_some_and(|actions| actions.contains(&json!(action)));
    all.iter().filter(has).collect()
}

#[test]
fn the_web_app_gets_documents_that_iam_takes() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let product = Product::new(&emulator.client("policy"))?;
    product.fill(&build::workspace().join("fixtures/stacks/web-app"))?;
    let (documents, all) = policy(&product, &["iam-policy", "-e", "dev"])?;
    for document in &documents {
        assert_eq!(document["Version"], "2012-10-17");
        assert!(document.to_string().len() <= LIMIT, "{} characters", document.to_string().len());
    }
    let sids: BTreeSet<&str> = all.iter().filter_map(|it| it["Sid"].as_str()).collect();
    assert_eq!(sids.len(), all.len(), "each has a Sid of its own");
    for statement in &all {
        assert!(statement["Sid"].as_str().is_some_and(|it| it.chars().all(char::is_alphanumeric)), "{statement}");
        assert_eq!(statement["Effect"], "Allow");
        for action in statement["Action"].as_array().expect("actions") {
            assert!(action.as_str().is_some_and(|it| it.contains(':') && !it.contains('*')), "{statement}");
        }
        let everywhere = statement["Resource"] == json!(["*"]);
        assert!(
            !statement.to_string().contains('{') || !statement["Resource"].to_string().contains('{'),
            "{statement}"
        );
        let changes = statement["Sid"].as_str().is_some_and(|it| it.contains("Change"));
        let without_level = ["servicediscovery:", "route53:", "ecs:"];
        let service = statement["Action"][0].as_str().unwrap_or_default();
        assert!(!everywhere || !changes || without_level.iter().any(|it| service.starts_with(it)), "{statement}");
    }
    let [pass] = allowing(&all, "iam:PassRole")[..] else { panic!("one statement passes roles") };
    assert_eq!(pass["Condition"]["StringEquals"]["iam:PassedToService"], json!(["ecs-tasks.amazonaws.com"]));
    assert_eq!(pass["Resource"], json!(["arn:aws:iam::*:role/shop-dev-*"]));
    let [queue] = allowing(&all, "sqs:DeleteQueue")[..] else { panic!("one statement deletes queues") };
    assert_eq!(queue["Resource"], json!(["arn:aws:sqs:eu-west-1:*:shop-dev-*"]));
    let [delete] = allowing(&all, "ec2:DeleteVpc")[..] else { panic!("one statement deletes VPCs") };
    assert_eq!(delete["Condition"]["StringEquals"]["aws:ResourceTag/deployer:stack"], json!(["shop"]));
    assert_eq!(allowing(&all, "ec2:DescribeAvailabilityZones").len(), 1, "what it looks up");
    assert_eq!(allowing(&all, "s3:DeleteObjectVersion").len(), 1, "its bucket is emptied");
    let (_, prod) = policy(&product, &["iam-policy", "-e", "prod"])?;
    assert!(allowing(&prod, "s3:DeleteObjectVersion").is_empty(), "in production its bucket stays");
    assert_eq!(allowing(&prod, "rds:CreateDBSnapshot").len(), 1, "and its database leaves a snapshot");
    assert!(allowing(&all, "s3:PutObject").is_empty(), "its state is in a folder");
    assert_eq!(policy(&product, &["iam-policy", "-e", "dev", "--json"])?.0, documents);
    assert!(product.client().calls()?.by_operation.is_empty(), "no call is made");
    Ok(())
}

const STACK: &str = r"
apiVersion: deployer.dev/v1
kind: Stack
metadata: {name: shop}
spec:
  environments:
    dev: {region: cn-north-1, account: '111122223333'}
  state: {bucket: acme-state, prefix: teams/web}
---
apiVersion: deployer.dev/v1
kind: Resource
metadata: {name: orders}
spec: {type: AWS::SQS::Queue, properties: {QueueName: orders-of-old}}
";

#[test]
fn state_in_a_bucket_a_stated_name_and_a_known_account_make_it_narrow() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let product = Product::new(&emulator.client("narrow"))?;
    product.write("stack.yaml", STACK)?;
    let (documents, all) = policy(&product, &["iam-policy"])?;
    assert_eq!(documents.len(), 1);
    let resources = |action: &str| allowing(&all, action).first().map(|it| it["Resource"].clone());
    assert_eq!(resources("sqs:CreateQueue"), Some(json!(["arn:aws-cn:sqs:cn-north-1:111122223333:orders-of-old"])));
    assert_eq!(resources("s3:PutObject"), Some(json!(["arn:aws-cn:s3:::acme-state/teams/web/shop/dev/*"])));
    assert_eq!(resources("s3:ListBucketVersions"), Some(json!(["arn:aws-cn:s3:::acme-state"])));
    let table = "arn:aws-cn:dynamodb:cn-north-1:111122223333:table/deployer-state-locks";
    assert_eq!(resources("dynamodb:PutItem"), Some(json!([table])));
    let keys = &allowing(&all, "dynamodb:PutItem")[0]["Condition"]["ForAllValues:StringLike"];
    assert_eq!(keys["dynamodb:LeadingKeys"], json!(["acme-state/teams/web/shop/dev/*"]));
    assert!(allowing(&all, "sts:GetCallerIdentity").len() == 1 && all.iter().all(|it| it["Sid"].is_string()));
    Ok(())
}
