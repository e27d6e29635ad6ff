//! Look-ups against the emulator: found, found twice, not there.

#![allow(clippy::panic, clippy::expect_used, reason = "a test stops where it is wrong")]

use std::process::Command;

use deployer_engine::lookup::{ENGINE_VERSIONS, GROUP, Lookup, NETWORK, PARAMETER, SECRET, ZONES};
use deployer_providers::{
    Aws,
    lookup::{Found, answer},
};
use deployer_tests::{
    Result, build,
    emulator::{Client, Emulator},
    permissions::{Called, differences, operations},
};
use serde_json::{Value, json};

/// Two VPCs that share a tag, one with two subnets and two groups; a secret, a deleted one, and a parameter.
const SCENE: &str = r#"
import boto3, json
ec2, secrets, ssm = (boto3.client(it, region_name="eu-west-1") for it in ("ec2", "secretsmanager", "ssm"))

def tags(kind, **all):
    return [{"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in all.items()]}]

one, two = (ec2.create_vpc(CidrBlock=f"10.{n}.0.0/16", TagSpecifications=tags("vpc", env="dev", number=str(n)))["Vpc"]["VpcId"] for n in (1, 2))
subnets = [ec2.create_subnet(VpcId=one, CidrBlock=f"10.1.{n}.0/24", AvailabilityZone=f"eu-west-1{zone}", TagSpecifications=tags("subnet", tier=zone))["Subnet"]["SubnetId"] for n, zone in enumerate("ab")]
groups = [ec2.create_security_group(VpcId=one, GroupName=name, Description=name, TagSpecifications=tags("security-group", app="api"))["GroupId"] for name in ("web", "work")]
secret = secrets.create_secret(Name="shop/key", SecretString="hidden")["ARN"]
secrets.create_secret(Name="shop/old", SecretString="hidden")
secrets.delete_secret(SecretId="shop/old")
ssm.put_parameter(Name="/shop/mode", Value="hidden", Type="SecureString")
print(json.dumps({"one": one, "two": two, "subnets": subnets, "groups": groups, "secret": secret}))
"#;

fn scene(client: &Client) -> Result<Value> {
    let output = Command::new(build::python()?).args(["-c", SCENE]).envs(client.env()).output()?;
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// Each kind of question is a client of its own.
struct Asker(Aws, Client);

impl Asker {
    async fn ask(&self, kind: &str, ask: Value) -> Found {
        let aws = self.0.named(&self.name(kind));
        answer(&aws, &Lookup::new(kind, ask)).await.expect("an answer")
    }

    fn name(&self, kind: &str) -> String {
        format!("{}.{kind}", self.1.account())
    }

    /// What was called by questions of a kind.
    fn called(&self, kind: &str) -> Result<(String, std::collections::BTreeSet<String>)> {
        Ok((format!("look-up {kind}"), operations(&self.1.named(&self.name(kind)))?))
    }

    async fn answer(&self, kind: &str, ask: Value) -> Value {
        match self.ask(kind, ask).await {
            Found::Answer(it) => it,
            Found::Problem(why) => panic!("{kind}: {why}"),
        }
    }

    async fn problem(&self, kind: &str, ask: Value) -> String {
        match self.ask(kind, ask).await {
            Found::Answer(it) => panic!("{kind} was answered: {it}"),
            Found::Problem(why) => why,
        }
    }
}

#[tokio::test]
async fn questions_are_answered_or_told_why_not() -> Result<()> {
    let emulator = Emulator::start(0.01)?;
    let client = emulator.client("lookup");
    let scene = scene(&client)?;
    let aws = Asker(client.aws().await, client.clone());
    assert_eq!(aws.answer(ZONES, Value::Null).await, json!(["eu-west-1a", "eu-west-1b", "eu-west-1c"]));
    networks(&aws, &scene).await;
    groups(&aws, &scene).await;
    assert_eq!(aws.answer(SECRET, json!({"name": "shop/key"})).await, scene["secret"]);
    assert_eq!(aws.answer(SECRET, json!({"name": scene["secret"]})).await, scene["secret"]);
    assert_eq!(aws.problem(SECRET, json!({"name": "shop/old"})).await, "the secret shop/old is scheduled for deletion");
    assert_eq!(aws.problem(SECRET, json!({"name": "shop/none"})).await, "there is no secret shop/none");
    let arn = format!("arn:aws:ssm:eu-west-1:{}:parameter/shop/mode", client.account());
    assert_eq!(aws.answer(PARAMETER, json!({"name": "/shop/mode"})).await, json!(arn));
    assert_eq!(aws.problem(PARAMETER, json!({"name": "/shop/none"})).await, "there is no parameter /shop/none");
    let versions = aws.answer(ENGINE_VERSIONS, json!({"engine": "postgres"})).await;
    assert!(versions.as_array().is_some_and(|all| all.contains(&json!("16.3"))), "{versions}");
    assert_eq!(aws.problem(ENGINE_VERSIONS, json!({"engine": "none"})).await, "RDS has no versions of none");
    let kinds = [ZONES, NETWORK, GROUP, SECRET, PARAMETER, ENGINE_VERSIONS];
    let called: Called = kinds.into_iter().map(|kind| aws.called(kind)).collect::<Result<_>>()?;
    let found = differences(&called, true)?;
    assert!(found.is_empty(), "{found:#?}");
    assert!(emulator.unsupported()?.is_empty(), "{:?}", emulator.unsupported()?);
    Ok(())
}

async fn networks(aws: &Asker, scene: &Value) {
    let one = aws.answer(NETWORK, json!({"tags": {"env": "dev", "number": "1"}})).await;
    assert_eq!(one, aws.answer(NETWORK, json!({"vpcId": scene["one"]})).await);
    assert_eq!((&one["VpcId"], &one["CidrBlock"]), (&scene["one"], &json!("10.1.0.0/16")));
    let subnets = one["Subnets"].as_array().expect("subnets");
    let ids: Vec<&str> = subnets.iter().filter_map(|it| it["SubnetId"].as_str()).collect();
    assert!(ids.len() == 2 && ids.is_sorted(), "{ids:?}");
    let first = subnets.iter().find(|it| it["SubnetId"] == scene["subnets"][0]).expect("the first");
    assert_eq!(first["AvailabilityZone"], "eu-west-1a");
    assert_eq!((&first["CidrBlock"], &first["Tags"]), (&json!("10.1.0.0/24"), &json!({"tier": "a"})));
    let mut both = [scene["one"].as_str().unwrap_or_default(), scene["two"].as_str().unwrap_or_default()];
    both.sort_unstable();
    let both = both.join(", ");
    assert_eq!(
        aws.problem(NETWORK, json!({"tags": {"env": "dev"}})).await,
        format!("2 VPCs have the tag env = dev: {both}; say which by vpcId")
    );
    let none = aws.problem(NETWORK, json!({"tags": {"env": "prod"}})).await;
    assert!(none.starts_with("no VPC has the tag env = prod; VPCs here: vpc-"), "{none}");
    assert!(none.contains(scene["one"].as_str().unwrap_or_default()), "{none}");
}

async fn groups(aws: &Asker, scene: &Value) {
    let (vpc, web) = (&scene["one"], &scene["groups"][0]);
    assert_eq!(aws.answer(GROUP, json!({"vpcId": vpc, "name": "web"})).await, *web);
    assert_eq!(aws.answer(GROUP, json!({"vpcId": vpc, "id": web})).await, *web);
    let two = aws.problem(GROUP, json!({"vpcId": vpc, "tags": {"app": "api"}})).await;
    assert!(two.starts_with("2 security groups of vpc-") && two.ends_with("; say which by id"), "{two}");
    let none = aws.problem(GROUP, json!({"vpcId": scene["two"], "name": "web"})).await;
    assert!(none.contains("has the name web; groups there: sg-") && none.ends_with("(default)"), "{none}");
}
