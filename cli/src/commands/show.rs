//! `show`: one component or resource: its inputs, what AWS answered, and where each value came from.

use std::sync::Arc;

use deployer_engine::{
    address::{Address, ComponentId},
    event::Nowhere,
    session::Memory,
};
use serde_json::{Value, json};

use super::target;
use crate::{
    args::Global,
    context::{Context, Reach},
    exit::{Code, Failure},
    render::value,
    term::{Term, Tone},
};

/// Runs it.
pub async fn run(global: &Global, what: &str, origin: bool, term: &Term) -> Result<Code, Failure> {
    let context = Context::load(global, Reach::State, term).await?;
    let memory = context.session(Arc::new(Nowhere))?.look().await?;
    let (id, role) = match what.parse::<Address>() {
        Ok(address) => (address.component, Some(address.role)),
        Err(_) => (target::component(&context, &memory, what)?, None),
    };
    let resources = resources(&context, &memory, &id, role.as_deref());
    if resources.is_empty() {
        return Err(
            Failure::said(Code::Usage, format!("there is no `{what}`")).help("`deployer list` shows what there is")
        );
    }
    let input = context.loaded.desired.components.get(&id).map(|it| it.rendered.clone());
    if global.json {
        let origins = origin.then(|| leaves(&context, &id));
        term.line(format!(
            "{:#}",
            json!({"component": id, "input": input, "origins": origins, "resources": resources})
        ));
        return Ok(Code::Done);
    }
    term.line(term.paint(Tone::Strong, &id));
    if role.is_none() {
        print_input(&context, &id, origin, term);
    }
    for resource in &resources {
        term.line(format!(
            "\n  {}  {}",
            term.paint(Tone::Strong, value::show(&resource["role"])),
            value::show(&resource["type"])
        ));
        for (name, key) in [("id", "id"), ("status", "status"), ("generation", "generation")] {
            if !resource[key].is_null() {
                term.line(format!("    {name}: {}", value::show(&resource[key])));
            }
        }
        for (title, key) in [("properties", "properties"), ("outputs", "outputs")] {
            let fields = resource[key].as_object().into_iter().flatten();
            fields.for_each(|(name, field)| term.line(format!("    {title}.{name}: {}", value::show(field))));
        }
    }
    Ok(Code::Done)
}

fn print_input(context: &Context, id: &ComponentId, origin: bool, term: &Term) {
    for leaf in leaves(context, id) {
        let from =
            if origin { format!("   {}", term.paint(Tone::Faint, value::show(&leaf["from"]))) } else { String::new() };
        term.line(format!(
            "  {}: {}{from}",
            value::path(leaf["path"].as_str().unwrap_or_default()),
            value::show(&leaf["value"])
        ));
    }
}

/// Every scalar of the component's input with its origin.
fn leaves(context: &Context, id: &ComponentId) -> Vec<Value> {
    let mut found = Vec::new();
    if let Some(component) = context.loaded.desired.components.get(id) {
        let spec = component.rendered.get("spec").cloned().unwrap_or_default();
        walk(context, id, "/spec", &spec, &mut found);
    }
    found
}

fn walk(context: &Context, id: &ComponentId, path: &str, it: &Value, found: &mut Vec<Value>) {
    match it {
        Value::Object(map) if !map.is_empty() => {
            map.iter().for_each(|(key, item)| {
                walk(context, id, &format!("{path}/{}", deployer_engine::diff::escape(key)), item, found)
            });
        }
        Value::Array(items) if !items.is_empty() => {
            items
                .iter()
                .enumerate()
                .for_each(|(index, item)| walk(context, id, &format!("{path}/{index}"), item, found));
        }
        leaf => {
            let from = context
                .loaded
                .origin(id, path)
                .map_or_else(|| "built-in default".to_owned(), |(layer, at)| format!("{layer}  {at}"));
            found.push(json!({"path": path, "value": leaf, "from": from}));
        }
    }
}

fn resources(context: &Context, memory: &Memory, id: &ComponentId, only: Option<&str>) -> Vec<Value> {
    let recorded = memory.shards.get(id).map(|held| &held.record.body.resources);
    let stated = context.loaded.desired.resources.iter().filter(|(address, _)| address.component == *id);
    let mut found: std::collections::BTreeMap<String, Value> = stated
        .map(|(address, it)| {
            (
                address.role.clone(),
                json!({"role": address.role, "type": it.kind, "properties": it.properties, "status": "not deployed"}),
            )
        })
        .collect();
    for (role, state) in recorded.into_iter().flatten() {
        let entry = found.entry(role.clone()).or_insert_with(|| json!({"role": role, "type": state.kind}));
        if let Some(current) = &state.current {
            entry["id"] = json!(current.id);
            entry["generation"] = json!(current.number);
            entry["status"] = json!(if current.confirmed { "deployed" } else { "unconfirmed" });
            entry["properties"] = current.applied.clone();
            entry["outputs"] = json!(current.outputs);
        } else if !state.retained.is_empty() {
            entry["status"] = json!("left in AWS");
        }
    }
    found.into_iter().filter(|(role, _)| only.is_none_or(|only| only == role)).map(|(_, it)| it).collect()
}
