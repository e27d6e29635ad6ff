//! Somebody else writes between plan and lock (S7): it is planned again; what is still the same is not asked again, and what is not
//! asked for again is not done.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

mod support;

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};

use deployer_engine::{
    desired::Desired,
    event::{Event, Sink},
    history::{Deployment, Ending},
    session::{Applied, Session, Wish},
    sim::{Ended, Points, Process, SimClock, Site, run},
    store::LockStore,
};
use futures::FutureExt;
use serde_json::{Value, json};
use support::{How, Planet, desired, scope};

/// Both things, of these sizes. `K.b` needs the id of `K.a`, which never changes: a plan for `K.b` holds no lock on `K.a`, and
/// yet is made from it.
fn stack(a: i64, b: i64) -> Desired {
    desired(&json!({
        "K.a/Thing": {"type": "Sim::Nameless", "properties": {"Size": a}},
        "K.b/Other": {"type": "Sim::Named", "properties": {"Size": b, "Input": {"$ref": {"address": "K.a/Thing", "output": "Id"}}}},
    }))
}

/// When the others come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The plan is made and nobody has answered yet.
    Planned,
    /// It was approved, and the deployment has no number yet.
    Approved,
    /// The locks are about to be taken.
    Locking,
    /// The locks are taken, and nothing was read under them yet.
    Locked,
}

const MOMENTS: [Moment; 4] = [Moment::Planned, Moment::Approved, Moment::Locking, Moment::Locked];

/// The others: they run once, to their end, while ours stands still.
#[derive(Clone)]
struct Others {
    at: Moment,
    clock: SimClock,
    all: Arc<Mutex<Vec<Process<support::Result>>>>,
    came: Arc<AtomicBool>,
}

impl Others {
    fn may_come(&self, moment: Moment) {
        if self.at == moment && !self.came.swap(true, Ordering::SeqCst) {
            for other in std::mem::take(&mut *self.all.lock().expect("no panic")) {
                let ended = run(&self.clock, other);
                assert!(matches!(ended, Ended::Finished(Ok(Applied::Ran { .. }))), "{:?}: {ended:?}", self.at);
            }
        }
    }
}

/// Keeps what was told.
struct Heard {
    others: Others,
    events: Mutex<Vec<Event>>,
}

impl Sink for Heard {
    fn send(&self, event: Event) {
        if matches!(event, Event::Locked { .. }) {
            self.others.may_come(Moment::Locked);
        }
        self.events.lock().expect("no panic").push(event);
    }
}

/// What became of ours.
struct Met {
    planet: Planet,
    applied: Applied,
    /// How many steps each plan had that was asked about.
    asked: Vec<usize>,
    /// What each planning again found moved.
    again: Vec<Vec<String>>,
}

/// Both things stand with size 1; ours makes `K.b` of size 2, while at `moment` the others apply `theirs`, one after another.
/// The first question is answered with yes, every later one with `later`.
fn meet(moment: Moment, theirs: &[Desired], later: bool) -> Met {
    let mut planet = Planet::new();
    planet.succeed(&stack(1, 1), false);
    let how = How { machine: None, ..How::default() };
    let all = theirs.iter().map(|it| planet.process(it, false, &how)).collect();
    let others =
        Others { at: moment, clock: planet.clock.clone(), all: Arc::new(Mutex::new(all)), came: Arc::default() };
    let theirs = others.clone();
    let points = Points::new(Arc::new(move |_, what: &str| {
        match what {
            _ if what.ends_with("/root.json") => theirs.may_come(Moment::Approved),
            _ if what.starts_with("take ") => theirs.may_come(Moment::Locking),
            _ => {}
        }
        None
    }));
    let site = Site::new(&planet.clock, points);
    let heard = Arc::new(Heard { others: others.clone(), events: Mutex::default() });
    let mut world = planet.world(&site, &how);
    world.events = heard.clone();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let (told, ours) = (asked.clone(), stack(1, 2));
    let work = async move {
        let mut session = Session::new(world, &scope());
        let wish = Wish { refresh: true, purpose: "apply".into(), ..Wish::default() };
        let mut approve = |plan: &deployer_engine::plan::Plan, _: deployer_engine::session::Question<'_>| {
            others.may_come(Moment::Planned);
            let mut told = told.lock().expect("no panic");
            told.push(plan.steps.len());
            futures::future::ready(told.len() == 1 || later).boxed()
        };
        session.apply(&ours, &wish, &mut approve).await
    };
    let Ended::Finished(Ok(applied)) = run(&planet.clock.clone(), Process::new(&site, work)) else {
        panic!("{moment:?}: it did not end")
    };
    assert!(heard.others.came.load(Ordering::SeqCst), "{moment:?}: nobody came");
    let events = heard.events.lock().expect("no panic");
    let again = events.iter().filter_map(|it| match it {
        Event::PlanAgain { components } => Some(components.iter().map(ToString::to_string).collect()),
        _ => None,
    });
    let again = again.collect();
    let asked = asked.lock().expect("no panic").clone();
    Met { planet, applied, asked, again }
}

fn sizes(planet: &mut Planet) -> Vec<i64> {
    let memory = planet.memory();
    let all = memory.shards.values().flat_map(|it| it.record.body.resources.values());
    all.map(|it| it.current.as_ref().expect("it stands").applied["Size"].as_i64().expect("a size")).collect()
}

fn deployment(planet: &mut Planet, number: u64) -> Deployment {
    let site = Site::new(&planet.clock, Points::quiet());
    let session = Session::new(planet.world(&site, &How::default()), &scope());
    run(&planet.clock.clone(), session.deployment(number)).expect("a record").expect("it was numbered")
}

