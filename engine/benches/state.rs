//! Reading a state at start-up, over a store that takes 20 ms for each answer, with the memory that it takes; and what a change of
//! one component writes.

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a benchmark measures real time, and stops where it is wrong"
)]

mod support;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use deployer_engine::{
    address::ComponentId,
    book::Book,
    desired::Scope,
    resource::PhysicalId,
    safety::Safety,
    state::{Generation, ResourceState, Shard},
    store::{ObjectStore, Past, StoreError, Version, memory::MemoryStore},
};
use serde_json::json;
use support::{Now, runtime};

#[global_allocator]
static ALLOCATED: divan::AllocProfiler = divan::AllocProfiler::system();

const LATENCY: Duration = Duration::from_millis(20);

/// A store at a distance.
struct Far {
    near: MemoryStore,
    late: bool,
    writes: AtomicU64,
}

impl Far {
    async fn way(&self) {
        if self.late {
            tokio::time::sleep(LATENCY).await;
        }
    }
}

#[async_trait]
impl ObjectStore for Far {
    async fn get(&self, key: &str) -> Result<Option<(Version, Bytes)>, StoreError> {
        self.way().await;
        self.near.get(key).await
    }

    async fn list(&self, prefix: &str) -> Result<Vec<(String, Version)>, StoreError> {
        let all = self.near.list(prefix).await?;
        // A page holds a thousand keys.
        for _ in 0..=all.len() / 1_000 {
            self.way().await;
        }
        Ok(all)
    }

    async fn put_if(&self, key: &str, expected: Option<&Version>, bytes: Bytes) -> Result<Version, StoreError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.near.put_if(key, expected, bytes).await
    }

    async fn versions(&self, prefix: &str) -> Result<Vec<Past>, StoreError> {
        self.near.versions(prefix).await
    }

    async fn past(&self, key: &str, id: &str) -> Result<Option<Bytes>, StoreError> {
        self.near.past(key, id).await
    }

    fn describe(&self) -> String {
        "far away".to_owned()
    }
}

fn shard(number: usize) -> Shard {
    let resource = |role: usize| {
        let properties = json!({"Name": format!("c{number}-{role}"), "Size": role, "Tags": [{"Key": "team", "Value": "checkout"}, {"Key": "env", "Value": "prod"}]});
        let generation = Generation {
            number: 1,
            id: PhysicalId(format!("arn:aws:sqs:eu-west-1:111122223333:c{number}-{role}")),
            name: Some(format!("c{number}-{role}")),
            applied: properties.clone(),
            outputs: BTreeMap::from([(
                "Arn".to_owned(),
                json!(format!("arn:aws:sqs:eu-west-1:111122223333:c{number}-{role}")),
            )]),
            baseline: Some(properties),
            confirmed: true,
            deployment: 1,
        };
        let state = ResourceState {
            kind: "AWS::SQS::Queue".to_owned(),
            generation: 1,
            current: Some(generation),
            ..ResourceState::default()
        };
        (format!("Role{role}"), state)
    };
    Shard { resources: (0..10).map(resource).collect(), ..Shard::default() }
}

/// A book of `components` with ten resources each.
fn book(components: usize) -> (Book, Arc<Far>, Arc<Far>) {
    let scope = Scope { stack: "s".into(), env: "e".into(), region: "r".into(), ..Scope::default() };
    let fill = Arc::new(Far { near: MemoryStore::default(), late: false, writes: AtomicU64::new(0) });
    let open = |store: &Arc<Far>| {
        Book::new(store.clone(), Arc::new(MemoryStore::default()), Arc::new(Now), Safety::ON, &scope, "run")
    };
    let near = open(&fill);
    runtime().block_on(async {
        for number in 0..components {
            let id = ComponentId::new("SQS", format!("c{number}"));
            let held = near.shard(&id, "line").await.expect("a shard");
            near.write_shard(&id, &held, 0, shard(number)).await.expect("written");
        }
    });
    let far = Arc::new(Far { near: fill.near.fork(), late: true, writes: AtomicU64::new(0) });
    (open(&far), far, fill)
}

#[divan::bench(args = [100, 1_000], sample_count = 5)]
fn everything_is_read_at_start_up(bencher: divan::Bencher<'_, '_>, components: usize) {
    let (book, ..) = book(components);
    bencher.bench(|| runtime().block_on(book.shards("line")).expect("a state").len());
}

#[divan::bench(sample_count = 5)]
fn one_of_a_thousand_is_changed(bencher: divan::Bencher<'_, '_>) {
    let (book, far, _) = book(1_000);
    let id = ComponentId::new("SQS", "c500");
    bencher.bench_local(|| {
        let before = far.writes.load(Ordering::Relaxed);
        runtime().block_on(async {
            let held = book.shard(&id, "line").await.expect("a shard");
            book.write_shard(&id, &held, 0, held.record.body.clone()).await.expect("written");
        });
        assert_eq!(far.writes.load(Ordering::Relaxed) - before, 1, "a change of one component writes one shard");
    });
}

fn main() {
    divan::main();
}
