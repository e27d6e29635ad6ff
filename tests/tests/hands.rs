//! What a person does by hand: looks while others hold the locks, takes the locks away, takes over what is there, writes an old copy
//! back, reads what was done.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::process::{Child, Command, Stdio};

use deployer_tests::{
    Result,
    emulator::{Client, Emulator},
    place,
    product::{Product, Said, said},
};
use serde_json::{Value, json};

/// The wait for calls that may be on their way is three seconds of ours.
const SCALE: f64 = 0.1;
const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];
const PLAN: &[&str] = &["plan", "-e", "dev", "--detailed-exitcode"];

/// Two queues, one after the other; `more` goes into the stack's own spec.
fn two_queues(more: &str) -> String {
    format!(
        "apiVersion: deployer.dev/v1
kind: Stack
metadata: {{name: shop}}
spec: {{environments: {{dev: {{region: eu-west-1}}}}{more}}}
---
apiVersion: deployer.dev/v1
kind: SQS
metadata: {{name: jobs}}
spec: {{visibilityTimeout: 60}}
---
apiVersion: deployer.dev/v1
kind: SQS
metadata: {{name: tasks}}
spec: {{dependsOn: [SQS.jobs]}}
"
    )
}

fn local(client: &Client) -> Result<Product> {
    let product = Product::new(client)?;
    product.write("stack.yaml", &two_queues(""))?;
    Ok(product)
}

/// With its state in AWS.
fn shared(client: &Client) -> Result<Product> {
    place::make(client)?;
    let product = Product::new(client)?;
    let state = format!(", state: {{bucket: {}, table: {}}}", place::bucket(client), place::TABLE);
    product.write("stack.yaml", &two_queues(&state))?;
    Ok(product)
}

fn json(product: &Product, words: &[&str]) -> Result<Value> {
    let text = product.succeed(&[words, &["-e", "dev", "--json"]].concat())?;
    Ok(serde_json::from_str(&text).map_err(|error| format!("{words:?}: {error}: {text}"))?)
}

/// An apply that holds its locks and stands still: its first queue is made, and the answer does not come.
struct Frozen {
    client: Client,
    apply: Child,
    /// Somebody else with the same files.
    other: Product,
}

impl Frozen {
    fn start(emulator: &Emulator) -> Result<Self> {
        let before = emulator.client("undisturbed");
        shared(&before)?.succeed(APPLY)?;
        let changes = before.calls()?.log.into_iter().filter(|(_, changes)| *changes);
        let at = 1 + changes.map(|(what, _)| what).position(|it| it == "sqs:CreateQueue").ok_or("it makes no queue")?;
        let client = emulator.client("frozen");
        let product = shared(&client)?;
        client.freeze(u64::try_from(at)?, "after")?;
        let apply = product.start(APPLY)?;
        let met = client.wait_frozen(60_000)?.ok_or("the call did not come")?;
        assert!(met.starts_with("sqs:CreateQueue"), "{met}");
        let other = Product::new(&client.named("other"))?;
        product.save(other.folder())?;
        Ok(Self { client, apply, other })
    }

    /// Ends it where it stands.
    fn kill(mut self) -> Result<()> {
        self.apply.kill()?;
        self.apply.wait()?;
        self.client.unfreeze()
    }

    /// Lets it go; what it said in the end, and the other one.
    fn thaw(self) -> Result<(Said, Product)> {
        self.client.unfreeze()?;
        Ok((said(self.apply.wait_with_output()?), self.other))
    }
}

#[test]
fn who_only_looks_waits_for_no_lock_and_writes_nothing() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let frozen = Frozen::start(&emulator)?;
    let (locks, other) = (place::locks(&frozen.client)?, &frozen.other);
    assert_ne!(locks, json!({}));
    for words in ["plan", "list", "show SQS.jobs", "validate", "graph", "drift detect", "history", "history 1"] {
        other.client().clear_calls()?;
        let command: Vec<&str> = words.split(' ').chain(["-e", "dev"]).collect();
        let said = other.run(&command)?;
        assert_eq!(said.code, Some(0), "{words}: {}{}", said.stdout, said.stderr);
        let calls = other.client().calls()?;
        assert_eq!(calls.mutating, 0, "{words} writes: {:?}", calls.by_operation);
        let of_locks: Vec<&String> = calls.by_operation.keys().filter(|it| it.starts_with("dynamodb:")).collect();
        // What a deployment changes just now is no drift: it is told as being under way, and only the holder's record says of what.
        let allowed: &[&str] = if words == "drift detect" { &["dynamodb:GetItem"] } else { &[] };
        assert_eq!(of_locks, allowed, "{words}");
    }
    assert_eq!(place::locks(&frozen.client)?, locks);
    assert!(frozen.client.wait_frozen(0)?.is_some(), "it went on meanwhile");
    frozen.kill()
}

