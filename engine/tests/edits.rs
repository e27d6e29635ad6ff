//! Changes of what is remembered: killed anywhere they are done or not done, a forced takeover stops a living owner, and a state
//! that cannot be written loses nothing.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use deployer_engine::{
    address::ComponentId,
    desired::Desired,
    execute::Report,
    lock::Life,
    session::{Applied, Session, Trouble, Wish, moves::move_resource},
    sim::{Ended, Fault, Points, Process, Site, run},
    state::Shard,
    store::{ObjectStore, StoreError, memory::MemoryStore},
};
use serde_json::{Value, json};
use support::{How, Planet, desired, scope};

fn stack(first: &str) -> Desired {
    desired(&json!({
        first: {"type": "Sim::Nameless", "properties": {"Size": 1}},
        "K.b/Other": {"type": "Sim::Named", "properties": {"Input": {"$ref": {"address": first, "output": "Id"}}}},
    }))
}

fn expected(first: &str) -> Vec<Value> {
    let mut planet = Planet::new();
    planet.succeed(&stack(first), false);
    planet.inventory()
}

fn id(text: &str) -> ComponentId {
    text.parse().expect("a component")
}

fn wish(purpose: &str) -> Wish {
    Wish { purpose: purpose.to_owned(), ..Wish::default() }
}

/// Moves `K.a/Thing` to `K.c/Thing`.
async fn mv(mut session: Session) -> Result<u64, Trouble> {
    let mut change = |_: u64, shards: &mut BTreeMap<ComponentId, Shard>| {
        move_resource(shards, &id("K.a").at("Thing"), &id("K.c").at("Thing"))
    };
    session.edit(&BTreeSet::from([id("K.a"), id("K.c")]), &wish("move"), None, &mut change).await
}

fn process<W: Future + Send + 'static>(
    planet: &mut Planet,
    how: &How,
    work: impl FnOnce(Session) -> W,
) -> Process<W::Output> {
    let site = Site::new(&planet.clock, how.points.clone());
    let session = Session::new(planet.world(&site, how), &scope());
    Process::new(&site, work(session))
}

#[test]
fn a_move_is_done_or_not_done_wherever_it_is_killed() {
    for fault in [Fault::CrashBefore, Fault::CrashAfter] {
        let mut at = 0;
        loop {
            let mut planet = Planet::new();
            planet.succeed(&stack("K.a/Thing"), false);
            let how = How { points: Points::one(at, fault), ..How::default() };
            let moving = process(&mut planet, &how, mv);
            let ended = run(&planet.clock.clone(), moving);
            // Whichever it is: the next apply of the new files has one thing to stand for it, and ends.
            planet.succeed(&stack("K.c/Thing"), false);
            // What was moved keeps its id: only what has no id of its own is compared.
            let there = planet.inventory();
            assert_eq!(there.len(), expected("K.c/Thing").len(), "{fault:?} at {at}: {there:?}");
            planet.check(&format!("{fault:?} at {at}"), &stack("K.c/Thing"), false, &there);
            match ended {
                Ended::Killed => at += 1,
                Ended::Finished(done) => break assert!(done.is_ok() && at > 5, "{at} points"),
            }
        }
    }
}

#[test]
fn what_was_moved_is_not_made_again() {
    let mut planet = Planet::new();
    planet.succeed(&stack("K.a/Thing"), false);
    let before = planet.memory().shards[&id("K.a")].record.body.resources["Thing"].current.clone().expect("it stands");
    let moving = process(&mut planet, &How::default(), mv);
    let Ended::Finished(Ok(number)) = run(&planet.clock.clone(), moving) else { panic!("it was not moved") };
    planet.succeed(&stack("K.c/Thing"), false);
    let memory = planet.memory();
    let after = memory.shards[&id("K.c")].record.body.resources["Thing"].current.clone().expect("it stands");
    assert_eq!((after.id, number), (before.id, 2));
}

#[test]
fn a_forced_takeover_stops_a_living_owner_and_settles_what_it_left() {
    for after in [2, 4, 6, 10, 20, 40, 61] {
        let slow = desired(&json!({
            "K.a/Thing": {"type": "Sim::Slow", "properties": {"Size": 1}},
            "K.b/Other": {"type": "Sim::Named", "properties": {"Input": {"$ref": {"address": "K.a/Thing", "output": "Endpoint"}}}},
        }));
        let mut undisturbed = Planet::new();
        undisturbed.succeed(&slow, false);
        let mut planet = Planet::new();
        let how = How { machine: None, ..How::default() };
        let owner = planet.process(&slow, false, &how);
        let taker = process(&mut planet, &how, |mut session| async move {
            let holders = session.holders().await.expect("holders");
            assert!(holders.iter().all(|(_, life)| *life != Life::Dead), "{holders:?}");
            session.force(1).await
        });
        let clock = planet.clock.clone();
        let later = clock.clone();
        let (owned, taken) = run(&clock, async {
            futures::join!(owner, async {
                later.until(Duration::from_secs(after)).await;
                taker.await
            })
        });
        assert!(matches!(taken, Ended::Finished(Ok(()))), "after {after} s: {taken:?}");
        match owned {
            Ended::Finished(Ok(Applied::Ran { report, .. })) => assert!(report.broken.is_some() || report.is_success()),
            Ended::Finished(Err(_)) => {}
            other => panic!("after {after} s: {other:?}"),
        }
        planet.succeed(&slow, false);
        planet.check(&format!("forced after {after} s"), &slow, false, &undisturbed.inventory());
    }
}

