//! State in S3 and locks in DynamoDB, against the emulator: the contract of all stores, and what a place that is not right says.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "a test stops where it is wrong")]

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use deployer_engine::{
    desired::Scope,
    store::{
        StoreError,
        contract::{Client as Store, Two},
    },
    store_contract,
};
use deployer_providers::{
    Aws,
    state::{BucketStore, Place, TableLocks},
};
use deployer_tests::{
    Result,
    emulator::{Client, Emulator},
    place,
};

/// One emulator, one bucket and one table for all tests: each has a prefix of its own, as teams do.
fn emulator() -> &'static (Emulator, Client) {
    static ONE: OnceLock<(Emulator, Client)> = OnceLock::new();
    ONE.get_or_init(|| {
        let emulator = Emulator::start(0.02).expect("an emulator");
        let client = emulator.client("state");
        place::make(&client).expect("a bucket and a table");
        (emulator, client)
    })
}

fn scope() -> Scope {
    Scope { stack: "s".to_owned(), env: "e".to_owned(), ..Scope::default() }
}

fn of(aws: &Aws, place: &Place) -> Store {
    let locks = TableLocks::new(aws, place, &scope(), Arc::new(place::Still));
    (Arc::new(BucketStore::new(aws, place)), Arc::new(locks))
}

async fn here(prefix: &str) -> (Aws, Place) {
    let (_, client) = emulator();
    let place = place::of(client, prefix);
    (client.aws().await, place)
}

async fn two() -> Result<(Two, ())> {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let (aws, place) = here(&format!("team-{}/", NEXT.fetch_add(1, Ordering::SeqCst))).await;
    Ok((Two { one: of(&aws, &place), two: of(&aws, &place) }, ()))
}

store_contract!(aws_state, two());

fn run<T>(what: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(what)
}

/// What is said of a place that cannot be used.
fn unusable<T: std::fmt::Debug>(result: std::result::Result<T, StoreError>) -> (String, String) {
    match result {
        Err(StoreError::Unusable { place, why, help }) => (format!("{place}: {why}"), help),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_place_that_is_missing_names_the_command_that_makes_it() {
    run(async {
        let (aws, place) = here("").await;
        let none = Place { bucket: "none-of-ours".to_owned(), table: "none".to_owned(), ..place };
        let (objects, locks) = of(&aws, &none);
        for said in [
            unusable(objects.get("a").await),
            unusable(objects.put_if("a", None, "{}".into()).await),
            unusable(objects.list("a/").await),
        ] {
            assert_eq!(said.0, "s3://none-of-ours: it does not exist");
            assert!(said.1.contains("deployer init --bootstrap"), "{}", said.1);
        }
        for said in [
            unusable(locks.holder("1").await),
            unusable(locks.locks().await),
            unusable(locks.put_holder("1", None, "{}".into()).await),
        ] {
            assert_eq!(said.0, "table none: it does not exist");
        }
    });
}

#[test]
fn a_table_with_another_key_is_no_table_of_locks() {
    run(async {
        let (_, client) = emulator();
        client.boto3("place.py", &["other_table", "-", "other"]).unwrap();
        let (aws, place) = here("").await;
        let (_, locks) = of(&aws, &Place { table: "other".to_owned(), ..place });
        let (why, help) = unusable(locks.put_holder("1", None, "{}".into()).await);
        assert!(why.starts_with("table other: it is no table of locks: its key is not `lockKey` of type S"), "{why}");
        assert!(help.contains("table"), "{help}");
    });
}

#[test]
fn a_refusal_names_the_permission() {
    run(async {
        let (emulator, _) = emulator();
        let client = emulator.client("state-refused").of_account();
        let rules = serde_json::json!({"rules": [
            {"match": {"operation": "s3:PutObject"}, "fault": "denied"},
            {"match": {"operation": "dynamodb:PutItem"}, "fault": "denied"},
        ]});
        place::make(&client).unwrap();
        client.options(rules).unwrap();
        let place = place::of(&client, "");
        let (objects, locks) = of(&client.aws().await, &place);
        let (why, help) = unusable(objects.put_if("a", None, "{}".into()).await);
        assert!(
            why.ends_with("s3:PutObject is refused: there is no permission for it, or it belongs to another account"),
            "{why}"
        );
        assert!(help.contains("deployer iam-policy"), "{help}");
        let (why, _) = unusable(locks.put_holder("1", None, "{}".into()).await);
        assert!(why.contains("dynamodb:PutItem is refused"), "{why}");
    });
}
