//! A state that a person has to mend, in a stack with look-ups: what is broken is named, and put back.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::{fs, path::PathBuf};

use deployer_tests::{Result, emulator::Emulator, place, product::Product};
use serde_json::{Value, json};

const STACK: &str = "apiVersion: deployer.dev/v1
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
kind: SQS
metadata: {name: jobs}
spec: {visibilityTimeout: 60}
";

const APPLY: &[&str] = &["apply", "-e", "dev", "--auto-approve"];

fn told(product: &Product, words: &[&str]) -> Result<Value> {
    let said = product.run(&[words, &["-e", "dev", "--json"]].concat())?;
    Ok(serde_json::from_str(&said.stdout)
        .map_err(|error| format!("{words:?}: {error}: {}{}", said.stdout, said.stderr))?)
}

/// The records of the stack.
fn records(product: &Product) -> PathBuf {
    product.folder().join(".deployer/objects/shop/dev")
}

/// What a crash in the middle of a write, or a hand, leaves of a file.
fn cut(file: &std::path::Path) -> Result<()> {
    let whole = fs::read_to_string(file)?;
    Ok(fs::write(file, &whole[..whole.len() / 2])?)
}

/// An apply that is killed when AWS has made the n-th change of it, and has not answered.
fn killed_at(product: &Product, number: u64) -> Result<()> {
    product.client().clear_calls()?;
    product.client().freeze(number, "after")?;
    let mut child = product.start(&[APPLY, &["--parallelism", "1"]].concat())?;
    product.client().wait_frozen(30_000)?.ok_or("the call did not come")?;
    child.kill()?;
    child.wait()?;
    product.client().unfreeze()
}

/// Everything is as the files say, and nobody holds a lock.
fn converged(product: &Product) -> Result<()> {
    product.succeed(APPLY)?;
    let plan = product.run(&["plan", "-e", "dev", "--detailed-exitcode"])?;
    assert_eq!(plan.code, Some(0), "{plan:?}");
    assert_eq!(told(product, &["unlock"])?["holders"].as_array().map(Vec::len), Some(0));
    let drift = told(product, &["drift", "detect"])?;
    assert_eq!(drift["orphans"].as_array().map(Vec::len), Some(0), "{:#}", drift["orphans"]);
    Ok(())
}

#[test]
fn a_journal_that_was_cut_off_is_gone_over_by_a_person() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    for (name, missing) in [("cut", false), ("missing", true)] {
        let product = Product::new(&emulator.client(name))?;
        let queue =
            |name| format!("---\napiVersion: deployer.dev/v1\nkind: SQS\nmetadata: {{name: {name}}}\nspec: {{}}\n");
        let (stack, _) = STACK.split_once("---").expect("several documents");
        let all: String = ["jobs", "mail", "bills"].into_iter().map(queue).collect();
        product.write("stack.yaml", &format!("{stack}{all}"))?;
        killed_at(&product, 3)?;
        let journal = records(&product).join("journal/00000001");
        let mut entries: Vec<PathBuf> =
            fs::read_dir(&journal)?.map(|it| it.map(|it| it.path())).collect::<std::io::Result<_>>()?;
        entries.sort();
        // Of a missing one there are later ones.
        let entry = &entries[if missing { entries.len() - 2 } else { entries.len() - 1 }];
        if missing {
            fs::remove_file(entry)?
        } else {
            cut(entry)?
        }

        let said = product.run(APPLY)?;
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.stderr.contains("journal/00000001/"), "{}", said.stderr);
        assert!(said.stderr.contains("deployer unlock --force"), "{}", said.stderr);
        let verified = product.run(&["state", "verify", "-e", "dev"])?;
        assert!(verified.stdout.contains("deployer unlock --force"), "{}", verified.stdout);
        let forced = product.run(&["unlock", "--force", "-e", "dev", "--auto-approve"])?;
        assert_eq!(forced.code, Some(0), "{forced:?}");
        assert!(format!("{}{}", forced.stdout, forced.stderr).contains("is passed over"), "{forced:?}");
        converged(&product)?;
        let verified = product.run(&["state", "verify", "-e", "dev"])?;
        assert!(verified.stdout.contains("nothing reads it any more"), "{}", verified.stdout);
    }
    Ok(())
}

