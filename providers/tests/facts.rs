//! What the types declare, held against AWS's own resource schemas; each deliberate difference is listed with its reason.
//!
//! `fixtures/cfn/facts.json` holds what CloudFormation publishes of our types; `differences.json` beside it holds the reasons. A
//! reason that is no longer needed fails the test too.

#![allow(clippy::expect_used, clippy::panic, reason = "a test stops where it is wrong")]

use std::collections::{BTreeMap, BTreeSet};

use deployer_engine::{facts::Nature, resource::DynResource};
use deployer_providers::{Aws, registry};
use serde_json::Value;

fn fixture(name: &str) -> Value {
    let path = format!("{}/../fixtures/cfn/{name}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).expect("a fixture")).expect("JSON")
}

/// Texts of a list, as JSON pointers.
fn pointers(value: &Value) -> BTreeSet<String> {
    let texts = value.as_array().into_iter().flatten().filter_map(Value::as_str);
    texts.map(|text| format!("/{}", text.trim_start_matches('/'))).collect()
}

/// Every property of a schema, `*` for elements of lists.
fn properties(root: &Value, schema: &Value, path: &str, found: &mut BTreeSet<String>) {
    if let Some(target) =
        schema.get("$ref").and_then(Value::as_str).and_then(|at| root.pointer(at.trim_start_matches('#')))
    {
        return properties(root, target, path, found);
    }
    for option in schema.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        properties(root, option, path, found);
    }
    if let Some(items) = schema.get("items") {
        properties(root, items, &format!("{path}/*"), found);
    }
    for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let at = format!("{path}/{name}");
        found.insert(at.clone());
        properties(root, inner, &at, found);
    }
}

/// What is other than in AWS's schema, as `type path what`.
fn differences(it: &dyn DynResource, cfn: &Value) -> BTreeSet<String> {
    let (facts, schema) = (it.facts(), it.schema());
    let mut ours = BTreeSet::new();
    properties(&schema, &schema, "", &mut ours);
    let (theirs, create_only) = (pointers(&cfn["properties"]), pointers(&cfn["createOnly"]));
    let (read_only, write_only) = (pointers(&cfn["readOnly"]), pointers(&cfn["writeOnly"]));
    let mut found = BTreeSet::new();
    let mut say = |path: &str, what: &str| {
        found.insert(format!("{} {path} {what}", it.kind()));
    };
    for path in &ours {
        if !theirs.contains(path) {
            say(path, "is no property");
        }
        match (facts.create_only(path), create_only.iter().any(|at| path == at || path.starts_with(&format!("{at}/"))))
        {
            (true, false) => say(path, "is create-only here alone"),
            (false, true) => say(path, "is create-only there alone"),
            _ => {}
        }
        match (facts.natures(path).any(|nature| matches!(nature, Nature::WriteOnly)), write_only.contains(path)) {
            (true, false) => say(path, "is write-only here alone"),
            (false, true) => say(path, "is write-only there alone"),
            _ => {}
        }
    }
    let outputs: BTreeSet<String> =
        facts.outputs.iter().map(|output| format!("/{}", output.name.replace('.', "/"))).collect();
    outputs.difference(&read_only).for_each(|path| say(path, "is an output here alone"));
    read_only
        .difference(&outputs)
        .filter(|path| path.matches('/').count() == 1)
        .for_each(|path| say(path, "is an output there alone"));
    if facts.tags.is_some() != theirs.contains("/Tags") {
        say("/Tags", "differs in whether it can be tagged");
    }
    for (pattern, nature) in facts.fields {
        if !ours.contains(*pattern) {
            say(pattern, "has a declared nature and does not exist");
        }
        if let Nature::ServerDefault(text) | Nature::OnRemove(deployer_engine::facts::OnRemove::Reset(text)) = nature
            && serde_json::from_str::<Value>(text).is_err()
        {
            say(pattern, "has a default that is no JSON");
        }
    }
    found
}

#[test]
fn declared_facts_are_those_of_aws() {
    let cfn = fixture("facts.json");
    let reasons: BTreeMap<String, String> =
        serde_json::from_value(fixture("differences.json")).expect("differences with reasons");
    let registry = registry(&Aws::offline());
    let found: BTreeSet<String> = registry.iter().flat_map(|it| differences(it.as_ref(), &cfn[it.kind()])).collect();
    let known: BTreeSet<String> = reasons.keys().cloned().collect();
    let new: Vec<&String> = found.difference(&known).collect();
    let stale: Vec<&String> = known.difference(&found).collect();
    assert!(new.is_empty(), "mend these, or add them with a reason to fixtures/cfn/differences.json: {new:#?}");
    assert!(
        stale.is_empty(),
        "these are no longer different; take them out of fixtures/cfn/differences.json: {stale:#?}"
    );
    assert!(reasons.values().all(|why| why.len() > 15), "each difference says why");
}
