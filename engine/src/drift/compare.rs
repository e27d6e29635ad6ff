//! Comparing one thing: what was applied last is what it should be.
//!
//! The difference is the planner's own, so a drift report and a plan never disagree; what the planner silently passes over is named here.

use serde_json::Value;

use super::{Apart, Field, Why};
use crate::{
    diff::{self, How},
    expr::{self, Hole},
    facts::{Facts, Nature},
};

/// The fields that are not as `applied` has them, and those that are set apart. `ignored` are JSON pointers.
pub fn compare(facts: &Facts, applied: &Value, live: &Value, ignored: &[String]) -> (Vec<Field>, Vec<Apart>) {
    let mut apart = Vec::new();
    set_apart(facts, "", applied, applied, Some(live), &mut apart);
    let mut fields = Vec::new();
    for change in diff::diff(facts, applied, applied, live) {
        if ignored.iter().any(|at| is_under(&change.path, at)) {
            apart.push(Apart { path: change.path, why: Why::Ignored, set: change.after, is: change.before });
        } else {
            let create_only = change.how == How::Replace;
            fields.push(Field { path: change.path, set: change.after, is: change.before, create_only });
        }
    }
    (fields, apart)
}

/// True if `path` is `above`, or something in it.
pub fn is_under(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn set_apart(facts: &Facts, path: &str, root: &Value, applied: &Value, live: Option<&Value>, found: &mut Vec<Apart>) {
    let natures: Vec<Nature> = facts.natures(path).collect();
    let has = |which: fn(&Nature) -> bool| natures.iter().any(which);
    let differs =
        || live.is_none_or(|live| diff::canonical(facts, path, applied) != diff::canonical(facts, path, live));
    let moved =
        || Apart { path: path.to_owned(), why: Why::OwnedElsewhere, set: Some(applied.clone()), is: live.cloned() };
    if has(|it| matches!(it, Nature::WriteOnly | Nature::Sensitive))
        || matches!(expr::hole(applied), Some(Hole::Secret(_)))
    {
        return found.push(Apart { path: path.to_owned(), why: Why::NotReadable, set: None, is: None });
    }
    let elsewhere = natures.iter().any(|it| match it {
        Nature::InitialOnly | Nature::PrefixVersion => true,
        Nature::OwnedElsewhereWhen(is) => is(root),
        _ => false,
    });
    if elsewhere {
        // A version that is another one altogether is drift, which the difference tells.
        let drift = has(|it| matches!(it, Nature::PrefixVersion))
            && !diff::diff(facts, root, root, &with(root, path, live)).is_empty();
        found.extend(Some(moved()).filter(|_| differs() && !drift));
    } else if let Value::Object(map) = applied {
        for (key, value) in map {
            let at = format!("{path}/{}", diff::escape(key));
            set_apart(facts, &at, root, value, live.and_then(|it| it.get(key)), found);
        }
    }
}

/// `root` with another value at `path`.
fn with(root: &Value, path: &str, value: Option<&Value>) -> Value {
    let mut root = root.clone();
    if let Some(place) = root.pointer_mut(path) {
        *place = value.cloned().unwrap_or_default();
    }
    root
}

/// Why what is live is not the thing that was made, if its tags say so. A thing whose tags were never ours is judged by nobody.
pub fn stranger(facts: &Facts, applied: &Value, live: &Value) -> Option<String> {
    let at = facts.tags?;
    let tag = |of: &Value, key: &str| {
        let all = of.pointer(at).and_then(Value::as_array).into_iter().flatten();
        all.filter(|tag| tag["Key"] == key).find_map(|tag| tag["Value"].as_str().map(str::to_owned))
    };
    let ours = tag(applied, "deployer:token")?;
    match tag(live, "deployer:token") {
        Some(token) if token == ours => None,
        Some(_) => Some(format!(
            "its tags say that it is {} of the stack {} in {}",
            tag(live, "deployer:address").unwrap_or_else(|| "something else".to_owned()),
            tag(live, "deployer:stack").unwrap_or_else(|| "?".to_owned()),
            tag(live, "deployer:env").unwrap_or_else(|| "?".to_owned())
        )),
        // One tag of ours that was taken off by hand is drift like any other.
        None if tag(live, "deployer:lineage").is_some() => None,
        None => Some("it carries none of deployer's tags: somebody made it anew, or took them off".to_owned()),
    }
}
