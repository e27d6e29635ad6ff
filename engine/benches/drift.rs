//! Looking for drift in 10,000 resources: how long that takes beside what AWS takes, and with how much memory.
//!
//! The types answer at once, with what was applied: every resource is read, compared field by field and told, as for a user.

#![allow(
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "a benchmark measures real time, and stops where it is wrong"
)]

mod support;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use deployer_engine::{
    address::ComponentId,
    book::Book,
    desired::Scope,
    error::{Class, Error, Result},
    event::Nowhere,
    facts::{Facts, Nature},
    history::Proven,
    lock::Owner,
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Registry, Resource, Seen, Wanted},
    safety::Safety,
    session::{Limits, Session, World, drift::Search},
    state::{Generation, ResourceState, Shard},
    stop::Stop,
    store::memory::MemoryStore,
    verdict::NoExaminer,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use support::{Now, runtime};

#[global_allocator]
static ALLOCATED: divan::AllocProfiler = divan::AllocProfiler::system();

/// Resources of one component.
const EACH: usize = 10;

/// About as much as a queue has.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Properties {
    name: String,
    size: u32,
    policy: Value,
    tags: Vec<BTreeMap<String, String>>,
}

/// What everything looks like.
fn properties(id: &str) -> Properties {
    let tag = |key: &str, value: &str| {
        BTreeMap::from([("Key".to_owned(), key.to_owned()), ("Value".to_owned(), value.to_owned())])
    };
    Properties {
        name: id.to_owned(),
        size: 30,
        policy: json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": "*", "Action": ["a:B", "a:C"], "Resource": id}]}),
        tags: vec![
            tag("team", "checkout"),
            tag("env", "prod"),
            tag("deployer:stack", "shop"),
            tag("deployer:token", id),
        ],
    }
}

/// The first one of every hundredth component has another size than it was given.
struct Things;

impl Resource for Things {
    const TYPE: &'static str = "Bench::A::Thing";
    const FACTS: Facts = Facts {
        fields: &[
            ("/Name", Nature::CreateOnly),
            ("/Policy", Nature::Document(Value::clone)),
            ("/Tags", Nature::ByKey("Key")),
        ],
        tags: Some("/Tags"),
        page: 100,
        ..Facts::NAMED
    };
    type Spec = Properties;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<Properties>> {
        let mut spec = properties(&id.0);
        if id.0.ends_with("00-0") {
            spec.size = 60;
        }
        Ok(Seen::ready(spec, []))
    }

    async fn create(&self, _: &Identity, _: &Properties) -> Result<Created> {
        Err(never("Create"))
    }

    async fn update(&self, _: &PhysicalId, _: &Properties, _: &Properties, _: &Changed) -> Result<()> {
        Err(never("Update"))
    }

    async fn delete(&self, _: &PhysicalId, _: &Properties, _: &DeleteOptions) -> Result<()> {
        Err(never("Delete"))
    }

    async fn find(&self, _: &Identity, _: &Properties) -> Result<Option<PhysicalId>> {
        Err(never("Find"))
    }
}

fn never(operation: &'static str) -> Error {
    let message = "nothing is changed here".to_owned();
    Error::Call { operation, class: Class::Other, code: "Bench".to_owned(), message, source: None }
}

fn shard(number: usize) -> Shard {
    let resource = |role: usize| {
        let id = format!("c{number}-{role}");
        let applied = serde_json::to_value(properties(&id)).expect("properties");
        let generation = Generation {
            number: 1,
            id: PhysicalId(id.clone()),
            name: Some(id),
            applied: applied.clone(),
            outputs: BTreeMap::new(),
            baseline: Some(applied),
            confirmed: true,
            deployment: 1,
        };
        let kind = Things::TYPE.to_owned();
        (format!("Role{role}"), ResourceState { kind, generation: 1, current: Some(generation), ..Default::default() })
    };
    Shard { resources: (0..EACH).map(resource).collect(), ..Shard::default() }
}

fn session(components: usize) -> Session {
    let scope = Scope { stack: "s".into(), env: "e".into(), region: "r".into(), ..Scope::default() };
    let store = Arc::new(MemoryStore::default());
    let book = Book::new(store.clone(), store.clone(), Arc::new(Now), Safety::ON, &scope, "run");
    runtime().block_on(async {
        book.change_root("line", |root| root.last = 1).await.expect("a root");
        book.close("line", 1, Proven::Good).await.expect("closed");
        for number in 0..components {
            let id = ComponentId::new("Thing", format!("c{number}"));
            let held = book.shard(&id, "line").await.expect("a shard");
            book.write_shard(&id, &held, 0, shard(number)).await.expect("written");
        }
    });
    let world = World {
        types: Registry::default().with(Things),
        clock: Arc::new(Now),
        objects: store.clone(),
        locks: store,
        events: Arc::new(Nowhere),
        owner: Owner::default(),
        probe: Arc::new(|_| Some(false)),
        stop: Stop::default(),
        examiner: Arc::new(NoExaminer),
        limits: Limits::default(),
        new_lineage: "line".to_owned(),
        safety: Safety::ON,
    };
    Session::new(world, &scope)
}

#[divan::bench(args = [100, 1_000, 10_000], sample_count = 5)]
fn everything_is_read_and_compared(bencher: divan::Bencher<'_, '_>, resources: usize) {
    let session = Mutex::new(session(resources / EACH));
    bencher.bench_local(|| {
        let mut session = session.lock().expect("alone");
        let report = runtime().block_on(session.drift(&Search::default())).expect("a report");
        let tally = report.tally();
        let drifted = (resources / EACH - 1) / 100;
        assert_eq!((tally.drifted, tally.in_sync), (drifted, resources - drifted));
        tally.in_sync
    });
}

fn main() {
    divan::main();
}
