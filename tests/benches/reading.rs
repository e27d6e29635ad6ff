//! How five hundred resources are read: `cargo bench --profile dev -p deployer-tests --bench reading`.
//!
//! The web app with many services, each with its own database, queue and bucket, is deployed to the emulator. Then everything
//! in state is read twice, by the real types: one by one, and as a plan or a look for drift does. So that the emulator's own
//! time counts for little, a call takes ten times the latency that is meant; what is asked is a ratio.

#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "measures another process, in real time")]

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use deployer_engine::{
    book::Book,
    desired::{Desired, Scope},
    event::Nowhere,
    observe::{Asked, Reading, to_read},
    resource::Registry,
    safety::Safety,
    store::local::LocalStore,
};
use deployer_providers::registry;
use deployer_tests::{Result, build, clock::Scaled, emulator::Emulator, product::Product};
use serde_json::json;

/// How fast the emulator's time goes: a lock has to live through hundreds of steps on two cores.
const SCALE: f64 = 0.02;
/// Services: with each come its database, queue and bucket.
const SERVICES: usize = 18;
/// What a call takes, ten times slowed.
const LATENCY: Duration = Duration::from_millis(500);
/// As many as the engine has on their way at once if nothing is said.
const AT_ONCE: usize = 16;

fn main() -> Result<()> {
    let emulator = Emulator::start(SCALE)?;
    let product = Product::new(&emulator.client("reading"))?;
    product.fill(&build::workspace().join("fixtures/stacks/web-app"))?;
    for number in 1..=SERVICES {
        product.write(&format!("more-{number}.yaml"), &service(number))?;
    }
    product.succeed(&["apply", "-e", "dev", "--auto-approve"])?;
    tokio::runtime::Builder::new_multi_thread().enable_all().build()?.block_on(measure(&product))
}

/// One more service, with what it uses.
fn service(number: usize) -> String {
    format!(
        "apiVersion: deployer.dev/v1\n\
         kind: MicroService\n\
         metadata: {{name: api-{number}}}\n\
         spec:\n\
         \x20 image: example/api:1.4.1\n\
         \x20 cpu: 256\n\
         \x20 memory: 512\n\
         \x20 ports: [{{name: http, port: 8080}}]\n\
         \x20 replicas: {{min: 1, max: 2, targetCpu: 60}}\n\
         \x20 ingress: {{paths: [\"/{number}/*\"], healthCheck: {{path: /healthz}}}}\n\
         \x20 uses: [db-{number}, queue-{number}, bucket-{number}]\n\
         ---\n\
         apiVersion: deployer.dev/v1\n\
         kind: RDS\n\
         metadata: {{name: db-{number}}}\n\
         spec: {{engine: postgres, version: \"16\", class: db.t4g.medium, storage: {{size: 50}}, deletionProtection: false}}\n\
         ---\n\
         apiVersion: deployer.dev/v1\n\
         kind: SQS\n\
         metadata: {{name: queue-{number}}}\n\
         spec: {{deadLetter: {{maxReceives: 5}}}}\n\
         ---\n\
         apiVersion: deployer.dev/v1\n\
         kind: S3\n\
         metadata: {{name: bucket-{number}}}\n"
    )
}

/// Everything in the product's state.
async fn everything(product: &Product) -> Result<Vec<Asked>> {
    let scope = Scope {
        stack: "shop".to_owned(),
        env: "dev".to_owned(),
        region: "eu-west-1".to_owned(),
        account: product.client().account().to_owned(),
        partition: "aws".to_owned(),
    };
    let store = Arc::new(LocalStore::new(product.folder().join(".deployer"), &scope));
    let book = Book::new(store.clone(), store, Arc::new(Scaled::new(1.0)), Safety::ON, &scope, "reading");
    let root = book.root().await?.ok_or("nothing is deployed")?;
    let shards = book.shards(&root.record.lineage).await?;
    Ok(to_read(&Desired::default(), shards.iter().map(|(id, held)| (id, &held.record.body))))
}

async fn measure(product: &Product) -> Result<()> {
    let (asked, client) = (everything(product).await?, product.client().of_account());
    let types: Registry = registry(&client.aws().await);
    client.clear_calls()?;
    for it in &asked {
        types.need(&it.kind)?.read(&it.id, &it.wanted).await?;
    }
    let single = client.calls()?.total;

    client.clear_calls()?;
    client.options(json!({"latency_ms": LATENCY.as_millis() as u64}))?;
    let clock = Scaled::new(1.0);
    let reading = Reading { types: &types, parallelism: AT_ONCE, clock: &clock, events: &Nowhere };
    let start = Instant::now();
    let live = reading.all(asked.clone()).await?;
    let took = start.elapsed();
    let calls = client.calls()?;
    client.options(json!({"latency_ms": 0}))?;

    let ideal = LATENCY.as_secs_f64() * calls.total as f64 / AT_ONCE as f64;
    println!("{} resources: {single} calls one by one, {} calls together", asked.len(), calls.total);
    println!("{:?}", calls.by_operation);
    println!(
        "at {} ms a call: {:.2} s; {:.2} times calls x latency / {AT_ONCE} at once",
        LATENCY.as_millis() / 10,
        took.as_secs_f64() / 10.0,
        took.as_secs_f64() / ideal
    );
    assert_eq!(live.len(), asked.len());
    Ok(())
}