#[test]
fn unlock_says_who_holds_what_and_only_a_yes_takes_it_away() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let frozen = Frozen::start(&emulator)?;
    let (other, pid) = (&frozen.other, frozen.apply.id());
    let locks = place::locks(&frozen.client)?;
    let said = other.succeed(&["unlock", "-e", "dev"])?;
    let line = said.lines().find(|it| it.contains("deployment 1")).expect("the holder");
    for words in ["apply by tester on ", &format!("(process {pid}) since "), "alive"] {
        assert!(line.contains(words), "`{words}` is missing in: {line}");
    }
    assert!(said.contains("SQS.jobs") && said.contains("SQS.tasks"), "{said}");
    let holder = &json(other, &["unlock"])?["holders"][0];
    assert_eq!(holder["life"], "alive");
    assert!(holder["holder"]["sinceMillis"].as_u64() > Some(0), "{holder:#}");
    let refused = other.run(&["unlock", "-e", "dev", "--force"])?;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.stderr.contains("--auto-approve was not given; nothing was changed"), "{refused:?}");
    assert_eq!(other.client().calls()?.mutating, 0);
    assert_eq!(place::locks(&frozen.client)?, locks);
    frozen.kill()
}

#[test]
fn a_holder_whose_locks_were_taken_away_stops_and_says_so_and_the_next_apply_converges() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let frozen = Frozen::start(&emulator)?;
    let client = frozen.client.clone();
    let mut unlock = frozen.other.command(&["unlock", "-e", "dev", "--force", "--auto-approve"]);
    let taken = said(unlock.env("DEPLOYER_USER", "rescuer").stdin(Stdio::null()).output()?);
    assert_eq!(taken.code, Some(0), "{taken:?}");
    assert_eq!(place::locks(&client)?, json!({}));
    client.clear_calls()?;
    let (stopped, other) = frozen.thaw()?;
    assert_eq!(stopped.code, Some(1), "{}{}", stopped.stdout, stopped.stderr);
    assert!(stopped.stderr.contains("the lock was lost"), "{}", stopped.stderr);
    // The call that was on the wire may have been sent again, with the same answer; a write of a record is refused.
    let calls = client.calls()?;
    let may_be_tried = |it: &(String, bool)| !it.1 || ["sqs:CreateQueue", "s3:PutObject"].contains(&it.0.as_str());
    assert!(calls.log.iter().all(may_be_tried) && calls.changing() <= 1, "{:?}", calls.log);
    let there = client.inventory()?["queues"].clone();
    assert_eq!(there.as_object().expect("queues").keys().collect::<Vec<_>>(), ["shop-dev-jobs"]);

    let record = &json(&other, &["history"])?["deployments"][0];
    assert_eq!(
        (&record["forced"]["user"], &record["owner"]["user"]),
        (&json!("rescuer"), &json!("tester")),
        "{record:#}"
    );
    assert_eq!(record["result"], "recovered");
    let one = other.succeed(&["history", "1", "-e", "dev"])?;
    assert!(one.contains("its locks were taken away by rescuer on "), "{one}");
    other.succeed(APPLY)?;
    assert_eq!(other.run(PLAN)?.code, Some(0));
    let there = client.inventory()?["queues"].clone();
    assert_eq!(there.as_object().expect("queues").keys().collect::<Vec<_>>(), ["shop-dev-jobs", "shop-dev-tasks"]);
    Ok(())
}

/// A queue with a visibility timeout; its URL.
const QUEUE: &str = r#"
import boto3, json, sys
sqs = boto3.client("sqs", region_name="eu-west-1")
print(json.dumps(sqs.create_queue(QueueName=sys.argv[1], Attributes={"VisibilityTimeout": sys.argv[2]})["QueueUrl"]))
"#;

