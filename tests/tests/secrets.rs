//! Secrets: a password that AWS takes, one that a task takes from a secret, one from a parameter - and none of them anywhere that
//! the product writes: state, journal, history, plan, log, events, screen.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::{fs, path::Path};

use deployer_tests::{
    Result,
    emulator::{Client, Emulator},
    place,
    product::{Product, Said},
};
use serde_json::Value;

/// Each value stands in the account and may be nowhere else.
const VALUES: [&str; 3] = ["kept-Password-9f1c", "kept-Token-77ab", "kept-Mode-3d5e"];

const BEFORE: &str = r#"
import boto3, json, sys
password, token, mode = sys.argv[1:]
secrets, ssm = boto3.client("secretsmanager", region_name="eu-west-1"), boto3.client("ssm", region_name="eu-west-1")
secrets.create_secret(Name="db/main", SecretString=json.dumps({"password": password}))
secrets.create_secret(Name="shop/token", SecretString=token)
ssm.put_parameter(Name="/shop/mode", Value=mode, Type="SecureString")
print(json.dumps(None))
"#;

/// Every object of the state's bucket with all that it was before, and the lock table.
const OBJECTS: &str = r#"
import boto3, json, sys
from botocore.config import Config
s3 = boto3.client("s3", region_name="eu-west-1", config=Config(s3={"addressing_style": "path"}))
table = boto3.client("dynamodb", region_name="eu-west-1").scan(TableName=sys.argv[2])["Items"]
pages = s3.get_paginator("list_object_versions").paginate(Bucket=sys.argv[1])
versions = [(it["Key"], it["VersionId"]) for page in pages for it in page.get("Versions", [])]
assert len(versions) > len(dict(versions)), "nothing was written twice"
text = lambda key, version: s3.get_object(Bucket=sys.argv[1], Key=key, VersionId=version)["Body"].read().decode()
print(json.dumps({"objects": {f"{key} in version {version}": text(key, version) for key, version in versions}, "locks": str(table)}))
"#;

const STACK: &str = r#"
apiVersion: deployer.dev/v1
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
kind: RDS
metadata: {name: db}
spec: {engine: postgres, password: {secret: db/main, key: password}, version: "16", class: db.t4g.micro, storage: {size: 20}, multiAz: false, deletionProtection: false, finalSnapshot: false}
---
apiVersion: deployer.dev/v1
kind: MicroService
metadata: {name: api}
spec:
  image: "example/api:1"
  cpu: 256
  memory: 512
  uses: [db]
  secrets: {TOKEN: {secret: shop/token}, MODE: {ssm: /shop/mode}}
"#;

/// Every file under `folder`, with its text.
fn files(folder: &Path, found: &mut Vec<(String, String)>) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, found)?;
        } else {
            found.push((path.display().to_string(), String::from_utf8_lossy(&fs::read(&path)?).into_owned()));
        }
    }
    Ok(())
}

struct Written(Vec<(String, String)>);

impl Written {
    fn add(&mut self, what: &str, said: Said) {
        self.0.push((what.to_owned(), format!("{}{}", said.stdout, said.stderr)));
    }

    fn holds_none_of_them(&self) {
        assert!(self.0.len() > 20, "little was written: {}", self.0.len());
        for (what, text) in &self.0 {
            for value in VALUES {
                assert!(!text.contains(value), "{value} stands in {what}");
            }
        }
        assert!(self.0.iter().any(|(_, text)| text.contains("shop/token")), "where the token comes from is nowhere");
    }
}

/// A whole life with everything logged: applied, changed, half-killed by a refusal, looked at, taken down.
fn life(client: &Client, state: &str) -> Result<Written> {
    client.python(BEFORE, &VALUES)?;
    let product = Product::new(client)?;
    product.write("stack.yaml", STACK)?;
    let mut written = Written(Vec::new());
    let run = |written: &mut Written, words: &str| -> Result<()> {
        let words: Vec<&str> =
            words.split(' ').chain(["-e", "dev", "--state", state, "-vvv", "--log-file", "log.txt"]).collect();
        let said = product.run(&words)?;
        assert_eq!(said.code, Some(0), "{words:?}: {}{}", said.stdout, said.stderr);
        written.add(words[0], said);
        Ok(())
    };
    run(&mut written, "plan --json")?;
    run(&mut written, "apply --auto-approve --json")?;
    // Another password: it is fetched again, and sent with a change.
    product.edit("stack.yaml", "size: 20", "size: 25")?;
    run(&mut written, "apply --auto-approve")?;
    for words in [
        "show RDS.db",
        "show MicroService.api --origin",
        "history 1 --json",
        "state show RDS.db",
        "state show MicroService.api",
        "state backup all.json",
        "graph --format json",
    ] {
        run(&mut written, words)?;
    }
    files(product.folder(), &mut written.0)?;
    if state.starts_with("s3://") {
        let all: Value = client.python(OBJECTS, &[&place::bucket(client), place::TABLE])?;
        let objects = all["objects"].as_object().into_iter().flatten();
        written.0.extend(objects.map(|(key, text)| (key.clone(), text.as_str().unwrap_or_default().to_owned())));
        written.0.push(("the lock table".to_owned(), all["locks"].to_string()));
    }
    run(&mut written, "destroy --auto-approve")?;
    Ok(written)
}

#[test]
fn no_secret_is_written_anywhere_with_the_state_in_a_folder() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    life(&emulator.client("secrets"), ".deployer")?.holds_none_of_them();
    Ok(())
}

#[test]
fn no_secret_is_written_anywhere_with_the_state_in_aws() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let client = emulator.client("secrets");
    place::make(&client)?;
    let state = format!("s3://{}/team?table={}", place::bucket(&client), place::TABLE);
    life(&client, &state)?.holds_none_of_them();
    Ok(())
}
