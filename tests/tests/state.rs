//! State in S3 and locks in DynamoDB, against the emulator: the contract of all stores, and what a place that is not right says.

#![allow(clippy::panic, clippy::expect_used, clippy::unwrap_used, reason = "a test stops where it is wrong")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpListener,
    sync::{
        Arc, Mutex, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

use deployer_engine::{
    address::ComponentId,
    desired::Scope,
    store::{
        StoreError,
        contract::{Client as Store, Two},
    },
    store_contract,
};
use deployer_providers::{
    Aws, AwsOptions,
    state::{BucketStore, Place, TableLocks},
};
use deployer_tests::{
    Result,
    emulator::{Client, Emulator},
    owned::OwnedBuckets,
    place,
    product::Product,
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
    let locks = TableLocks::new(aws, place, &scope());
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
            assert_eq!(said.0, "s3://none-of-ours: it does not exist in eu-west-1");
            assert!(said.1.contains("say its region") && said.1.contains("deployer init --bootstrap"), "{}", said.1);
        }
        for said in [
            unusable(locks.holder("1").await),
            unusable(locks.locks().await),
            unusable(locks.put_holder("1", None, "{}".into()).await),
        ] {
            assert_eq!(said.0, "table none: it does not exist in eu-west-1");
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
        let refused = "s3:PutObject is refused: there is no permission for it, or it belongs to another account (";
        assert!(why.contains(refused) && why.contains("not authorized to perform: s3:PutObject"), "{why}");
        assert!(help.contains("deployer iam-policy"), "{help}");
        let (why, _) = unusable(locks.put_holder("1", None, "{}".into()).await);
        assert!(why.contains("dynamodb:PutItem is refused"), "{why}");
    });
}

#[test]
fn a_bucket_without_versions_is_told_from_one_that_keeps_them() {
    run(async {
        let (_, client) = emulator();
        let bare = format!("bare-{}", client.account());
        client.python(BARE, &[&bare]).unwrap();
        let (aws, place) = here("").await;
        assert!(of(&aws, &place).0.keeps_versions().await.unwrap());
        let (objects, _) = of(&aws, &Place { bucket: bare, ..place });
        assert!(!objects.keeps_versions().await.unwrap());
        assert!(objects.put_if("a", None, "{}".into()).await.is_ok(), "it can be used all the same");
    });
}

const BARE: &str = r#"
import boto3, json, sys
boto3.client("s3", region_name="eu-west-1").create_bucket(Bucket=sys.argv[1], CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
print(json.dumps(None))
"#;

/// How many days ahead of the table's own time each item's date for the janitor lies, for the keys with the prefix.
const DATES: &str = r#"
import boto3, email.utils, json, sys
answer = boto3.client("dynamodb", region_name="eu-west-1").scan(TableName=sys.argv[1], ConsistentRead=True)
now = email.utils.parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
mine = [it for it in answer["Items"] if sys.argv[2] in it["lockKey"]["S"]]
print(json.dumps([(int(it["expiresAt"]["N"]) - now) / 86400 for it in mine]))
"#;

#[test]
fn the_janitor_s_date_is_by_the_table_s_own_time() {
    run(async {
        let (_, client) = emulator();
        // Each first call of a client is a write: none of the two has heard the time before.
        let (aws, place) = here("dated/").await;
        of(&aws, &place).1.put_holder("1", None, "{}".into()).await.unwrap();
        of(&aws, &place).1.take("1", &[ComponentId::new("K", "a"), ComponentId::new("K", "b")]).await.unwrap();
        let days = client.python(DATES, &[&place.table, "/dated/"]).unwrap();
        let days: Vec<f64> = days.as_array().unwrap().iter().filter_map(serde_json::Value::as_f64).collect();
        assert!(days.len() == 3 && days.iter().all(|it| (6.9..7.1).contains(it)), "{days:?}");
    });
}

/// A table whose time is this one: it answers everything with nothing, and keeps what it was asked.
fn table_at(date: &'static str) -> (String, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (endpoint, asked) = (format!("http://{}", listener.local_addr().unwrap()), Arc::<Mutex<String>>::default());
    let kept = asked.clone();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let (mut request, mut line, mut length) = (BufReader::new(stream.try_clone().unwrap()), String::new(), 0);
            while request.read_line(&mut line).unwrap() > 2 {
                let header = line.to_ascii_lowercase();
                length = header.strip_prefix("content-length:").map_or(length, |it| it.trim().parse().unwrap());
                line.clear();
            }
            let mut body = vec![0; length];
            request.read_exact(&mut body).unwrap();
            kept.lock().unwrap().push_str(&String::from_utf8_lossy(&body));
            let head = format!("HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Type: application/x-amz-json-1.0");
            stream
                .write_all(format!("{head}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}").as_bytes())
                .unwrap();
        }
    });
    (endpoint, asked)
}

#[test]
fn a_machine_whose_clock_is_years_off_writes_no_lock_that_is_born_expired() {
    run(async {
        // The machine is years behind the table, and years ahead of it: a week after the table's own time, in seconds.
        for (date, expires) in
            [("Fri, 01 Jan 2038 00:00:00 GMT", "2146521600"), ("Wed, 01 Jan 2020 00:00:00 GMT", "1578441600")]
        {
            let (endpoint, asked) = table_at(date);
            let credentials = Some(("AKIA".to_owned(), "secret".to_owned()));
            let options = AwsOptions {
                region: "eu-west-1".to_owned(),
                endpoint: Some(endpoint),
                credentials,
                time_scale: Some(0.02),
            };
            let (_, locks) = of(&Aws::load(options).await, &Place { table: "locks".to_owned(), ..Place::default() });
            locks.put_holder("1", None, "{}".into()).await.unwrap();
            let asked = asked.lock().unwrap().clone();
            assert!(asked.contains("expiresAt") && asked.contains(expires), "{date}: {asked}");
        }
    });
}

#[test]
fn credentials_that_are_missing_are_told_with_the_way_on() {
    let (_, client) = emulator();
    let product = Product::new(client).unwrap();
    product.succeed(&["init", "shop"]).unwrap();
    let mut command = product.command(&["state", "verify", "-e", "dev", "--state", "s3://acme-state"]);
    for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"] {
        command.env_remove(name);
    }
    let said = command.env("HOME", product.folder()).output().unwrap();
    let words = String::from_utf8_lossy(&said.stderr);
    assert!(
        words.contains("s3://acme-state: no credentials were found (") && words.contains("set AWS_PROFILE"),
        "{words}"
    );
    assert!(!words.contains("can be written"), "{words}");
}

/// A stack whose environment may be deployed to one account, and that says no owner of its state's bucket.
const GUARDED: &str = r"
apiVersion: deployer.dev/v1
kind: Stack
metadata: {name: shop}
spec:
  environments:
    dev: {region: eu-west-1, account: '111122223333'}
  state: {bucket: acme-state}
";

#[test]
fn the_bucket_has_to_belong_to_the_environment_s_account() {
    let (_, client) = emulator();
    let product = Product::new(client).unwrap();
    product.write("stack.yaml", GUARDED).unwrap();
    let theirs = OwnedBuckets::of("999988887777").unwrap();
    let mut command = product.command(&["state", "verify"]);
    let said = command.env("AWS_ENDPOINT_URL_S3", theirs.endpoint()).output().unwrap();
    let words = String::from_utf8_lossy(&said.stderr);
    assert!(words.contains("it does not belong to account 111122223333 as it has to"), "{words}");
    assert_eq!(theirs.expected(), ["111122223333"], "{words}");
}
