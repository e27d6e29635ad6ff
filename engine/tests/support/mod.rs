//! Scenarios in the world: fixtures, processes, and what must hold afterwards.

#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::{path::Path, sync::Arc, time::Duration};

use deployer_engine::{
    address::Address,
    desired::{Desired, DesiredComponent, DesiredResource, Scope},
    event::Nowhere,
    lock::{LockRules, Owner},
    safety::Safety,
    session::{Applied, Limits, Memory, OnFailure, Session, Trouble, Wish, World},
    sim::{Clocks, Cloud, Deeds, Ended, Gauge, Points, Process, SimClock, SimStore, Site, run, types},
    stop::Stop,
    store::{LockStore, memory::MemoryStore},
    verdict::{Examiner, NoExaminer},
};
use futures::FutureExt;
use serde_json::Value;

/// A world between two processes.
pub struct Planet {
    pub clock: SimClock,
    pub cloud: Cloud,
    pub memory: Arc<MemoryStore>,
    pub deeds: Deeds,
    pub runs: u32,
}

/// A fixture: what is applied first, and what then.
pub struct Scenario {
    pub before: Option<Desired>,
    pub after: Desired,
    pub destroy: bool,
}

pub fn scope() -> Scope {
    Scope { stack: "shop".into(), env: "dev".into(), region: "here".into(), account: "1".into(), partition: "p".into() }
}

/// Reads `{address: {type, properties, ..}}`.
pub fn desired(resources: &Value) -> Desired {
    let mut desired = Desired { scope: scope(), ..Desired::default() };
    for (text, wanted) in resources.as_object().expect("a map of resources") {
        let address: Address = text.parse().expect("an address");
        let resource = DesiredResource {
            chosen: wanted["chosen"].as_str().map(str::to_owned),
            lifecycle: serde_json::from_value(wanted["lifecycle"].clone()).unwrap_or_default(),
            after: serde_json::from_value(wanted["after"].clone()).unwrap_or_default(),
            ignored: serde_json::from_value(wanted["ignored"].clone()).unwrap_or_default(),
            ..DesiredResource::new(wanted["type"].as_str().expect("a type"), wanted["properties"].clone())
        };
        let component = desired.components.entry(address.component.clone()).or_default();
        let first: Vec<_> = serde_json::from_value(wanted["dependsOn"].clone()).unwrap_or_default();
        component.depends_on.extend(first);
        desired.resources.insert(address, resource);
    }
    desired
}

pub fn component(desired: &mut Desired, name: &str) -> DesiredComponent {
    desired.components.remove(&name.parse().expect("a component")).unwrap_or_default()
}

pub fn scenario(path: &Path) -> Scenario {
    let text = std::fs::read_to_string(path).expect("a fixture");
    let value: Value = serde_json::from_str(&text).expect("JSON");
    Scenario {
        before: value.get("before").map(desired),
        after: desired(value.get("after").or(value.get("before")).expect("before or after")),
        destroy: value["destroy"].as_bool().unwrap_or(false),
    }
}

/// How a process is run.
#[derive(Clone)]
pub struct How {
    pub points: Points,
    pub safety: Safety,
    /// Its machine's name; none: one that no other process is on. What runs on one machine runs one after another, so whoever
    /// comes there can tell at once that those before are gone.
    pub machine: Option<String>,
    pub clocks: Clocks,
    /// It is known that no other process is left.
    pub all_ended: bool,
    pub lock_timeout: Duration,
    pub on_failure: OnFailure,
    pub examiner: Arc<dyn Examiner>,
}

impl Default for How {
    fn default() -> Self {
        Self {
            points: Points::quiet(),
            safety: Safety::ON,
            machine: Some("here".to_owned()),
            clocks: Clocks { monotonic: Gauge::RIGHT, wall: Gauge::RIGHT },
            all_ended: false,
            lock_timeout: Duration::ZERO,
            on_failure: OnFailure::Never,
            examiner: Arc::new(NoExaminer),
        }
    }
}

pub type Result = std::result::Result<Applied, Trouble>;

impl Planet {
    pub fn new() -> Self {
        Self {
            clock: SimClock::default(),
            cloud: Cloud::default(),
            memory: Arc::default(),
            deeds: Deeds::default(),
            runs: 0,
        }
    }