#[test]
fn the_records_of_deployments_and_the_root_are_mended_by_name() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let product = Product::new(&emulator.client("root"))?;
    product.write("stack.yaml", STACK)?;
    product.succeed(APPLY)?;
    product.edit("stack.yaml", "visibilityTimeout: 60", "visibilityTimeout: 90")?;
    product.succeed(APPLY)?;

    cut(&records(&product).join("deployments/00000001.json"))?;
    let history = product.run(&["history", "-e", "dev"])?;
    assert_eq!(history.code, Some(0), "{history:?}");
    assert!(history.stderr.contains("deployments/00000001.json"), "{}", history.stderr);
    assert!(history.stdout.contains("    2  "), "{}", history.stdout);
    told(&product, &["state", "restore", "shop/dev/deployments/00000001.json", "--auto-approve"])?;
    assert_eq!(told(&product, &["history"])?["deployments"].as_array().map(Vec::len), Some(2));

    // With an earlier content of it, and with none at all.
    for without in [false, true] {
        if without {
            fs::remove_dir_all(product.folder().join(".deployer/past"))?;
        }
        cut(&records(&product).join("root.json"))?;
        let said = product.run(APPLY)?;
        assert!(said.stderr.contains("root.json") && said.stderr.contains("deployer state verify"), "{said:?}");
        let verified = product.run(&["state", "verify", "-e", "dev"])?;
        assert!(verified.stdout.contains("deployer state restore shop/dev/root.json"), "{}", verified.stdout);
        told(&product, &["state", "restore", "shop/dev/root.json", "--auto-approve"])?;
        assert_eq!(product.run(&["plan", "-e", "dev", "--detailed-exitcode"])?.code, Some(0));
    }
    product.edit("stack.yaml", "visibilityTimeout: 90", "visibilityTimeout: 120")?;
    converged(&product)?;
    let numbers = told(&product, &["history"])?;
    assert_eq!(numbers["deployments"][0]["id"], 3, "{numbers:#}");
    Ok(())
}

#[test]
fn a_backup_mends_what_has_no_earlier_content_and_is_of_one_state() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let product = Product::new(&emulator.client("backup"))?;
    product.write("stack.yaml", STACK)?;
    product.succeed(APPLY)?;
    product.succeed(&["state", "backup", "all.json", "-e", "dev"])?;
    for file in ["Networking.main.json", "SQS.jobs.json"] {
        cut(&records(&product).join("components/eu-west-1").join(file))?;
    }
    let restore = ["state", "restore", "--from", "all.json", "--auto-approve"];
    let done = told(&product, &restore)?;
    assert_eq!(done["restored"].as_array().map(Vec::len), Some(2), "{done:#}");
    assert_eq!(product.run(&["plan", "-e", "dev", "--detailed-exitcode"])?.code, Some(0));

    // Where all is lost, the same state is there again: the things in AWS are its own.
    fs::remove_dir_all(product.folder().join(".deployer"))?;
    told(&product, &restore)?;
    assert_eq!(product.run(&["plan", "-e", "dev", "--detailed-exitcode"])?.code, Some(0));

    // A state that began elsewhere is another one, and so is another stack's.
    let other = Product::new(&emulator.client("other"))?;
    other.write("stack.yaml", STACK)?;
    other.succeed(APPLY)?;
    fs::copy(product.folder().join("all.json"), other.folder().join("all.json"))?;
    let words = [&restore[..], &["-e", "dev"]].concat();
    let said = other.run(&words)?;
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("the copy is of another state"), "{}", said.stderr);
    let backup = fs::read_to_string(other.folder().join("all.json"))?;
    other.write("all.json", &backup.replace("\"stack\": \"shop\"", "\"stack\": \"cellar\""))?;
    let said = other.run(&words)?;
    assert_eq!(said.code, Some(64), "{said:?}");
    assert!(said.stderr.contains("it is a backup of cellar in dev"), "{}", said.stderr);
    Ok(())
}

#[test]
fn a_hand_at_the_state_settles_what_a_killed_run_left() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    for words in ["state mv SQS.jobs SQS.tasks", "state rm SQS.jobs --auto-approve"] {
        let product = Product::new(&emulator.client("hand"))?;
        product.write("stack.yaml", STACK)?;
        product.succeed(APPLY)?;
        let more =
            format!("{STACK}---\napiVersion: deployer.dev/v1\nkind: SQS\nmetadata: {{name: more}}\nspec: {{}}\n");
        product.write("stack.yaml", &more)?;
        killed_at(&product, 1)?;
        told(&product, &words.split(' ').collect::<Vec<_>>())?;
        let history = told(&product, &["history"])?;
        let killed = &history["deployments"][1];
        assert_eq!(killed["result"], "recovered", "{history:#}");
        assert_eq!(killed["steps"][0]["result"], "killed", "{killed:#}");
        assert!(killed["steps"][0]["why"].as_str().is_some_and(|it| it.starts_with("it was created: ")), "{killed:#}");
        let list = told(&product, &["state", "list"])?;
        assert!(list.to_string().contains("SQS.more"), "{list:#}");
    }
    Ok(())
}

