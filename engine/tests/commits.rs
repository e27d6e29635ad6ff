//! Group commit: steps that become ready together share one journal write, however many they are.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

mod support;

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use deployer_engine::{
    session::{Applied, Session, Wish},
    sim::{Ended, Fault, Points, Process, SimStore, Site, run},
    store::ObjectStore,
};
use futures::FutureExt;
use serde_json::{Value, json};
use support::{Dice, How, Planet, desired, scope};

/// What one apply wrote.
struct Written {
    /// The kinds of entries of each journal record, in their order.
    journal: Vec<Vec<String>>,
    /// How often a shard was written.
    shards: usize,
    /// Every write of an object.
    all: usize,
}

/// One thing, and so many components that need it: all of them become ready at once.
fn fan_out(count: usize) -> Written {
    let mut all = serde_json::Map::new();
    all.insert("K.first/Thing".to_owned(), json!({"type": "Sim::Timed", "properties": {"Size": 5}}));
    for number in 0..count {
        let thing = json!({"type": "Sim::Timed", "properties": {"Size": 5}, "after": ["K.first/Thing"]});
        all.insert(format!("K.n{number}/Thing"), thing);
    }
    let wanted = desired(&all.into());
    let mut planet = Planet::new();
    let points = Points::quiet();
    let site = Site::new(&planet.clock, points.clone());
    let mut world = planet.world(&site, &How::default());
    // As a bucket does: only while a write is on its way can others gather for the next.
    world.objects = Arc::new(SimStore::new(&planet.memory, &site).that_takes(|| Duration::from_millis(50)));
    world.limits.parallelism = count;
    let work = async move {
        let mut session = Session::new(world, &scope());
        session.apply(&wanted, &Wish::default(), &mut |_, _| futures::future::ready(true).boxed()).await
    };
    match run(&planet.clock.clone(), Process::new(&site, work)) {
        Ended::Finished(Ok(Applied::Ran { report, .. })) => assert_eq!(report.done.len(), count + 1, "{report:?}"),
        other => panic!("it did not run: {other:?}"),
    }
    let passed = points.passed();
    let objects: Vec<&str> = passed.iter().filter_map(|it| it.strip_prefix("write shop/")).collect();
    let journal: Vec<&str> = objects.iter().copied().filter(|it| it.contains("/journal/")).collect();
    Written {
        journal: journal.iter().map(|key| entries(&planet, &format!("shop/{key}"))).collect(),
        shards: objects.iter().filter(|it| it.contains("/components/")).count(),
        all: objects.len(),
    }
}

fn entries(planet: &Planet, key: &str) -> Vec<String> {
    let (_, bytes) = run(&planet.clock, planet.memory.get(key)).expect("the store answers").expect("a record");
    let record: Value = serde_json::from_slice(&bytes).expect("JSON");
    let body = record["body"].as_array().expect("entries").iter();
    body.map(|it| it["entry"].as_str().expect("a kind").to_owned()).collect()
}

#[test]
fn a_hundred_steps_that_become_ready_together_share_one_journal_write() {
    let (ten, hundred) = (fan_out(10), fan_out(100));
    let at_once =
        |written: &Written| written.journal.iter().map(|it| it.iter().filter(|kind| *kind == "intent").count()).max();
    assert_eq!((at_once(&ten), at_once(&hundred)), (Some(10), Some(100)), "{:?}", hundred.journal);
    // What comes back together shares writes as well: ten times as many steps take not one more.
    assert_eq!(ten.journal.len(), hundred.journal.len(), "{:?}", hundred.journal);
    assert!(hundred.journal.len() <= 12, "{:?}", hundred.journal);
}

#[test]
fn beside_the_journal_an_apply_writes_each_shard_and_as_little_else_as_ever() {
    let (ten, hundred) = (fan_out(10), fan_out(100));
    let else_than_shards = |written: &Written| written.all - written.shards;
    assert_eq!(else_than_shards(&ten), else_than_shards(&hundred));
    assert!(hundred.shards <= 2 * 101, "{} writes of 101 shards", hundred.shards);
}

