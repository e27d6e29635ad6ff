//! `list`: components and their resources, with physical ids and status, from the state.

use std::{collections::BTreeSet, sync::Arc};

use deployer_engine::{address::ComponentId, event::Nowhere, state::ResourceState};
use serde_json::json;

use crate::{
    args::Global,
    context::{Context, Reach},
    exit::{Code, Failure},
    render::plan,
    term::{Term, Tone},
};

/// Runs it.
pub async fn run(global: &Global, kind: Option<&str>, service: Option<&str>, term: &Term) -> Result<Code, Failure> {
    let context = Context::load(global, Reach::State, term).await?;
    let memory = context.session(Arc::new(Nowhere))?.look().await?;
    let desired = &context.loaded.desired;
    let all: BTreeSet<&ComponentId> = desired.components.keys().chain(memory.shards.keys()).collect();
    let service_of = |id: &ComponentId| {
        let stated = desired.components.get(id).and_then(|it| it.service.clone());
        stated.or_else(|| memory.shards.get(id)?.record.body.service.clone())
    };
    let fits = |id: &&&ComponentId| {
        kind.is_none_or(|kind| id.kind == kind) && service.is_none_or(|name| service_of(id).as_deref() == Some(name))
    };
    let mut rows = Vec::new();
    for id in all.iter().filter(fits) {
        let recorded = memory.shards.get(id).map(|held| &held.record.body.resources);
        let stated = desired.resources.keys().filter(|address| address.component == **id).map(|address| &address.role);
        let roles: BTreeSet<&String> = stated.chain(recorded.into_iter().flat_map(|it| it.keys())).collect();
        for role in roles {
            let state = recorded.and_then(|it| it.get(role));
            let wanted = desired.resources.get(&id.at(role));
            if wanted.is_none() && state.is_none_or(ResourceState::is_tombstone) {
                continue;
            }
            let kind = wanted.map(|it| it.kind.clone()).or_else(|| state.map(|it| it.kind.clone())).unwrap_or_default();
            let current = state.and_then(|it| it.current.as_ref().or_else(|| it.retained.last()));
            let physical = current.map(|it| it.id.0.clone()).unwrap_or_default();
            rows.push(json!({"component": id, "service": service_of(id), "role": role, "type": kind, "id": physical, "status": status(state, wanted.is_some())}));
        }
    }
    if global.json {
        term.line(format!("{:#}", json!({"scope": desired.scope, "resources": rows})));
        return Ok(Code::Done);
    }
    term.line(term.paint(Tone::Strong, plan::place(&desired.scope)));
    let mut last = String::new();
    for row in &rows {
        let text = |key: &str| row[key].as_str().unwrap_or_default();
        if last != text("component") {
            last = text("component").to_owned();
            term.line(format!(
                "\n{last}{}",
                row["service"].as_str().map(|name| format!("  ({name})")).unwrap_or_default()
            ));
        }
        term.line(format!("  {:<14} {:<24} {:<14} {}", text("role"), text("type"), text("status"), text("id")));
    }
    Ok(Code::Done)
}

fn status(state: Option<&ResourceState>, wanted: bool) -> &'static str {
    match state {
        Some(it) if it.current.is_none() && !it.retained.is_empty() => "left in AWS",
        Some(it) if it.is_tombstone() => "not deployed",
        Some(_) if !wanted => "to be removed",
        Some(it) if !it.deposed.is_empty() => "replaced, old one left",
        Some(it) if it.current.as_ref().is_some_and(|it| !it.confirmed) => "unconfirmed",
        Some(_) => "deployed",
        None => "not deployed",
    }
}
