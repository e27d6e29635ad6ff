//! What a person wants to know when it is done: addresses and endpoints, from what AWS answered.

use deployer_engine::{address::ComponentId, expr, session::Memory};
use deployer_schemas::Loaded;
use serde_json::{Map, Value, json};

use crate::{
    render::value,
    term::{Term, Tone},
};

/// One value of a component.
pub struct Shown {
    component: ComponentId,
    name: String,
    value: Value,
}

/// What is known of what components show.
pub fn known(loaded: &Loaded, memory: &Memory) -> Vec<Shown> {
    let recorded = |reference: &expr::Reference| {
        let shard = memory.shards.get(&reference.address.component)?;
        let state = shard.record.body.resources.get(&reference.address.role)?;
        state.current.as_ref()?.outputs.get(&reference.output).cloned()
    };
    let all = loaded.shown.iter().flat_map(|(id, shown)| shown.iter().map(move |(name, value)| (id, name, value)));
    all.map(|(id, name, value)| Shown {
        component: id.clone(),
        name: name.clone(),
        value: expr::resolve(value, &recorded),
    })
    .filter(|it| !expr::has_unknown(&it.value) && !it.value.is_null())
    .collect()
}

/// As data: by component and name.
pub fn json(all: &[Shown]) -> Value {
    let mut found: Map<String, Value> = Map::new();
    for it in all {
        let of = found.entry(it.component.to_string()).or_insert_with(|| json!({}));
        of[&it.name] = it.value.clone();
    }
    found.into()
}

/// For people: a line each.
pub fn print(all: &[Shown], term: &Term) {
    let width = all.iter().map(|it| it.component.to_string().len()).max().unwrap_or(0);
    let names = all.iter().map(|it| it.name.len()).max().unwrap_or(0);
    if !all.is_empty() {
        term.say("");
    }
    for it in all {
        let component = format!("{:<width$}", it.component.to_string());
        let text = it.value.as_str().map_or_else(|| value::show(&it.value), str::to_owned);
        term.say(format!("  {}  {:<names$}  {text}", term.paint(Tone::Strong, component), it.name));
    }
}
