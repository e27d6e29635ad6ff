//! One line each: what is declared, the three sides, and the changes that follow.

use serde_json::json;

use super::*;
use crate::{address::Address, expr::reference};

fn sorted(value: &Value) -> Value {
    let mut items = value.as_array().cloned().unwrap_or_default();
    items.sort_by_key(Value::to_string);
    items.into()
}

const FACTS: Facts = Facts {
    fields: &[
        ("/Name", Nature::CreateOnly),
        ("/Delay", Nature::ServerDefault("0")),
        ("/Delay", Nature::OnRemove(OnRemove::Reset("0"))),
        ("/Tags", Nature::ByKey("Key")),
        ("/Set", Nature::Unordered),
        ("/Place", Nature::Rooted),
        ("/Password", Nature::WriteOnly),
        ("/Count", Nature::InitialOnly),
        ("/Policy", Nature::Document(sorted)),
        ("/Version", Nature::PrefixVersion),
        ("/Sticky", Nature::OnRemove(OnRemove::Keep)),
        ("/Rules/*/On", Nature::ServerDefault("false")),
        ("/Parts", Nature::ByKey("Id")),
        ("/Parts/*/Kind", Nature::CreateOnly),
        ("/Parts/*/Size", Nature::OnRemove(OnRemove::Keep)),
    ],
    ..Facts::NAMED
};

/// The changes as `path:how`.
fn changes(desired: Value, applied: Value, live: Value) -> String {
    let how = |change: &FieldChange| format!("{}:{:?}{}", change.path, change.how, if change.drift { "!" } else { "" });
    diff(&FACTS, &desired, &applied, &live).iter().map(how).collect::<Vec<_>>().join(" ")
}

#[test]
fn only_what_is_named_is_compared() {
    assert_eq!(changes(json!({"A": 1}), json!({}), json!({"A": "1", "B": 2})), "");
    assert_eq!(changes(json!({"A": 1}), json!({}), json!({"A": 2})), "/A:InPlace");
    assert_eq!(changes(json!({"A": 1}), json!({"A": 1}), json!({"A": 2})), "/A:InPlace!");
    assert_eq!(changes(json!({"Name": "a"}), json!({"Name": "b"}), json!({"Name": "b"})), "/Name:Replace");
}

#[test]
fn removal_does_what_is_declared() {
    assert_eq!(changes(json!({}), json!({"A": 1}), json!({"A": 1})), "/A:InPlace");
    assert_eq!(changes(json!({}), json!({"A": 1}), json!({})), "");
    assert_eq!(changes(json!({}), json!({"Delay": 5}), json!({"Delay": 5})), "/Delay:InPlace");
    assert_eq!(changes(json!({}), json!({"Delay": 5}), json!({"Delay": "0"})), "");
    assert_eq!(changes(json!({}), json!({"Sticky": 1}), json!({"Sticky": 1})), "/Sticky:Keep");
    assert_eq!(changes(json!({}), json!({"Name": "a"}), json!({"Name": "a"})), "/Name:Replace");
    let found = diff(&FACTS, &json!({}), &json!({"Delay": 5}), &json!({"Delay": 5}));
    assert_eq!(with_resets(&json!({"A": 1}), &found), json!({"A": 1, "Delay": 0}));
}

#[test]
fn a_list_of_which_nothing_stays_is_another_place() {
    assert_eq!(changes(json!({"Place": [2, 3]}), json!({}), json!({"Place": [1, 2]})), "/Place:InPlace");
    assert_eq!(changes(json!({"Place": [3, 4]}), json!({}), json!({"Place": [1, 2]})), "/Place:Replace");
    assert_eq!(changes(json!({"Place": [1]}), json!({}), json!({"Place": []})), "/Place:InPlace");
}

