//! Two worlds held against each other: what may differ is taken out, what does is told.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Wrong;
use crate::place;

/// What may differ between equal worlds: the lineage is random, tokens are made of it, each emulator has a port, and how many
/// records a state has is its own affair.
pub(crate) fn normal(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let fixed = |key: &str, item: Value| match key {
                "deployer:lineage" | "deployer:token" => Value::String(key.to_owned()),
                _ => normal(item),
            };
            map.into_iter()
                .filter(|(key, _)| !place::is_bucket(key))
                .map(|(key, item)| (key.clone(), fixed(&key, item)))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(items) => items.into_iter().map(normal).collect(),
        Value::String(text) => match text.split_once("http://127.0.0.1:") {
            Some((before, rest)) => format!("{before}ENDPOINT{}", rest.trim_start_matches(char::is_numeric)).into(),
            None => text.into(),
        },
        plain => plain,
    }
}

/// What is wrong with a world that is not as it has to be. Things stand in it by sort and key; the second one of a key has ` #2` in its own.
pub(crate) fn wrong(now: &Value, expected: &Value) -> Wrong {
    let things = |world: &Value| -> BTreeSet<String> {
        let sorts = world.as_object().into_iter().flatten();
        sorts
            .flat_map(|(sort, all)| all.as_object().into_iter().flatten().map(move |(key, _)| format!("{sort} {key}")))
            .collect()
    };
    let (now, expected) = (things(now), things(expected));
    let more: Vec<&String> = now.difference(&expected).collect();
    match () {
        () if more.iter().any(|key| key.contains(" #")) => Wrong::Duplicate,
        () if !more.is_empty() => Wrong::Orphan,
        () => Wrong::Differs,
    }
}

/// The lines of two documents that differ, each with the map that it stands in.
pub(crate) fn difference(now: &Value, expected: &Value) -> String {
    let mut lines = Vec::new();
    compare("", now, expected, &mut lines);
    lines.join("\n")
}

fn compare(at: &str, now: &Value, expected: &Value, lines: &mut Vec<String>) {
    match (now, expected) {
        (Value::Object(one), Value::Object(other)) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                let of = |map: &serde_json::Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                compare(&format!("{at}/{key}"), &of(one), &of(other), lines);
            }
        }
        _ if now == expected => {}
        _ => lines.push(format!("  {at}: {now}\n    undisturbed: {expected}")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn it_is_told_what_is_wrong() {
        let expected = json!({"queues": {"jobs": {"delay": 1}}, "roles": {}});
        let with = |queues: Value| json!({"queues": queues, "roles": {}});
        let of = |queues: Value| wrong(&with(queues), &expected);
        assert_eq!(of(json!({"jobs": {"delay": 1}, "others": {}})), Wrong::Orphan);
        assert_eq!(of(json!({"jobs": {"delay": 1}, "jobs #2": {}})), Wrong::Duplicate);
        assert_eq!(of(json!({"jobs": {"delay": 2}})), Wrong::Differs);
        assert_eq!(of(json!({})), Wrong::Differs);
    }
}