/// What one run of several components calls and writes, one step after another: with answers of the store that take up to so many
/// milliseconds, and a machine that is too busy at one of ten points.
fn one_by_one(millis: u64, seed: u64) -> Vec<String> {
    let mut all = serde_json::Map::new();
    for name in ["a", "b", "c"] {
        let input = json!({"$ref": {"address": format!("K.{name}/Thing"), "output": "Id"}});
        let after = [format!("K.{name}/Named")];
        all.insert(format!("K.{name}/Thing"), json!({"type": "Sim::Nameless", "properties": {"Size": 5}}));
        all.insert(format!("K.{name}/Named"), json!({"type": "Sim::Named", "properties": {"Late": 1, "Input": input}}));
        all.insert(format!("K.{name}/More"), json!({"type": "Sim::Nameless", "properties": {}, "after": after}));
    }
    let (wanted, mut planet) = (desired(&all.into()), Planet::new());
    let dice = Arc::new(Mutex::new(Dice(seed)));
    let roll = move |below: u64| dice.lock().unwrap_or_else(PoisonError::into_inner).below(below);
    let (busy, slow) = (roll.clone(), roll);
    let points = Points::new(Arc::new(move |_, _: &str| (busy(10) == 0).then(|| Fault::Stall(busy(15)))));
    let site = Site::new(&planet.clock, points.clone());
    let mut world = planet.world(&site, &How::default());
    let takes = move || Duration::from_millis(slow(millis));
    world.objects = Arc::new(SimStore::new(&planet.memory, &site).that_takes(takes));
    world.limits.parallelism = 1;
    let work = async move {
        let mut session = Session::new(world, &scope());
        session.apply(&wanted, &Wish::default(), &mut |_, _| futures::future::ready(true).boxed()).await
    };
    match run(&planet.clock.clone(), Process::new(&site, work)) {
        Ended::Finished(Ok(Applied::Ran { report, .. })) => assert!(report.is_success(), "{report:?}"),
        other => panic!("seed {seed}: it did not run: {other:?}"),
    }
    // Signs of life come by the clock; and what is on its way at one time may arrive in either order.
    let mut passed: Vec<String> = points.passed().into_iter().filter(|it| !it.contains("holder")).collect();
    passed.sort();
    passed
}

#[test]
fn one_after_another_a_run_makes_the_same_calls_however_slow_its_store_and_its_machine_are() {
    let first = one_by_one(1, 1);
    for seed in 2..100 {
        for millis in [1, 100, 3_000, 15_000] {
            assert_eq!(one_by_one(millis, seed), first, "seed {seed}, answers within {millis} ms");
        }
    }
}

/// A thousand components of which one has changed: the shards that the next apply writes.
fn changed_one_of(count: usize) -> Vec<String> {
    let stack = |changed: i64| {
        let size = |number: usize| if number == 7 { changed } else { 1 };
        let thing = |number: usize| {
            let properties = json!({"Size": size(number)});
            (format!("K.n{number}/Thing"), json!({"type": "Sim::Nameless", "properties": properties}))
        };
        desired(&(0..count).map(thing).collect::<serde_json::Map<_, _>>().into())
    };
    let mut planet = Planet::new();
    planet.succeed(&stack(1), false);
    let how = How { points: Points::quiet(), ..How::default() };
    match planet.apply(&stack(2), false, &how) {
        Ended::Finished(Ok(Applied::Ran { report, .. })) => assert!(report.is_success(), "{report:?}"),
        other => panic!("it did not run: {other:?}"),
    }
    let passed = how.points.passed().into_iter();
    passed.filter(|it| it.starts_with("write shop/") && it.contains("/components/")).collect()
}

#[test]
fn a_change_of_one_component_of_a_thousand_writes_its_shard_alone() {
    let written = changed_one_of(1_000);
    assert!(!written.is_empty());
    assert!(written.iter().all(|it| it.ends_with("/K.n7.json")), "{written:?}");
    // Before and after: that it has changed, and that it is good.
    assert!(written.len() <= 2, "{written:?}");
}
