//! Drift in the world: found without a lock, set back by a deployment, taken over into state; strangers are left alone.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

mod support;

use std::{collections::BTreeMap, time::Duration};

use async_trait::async_trait;
use deployer_engine::{
    clock::Clock,
    desired::{Desired, Scope},
    drift::{Census, Field, Report, Tagged, Thing, Verdict, Why},
    error::{Class, Error},
    session::{Applied, Session, Wish, drift::Search},
    sim::{Ended, Points, Site, run},
};
use futures::future::FutureExt;
use serde_json::{Value, json};
use support::{How, Planet};

fn stack() -> Desired {
    support::desired(&json!({
        "K.a/One": {"type": "Sim::Named", "properties": {"Size": 1, "Mode": "m"}},
        "K.a/Two": {"type": "Sim::Nameless", "properties": {"Size": 2, "Late": 3, "Input": {"$ref": {"address": "K.a/One", "output": "Id"}}}},
        "K.b/Three": {"type": "Sim::Part", "properties": {"Input": "here", "Size": 3}},
    }))
}

fn session(planet: &mut Planet) -> Session {
    let site = Site::new(&planet.clock, Points::quiet());
    let world = planet.world(&site, &How { all_ended: true, ..How::default() });
    Session::new(world, &support::scope())
}

fn look(planet: &mut Planet, search: &Search<'_>) -> Report {
    let mut session = session(planet);
    run(&planet.clock.clone(), async { session.drift(search).await.expect("a report") })
}

fn deployed() -> Planet {
    let mut planet = Planet::new();
    planet.succeed(&stack(), false);
    // What was made a moment ago is visible by then.
    let site = Site::new(&planet.clock, Points::quiet());
    run(&planet.clock.clone(), async { site.sleep(Duration::from_secs(60)).await });
    planet
}

/// Changes whatever has this size.
fn tamper(planet: &Planet, size: i64, change: impl Fn(&mut Value)) {
    planet.cloud.tamper(|things| {
        let thing = things.values_mut().find(|it| it.spec["Size"] == size).expect("a thing of this size");
        change(&mut thing.spec);
    });
}

fn verdicts(report: &Report) -> BTreeMap<String, Vec<String>> {
    let said = |thing: &Thing| match &thing.verdict {
        Verdict::Drifted { fields } => fields.iter().map(|it| it.path.clone()).collect(),
        Verdict::InSync => Vec::new(),
        other => vec![format!("{other:?}").split(' ').next().unwrap_or_default().to_owned()],
    };
    report.things.iter().map(|it| (it.address.to_string(), said(it))).filter(|(_, it)| !it.is_empty()).collect()
}

fn remediate(planet: &mut Planet, chosen: &(dyn Fn(&Thing, Option<&Field>) -> bool + Sync)) -> Applied {
    let report = look(planet, &Search::default());
    set_back(planet, &report, chosen)
}

fn set_back(planet: &mut Planet, report: &Report, chosen: &(dyn Fn(&Thing, Option<&Field>) -> bool + Sync)) -> Applied {
    let mut session = session(planet);
    let wish = Wish { refresh: true, purpose: "remediate".into(), ..Wish::default() };
    run(&planet.clock.clone(), async {
        let mut yes = |_: &deployer_engine::plan::Plan, _: deployer_engine::session::Question<'_>| {
            futures::future::ready(true).boxed()
        };
        session.remediate(report, chosen, &[], &wish, &mut yes).await.expect("it runs")
    })
}

#[test]
fn nothing_drifts_by_itself() {
    let mut planet = deployed();
    let report = look(&mut planet, &Search::default());
    assert!(!report.has_drift() && report.is_whole() && report.things.len() == 3, "{report:?}");
    planet.succeed(&stack(), false);
    assert!(!look(&mut planet, &Search::default()).has_drift());
    // What the files say beyond the last apply is pending, not drift: they are not asked.
}

#[test]
fn a_field_is_named_and_set_back_and_nothing_else_is_done() {
    let mut planet = deployed();
    let before = planet.inventory();
    tamper(&planet, 2, |spec| spec["Late"] = json!(9));
    tamper(&planet, 2, |spec| spec["Size"] = json!(8));
    let found = verdicts(&look(&mut planet, &Search::default()));
    assert_eq!(found, BTreeMap::from([("K.a/Two".to_owned(), vec!["/Late".to_owned(), "/Size".to_owned()])]));
    // One of the two alone.
    let Applied::Ran { report, plan, .. } =
        remediate(&mut planet, &|_, field| field.is_some_and(|it| it.path == "/Size"))
    else {
        panic!("nothing ran")
    };
    assert!(report.is_success() && plan.steps.len() == 1, "{report:?}");
    let found = verdicts(&look(&mut planet, &Search::default()));
    assert_eq!(found, BTreeMap::from([("K.a/Two".to_owned(), vec!["/Late".to_owned()])]));
    remediate(&mut planet, &|_, _| true);
    assert_eq!(planet.inventory(), before);
    assert!(matches!(remediate(&mut planet, &|_, _| true), Applied::NoChanges));
    assert!(matches!(planet.succeed(&stack(), false), Applied::NoChanges));
}

