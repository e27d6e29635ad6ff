//! Verdicts, judged by boto3: a sample of the matrix, some random changes in the rain, and the message that a tired engineer reads.
//! All of it: `--bin verdicts` and `--bin wander`.

#![allow(clippy::panic, clippy::expect_used, reason = "a test stops where it is wrong")]

use std::sync::atomic::{AtomicUsize, Ordering};

use deployer_tests::{
    Result,
    emulator::Emulator,
    matrix::{
        Cell, Change,
        Failing::{self, Alarm, CrashLoop, KilledInRollback, NeverHealthy, Not, SmokeTest, Step},
        Matrix,
    },
    product::Product,
    wander::Wander,
};

/// Each change, and each way to fail, at least once.
const SAMPLE: &[(Change, Failing)] = &[
    (Change::Update, Not),
    (Change::CreateFirst, Not),
    (Change::Create, Step),
    (Change::Create, CrashLoop),
    (Change::Update, Alarm),
    (Change::CreateFirst, NeverHealthy),
    (Change::DeleteFirst, KilledInRollback),
    (Change::Scale, SmokeTest),
];

#[test]
fn a_sample_of_the_matrix() {
    let next = AtomicUsize::new(0);
    let wrong = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let mut matrix = Matrix::new().expect("the stack is deployed");
                while let Some((change, failing)) = SAMPLE.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let cell = Cell(*change, *failing);
                    if let Err(error) = matrix.run(cell) {
                        wrong.lock().expect("no other thread panics").push(format!("{cell}: {error}"));
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("no thread panicked");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn random_changes_in_the_rain() -> Result<()> {
    let mut world = Wander::new()?;
    for seed in 1..=2 {
        world.run(seed)?;
    }
    Ok(())
}

/// Without a person: the old version runs, and what is said tells the cause at once.
#[test]
fn an_image_that_crashes_is_taken_back_and_told() -> Result<()> {
    let emulator = Emulator::start(0.01)?;
    let client = emulator.client("crash");
    let product = Product::new(&client)?;
    product.stack("web-app")?;
    product.succeed(&["apply", "-e", "dev", "--auto-approve"])?;
    let before = client.boto3("running.py", &[])?;
    let said = product.run(&["apply", "-e", "dev", "--auto-approve", "--var", "apiTag=2-crash"])?;
    assert_eq!(said.code, Some(6), "{}{}", said.stdout, said.stderr);
    let told = said.stderr;
    for words in [
        "ECS went back to",
        "container api exited with 1",
        "panic: crash in image example/api:2-crash",
        "rolled back",
        "what was there before is in place again",
        "Mend the cause, then `deployer apply` again.",
    ] {
        assert!(told.contains(words), "`{words}` is missing in:\n{told}");
    }
    assert_eq!(client.boto3("running.py", &[])?, before);
    let plan = product.run(&["plan", "-e", "dev", "--detailed-exitcode"])?;
    assert_eq!(plan.code, Some(0), "{}", plan.stdout);
    let history = product.succeed(&["history", "2", "-e", "dev"])?;
    for words in ["rolled back", "taken back: MicroService.api/Service", "good     verdict"] {
        assert!(history.contains(words), "`{words}` is missing in:\n{history}");
    }
    Ok(())
}

/// To a deployment that is named, by the input that it recorded; and back to what was good before the last.
#[test]
fn a_rollback_by_hand_needs_no_files_of_then() -> Result<()> {
    let emulator = Emulator::start(0.01)?;
    let client = emulator.client("back");
    let product = Product::new(&client)?;
    product.stack("web-app")?;
    product.succeed(&["apply", "-e", "dev", "--auto-approve"])?;
    let first = client.inventory()?;
    product.edit("checkout.yaml", "visibilityTimeout: 60", "visibilityTimeout: 90")?;
    product.succeed(&["apply", "-e", "dev", "--auto-approve", "--var", "apiTag=2"])?;
    let second = client.boto3("running.py", &[])?;
    product.succeed(&["rollback", "1", "-e", "dev", "--auto-approve"])?;
    assert_eq!(client.boto3("running.py", &[])?.to_string(), second.to_string().replace("api:2", "api:1.4.1"));
    assert_eq!(client.inventory()?["queues"], first["queues"], "the queue is as it was");
    let back = product.succeed(&["rollback", "-e", "dev", "--auto-approve"])?;
    assert!(back.contains("back to deployment 2"), "{back}");
    assert_eq!(client.boto3("running.py", &[])?, second);
    let unknown = product.run(&["rollback", "99", "-e", "dev", "--auto-approve"])?;
    assert_eq!(unknown.code, Some(64), "{}", unknown.stderr);
    assert!(unknown.stderr.contains("there is no deployment 99; the newest is 4"), "{}", unknown.stderr);
    Ok(())
}
