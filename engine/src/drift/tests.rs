//! What is drift and what is not, strangers, and values put at paths.

#![allow(clippy::expect_used, reason = "a test stops where it is wrong")]

use serde_json::{Value, json};

use super::*;
use crate::facts::{Facts, Nature};

const FACTS: Facts = Facts {
    fields: &[
        ("/Name", Nature::CreateOnly),
        ("/Password", Nature::WriteOnly),
        ("/Count", Nature::OwnedElsewhereWhen(|spec| spec.get("Scaled").is_some())),
        ("/Start", Nature::InitialOnly),
        ("/Version", Nature::PrefixVersion),
        ("/Delay", Nature::ServerDefault("0")),
        ("/Groups", Nature::Unordered),
        ("/Tags", Nature::ByKey("Key")),
    ],
    ..Facts::NAMED
};

fn fields(applied: &Value, live: &Value) -> Vec<String> {
    compare(&FACTS, applied, live, &[]).0.into_iter().map(|it| it.path).collect()
}

#[test]
fn parts_that_no_state_knows_are_others() {
    let generation = |id: &str| crate::state::Generation {
        number: 1,
        id: crate::resource::PhysicalId(id.to_owned()),
        name: None,
        applied: json!({}),
        outputs: Default::default(),
        baseline: None,
        confirmed: true,
        deployment: 1,
    };
    let state = |id: &str| crate::state::ResourceState { current: Some(generation(id)), ..Default::default() };
    let resources = [("Group", "sg-1"), ("Rule", "sgr-1")].map(|(role, id)| (role.to_owned(), state(id)));
    let shard = crate::state::Shard { resources: resources.into(), ..Default::default() };
    let part =
        |of: &str, id: &str| Part { of: of.to_owned(), kind: "R".to_owned(), id: id.to_owned(), what: String::new() };
    let shards = [(crate::address::ComponentId::new("K", "a"), &shard)].into();
    // Ours; another's in ours; what is in no thing of ours.
    let found = unmanaged(&shards, vec![part("sg-1", "sgr-1"), part("sg-1", "sgr-2"), part("sg-2", "sgr-3")]);
    let told: Vec<_> = found.iter().map(|it| (it.address.to_string(), it.id.as_str())).collect();
    assert_eq!(told, [("K.a/Group".to_owned(), "sgr-2")]);
}

#[test]
fn exactly_what_was_changed_is_named() {
    let applied = json!({"Name": "a", "Delay": 5, "Groups": ["x", "y"], "Inner": {"One": 1, "Two": 2}, "Tags": [{"Key": "team", "Value": "a"}]});
    let mut live = applied.clone();
    assert!(fields(&applied, &live).is_empty());
    live["Inner"]["Two"] = json!(3);
    live["Name"] = json!("b");
    live["Tags"][0]["Value"] = json!("b");
    assert_eq!(fields(&applied, &live), ["/Inner/Two", "/Name", "/Tags/team"]);
    let (found, _) = compare(&FACTS, &applied, &live, &["/Inner".to_owned()]);
    assert_eq!(found.iter().map(|it| it.create_only).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn what_means_the_same_or_is_not_ours_is_silent() {
    let applied = json!({"Delay": 0, "Groups": ["x", "y"], "Tags": [{"Key": "team", "Value": "a"}]});
    let live = json!({"Groups": ["y", "x"], "Other": 1, "Tags": [{"Key": "console", "Value": "z"}, {"Key": "team", "Value": "a"}]});
    assert!(fields(&applied, &live).is_empty());
}

#[test]
fn what_is_set_apart_is_said() {
    let applied = json!({"Password": "p", "Count": 2, "Scaled": true, "Start": 1, "Version": "16", "Mode": {"valueFrom": {"secret": "s"}}});
    let live = json!({"Count": 5, "Scaled": true, "Start": 3, "Version": "16.4", "Mode": "x"});
    let (fields, apart) = compare(&FACTS, &applied, &live, &[]);
    assert!(fields.iter().all(|it| it.path == "/Mode"), "{fields:?}");
    let said: Vec<(&str, Why)> = apart.iter().map(|it| (it.path.as_str(), it.why)).collect();
    use Why::{NotReadable, OwnedElsewhere};
    assert_eq!(said[0..2], [("/Count", OwnedElsewhere), ("/Password", NotReadable)].map(|it| it)[..]);
    assert!(said.contains(&("/Start", OwnedElsewhere)) && said.contains(&("/Version", OwnedElsewhere)), "{said:?}");
    // Another version altogether is drift, and said once.
    let (fields, apart) = compare(&FACTS, &json!({"Version": "16"}), &json!({"Version": "17.1"}), &[]);
    assert_eq!((fields.len(), apart.len()), (1, 0));
}

#[test]
fn a_stranger_is_told_by_its_tags() {
    let ours = json!({"Tags": [{"Key": "deployer:lineage", "Value": "l"}, {"Key": "deployer:token", "Value": "t"}]});
    assert_eq!(stranger(&FACTS, &ours, &ours), None);
    assert!(stranger(&FACTS, &ours, &json!({"Tags": []})).is_some());
    let others = json!({"Tags": [{"Key": "deployer:token", "Value": "other"}, {"Key": "deployer:address", "Value": "SQS.a/Queue"}]});
    assert!(stranger(&FACTS, &ours, &others).expect("a reason").contains("SQS.a/Queue"));
    // One tag taken off by hand is drift; what never carried our tags was imported.
    assert_eq!(stranger(&FACTS, &ours, &json!({"Tags": [{"Key": "deployer:lineage", "Value": "l"}]})), None);
    assert_eq!(stranger(&FACTS, &json!({"Tags": []}), &others), None);
}

#[test]
fn a_value_is_put_where_it_was_found() {
    let mut it = json!({"Tags": [{"Key": "a/b", "Value": "1"}], "List": [{"X": 1}]});
    assert!(put(&FACTS, &mut it, "/Tags/a~1b/Value", Some(json!("2"))));
    assert!(put(&FACTS, &mut it, "/Tags/new", Some(json!({"Key": "new", "Value": "3"}))));
    assert!(put(&FACTS, &mut it, "/List/0/X", Some(json!(2))));
    assert!(put(&FACTS, &mut it, "/Inner/Deep", Some(json!(true))));
    assert!(!put(&FACTS, &mut it, "/List/7/X", Some(json!(2))));
    let expected = json!({"Tags": [{"Key": "a/b", "Value": "2"}, {"Key": "new", "Value": "3"}], "List": [{"X": 2}], "Inner": {"Deep": true}});
    assert_eq!(it, expected);
    assert!(put(&FACTS, &mut it, "/Tags/new", None) && put(&FACTS, &mut it, "/Inner", None));
    assert_eq!(it["Tags"].as_array().map(Vec::len), Some(1));
    assert!(it.get("Inner").is_none());
}

#[test]
fn the_innermost_difference_is_found() {
    let field =
        |set: Value, is: Value| Field { path: "/P".to_owned(), set: Some(set), is: Some(is), create_only: false };
    let policy =
        field(json!({"Statement": [{"Action": "a", "Sid": "1"}]}), json!({"Statement": [{"Action": "b", "Sid": "1"}]}));
    assert_eq!(policy.inside().iter().map(|it| it.path.as_str()).collect::<Vec<_>>(), ["/P/Statement/0/Action"]);
    assert_eq!(field(json!([1]), json!([1, 2])).inside().len(), 1);
}
