//! `provider list TYPE`: one type in full, down to the last property.

use std::sync::Arc;

use deployer_engine::{
    facts::{Facts, Settle},
    resource::DynResource,
};
use deployer_providers::Aws;
use deployer_schemas::nearest;
use serde_json::{Value, json};

use super::words;
use crate::{
    args::Global,
    exit::{Code, Failure},
    term::{Term, Tone, cut},
};

/// How deep properties are told: no type goes deeper, but a schema might refer to itself.
const DEPTH: usize = 8;

/// One property, at any depth.
struct Property {
    path: String,
    sort: String,
    required: bool,
    natures: Vec<String>,
}

/// The type of that name.
pub(super) fn known(global: &Global, kind: &str) -> Result<Arc<dyn DynResource>, Failure> {
    let types = global.deployer.types(&Aws::offline());
    types.get(kind).cloned().ok_or_else(|| {
        let near = nearest(kind, types.iter().map(|it| it.kind()));
        let way =
            near.map_or_else(|| "`deployer provider list` has all".to_owned(), |it| format!("did you mean {it}?"));
        Failure::said(Code::Usage, format!("this version does not know the type {kind}")).help(way)
    })
}

/// Runs it.
pub fn run(global: &Global, kind: &str, term: &Term) -> Result<Code, Failure> {
    let it = known(global, kind)?;
    let schema = it.schema();
    let mut all = Vec::new();
    properties(it.facts(), &schema, &schema, "", &mut all);
    if global.json {
        let mut document = words::json(it.as_ref());
        document["properties"] = all.iter().map(data).collect();
        term.line(format!("{document:#}"));
        return Ok(Code::Done);
    }
    tell(it.as_ref(), term);
    let rows = all.iter().map(|it| {
        let required = if it.required { "yes" } else { "" };
        [it.path.clone(), it.sort.clone(), required.to_owned(), it.natures.join(", ")]
    });
    table(["property", "type", "required", "nature"], rows.collect(), term);
    let rows = it.facts().outputs.iter().map(|output| {
        let changed = output.changed_by.join(", ");
        [output.name.to_owned(), words::known(output.known).to_owned(), changed, String::new()]
    });
    table(["output", "known when", "changed by", ""], rows.collect(), term);
    Ok(Code::Done)
}

/// What is declared of it as a whole.
fn tell(it: &dyn DynResource, term: &Term) {
    let facts = it.facts();
    let settle =
        |verb: &str, it: Settle| format!("{verb} {}, at most {}", words::time(it.usual), words::time(it.budget));
    let verbs = [
        settle("create", facts.settle.create),
        settle("update", facts.settle.update),
        settle("delete", facts.settle.delete),
    ];
    let minted = |rule: deployer_engine::facts::NameRule| format!("{}, at most {} characters", rule.field, rule.max);
    let rows = [
        ("found by", words::found(facts.found).to_owned()),
        ("name", facts.name.map_or_else(|| "none".to_owned(), minted)),
        ("tags", facts.tags.unwrap_or("cannot be tagged").to_owned()),
        ("data", words::data(facts)),
        ("probe", if facts.probed { "says whether it does what it is there for" } else { "none" }.to_owned()),
        ("rate", format!("{}, {} steps at once", facts.rate.class, facts.rate.in_flight)),
        ("settles", verbs.join("; ")),
    ];
    term.line(term.paint(Tone::Strong, it.kind()));
    for (name, text) in rows {
        term.line(cut(&format!("  {name:<9} {text}"), term.width));
    }
}

fn table(head: [&str; 4], rows: Vec<[String; 4]>, term: &Term) {
    if rows.is_empty() {
        return;
    }
    let widths: [usize; 4] = std::array::from_fn(|at| {
        rows.iter().map(|row| row[at].chars().count()).chain([head[at].len()]).max().unwrap_or_default()
    });
    let line = |row: &[String; 4]| {
        let cells: Vec<String> = row.iter().zip(widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        cut(format!("  {}", cells.join("  ")).trim_end(), term.width)
    };
    term.line(format!("\n{}", term.paint(Tone::Faint, line(&head.map(str::to_owned)))));
    rows.iter().for_each(|row| term.line(line(row)));
}

fn data(it: &Property) -> Value {
    json!({"path": it.path, "type": it.sort, "required": it.required, "natures": it.natures})
}

/// The schema itself, not a reference to it or a choice between it and nothing.
fn plain<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
    let target = schema.get("$ref").and_then(Value::as_str).and_then(|at| root.pointer(at.trim_start_matches('#')));
    let chosen = || schema.get("anyOf")?.as_array()?.iter().find(|it| it["type"] != "null");
    match target.or_else(chosen) {
        Some(inner) if inner.get("$ref").is_some() => plain(root, inner),
        Some(inner) => inner,
        None => schema,
    }
}

/// `string`, `list of object`; `any` where everything goes.
fn sort(root: &Value, schema: &Value) -> String {
    let schema = plain(root, schema);
    let said = match &schema["type"] {
        Value::String(one) => one.as_str(),
        Value::Array(all) => all.iter().filter_map(Value::as_str).find(|it| *it != "null").unwrap_or("any"),
        _ => "any",
    };
    match (said, schema.get("items"), schema.get("additionalProperties")) {
        ("array", Some(items), _) => format!("list of {}", sort(root, items)),
        ("object", _, Some(inner)) if inner.is_object() => format!("map of {}", sort(root, inner)),
        _ => said.to_owned(),
    }
}

fn properties(facts: &Facts, root: &Value, schema: &Value, path: &str, found: &mut Vec<Property>) {
    let schema = plain(root, schema);
    if path.matches('/').count() > DEPTH {
        return;
    }
    if let Some(inner) = schema.get("items").or_else(|| schema.get("additionalProperties").filter(|it| it.is_object()))
    {
        return properties(facts, root, inner, &format!("{path}/*"), found);
    }
    for (name, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        let at = format!("{path}/{name}");
        let required = schema["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
        let natures = facts.natures(&at).map(words::nature).collect();
        found.push(Property {
            path: at.trim_start_matches('/').to_owned(),
            sort: sort(root, inner),
            required,
            natures,
        });
        properties(facts, root, inner, &at, found);
    }
}