/// Every record write from the `from`th on is refused.
fn down(from: usize) -> Points {
    Points::new(Arc::new(move |point, what: &str| {
        (point >= from && what.starts_with("write shop")).then_some(Fault::Refused)
    }))
}

#[test]
fn a_state_that_cannot_be_written_loses_nothing() {
    let (mut copies, mut told) = (0, 0);
    for from in 0..24 {
        let mut planet = Planet::new();
        let how = How { points: down(from), ..How::default() };
        let Ended::Finished(ended) = planet.apply(&stack("K.a/Thing"), false, &how) else { panic!("it was killed") };
        // Where only the last words are missing, what was done is told all the same.
        let is_whole = |it: &Report| it.broken.is_some() && it.failed.is_empty() && it.skipped.is_empty();
        told += usize::from(matches!(&ended, Ok(Applied::Ran { report, .. }) if is_whole(report)));
        let copy = match ended {
            Ok(Applied::Ran { report, .. }) => report.unwritten,
            _ => BTreeMap::new(),
        };
        copies += copy.len();
        // The copy may be pushed: what the recovery found out is never written over by it.
        let pushing = process(&mut planet, &How::default(), |mut session| async move {
            let store = MemoryStore::default();
            for (key, bytes) in copy {
                store.put_if(&key, None, bytes).await?;
            }
            let copied = session.copied(Arc::new(store)).await.expect("a copy that can be read");
            drop(session.push(copied, &wish("push")).await);
            Ok::<_, StoreError>(())
        });
        assert!(matches!(run(&planet.clock.clone(), pushing), Ended::Finished(Ok(()))));
        planet.succeed(&stack("K.a/Thing"), false);
        planet.check(&format!("down from write {from}"), &stack("K.a/Thing"), false, &expected("K.a/Thing"));
    }
    assert!(copies > 0, "no run kept a copy");
    assert!(told > 0, "no run lost its last words alone");
}

#[test]
fn an_older_copy_is_refused_and_an_equal_one_writes_nothing() {
    let mut planet = Planet::new();
    planet.succeed(&stack("K.a/Thing"), false);
    let copy: Arc<MemoryStore> = Arc::new(planet.memory.fork());
    let push = |planet: &mut Planet, copy: &Arc<MemoryStore>| {
        let copy: Arc<dyn ObjectStore> = copy.clone();
        let pushing = process(planet, &How::default(), |mut session| async move {
            let copied = session.copied(copy).await.expect("a copy");
            session.push(copied, &wish("push")).await
        });
        let Ended::Finished(result) = run(&planet.clock.clone(), pushing) else { panic!("it was killed") };
        result
    };
    assert!(push(&mut planet, &copy).expect("equal").deployment.is_none());
    let mut bigger = stack("K.a/Thing");
    bigger.resources.values_mut().for_each(|it| it.properties["Size"] = json!(7));
    planet.succeed(&bigger, false);
    let Err(Trouble::Failed(error)) = push(&mut planet, &copy) else { panic!("an older copy was pushed") };
    assert!(error.to_string().contains("the copy is older than the state: K.a (serial"), "{error}");
}

#[test]
fn what_is_made_where_something_was_moved_away_is_another_thing() {
    let mut planet = Planet::new();
    let named = |addresses: &[&str]| {
        let all =
            addresses.iter().map(|it| ((*it).to_owned(), json!({"type": "Sim::Named", "properties": {"Size": 1}})));
        desired(&Value::Object(all.collect()))
    };
    planet.succeed(&named(&["K.a/Thing"]), false);
    let moving = process(&mut planet, &How::default(), mv);
    assert!(matches!(run(&planet.clock.clone(), moving), Ended::Finished(Ok(_))));
    // The files still have the old address as well: its new thing must not be the moved one, which still carries the old tags.
    let both = named(&["K.a/Thing", "K.c/Thing"]);
    planet.succeed(&both, false);
    let memory = planet.memory();
    let stands = |component: &str| {
        memory.shards[&id(component)].record.body.resources["Thing"].current.clone().expect("it stands")
    };
    assert_eq!((stands("K.c").number, stands("K.a").number), (1, 2));
    assert_ne!(stands("K.c").id, stands("K.a").id);
    assert_eq!(planet.inventory().len(), 2);
}

#[test]
fn what_was_made_since_stays_when_an_earlier_content_is_put_back() {
    let mut planet = Planet::new();
    let size = |roles: &[&str], size: i64| {
        let all = roles
            .iter()
            .map(|it| (format!("K.a/{it}"), json!({"type": "Sim::Nameless", "properties": {"Size": size}})));
        desired(&Value::Object(all.collect()))
    };
    planet.succeed(&size(&["One"], 1), false);
    let earlier = planet.memory().shards[&id("K.a")].record.body.clone();
    planet.succeed(&size(&["One", "Two"], 2), false);
    let restoring = process(&mut planet, &How::default(), |mut session| async move {
        session.replace(&BTreeMap::from([(id("K.a"), earlier)]), &wish("restore"), None).await
    });
    assert!(matches!(run(&planet.clock.clone(), restoring), Ended::Finished(Ok(_))));
    let memory = planet.memory();
    let resources = &memory.shards[&id("K.a")].record.body.resources;
    assert_eq!(resources["One"].current.as_ref().expect("it stands").applied["Size"], 1);
    assert!(resources["Two"].current.is_some(), "nobody would delete it any more");
    planet.succeed(&size(&["One", "Two"], 2), false);
    assert_eq!(planet.inventory().len(), 2);
}