#[test]
fn what_is_gone_is_made_again_and_whoever_held_its_id_gets_the_new_one() {
    let mut planet = deployed();
    planet.cloud.tamper(|things| things.retain(|_, it| it.spec["Size"] != 1));
    let found = verdicts(&look(&mut planet, &Search::default()));
    assert_eq!(found.keys().collect::<Vec<_>>(), ["K.a/One"]);
    let Applied::Ran { report, .. } = remediate(&mut planet, &|_, _| true) else { panic!("nothing ran") };
    assert!(report.is_success(), "{report:?}");
    let report = look(&mut planet, &Search::default());
    assert!(!report.has_drift(), "{report:?}");
    assert!(matches!(planet.succeed(&stack(), false), Applied::NoChanges));
}

#[test]
fn what_has_to_be_made_anew_for_that_is_followed_too() {
    let stack = support::desired(&json!({
        "K.a/One": {"type": "Sim::Named", "properties": {"Size": 1}},
        "K.b/Part": {"type": "Sim::Part", "properties": {"Size": 2, "Input": {"$ref": {"address": "K.a/One", "output": "Id"}}}},
        "K.c/User": {"type": "Sim::Named", "properties": {"Size": 3, "Input": {"$ref": {"address": "K.b/Part", "output": "Id"}}}},
    }));
    let mut planet = Planet::new();
    planet.succeed(&stack, false);
    planet.cloud.tamper(|things| things.retain(|_, it| it.spec["Size"] != 1));
    let Applied::Ran { report, .. } = remediate(&mut planet, &|_, _| true) else { panic!("nothing ran") };
    assert!(report.is_success(), "{report:?}");
    let report = look(&mut planet, &Search::default());
    assert!(!report.has_drift(), "{report:?}");
    assert!(matches!(planet.succeed(&stack, false), Applied::NoChanges));
    // What had an id before it does not keep the one that has it now from being deleted.
    planet.succeed(&stack, true);
    assert!(planet.inventory().is_empty(), "{:?}", planet.inventory());
}

#[test]
fn pending_changes_of_the_files_stay_pending() {
    let mut planet = deployed();
    tamper(&planet, 2, |spec| spec["Late"] = json!(9));
    let mut wanted = stack();
    wanted.resources.get_mut(&"K.a/One".parse().unwrap()).unwrap().properties["Size"] = json!(77);
    remediate(&mut planet, &|_, _| true);
    assert!(!planet.inventory().iter().any(|it| it["spec"]["Size"] == 77));
    let Applied::Ran { plan, .. } = planet.succeed(&wanted, false) else { panic!("nothing ran") };
    assert_eq!(plan.steps.len(), 1, "{:?}", plan.steps);
}

#[test]
fn what_is_accepted_is_what_was_set() {
    let mut planet = deployed();
    tamper(&planet, 2, |spec| spec["Late"] = json!(9));
    let report = look(&mut planet, &Search::default());
    let Verdict::Drifted { fields } = &report.things[1].verdict else { panic!("{report:?}") };
    let mut session = session(&mut planet);
    let address = report.things[1].address.clone();
    run(&planet.clock.clone(), async {
        session.accept(&address, fields, &Wish::default()).await.expect("it is accepted")
    });
    assert!(!look(&mut planet, &Search::default()).has_drift());
    // The files say otherwise: that is a change like any other, and no drift.
    let Applied::Ran { plan, .. } = planet.succeed(&stack(), false) else { panic!("nothing ran") };
    assert!(plan.steps[0].changes.iter().all(|it| it.path == "/Late" && !it.drift), "{:?}", plan.steps[0].changes);
}