    pub fn world(&mut self, site: &Site, how: &How) -> World {
        self.runs += 1;
        let store = SimStore::new(&self.memory, site);
        let all_ended = how.all_ended;
        let run = format!("run{}", self.runs);
        let host = how.machine.clone().unwrap_or_else(|| format!("host-{}", self.runs));
        let (here, this) = (host.clone(), run.clone());
        World {
            types: types::registry(&self.cloud.reach(site)),
            clock: Arc::new(site.clone()),
            objects: Arc::new(store.clone()),
            locks: Arc::new(store),
            events: Arc::new(Nowhere),
            owner: Owner { user: "u".into(), host, pid: self.runs, process: String::new(), run },
            // Of other machines nothing is known, unless the test knows that all have ended.
            probe: Arc::new(move |owner: &Owner| {
                (all_ended || owner.host == here && owner.run != this).then_some(false)
            }),
            stop: Stop::default(),
            examiner: how.examiner.clone(),
            limits: Limits {
                lock: LockRules { timeout: how.lock_timeout, ..LockRules::default() },
                on_failure: how.on_failure,
                ..Limits::default()
            },
            new_lineage: "line".to_owned(),
            safety: how.safety,
        }
    }

    /// A process that applies `desired`.
    pub fn process(&mut self, desired: &Desired, destroy: bool, how: &How) -> Process<Result> {
        let site = Site::new(&self.clock, how.points.clone()).with(how.clocks).noted_in(&self.deeds);
        let world = self.world(&site, how);
        let desired = desired.clone();
        // As the command line does: equal files are equal input.
        let input = serde_json::to_value(&desired).expect("plain data");
        let wish = Wish { destroy, refresh: true, purpose: "apply".into(), input, ..Wish::default() };
        let work = async move {
            let mut session = Session::new(world, &desired.scope);
            session.apply(&desired, &wish, &mut |_, _| futures::future::ready(true).boxed()).await
        };
        Process::new(&site, work)
    }

    /// Runs one process to its end.
    pub fn apply(&mut self, desired: &Desired, destroy: bool, how: &How) -> Ended<Result> {
        let process = self.process(desired, destroy, how);
        run(&self.clock.clone(), process)
    }

    /// Runs one process that must succeed.
    pub fn succeed(&mut self, desired: &Desired, destroy: bool) -> Applied {
        let how = How { all_ended: true, ..How::default() };
        match self.apply(desired, destroy, &how) {
            Ended::Finished(Ok(applied)) => {
                if let Applied::Ran { report, .. } = &applied {
                    assert!(report.is_success(), "failed: {report:?}");
                }
                applied
            }
            other => panic!("did not succeed: {other:?}"),
        }
    }

    pub fn memory(&mut self) -> Memory {
        let site = Site::new(&self.clock, Points::quiet());
        let world = self.world(&site, &How::default());
        let session = Session::new(world, &scope());
        run(&self.clock.clone(), async { session.look().await.expect("state is sound") })
    }

    pub fn inventory(&self) -> Vec<Value> {
        // Late calls have arrived by then.
        self.cloud.inventory(self.clock.now() + Duration::from_secs(3600))
    }

    /// A copy that lives on its own: same cloud, same records.
    pub fn fork(&self) -> Self {
        Self {
            clock: self.clock.clone(),
            cloud: self.cloud.fork(),
            memory: Arc::new(self.memory.fork()),
            deeds: Deeds::default(),
            runs: self.runs,
        }
    }

    /// No holder wrote after the next one of the same component had, or called for anything after the next one had.
    pub fn took_turns(&self, label: &str, calls_too: bool) {
        if let Some(wrong) = self.deeds.out_of_turn(calls_too) {
            panic!("{label}: out of turn: {wrong}");
        }
    }

    /// What must hold after any disturbance and one clean run.
    pub fn check(&mut self, label: &str, desired: &Desired, destroy: bool, expected: &[Value]) {
        match self.succeed(desired, destroy) {
            Applied::NoChanges => {}
            other => panic!("{label}: a second run still found something to do: {other:?}"),
        }
        assert_eq!(self.inventory(), expected, "{label}: the cloud is not what it is undisturbed");
        let memory = self.memory();
        assert!(memory.open.is_empty(), "{label}: a deployment is still open: {:?}", memory.open);
        let locks = run(&self.clock.clone(), self.memory.locks()).expect("locks");
        assert!(locks.is_empty(), "{label}: locks are left: {locks:?}");
        let standing: usize = memory
            .shards
            .values()
            .flat_map(|it| it.record.body.resources.values())
            .map(|it| it.standing().count())
            .sum();
        assert_eq!(standing, expected.len(), "{label}: state and cloud do not hold the same things");
        for it in memory.shards.values() {
            assert!(it.record.body.before.is_none(), "{label}: a verdict is still out");
        }
    }
}

/// A small generator (SplitMix64): equal seeds give equal numbers everywhere.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut x = self.0;
        x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (x ^ (x >> 31)) % limit.max(1)
    }
}