#[test]
fn what_may_not_be_written_any_more_is_kept_beside_the_files_and_put_back() -> Result<()> {
    let emulator = Emulator::start(0.05)?;
    let client = emulator.client("denied");
    place::make(&client)?;
    let product = Product::new(&client)?;
    product.write("stack.yaml", STACK)?;
    let state = format!("s3://{}/team?table={}", place::bucket(&client), place::TABLE);
    let there = |words: &[&'static str]| -> Vec<String> {
        words.iter().copied().chain(["--state", &state]).map(str::to_owned).collect()
    };
    let run = |words: &[String]| product.run(&words.iter().map(String::as_str).collect::<Vec<_>>());

    // In the middle of it the permission to write records is taken away.
    client.clear_calls()?;
    client.freeze(24, "before")?;
    let words = there(APPLY);
    let child = product.start(&words.iter().map(String::as_str).collect::<Vec<_>>())?;
    client.wait_frozen(30_000)?.ok_or("the call did not come")?;
    client.options(json!({"rules": [{"match": {"operation": "s3:PutObject"}, "fault": "denied"}]}))?;
    client.unfreeze()?;
    let said = deployer_tests::product::said(child.wait_with_output()?);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.stderr.contains("s3:PutObject is refused"), "{}", said.stderr);
    let kept = fs::read_dir(product.folder().join(".deployer"))?.map(|it| it.map(|it| it.file_name()));
    let kept = kept.collect::<std::io::Result<Vec<_>>>()?;
    let kept = kept.iter().filter_map(|it| it.to_str()).find(|it| it.starts_with("unwritten-")).expect("a copy");
    assert!(said.stderr.contains("deployer state push") && said.stderr.contains(kept), "{}", said.stderr);

    client.options(json!({"rules": []}))?;
    let mut push = there(&["state", "push", "-e", "dev"]);
    push.push(format!(".deployer/{kept}"));
    let pushed = run(&push)?;
    assert!(pushed.code == Some(0) || pushed.stderr.contains("the copy is older than the state"), "{pushed:?}");
    assert_eq!(run(&there(APPLY))?.code, Some(0));
    assert_eq!(run(&there(&["plan", "-e", "dev", "--detailed-exitcode"]))?.code, Some(0));
    assert_eq!(place::locks(&client)?, json!({}));
    Ok(())
}

#[test]
fn a_broken_record_is_named_and_put_back() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let product = Product::new(&emulator.client("mending"))?;
    product.write("stack.yaml", STACK)?;
    product.succeed(APPLY)?;
    product.edit("stack.yaml", "visibilityTimeout: 60", "visibilityTimeout: 90")?;
    product.succeed(APPLY)?;

    // The one that keeps the answers of look-ups, and another.
    let folder = product.folder().join(".deployer/objects/shop/dev/components/eu-west-1");
    for file in ["Networking.main.json", "SQS.jobs.json"] {
        let whole = fs::read_to_string(folder.join(file))?;
        fs::write(folder.join(file), &whole[..whole.len() / 2])?;
    }
    assert_eq!(product.run(&["plan", "-e", "dev"])?.code, Some(1));
    let found = told(&product, &["state", "verify"])?;
    let faults = found["faults"].as_array().expect("faults");
    assert_eq!(faults.len(), 2, "{found:#}");
    for fault in faults {
        let (component, version) = (fault["component"].as_str().unwrap(), fault["newestGood"].as_str());
        // What was written once only has no earlier content.
        let Some(version) = version else { continue };
        told(&product, &["state", "restore", component, "--to", version, "--auto-approve"])?;
    }
    let left = told(&product, &["state", "verify"])?;
    assert!(left["faults"].as_array().expect("faults").iter().all(|it| it["newestGood"].is_null()), "{left:#}");
    Ok(())
}

#[test]
fn every_change_of_the_state_says_one_document_under_json() -> Result<()> {
    let emulator = Emulator::start(0.02)?;
    let product = Product::new(&emulator.client("mending"))?;
    product.write("stack.yaml", STACK)?;
    product.succeed(APPLY)?;
    for words in [
        "state list",
        "state versions",
        "state versions SQS.jobs",
        "state verify",
        "state pull copy",
        "state push copy",
        "state backup all.json",
        "state restore --from all.json --auto-approve",
        "state mv SQS.jobs SQS.tasks",
        "state rm SQS.tasks --auto-approve",
        "unlock",
        "unlock --force --auto-approve",
    ] {
        told(&product, &words.split(' ').collect::<Vec<_>>())?;
    }
    Ok(())
}