#[test]
fn a_plan_that_comes_out_the_same_is_not_asked_about_again() {
    for moment in MOMENTS {
        // There and back: the shard of `K.a` is another one, and what is to be done is the same.
        let mut met = meet(moment, &[stack(7, 1), stack(1, 1)], false);
        assert!(
            matches!(&met.applied, Applied::Ran { report, .. } if report.is_success()),
            "{moment:?}: {:?}",
            met.applied
        );
        assert_eq!((met.asked, met.again), (vec![1], vec![vec!["K.a".to_owned()]]), "{moment:?}");
        assert_eq!(sizes(&mut met.planet), [1, 2], "{moment:?}");
        let there = met.planet.inventory();
        met.planet.check(&format!("{moment:?}"), &stack(1, 2), false, &there);
    }
}

#[test]
fn other_steps_are_asked_about_again_and_done_if_approved() {
    for moment in MOMENTS {
        let mut met = meet(moment, &[stack(7, 1)], true);
        assert!(
            matches!(&met.applied, Applied::Ran { report, .. } if report.is_success()),
            "{moment:?}: {:?}",
            met.applied
        );
        assert_eq!((met.asked, met.again), (vec![1, 2], vec![vec!["K.a".to_owned()]]), "{moment:?}");
        assert_eq!(sizes(&mut met.planet), [1, 2], "{moment:?}");
        let there = met.planet.inventory();
        met.planet.check(&format!("{moment:?}"), &stack(1, 2), false, &there);
    }
}

#[test]
fn other_steps_that_are_declined_leave_everything_as_the_others_left_it_and_no_lock() {
    let mut left = Planet::new();
    left.succeed(&stack(1, 1), false);
    left.succeed(&stack(7, 1), false);
    for moment in MOMENTS {
        let mut met = meet(moment, &[stack(7, 1)], false);
        assert!(matches!(met.applied, Applied::Declined), "{moment:?}: {:?}", met.applied);
        assert_eq!(met.asked, [1, 2], "{moment:?}");
        assert_eq!(met.planet.inventory(), left.inventory(), "{moment:?}");
        assert_eq!(sizes(&mut met.planet), [7, 1], "{moment:?}");
        let locks = run(&met.planet.clock.clone(), met.planet.memory.locks()).expect("locks");
        assert!(locks.is_empty(), "{moment:?}: {locks:?}");
        assert!(met.planet.memory().open.is_empty(), "{moment:?}");
        // What was numbered stays in the history. Those who came before that have the number before.
        let ours = if matches!(moment, Moment::Planned | Moment::Approved) { 3 } else { 2 };
        let record = deployment(&mut met.planet, ours);
        assert_eq!(record.result, Ending::Interrupted, "{moment:?}: {record:?}");
        assert!(record.steps.is_empty(), "{moment:?}: {record:?}");
    }
}

#[test]
fn what_somebody_else_has_done_already_is_not_asked_about_and_not_done_twice() {
    // Once `K.b` is ours nobody else can have done it.
    for moment in [Moment::Planned, Moment::Approved, Moment::Locking] {
        let mut met = meet(moment, &[stack(1, 2)], false);
        assert!(matches!(&met.applied, Applied::Ran { plan, .. } if plan.is_empty()), "{moment:?}: {:?}", met.applied);
        assert_eq!((met.asked, met.again), (vec![1], vec![vec!["K.b".to_owned()]]), "{moment:?}");
        let there = met.planet.inventory();
        met.planet.check(&format!("{moment:?}"), &stack(1, 2), false, &there);
    }
}

/// What was locked for `K.a` alone, of which this is the next content; `K.b` has no step then, and keeps the id that it has.
fn locked_for(next: &Value) -> usize {
    let mut planet = Planet::new();
    planet.succeed(&stack(1, 1), false);
    let all = desired(&json!({
        "K.a/Thing": {"type": "Sim::Nameless", "properties": next},
        "K.b/Other": {"type": "Sim::Named", "properties": {"Size": 1, "Input": {"$ref": {"address": "K.a/Thing", "output": "Id"}}}},
    }));
    let site = Site::new(&planet.clock, Points::quiet());
    let others = Others { at: Moment::Planned, clock: planet.clock.clone(), all: Arc::default(), came: Arc::default() };
    let heard = Arc::new(Heard { others, events: Mutex::default() });
    let mut world = planet.world(&site, &How::default());
    world.events = heard.clone();
    let targets = Some(BTreeSet::from(["K.a".parse().expect("a component")]));
    let wish = Wish { refresh: true, purpose: "apply".into(), targets, ..Wish::default() };
    let work = async move {
        Session::new(world, &scope()).apply(&all, &wish, &mut |_, _| futures::future::ready(true).boxed()).await
    };
    let ended = run(&planet.clock.clone(), Process::new(&site, work));
    assert!(matches!(ended, Ended::Finished(Ok(Applied::Ran { .. }))), "{ended:?}");
    let events = heard.events.lock().expect("no panic");
    let locked = events.iter().find_map(|it| match it {
        Event::Locked { components, .. } => Some(*components),
        _ => None,
    });
    locked.expect("something was locked")
}

#[test]
fn users_of_what_is_replaced_are_locked_too() {
    assert_eq!(locked_for(&json!({"Size": 2})), 1);
    assert_eq!(locked_for(&json!({"Size": 1, "Mode": "other"})), 2);
}