fn queue(client: &Client, name: &str, timeout: &str) -> Result<String> {
    Ok(client.python(QUEUE, &[name, timeout])?.as_str().ok_or("no URL")?.to_owned())
}

/// What a plan does to the things at this address: the verbs, and the properties that become others, without tags.
fn changes(plan: &Value, address: &str) -> Vec<(Value, Vec<String>)> {
    let all = plan["resource_changes"].as_array().into_iter().flatten();
    let ours = all.filter(|it| it["address"] == address && it["change"]["actions"] != json!(["no-op"]));
    let differs = |change: &Value| {
        let after = change["after"].as_object().into_iter().flatten();
        let other = after.filter(|(name, value)| *name != "Tags" && change["before"][name.as_str()] != **value);
        other.map(|(name, _)| name.clone()).collect()
    };
    ours.map(|it| (it["change"]["actions"].clone(), differs(&it["change"]))).collect()
}

#[test]
fn an_import_shows_what_differs_and_the_next_plan_has_that_alone() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("import");
    let product = local(&client)?;
    let url = queue(&client, "legacy", "45")?;
    let import = ["state", "import", "SQS.jobs/Queue", &url, "-e", "dev"];
    let refused = product.run(&import)?;
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert_eq!(json(&product, &["history"])?["deployments"], json!([]));
    let taken = product.succeed(&[&import[..], &["--auto-approve"]].concat())?;
    let line = taken.lines().find(|it| it.contains("VisibilityTimeout")).expect("what differs");
    assert!(line.contains("45") && line.contains("60"), "{taken}");
    assert!(taken.contains("imported"), "{taken}");
    let plan = json(&product, &["plan"])?;
    let differs = vec!["VisibilityTimeout".to_owned()];
    assert_eq!(changes(&plan, "SQS.jobs/Queue"), [(json!(["update"]), differs)], "{plan:#}");
    product.succeed(APPLY)?;
    let queues = client.inventory()?["queues"].clone();
    assert_eq!(queues["legacy"]["attributes"]["VisibilityTimeout"], "60", "{queues:#}");
    assert_eq!(queues.as_object().map(serde_json::Map::len), Some(2), "{queues:#}");
    assert_eq!(product.run(PLAN)?.code, Some(0));
    Ok(())
}

#[test]
fn an_import_of_what_is_not_there_or_held_already_is_refused_in_words() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("import");
    let product = local(&client)?;
    let (url, second) = (queue(&client, "legacy", "45")?, queue(&client, "second", "45")?);
    let import =
        |address: &str, id: &str| product.run(&["state", "import", address, id, "-e", "dev", "--auto-approve"]);
    let held =
        product.succeed(&["state", "import", "SQS.jobs/Queue", &url, "-e", "dev", "--auto-approve", "--json"])?;
    let held: Value = serde_json::from_str(&held)?;
    assert_eq!(
        (&held["address"], &held["id"], &held["deployment"]),
        (&json!("SQS.jobs/Queue"), &json!(url), &json!(1))
    );
    assert_eq!(changes(&held["plan"], "SQS.jobs/Queue").len(), 1, "{held:#}");
    let wrong = format!("{url}-that-nobody-made");
    for (address, id, words) in [
        ("SQS.tasks/Queue", wrong.as_str(), "there is no AWS::SQS::Queue with the id "),
        ("SQS.tasks/Queue", url.as_str(), " is SQS.jobs/Queue already"),
        ("SQS.jobs/Queue", second.as_str(), "`deployer state rm SQS.jobs/Queue` forgets that one"),
        ("SQS.none/Queue", second.as_str(), "SQS.none"),
    ] {
        let said = import(address, id)?;
        assert!(matches!(said.code, Some(1 | 64)), "{address} as {id}: {said:?}");
        assert!(said.stderr.contains(words), "`{words}` is missing in: {}", said.stderr);
    }
    assert_eq!(json(&product, &["history"])?["deployments"].as_array().map(Vec::len), Some(1));
    Ok(())
}