#[test]
fn natures_decide_what_is_equal() {
    assert_eq!(changes(json!({"Set": [1, 2]}), json!({}), json!({"Set": [2, 1]})), "");
    assert_eq!(changes(json!({"List": [1, 2]}), json!({}), json!({"List": [2, 1]})), "/List:InPlace");
    assert_eq!(changes(json!({"Policy": ["b", "a"]}), json!({}), json!({"Policy": ["a", "b"]})), "");
    assert_eq!(changes(json!({"Version": "16"}), json!({}), json!({"Version": "16.4"})), "");
    assert_eq!(changes(json!({"Version": "16"}), json!({}), json!({"Version": "161"})), "/Version:InPlace");
    assert_eq!(changes(json!({"Count": 3}), json!({}), json!({"Count": 7})), "");
    assert_eq!(changes(json!({"Password": "a"}), json!({"Password": "a"}), json!({})), "");
    assert_eq!(changes(json!({"Password": "b"}), json!({"Password": "a"}), json!({})), "/Password:InPlace");
    assert_eq!(changes(json!({"Delay": 0}), json!({}), json!({})), "");
    assert_eq!(changes(json!({"Rules": [{"Id": 1}]}), json!({}), json!({"Rules": [{"Id": 1, "On": false}]})), "");
    assert_eq!(changes(json!({"Empty": {}}), json!({}), json!({})), "");
}

#[test]
fn of_a_keyed_list_only_our_elements_are_ours() {
    let tag = |key: &str, value: &str| json!({"Key": key, "Value": value});
    let (a, b, c) = (tag("a", "1"), tag("b", "2"), tag("c", "3"));
    assert_eq!(changes(json!({"Tags": [a]}), json!({}), json!({"Tags": [c, a]})), "");
    assert_eq!(changes(json!({"Tags": [a]}), json!({"Tags": [a, b]}), json!({"Tags": [c, b, a]})), "/Tags/b:InPlace");
    assert_eq!(changes(json!({"Tags": [tag("a", "9")]}), json!({}), json!({"Tags": [a]})), "/Tags/a:InPlace");
    assert_eq!(changes(json!({}), json!({"Tags": [a]}), json!({"Tags": [a, c]})), "/Tags/a:InPlace");
    assert_eq!(changes(json!({"Tags": [a]}), json!({}), json!({})), "/Tags/a:InPlace");
}

#[test]
fn an_element_takes_the_most_that_something_inside_takes() {
    let parts = |part: Value| json!({"Parts": [part]});
    let now = parts(json!({"Id": "a", "Kind": "x", "Size": 1, "Note": "n"}));
    let change = |to: Value| changes(parts(to), now.clone(), now.clone());
    assert_eq!(change(json!({"Id": "a", "Kind": "y", "Size": 2, "Note": "n"})), "/Parts/a:Replace");
    assert_eq!(change(json!({"Id": "a", "Kind": "x", "Size": 2, "Note": "n"})), "/Parts/a:InPlace");
    assert_eq!(change(json!({"Id": "a", "Kind": "x", "Note": "n"})), "/Parts/a:Keep");
    assert_eq!(change(json!({"Id": "a", "Kind": "x", "Note": "m"})), "/Parts/a:InPlace");
    assert_eq!(change(json!({"Id": "b", "Kind": "y"})), "/Parts/a:InPlace /Parts/b:InPlace");
}

#[test]
fn what_is_not_known_yet_differs() {
    let hole = reference(&Address::new("SQS", "q", "Queue"), "Arn");
    assert_eq!(changes(json!({"A": hole}), json!({"A": "x"}), json!({"A": "x"})), "/A:InPlace");
    assert_eq!(changes(json!({"Name": hole}), json!({"Name": "x"}), json!({"Name": "x"})), "/Name:Replace");
    assert_eq!(changes(json!({"M": {"a": hole, "b": 1}}), json!({}), json!({"M": {"a": "x", "b": 1}})), "/M/a:InPlace");
}

#[test]
fn a_map_that_is_not_there_is_one_change() {
    assert_eq!(changes(json!({"M": {"a": 1, "b": 2}}), json!({}), json!({})), "/M:InPlace");
    assert_eq!(
        changes(json!({"M": {"a": 1}}), json!({"M": {"a": 1, "b": 2}}), json!({"M": {"a": 1, "b": 2}})),
        "/M/b:InPlace"
    );
}

#[test]
fn a_number_is_one_number_however_it_is_written() {
    assert_eq!(changes(json!({"Target": 60}), json!({}), json!({"Target": 60.0})), "");
    assert_eq!(changes(json!({"Target": 60.5}), json!({}), json!({"Target": 60.0})), "/Target:InPlace");
}

#[test]
fn what_was_never_applied_has_not_drifted() {
    let found = diff(&FACTS, &json!({"Rules": []}), &json!({}), &json!({"Rules": [1]}));
    assert!(found.len() == 1 && !found[0].drift, "{found:?}");
}
