//! Changes, made of the samples: what else a property may hold, as a whole and at one place inside.

use deployer_engine::{
    diff::escape,
    facts::{Facts, Nature},
};
use serde_json::{Map, Value, json};

use crate::{Result, emulator::Client, kit::Sample};

/// One change from outside.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// A property gets another value.
    Property {
        /// Which.
        name: String,
        /// What it shall be; nothing: it is taken away.
        value: Value,
        /// Where in it the value differs, if not as a whole.
        at: String,
    },
    /// Something is done that is no drift.
    Silent {
        /// What.
        name: String,
    },
}

impl Change {
    /// For people: `RedrivePolicy/maxReceiveCount`.
    pub fn what(&self) -> String {
        match self {
            Self::Property { name, value: Value::Null, .. } => format!("{name} taken away"),
            Self::Property { name, at, .. } => format!("{name}{at}"),
            Self::Silent { name } => format!("({name})"),
        }
    }
}

/// Every change of a sample's properties that can be changed in place and compared.
pub fn changes(sample: &Sample, facts: &Facts) -> Vec<Change> {
    let (mut found, all) = (Vec::new(), Value::Object(sample.first()));
    for (name, (first, second)) in &sample.fields {
        let path = format!("/{name}");
        let is_name = facts.name.is_some_and(|rule| rule.field == path);
        if facts.create_only(&path) || is_name || is_apart(facts, &path, &all) {
            continue;
        }
        let property = |value: Value, at: String| Change::Property { name: name.clone(), value, at };
        let mut leaves = Vec::new();
        inside(first, first, second, "", &mut leaves);
        if leaves.len() > 1 {
            let fits = |at: &String| !facts.create_only(&format!("{path}{at}"));
            found.extend(leaves.into_iter().filter(|(at, _)| fits(at)).map(|(at, value)| property(value, at)));
        }
        if !second.is_null() {
            found.push(property(second.clone(), String::new()));
        }
        if !first.is_null() && !sample.keep.contains(name) {
            found.push(property(Value::Null, String::new()));
        }
    }
    found
}

/// True of what is never compared, or not while the others are what they are.
fn is_apart(facts: &Facts, path: &str, all: &Value) -> bool {
    let apart = |nature| match nature {
        Nature::WriteOnly | Nature::Sensitive | Nature::InitialOnly => true,
        Nature::OwnedElsewhereWhen(is) => is(all),
        _ => false,
    };
    facts.natures(path).any(apart)
}

/// The first value with one innermost difference to the second, for each of them. What holds a reference is one value.
fn inside(whole: &Value, first: &Value, second: &Value, at: &str, found: &mut Vec<(String, Value)>) {
    let reference = |value: &Value| value.get("$ref").is_some();
    match (first, second) {
        (Value::Object(a), Value::Object(b)) if !reference(first) && !reference(second) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            for key in keys {
                let of = |map: &Map<String, Value>| map.get(key).cloned().unwrap_or_default();
                inside(whole, &of(a), &of(b), &format!("{at}/{}", escape(key)), found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter()
                .zip(b)
                .enumerate()
                .for_each(|(index, (a, b))| inside(whole, a, b, &format!("{at}/{index}"), found));
        }
        _ if first == second || at.is_empty() => {}
        _ => found.extend(put(whole, at, second).map(|value| (at.to_owned(), value))),
    }
}

fn put(whole: &Value, at: &str, value: &Value) -> Option<Value> {
    let mut result = whole.clone();
    let (above, key) = at.rsplit_once('/')?;
    match result.pointer_mut(above)? {
        Value::Object(map) if value.is_null() => drop(map.remove(key)),
        Value::Object(map) => drop(map.insert(key.replace("~1", "/").replace("~0", "~"), value.clone())),
        Value::Array(items) => *items.get_mut(key.parse::<usize>().ok()?)? = value.clone(),
        _ => return None,
    }
    Some(result)
}

/// What can be done to a type that is no drift.
pub fn silent(client: &Client, kind: &str) -> Result<Vec<Change>> {
    let told = client.boto3("mutate.py", &[&json!({"list": true}).to_string()])?;
    let names = told["types"][kind]["silent"].as_array().into_iter().flatten().filter_map(Value::as_str);
    Ok(names.map(|name| Change::Silent { name: name.to_owned() }).collect())
}