#[test]
fn a_push_of_an_older_copy_is_refused_with_the_way_on_and_writes_nothing() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("push");
    let product = shared(&client)?;
    product.succeed(APPLY)?;
    product.succeed(&["state", "pull", "copy", "-e", "dev"])?;
    product.edit("stack.yaml", "visibilityTimeout: 60", "visibilityTimeout: 90")?;
    product.succeed(APPLY)?;
    client.clear_calls()?;
    let said = product.run(&["state", "push", "copy", "-e", "dev"])?;
    assert_eq!(said.code, Some(1), "{said:?}");
    for words in
        ["the copy is older than the state: SQS.jobs (serial ", "nothing was written", "`deployer state restore`"]
    {
        assert!(said.stderr.contains(words), "`{words}` is missing in: {}", said.stderr);
    }
    // What is as it was is not named.
    assert!(!said.stderr.contains("SQS.tasks"), "{}", said.stderr);
    let calls = client.calls()?;
    assert_eq!(calls.mutating, 0, "{:?}", calls.by_operation);
    assert_eq!(product.run(PLAN)?.code, Some(0));
    Ok(())
}

fn git(product: &Product, words: &[&str]) -> Result<String> {
    let mut command = Command::new("git");
    command.current_dir(product.folder()).args(["-c", "user.name=t", "-c", "user.email=t@example.com"]).args(words);
    let said = said(command.env("GIT_CONFIG_GLOBAL", "/dev/null").output()?);
    if said.code == Some(0) {
        Ok(said.stdout.trim().to_owned())
    } else {
        Err(format!("git {words:?}: {said:?}").into())
    }
}

#[test]
fn history_says_who_did_what_from_which_commit_and_how_long_it_took() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let client = emulator.client("history");
    let product = local(&client)?;
    product.write(".gitignore", ".deployer/\n")?;
    git(&product, &["init", "-q"])?;
    git(&product, &["add", "."])?;
    git(&product, &["commit", "-q", "-m", "two queues"])?;
    let commit = git(&product, &["rev-parse", "HEAD"])?;
    product.succeed(APPLY)?;
    product.edit("stack.yaml", "visibilityTimeout: 60", "visibilityTimeout: 90")?;
    client.options(json!({"rules": [{"match": {"operation": "sqs:SetQueueAttributes"}, "fault": "denied"}]}))?;
    assert_eq!(product.run(APPLY)?.code, Some(6));

    let history = json(&product, &["history"])?;
    let [second, first] = history["deployments"].as_array().expect("deployments").as_slice() else {
        panic!("{history:#}")
    };
    assert_eq!((&first["id"], &first["revision"], &first["result"]), (&json!(1), &json!(commit), &json!("succeeded")));
    assert_eq!((&second["id"], &second["revision"]), (&json!(2), &json!(format!("{commit} with changes"))));
    assert_eq!(second["result"], "rolled-back");
    for it in [first, second] {
        assert_eq!((&it["owner"]["user"], &it["purpose"]), (&json!("tester"), &json!("apply")));
        assert!(it["startedMillis"].as_u64().is_some_and(|from| it["finishedMillis"].as_u64() >= Some(from)), "{it:#}");
    }
    let steps = first["steps"].as_array().expect("steps");
    assert_eq!(steps.len(), 2, "{first:#}");
    for step in steps {
        assert_eq!((&step["verb"], &step["result"]), (&json!("create"), &json!("done")), "{step:#}");
        assert!(step["millis"].is_u64(), "{step:#}");
    }
    let step = &second["steps"][0];
    assert_eq!((&step["address"], &step["result"]), (&json!("SQS.jobs/Queue"), &json!("failed")), "{second:#}");
    assert!(step["why"].as_str().is_some_and(|why| why.contains("AccessDenied")), "{step:#}");

    let one = product.succeed(&["history", "1", "-e", "dev"])?;
    for words in ["apply by tester on ", &commit[..12], "SQS.jobs/Queue", "SQS.tasks/Queue"] {
        assert!(one.contains(words), "`{words}` is missing in:\n{one}");
    }
    assert_eq!(
        one.lines().filter(|it| it.trim_start().starts_with("done ") && it.contains(" create ")).count(),
        2,
        "{one}"
    );
    let two = product.succeed(&["history", "2", "-e", "dev"])?;
    let failed = two.lines().find(|it| it.trim_start().starts_with("failed ")).expect("the step that failed");
    assert!(failed.contains("SQS.jobs/Queue") && failed.contains("AccessDenied"), "{failed}");
    Ok(())
}
