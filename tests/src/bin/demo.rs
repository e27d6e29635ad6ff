//! The tour: `cargo demo`. The emulator is started, and the real binary is shown on a web app - network, load balancer, service,
//! database, queue, bucket: plan, apply, no changes, an update, a new version, a change from outside, a kill in the middle of
//! an apply and the recovery, destroy.
//!
//! Each claim is checked; the demo fails where one does not hold.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it talks to a person")]

use std::process::Command;

use deployer_tests::{Result, build, emulator::Emulator, product::Product};

/// Fifty times as fast as AWS: a lock's life is still more than a second.
const SCALE: f64 = 0.02;
const PLAN: &[&str] = &["plan", "-e", "dev", "--detailed-exitcode"];
const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];

fn main() -> Result<()> {
    title("The emulator: moto with AWS's sense of time and refusal, in a process of its own");
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client_of("demo", "111122223333");
    let stack = Product::new(&client)?;
    println!("{}", emulator.endpoint());

    title("A new stack of your own takes one line; this tour goes on with a web app: fixtures/stacks/web-app");
    show(&Product::new(&client)?, &["init", "hello"], 0)?;
    stack.fill(&build::workspace().join("fixtures/stacks/web-app"))?;
    must_say(&show(&stack, &["validate", "-e", "dev"], 0)?, "56 resources")?;

    title("What it would take");
    must_say(&show(&stack, &["plan", "-e", "dev"], 0)?, "56 to create")?;

    title("Apply; each step is confirmed by a read");
    must_say(&show(&stack, APPLY, 0)?, "MicroService.api  url")?;

    title("A second plan is empty");
    must_say(&show(&stack, PLAN, 0)?, "No changes")?;

    title("An update in place: the queue's visibility timeout");
    stack.edit("checkout.yaml", "visibilityTimeout: 60", "visibilityTimeout: 90")?;
    must_say(&show(&stack, APPLY, 0)?, "VisibilityTimeout: 60 -> 90")?;

    title("A new version: a task definition cannot be changed, so the new one comes first and the old one goes last");
    let version = ["--var", "apiTag=1.4.2"];
    must_say(&show(&stack, &[APPLY, &version].concat(), 0)?, "1 to change, 1 to replace")?;
    must_say(&show(&stack, &[PLAN, &version].concat(), 0)?, "No changes")?;
    stack.edit("stack.yaml", "default: 1.4.1", "default: 1.4.2")?;

    title("Somebody changes a field outside of deployer; the plan sees that field and nothing else");
    tamper(&stack)?;
    let plan = show(&stack, &["plan", "-e", "dev"], 0)?;
    must_say(&plan, "changed outside")?;
    must_say(&plan, "1 to change")?;
    must_say(&plan, "VisibilityTimeout: 7 -> 90")?;
    show(&stack, APPLY, 0)?;

    title("SIGKILL in the middle of an apply, right after AWS made a queue and before we heard of it");
    stack.write("more.yaml", MORE)?;
    client.clear_calls()?;
    client.freeze(1, "after")?;
    println!("$ deployer apply -e dev --auto-approve");
    let mut child = stack.start(APPLY)?;
    let frozen = client.wait_frozen(20_000)?.ok_or("the apply made no call")?;
    child.kill()?;
    child.wait()?;
    client.unfreeze()?;
    println!("killed during {frozen}; no answer came, nothing of it is in the state but the intent");

    title("The next apply settles it by asking AWS, and goes on; nothing is made twice");
    let said = show(&stack, APPLY, 0)?;
    must_say(&said, "it was created")?;
    must_say(&show(&stack, PLAN, 0)?, "No changes")?;
    show(&stack, &["history", "-e", "dev"], 0)?;

    title("Destroy");
    show(&stack, &["destroy", "-e", "dev", "--auto-approve"], 0)?;

    title("An independent listing (boto3) of what is left in the account");
    let left = client.inventory()?;
    println!("{left}");
    let nothing = left
        .as_object()
        .is_some_and(|kinds| kinds.values().all(|all| all.as_object().is_some_and(serde_json::Map::is_empty)));
    let unsupported = emulator.unsupported()?;
    match (nothing, unsupported.is_empty()) {
        (true, true) => {
            println!("\nNothing is left.");
            Ok(())
        }
        (false, _) => Err("something is left".into()),
        (_, false) => Err(format!("the emulator could not do: {unsupported:?}").into()),
    }
}

const MORE: &str = "apiVersion: deployer.dev/v1
kind: SQS
metadata: {name: refunds}
spec: {delay: 5s}
";

fn title(text: &str) {
    println!("\n\n== {text}\n");
}

/// Runs a command as a person would, and prints what it says.
fn show(stack: &Product, arguments: &[&str], code: i32) -> Result<String> {
    println!("$ deployer {}", arguments.join(" "));
    let said = stack.run(arguments)?;
    print!("{}", said.stdout);
    eprint!("{}", said.stderr);
    if said.code != Some(code) {
        return Err(format!("deployer {} ended with {:?}, not {code}", arguments.join(" "), said.code).into());
    }
    println!();
    Ok(said.stdout)
}

fn must_say(said: &str, words: &str) -> Result<()> {
    if said.contains(words) { Ok(()) } else { Err(format!("it should have said `{words}`").into()) }
}

/// boto3 sets the visibility timeout of the queue to 7 seconds.
fn tamper(stack: &Product) -> Result<()> {
    let script = "import boto3; q = boto3.client('sqs', region_name='eu-west-1'); \
        q.set_queue_attributes(QueueUrl=q.get_queue_url(QueueName='shop-dev-orders-queue')['QueueUrl'], Attributes={'VisibilityTimeout': '7'})";
    println!("$ python -c \"{script}\"\n");
    let status = Command::new(build::python()?).args(["-c", script]).envs(stack.client().env()).status()?;
    if status.success() { Ok(()) } else { Err("boto3 could not change the queue".into()) }
}
