//! Declared facts in words, for people and for scripts.

use std::time::Duration;

use deployer_engine::{
    facts::{Facts, FoundBy, Known, Nature, OnRemove, Settle},
    resource::DynResource,
};
use serde_json::{Map, Value, json};

/// How a thing is found again.
pub fn found(how: FoundBy) -> &'static str {
    match how {
        FoundBy::Name => "name",
        FoundBy::Token => "token",
        FoundBy::Tag => "tag",
        FoundBy::Content => "content",
    }
}

/// When an output is known.
pub fn known(when: Known) -> &'static str {
    match when {
        Known::Created => "created",
        Known::Ready => "ready",
    }
}

/// `45 s`, `20 min`.
pub fn time(time: Duration) -> String {
    match time.as_secs() {
        whole if whole >= 120 && whole % 60 == 0 => format!("{} min", whole / 60),
        seconds => format!("{seconds} s"),
    }
}

/// What a field is like.
pub fn nature(nature: Nature) -> String {
    match nature {
        Nature::CreateOnly => "create-only".to_owned(),
        Nature::WriteOnly => "write-only".to_owned(),
        Nature::InitialOnly => "sent at create, then never compared".to_owned(),
        Nature::Unordered => "order means nothing".to_owned(),
        Nature::ByKey(key) => format!("elements by {key}"),
        Nature::Settings { key, .. } => format!("settings by {key}, each with a default"),
        Nature::Whole => "compared as a whole".to_owned(),
        Nature::Document(_) => "compared by meaning".to_owned(),
        Nature::CaseFolded => "upper and lower case are the same".to_owned(),
        Nature::PrefixVersion => "the start of a version is enough".to_owned(),
        Nature::ServerDefault(text) => format!("default {text}"),
        Nature::OwnedElsewhereWhen(_) => "left alone while somebody else moves it".to_owned(),
        Nature::Rooted => "none or some is another thing".to_owned(),
        Nature::OnlyGrows => "only grows".to_owned(),
        Nature::Sensitive => "references to secrets only".to_owned(),
        Nature::OnRemove(OnRemove::Reset(text)) => format!("removed: back to {text}"),
        Nature::OnRemove(OnRemove::Clear) => "removed: taken away".to_owned(),
        Nature::OnRemove(OnRemove::Replace) => "removed: replaced".to_owned(),
        Nature::OnRemove(OnRemove::Keep) => "removed: stays".to_owned(),
    }
}

/// Top-level properties of a type: its name and whether it has to be stated.
pub fn properties(it: &dyn DynResource) -> Vec<(String, bool)> {
    let schema = it.schema();
    let required = |name: &str| schema["required"].as_array().is_some_and(|all| all.iter().any(|it| it == name));
    schema["properties"].as_object().into_iter().flat_map(Map::keys).map(|it| (it.clone(), required(it))).collect()
}

/// Those of its properties whose change needs a new thing.
pub fn create_only(it: &dyn DynResource) -> Vec<String> {
    let all = properties(it).into_iter().map(|(name, _)| name);
    all.filter(|name| it.facts().create_only(&format!("/{name}"))).collect()
}

/// What is declared, as data.
pub fn json(it: &dyn DynResource) -> Value {
    let facts: &Facts = it.facts();
    let settle = |it: Settle| json!({"usual": it.usual.as_secs(), "budget": it.budget.as_secs(), "confirmations": it.confirmations});
    json!({
        "type": it.kind(),
        "properties": properties(it).into_iter().map(|(name, _)| name).collect::<Vec<_>>(),
        "createOnly": create_only(it),
        "foundBy": found(facts.found),
        "tags": facts.tags,
        "stateful": facts.stateful,
        "copyOf": facts.copy_of,
        "probed": facts.probed,
        "name": facts.name.map(|rule| json!({"property": rule.field, "max": rule.max})),
        "rate": {"class": facts.rate.class, "inFlight": facts.rate.in_flight},
        "settle": {
            "create": settle(facts.settle.create),
            "update": settle(facts.settle.update),
            "delete": settle(facts.settle.delete),
        },
        "outputs": facts.outputs.iter().map(|it| json!({"name": it.name, "known": known(it.known)})).collect::<Vec<_>>(),
    })
}

/// What is lost with it.
pub fn data(facts: &Facts) -> String {
    match facts.copy_of {
        _ if !facts.stateful => "none".to_owned(),
        Some(source) => format!("deleting it loses some, unless it is a copy ({source} is set)"),
        None => "deleting it loses some".to_owned(),
    }
}
