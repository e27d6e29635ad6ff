//! `logs`, `apply --logs` and `apply --watch`: the real binary on services whose tasks write lines, and are changed behind its back.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command},
};

use deployer_tests::{Result, emulator::Emulator, product::Product};
use serde_json::Value;

const SCALE: f64 = 0.01;

/// A process whose lines are read until one of them says what is waited for.
struct Running {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
    said: Vec<String>,
}

impl Running {
    fn start(product: &Product, arguments: &[&str]) -> Result<Self> {
        let mut child = product.start(arguments)?;
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Ok(Self { child, lines, said: Vec::new() })
    }

    fn until(&mut self, word: &str) -> Result<String> {
        loop {
            match self.lines.next() {
                Some(line) => self.said.push(line?),
                None => panic!("it ended and did not say `{word}`:\n{}", self.said.join("\n")),
            }
            if self.said.last().is_some_and(|line| line.contains(word)) {
                return Ok(self.said.last().cloned().unwrap());
            }
        }
    }

    /// As Ctrl-C does; its exit code.
    fn interrupt(&mut self) -> Result<Option<i32>> {
        Command::new("kill").args(["-INT", &self.child.id().to_string()]).status()?;
        while self.lines.next().is_some() {}
        Ok(self.child.wait()?.code())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Writes a line into a task's stream, as its container would; which task.
const WRITE: &str = "
import json, sys
import boto3
logs = boto3.client('logs', region_name='eu-west-1')
group = next(it['logGroupName'] for it in logs.describe_log_groups()['logGroups'] if 'accounts' in it['logGroupName'])
stream = logs.describe_log_streams(logGroupName=group)['logStreams'][0]['logStreamName']
# The emulator's time passes faster than ours: this one comes after all others.
last = max(it['timestamp'] for it in logs.filter_log_events(logGroupName=group)['events'])
logs.put_log_events(logGroupName=group, logStreamName=stream, logEvents=[{'timestamp': last + 1000, 'message': sys.argv[1]}])
print(json.dumps(stream))
";

/// Has a service run another revision of its tasks, or the first one again.
const REVISION: &str = "
import json, sys
import boto3
ecs = boto3.client('ecs', region_name='eu-west-1')
cluster = ecs.list_clusters()['clusterArns'][0]
service = next(arn for arn in ecs.list_services(cluster=cluster)['serviceArns'] if 'accounts' in arn)
running = ecs.describe_services(cluster=cluster, services=[service])['services'][0]['taskDefinition']
other = sys.argv[1]
if not other:
    old = ecs.describe_task_definition(taskDefinition=running)['taskDefinition']
    keys = ('family', 'containerDefinitions', 'cpu', 'memory', 'networkMode', 'requiresCompatibilities', 'executionRoleArn')
    made = ecs.register_task_definition(**{key: old[key] for key in keys if key in old})
    other = made['taskDefinition']['taskDefinitionArn']
ecs.update_service(cluster=cluster, service=service, taskDefinition=other)
print(json.dumps(running))
";

#[test]
fn lines_are_shown_while_applying_afterwards_and_as_they_come() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let product = Product::new(&emulator.client("logs"))?;
    product.stack("two-services")?;

    let refused = product.run(&["logs", "accounts", "-e", "dev"])?;
    assert_eq!(refused.code, Some(64));
    assert!(refused.stderr.contains("MicroService.accounts is not deployed"), "{}", refused.stderr);

    let said = product.succeed(&["apply", "-e", "dev", "--auto-approve", "--logs"])?;
    let of = |container: &str| said.lines().filter(|line| line.starts_with(&format!("{container}/"))).count();
    assert!(of("web") > 0 && of("accounts") > 0, "{said}");
    let mut lines: Vec<&str> = said.lines().filter(|line| line.contains(" | ")).collect();
    let all = lines.len();
    lines.sort_unstable();
    lines.dedup();
    assert_eq!(lines.len(), all, "lines are shown twice:\n{said}");

    let stream = product.client().python(WRITE, &["one two\u{1b}[31m three"])?;
    let task = stream.as_str().unwrap().rsplit('/').next().unwrap()[..8].to_owned();
    let expected = format!("accounts/{task} | one two three");
    let said = product.succeed(&["logs", "MicroService.accounts", "-e", "dev", "--since", "2h"])?;
    assert!(said.lines().any(|line| line == expected), "{said}");
    assert!(said.lines().all(|line| line.starts_with("accounts/")), "{said}");
    let said = product.succeed(&["logs", "accounts", "-e", "dev", "--json"])?;
    let document: Value = serde_json::from_str(&said)?;
    assert!(document["lines"].as_array().unwrap().iter().any(|it| it["container"] == "accounts"), "{said}");

    let mut following = Running::start(&product, &["logs", "accounts", "-e", "dev", "-f"])?;
    following.until("one two three")?;
    product.client().python(WRITE, &["and four"])?;
    assert_eq!(following.until("and four")?, format!("accounts/{task} | and four"));
    assert_eq!(following.said.iter().filter(|line| **line == expected).count(), 1, "{:#?}", following.said);

    for (component, code, words) in
        [("public", 64, "these have some: MicroService.accounts, MicroService.web"), ("acounts", 64, "did you mean")]
    {
        let said = product.run(&["logs", component, "-e", "dev"])?;
        assert_eq!(said.code, Some(code), "{}", said.stderr);
        assert!(said.stderr.contains(words), "{}", said.stderr);
    }
    let said = product.run(&["logs", "accounts", "-e", "dev", "--since", "soon"])?;
    assert!(said.code == Some(64) && said.stderr.contains("10m"), "{}", said.stderr);

    watches(&product)?;
    assert!(emulator.unsupported()?.is_empty(), "{:?}", emulator.unsupported()?);
    Ok(())
}

/// Health is told when it changes, and an interrupt is the way out.
fn watches(product: &Product) -> Result<()> {
    let mut watching = Running::start(product, &["apply", "-e", "dev", "--auto-approve", "--watch"])?;
    watching.until("MicroService.accounts does what it is there for")?;
    let first = product.client().python(REVISION, &[""])?;
    let told = watching.until("MicroService.accounts: ")?;
    assert!(told.contains("not good"), "{told}");
    product.client().python(REVISION, &[first.as_str().unwrap()])?;
    watching.until("MicroService.accounts does what it is there for")?;
    assert_eq!(watching.interrupt()?, Some(0));
    Ok(())
}
