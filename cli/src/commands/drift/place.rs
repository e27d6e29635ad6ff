//! Where the files say what a field is.
//!
//! A kind's fields have names of their own: what a property was made of is told by the name that both share, else by a value that
//! stands once in the component. Where neither tells, the component itself is the place.

use deployer_engine::{
    address::Address,
    diagnostic::{Place, Position},
    diff::unescape,
    drift::Field,
};
use serde_json::Value;

use crate::context::Context;

/// A place in a file, and the line there.
pub struct Found {
    /// Where.
    pub at: Position,
    /// The line.
    pub line: String,
    /// It is the value itself, not just the component that has it.
    pub exact: bool,
}

/// The place that says what `field` of `address` is, if the component is in the files.
pub fn of(context: &Context, address: &Address, field: &Field) -> Option<Found> {
    let loaded = &context.loaded;
    let known = loaded
        .desired
        .resources
        .get(address)
        .is_some_and(|it| deployer_engine::facts::ancestors(&field.path).any(|at| it.origins.contains_key(at)));
    let (at, exact) = match leaf(context, address, field).filter(|_| !known) {
        Some(at) => (at, true),
        None => (loaded.locate(&Place::Resource { address: address.clone(), path: field.path.clone() })?, known),
    };
    let text = loaded.sources.text(&at.file)?;
    let line = text.lines().nth(usize::try_from(at.line).ok()?.checked_sub(1)?)?.trim().to_owned();
    Some(Found { at, line, exact })
}

/// The value of the component's own input that the field was made of.
fn leaf(context: &Context, address: &Address, field: &Field) -> Option<Position> {
    let mut all = Vec::new();
    leaves("/spec", context.loaded.desired.components.get(&address.component)?.rendered.get("spec")?, &mut all);
    let wanted: Vec<String> = field.path.split('/').map(|part| unescape(part).to_lowercase()).collect();
    let named = |(path, _): &&(String, Value)| {
        let last = path.rsplit('/').next().map(|part| unescape(part).to_lowercase()).unwrap_or_default();
        wanted.iter().rev().any(|part| *part == last)
    };
    let mut same = all.iter().filter(|(_, value)| field.set.as_ref().is_some_and(|set| plain(set) == plain(value)));
    let once = same.next().filter(|_| same.next().is_none());
    let (path, _) = all.iter().find(named).or(once)?;
    context.loaded.origin(&address.component, path).map(|(_, at)| at)
}

fn leaves(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    let at = |key: &str| format!("{path}/{}", deployer_engine::diff::escape(key));
    match value {
        Value::Object(map) => map.iter().for_each(|(key, item)| leaves(&at(key), item, found)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| leaves(&at(&index.to_string()), item, found))
        }
        plain => found.push((path.to_owned(), plain.clone())),
    }
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
