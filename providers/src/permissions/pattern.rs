//! Patterns of ARNs: what is put into them, and where in the properties it is found.

use std::collections::{BTreeMap, BTreeSet};

use deployer_engine::{
    desired::{DesiredResource, OnDelete},
    expr::{Hole, hole},
};
use serde_json::{Value, json};

use super::{
    document::Statement,
    table::{Condition, Entry, Grant},
};

/// Texts that stand in one place, each in turn.
pub(super) type Texts = BTreeSet<String>;

/// One text alone.
pub(super) fn one(text: impl Into<String>) -> Texts {
    Texts::from([text.into()])
}

/// What is put into a pattern: each placeholder with its texts.
#[derive(Clone, Debug, Default)]
pub(super) struct Scoped {
    known: BTreeMap<String, Texts>,
    ours: Condition,
}

impl Scoped {
    /// Nothing is known yet; what is the stack's own bears these tags.
    pub(super) fn new(ours: Condition) -> Self {
        Self { known: BTreeMap::new(), ours }
    }

    /// What stands for a placeholder.
    pub(super) fn set(&mut self, name: &str, texts: Texts) {
        self.known.insert(name.to_owned(), texts);
    }

    /// The grant with everything put in; none if there is nothing that it is on.
    pub(super) fn expand(&self, entry: &Entry, grant: &Grant) -> Option<Statement> {
        let service = grant.actions.first()?.split(':').next()?;
        let own = entry.arn.iter().filter(|_| grant.on.is_empty());
        let resources: Texts =
            grant.on.iter().chain(own).flat_map(|pattern| self.fill(&whole(pattern, service))).map(inner_arn).collect();
        let mut condition = if grant.ours { self.ours.clone() } else { Condition::new() };
        for (operator, keys) in &grant.when {
            for (key, values) in keys {
                let values: Texts = values.iter().flat_map(|value| self.fill(value)).collect();
                if values.is_empty() {
                    return None;
                }
                condition.entry(operator.clone()).or_default().insert(key.clone(), values.into_iter().collect());
            }
        }
        let actions = grant.actions.iter().cloned().collect();
        Some(Statement { actions, resources, condition }).filter(|it| !it.resources.is_empty())
    }

    /// A pattern with each placeholder's texts in its place: every combination.
    pub(super) fn fill(&self, pattern: &str) -> Texts {
        let Some((before, rest)) = pattern.split_once('{') else { return one(pattern) };
        let Some((name, after)) = rest.split_once('}') else { return one(pattern) };
        let nothing = Texts::new();
        let texts = self.known.get(name).unwrap_or(&nothing);
        let ends = self.fill(after);
        // After a slash a name needs none of its own.
        let text = |it: &str| if before.ends_with('/') { it.trim_start_matches('/').to_owned() } else { it.to_owned() };
        texts.iter().flat_map(|it| ends.iter().map(move |end| format!("{before}{}{end}", text(it)))).collect()
    }
}

/// A pattern as an ARN: of the action's service, region and account if it does not say otherwise.
fn whole(pattern: &str, service: &str) -> String {
    let is_value = ["{/", "{secret:", "{ssm:"].iter().any(|start| pattern.starts_with(start));
    if is_value || pattern == "*" || pattern.starts_with("arn:") {
        return pattern.to_owned();
    }
    format!("arn:{{partition}}:{service}:{{region}}:{{account}}:{pattern}")
}

/// A value that is an ARN itself stands for all of it.
fn inner_arn(text: String) -> String {
    text.rfind("arn:").filter(|at| *at > 0).map(|at| text[at..].to_owned()).unwrap_or(text)
}

/// The placeholders that stand for values of properties.
pub(super) fn placeholders(entry: &Entry, grant: &Grant) -> Texts {
    let conditions = grant.when.values().flat_map(|keys| keys.values()).flatten();
    let texts = entry.arn.iter().chain(&grant.on).chain(conditions);
    let named = texts.flat_map(|text| text.split('{').skip(1)).filter_map(|rest| rest.split('}').next());
    named.filter(|name| name.contains('/')).map(str::to_owned).collect()
}

/// The values at a pointer; `*` stands for every element.
pub(super) fn all_at<'v>(value: &'v Value, pointer: &str) -> Vec<&'v Value> {
    match pointer.split_once("/*") {
        None => value.pointer(pointer).into_iter().filter(|it| !it.is_null()).collect(),
        Some((list, rest)) => {
            let items = value.pointer(list).and_then(Value::as_array).into_iter().flatten();
            items.flat_map(|item| all_at(item, rest)).collect()
        }
    }
}

/// Whether a resource has what a grant is for.
pub(super) fn uses(it: &DesiredResource, what: &str) -> bool {
    match (what.strip_prefix("lifecycle:"), what.split_once('=')) {
        (Some("empty"), _) => it.lifecycle.on_delete == OnDelete::Empty,
        (Some("snapshot"), _) => it.lifecycle.on_delete == OnDelete::Snapshot,
        (_, Some((at, text))) => it.properties.pointer(at).is_some_and(|value| value == text),
        _ => it.properties.pointer(what).is_some_and(|value| !value.is_null() && value != &json!(false)),
    }
}

/// ARNs of a secret at its place, if it is kept in this store.
pub(super) fn secrets(place: &Value, store: &str) -> Texts {
    let Some(Hole::Secret(place)) = hole(place) else { return Texts::new() };
    let Some(name) = place[store].as_str() else { return Texts::new() };
    if name.starts_with("arn:") {
        return one(name);
    }
    // AWS puts a hyphen and six characters behind a secret's name.
    let (service, name) = match store {
        "ssm" => ("ssm", format!("parameter/{}", name.trim_start_matches('/'))),
        _ => ("secretsmanager", format!("secret:{name}-??????")),
    };
    one(format!("arn:{{partition}}:{service}:{{region}}:{{account}}:{name}"))
}