#[test]
fn what_is_ignored_is_left_alone_by_report_and_plan() {
    let mut planet = deployed();
    let mut wanted = stack();
    let address = "K.a/Two".parse().unwrap();
    wanted.resources.get_mut(&address).unwrap().ignored = vec!["/Late".to_owned()];
    tamper(&planet, 2, |spec| spec["Late"] = json!(9));
    let search = Search { ignored: BTreeMap::from([(address.clone(), vec!["/Late".to_owned()])]), ..Search::default() };
    let report = look(&mut planet, &search);
    assert!(!report.has_drift(), "{report:?}");
    assert_eq!(report.things[1].apart.iter().map(|it| it.why).collect::<Vec<_>>(), [Why::Ignored]);
    assert!(matches!(planet.succeed(&wanted, false), Applied::NoChanges));
    // Another field of it is set back, or changed, and this one goes along as it is.
    tamper(&planet, 2, |spec| spec["Size"] = json!(8));
    let report = look(&mut planet, &search);
    let Applied::Ran { report, .. } = set_back(&mut planet, &report, &|_, _| true) else { panic!("nothing ran") };
    assert!(report.is_success(), "{report:?}");
    assert!(planet.inventory().iter().any(|it| it["spec"]["Late"] == 9 && it["spec"]["Size"] == 2));
    wanted.resources.get_mut(&address).unwrap().properties["Size"] = json!(4);
    planet.succeed(&wanted, false);
    assert!(planet.inventory().iter().any(|it| it["spec"]["Late"] == 9 && it["spec"]["Size"] == 4));
}

#[test]
fn a_stranger_is_neither_changed_nor_deleted() {
    let mut planet = deployed();
    tamper(&planet, 1, |spec| spec["Tags"] = json!([]));
    tamper(&planet, 1, |spec| spec["Mode"] = json!("other"));
    let report = look(&mut planet, &Search::default());
    assert!(matches!(report.things[0].verdict, Verdict::Stranger { .. }), "{report:?}");
    let mut wanted = stack();
    wanted.resources.get_mut(&"K.a/One".parse().unwrap()).unwrap().properties["Size"] = json!(5);
    let how = How { all_ended: true, ..How::default() };
    let Ended::Finished(Ok(Applied::Refused(plan))) = planet.apply(&wanted, false, &how) else { panic!("not refused") };
    let refusal = &plan.refusals[0];
    assert!(refusal.help.as_deref().unwrap_or_default().contains("deployer state import K.a/One"), "{refusal:?}");
    // What is taken down leaves it standing.
    planet.succeed(&stack(), true);
    assert_eq!(planet.inventory().len(), 1);
}

struct Listed(Vec<Tagged>);

#[async_trait]
impl Census for Listed {
    async fn tagged(&self, _: &Scope) -> Vec<deployer_engine::error::Result<Vec<Tagged>>> {
        let refused = Error::Call {
            operation: "ListRoles",
            class: Class::Denied,
            code: "AccessDenied".into(),
            message: "no".into(),
            source: None,
        };
        vec![Ok(self.0.clone()), Err(refused)]
    }
}

#[test]
fn what_carries_our_tags_and_is_not_in_state_is_found() {
    let mut planet = deployed();
    let mut listed = Vec::new();
    planet.cloud.tamper(|things| {
        for (id, thing) in things.iter() {
            let tags = thing.spec["Tags"].as_array().cloned().unwrap_or_default();
            let pair = |tag: &Value| {
                (
                    tag["Key"].as_str().unwrap_or_default().to_owned(),
                    tag["Value"].as_str().unwrap_or_default().to_owned(),
                )
            };
            listed.push(Tagged {
                kind: Some(thing.kind.to_owned()),
                id: id.clone(),
                tags: tags.iter().map(pair).collect(),
            });
        }
    });
    let mut lost = listed.iter().find(|it| it.tags.contains_key("deployer:token")).unwrap().clone();
    lost.id = "lost".to_owned();
    lost.kind = None;
    lost.tags.insert("deployer:token".to_owned(), "dpl-lost".to_owned());
    listed.push(lost.clone());
    // Listed, and gone.
    listed.push(Tagged { kind: Some("Sim::Named".to_owned()), id: "gone".to_owned(), ..lost });
    let census = Listed(listed);
    let report = look(&mut planet, &Search { census: Some(&census), ..Search::default() });
    assert_eq!(report.orphans.iter().map(|it| it.id.as_str()).collect::<Vec<_>>(), ["lost"], "{report:?}");
    assert!(report.has_drift() && !report.is_whole());
    assert!(report.unsearched[0].contains("ListRoles"));
}

#[test]
fn a_type_that_is_not_known_is_said_and_the_others_go_on() {
    let mut planet = deployed();
    let site = Site::new(&planet.clock, Points::quiet());
    let mut world = planet.world(&site, &How { all_ended: true, ..How::default() });
    let known = world.types.iter().filter(|it| it.kind() != "Sim::Part").cloned().collect::<Vec<_>>();
    world.types =
        known.into_iter().fold(Default::default(), |all: deployer_engine::resource::Registry, it| all.with_shared(it));
    let mut session = Session::new(world, &support::scope());
    let report = run(&planet.clock.clone(), async { session.drift(&Search::default()).await.expect("a report") });
    let tally = report.tally();
    assert_eq!((tally.in_sync, tally.not_compared), (2, 1), "{report:?}");
    assert!(!report.is_whole() && !report.has_drift());
}
