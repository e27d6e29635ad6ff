//! Checks: tried after the steps, again where they change, and not where nothing does.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test stops where it is wrong")]

mod support;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use deployer_engine::{
    desired::{Check, Desired, Test},
    session::{Applied, OnFailure},
    sim::Ended,
    verdict::{Examined, Examiner},
};
use futures::future::{BoxFuture, FutureExt};
use serde_json::{Value, json};
use support::{How, Planet};

/// Counts tries; what is tried passes from the n-th try on, and an `ok` always does.
#[derive(Default)]
struct Counting {
    tries: AtomicUsize,
    passes_from: usize,
}

impl Examiner for Counting {
    fn examine<'a>(&'a self, test: &'a Value, _: Duration) -> BoxFuture<'a, Examined> {
        let number = self.tries.fetch_add(1, Ordering::SeqCst) + 1;
        let passed = number >= self.passes_from && *test != json!("never");
        let said = format!("try {number} of {test}");
        futures::future::ready(Examined { passed, said, ..Examined::default() }).boxed()
    }
}

fn stack(check: Option<(&str, u64)>) -> Desired {
    let mut desired = support::desired(&json!({"K.a/Thing": {"type": "Sim::Named", "properties": {"Size": 1}}}));
    let component = desired.components.values_mut().next().expect("a component");
    component.checks = check.into_iter().map(|(test, within)| of(test, within)).collect();
    desired
}

fn of(test: &str, within: u64) -> Check {
    Check { name: "it works".to_owned(), test: json!(test), within, every: 5, hold: 0 }
}

fn how(passes_from: usize) -> (How, Arc<Counting>) {
    let examiner = Arc::new(Counting { passes_from, ..Counting::default() });
    (How { examiner: examiner.clone(), on_failure: OnFailure::Automatic, ..How::default() }, examiner)
}

fn apply(planet: &mut Planet, desired: &Desired, passes_from: usize) -> (Applied, usize) {
    let (how, examiner) = how(passes_from);
    let Ended::Finished(Ok(applied)) = planet.apply(desired, false, &how) else { panic!("it did not end") };
    (applied, examiner.tries.load(Ordering::SeqCst))
}

fn is_good(applied: &Applied) -> bool {
    matches!(applied, Applied::Ran { report, .. } if report.is_success() && report.good)
}

#[test]
fn a_check_is_tried_until_it_holds_and_only_when_there_is_cause() {
    let mut planet = Planet::new();
    let (applied, tries) = apply(&mut planet, &stack(Some(("ok", 60))), 3);
    assert!(is_good(&applied) && tries == 3, "{tries}: {applied:?}");
    let (applied, tries) = apply(&mut planet, &stack(Some(("ok", 60))), 1);
    assert!(matches!(applied, Applied::NoChanges) && tries == 0, "{tries}: {applied:?}");
    // Another check is a cause, though there is no step; and after it there is none.
    let (applied, tries) = apply(&mut planet, &stack(Some(("more", 60))), 1);
    assert!(is_good(&applied) && tries == 1, "{tries}: {applied:?}");
    let (applied, tries) = apply(&mut planet, &stack(Some(("more", 60))), 1);
    assert!(matches!(applied, Applied::NoChanges) && tries == 0, "{tries}: {applied:?}");
    let (applied, tries) = apply(&mut planet, &stack(None), 1);
    assert!(is_good(&applied) && tries == 0, "{tries}: {applied:?}");
    assert!(matches!(apply(&mut planet, &stack(None), 1).0, Applied::NoChanges));
}

#[test]
fn a_check_that_never_holds_takes_the_deployment_back() {
    let mut planet = Planet::new();
    planet.succeed(&stack(None), false);
    let before = planet.inventory();
    let mut bigger = stack(Some(("never", 20)));
    bigger.resources.values_mut().for_each(|it| it.properties["Size"] = json!(2));
    let (applied, tries) = apply(&mut planet, &bigger, 1);
    let Applied::Ran { report, undone: Some(undone), .. } = applied else { panic!("it was not taken back") };
    assert!(undone.is_success() && tries == 5, "{tries} tries in 20 seconds: {undone:?}");
    let bad: Vec<_> = report.verdict.iter().flat_map(|it| it.bad()).collect();
    assert!(bad.len() == 1 && bad[0].what == "K.a: it works", "{bad:?}");
    assert_eq!(planet.inventory(), before);
    planet.check("taken back", &stack(None), false, &before);
}

#[test]
fn smoke_tests_come_after_checks_and_stop_at_the_first_that_fails() {
    let mut planet = Planet::new();
    let mut desired = stack(Some(("ok", 0)));
    let test = |test: &str| Test { service: None, check: of(test, 0) };
    desired.tests = vec![test("one"), test("never"), test("three")];
    let (applied, tries) = apply(&mut planet, &desired, 1);
    let Applied::Ran { report, undone: None, .. } = applied else { panic!("a first deployment is kept") };
    let told: Vec<_> = report.verdict.expect("a verdict").findings.into_iter().map(|it| it.why).collect();
    assert_eq!(
        (tries, told),
        (3, vec![r#"try 1 of "ok""#.into(), r#"try 2 of "one""#.into(), r#"try 3 of "never""#.into()])
    );
}
