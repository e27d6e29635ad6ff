//! What a step brings: references resolved where they are known, the name stated, kept or minted, our tags in place.

use serde_json::{Value, json};

use super::planner::Planner;
use crate::{
    address::Address,
    desired::DesiredResource,
    expr::{self, Hole},
    facts::{Facts, Nature},
    names,
    state::{self, Generation},
};

impl Planner<'_> {
    /// Name and properties: what is known resolved, the name minted unless stated or kept, our tags in place.
    pub(super) fn properties(
        &mut self,
        address: &Address,
        wanted: &DesiredResource,
        facts: &Facts,
        number: u32,
        kept: Option<&Generation>,
    ) -> Option<(Option<String>, Value)> {
        let mut properties = expr::resolve(&wanted.properties, &|reference| self.known(reference));
        let scope = &self.input.desired.scope;
        let mut name = None;
        if let Some(rule) = &facts.name {
            let stated = properties.pointer(rule.field).and_then(Value::as_str).map(str::to_owned);
            let of_state = || kept.and_then(|it| it.name.clone());
            let mint =
                || names::mint(rule, scope, &address.component.name, wanted.name_part.as_deref(), number, &properties);
            name = stated.or_else(of_state).or_else(mint);
            let Some(name) = &name else {
                let message = "its name needs the account's number, and that is not known: let deployer ask AWS (no --offline), or state `account` in the environment";
                self.problem("unknown-account", address, rule.field, message.to_owned());
                return None;
            };
            set(&mut properties, rule.field, json!(name));
        }
        self.refuse_plain_secrets(address, facts, &properties);
        if let Some(at) = facts.tags {
            let who = state::identity(self.input.lineage, address, number);
            let ours = [
                ("deployer:address", address.to_string()),
                ("deployer:env", scope.env.clone()),
                ("deployer:lineage", self.input.lineage.to_owned()),
                ("deployer:stack", scope.stack.clone()),
                ("deployer:token", who.token),
            ];
            add_tags(&mut properties, at, &ours);
        }
        Some((name, properties))
    }
}

impl Planner<'_> {
    /// A sensitive field takes the place of a secret, never its value: a value would stand in plan, state and journal.
    fn refuse_plain_secrets(&mut self, address: &Address, facts: &Facts, properties: &Value) {
        for (path, nature) in facts.fields {
            let plain = |value: &&Value| !matches!(expr::hole(value), Some(Hole::Secret(_)));
            if matches!(nature, Nature::Sensitive) && properties.pointer(path).filter(plain).is_some() {
                let field = path.trim_start_matches('/');
                let message =
                    format!("{field} takes a reference to a secret, never its value: `valueFrom: {{secret: NAME}}`");
                self.problem("plain-secret", address, path, message);
            }
        }
    }
}

fn set(properties: &mut Value, field: &str, value: Value) {
    if let Some(map) = properties.as_object_mut() {
        map.insert(field.trim_start_matches('/').to_owned(), value);
    }
}

/// Our tags win over a user's of the same key.
fn add_tags(properties: &mut Value, at: &str, ours: &[(&str, String)]) {
    let given = properties.pointer(at).and_then(Value::as_array).cloned().unwrap_or_default();
    let is_ours = |tag: &Value| ours.iter().any(|(key, _)| tag["Key"] == **key);
    let mut tags: Vec<Value> = given.into_iter().filter(|tag| !is_ours(tag)).collect();
    tags.extend(ours.iter().map(|(key, value)| json!({"Key": key, "Value": value})));
    tags.sort_by_key(|tag| tag["Key"].as_str().unwrap_or_default().to_owned());
    set(properties, at, tags.into());
}
