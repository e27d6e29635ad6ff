//! What a step brings: references resolved where they are known, the name stated, kept or minted, our tags in place.

use serde_json::{Value, json};

use super::planner::Planner;
use crate::{
    address::Address,
    desired::DesiredResource,
    diagnostic::{Diagnostic, Place},
    expr::{self, Hole},
    facts::{Facts, FoundBy, Nature},
    names,
    resource::DynResource,
    state::{self, Generation},
};

impl Planner<'_> {
    /// Name and properties: what is known resolved, the name minted unless stated or kept, our tags in place.
    pub(super) fn properties(
        &mut self,
        address: &Address,
        wanted: &DesiredResource,
        resource: &dyn DynResource,
        number: u32,
        kept: Option<&Generation>,
    ) -> Option<(Option<String>, Value)> {
        let facts = resource.facts();
        let mut properties = expr::resolve(&wanted.properties, &|reference| self.known(reference));
        let scope = &self.input.desired.scope;
        let mut name = None;
        if let Some(rule) = &facts.name {
            let stated = properties.pointer(rule.field).and_then(Value::as_str).map(str::to_owned);
            let of_state = || kept.and_then(|it| it.name.clone());
            let mint =
                || names::mint(rule, scope, &address.component.name, wanted.name_part.as_deref(), number, &properties);
            let is_stated = stated.is_some();
            name = stated.or_else(of_state).or_else(mint);
            let Some(name) = &name else {
                let message = "its name needs the account's number, and that is not known: let deployer ask AWS (no --offline), or state `account` in the environment";
                self.problem("unknown-account", address, rule.field, message.to_owned());
                return None;
            };
            if !is_stated {
                self.refuse_one_name_twice(address, resource, name);
            }
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
    pub(super) fn problem(&mut self, code: &str, address: &Address, path: &str, message: String) {
        let at = Place::Resource { address: address.clone(), path: path.to_owned() };
        self.problems.push(Diagnostic::error(code, at, message));
    }

    /// Names are made of a component's name and a part's: those of two things may come out alike (`a-b` and `c`, `a` and `b-c`).
    /// What AWS knows by its name would be taken for the other one.
    fn refuse_one_name_twice(&mut self, address: &Address, resource: &dyn DynResource, name: &str) {
        let (facts, key) = (resource.facts(), (resource.kind(), address.component.region.clone(), name.to_owned()));
        let Some(rule) = facts.name.filter(|_| facts.found == FoundBy::Name) else { return };
        let other = self.names.entry(key).or_insert_with(|| address.clone());
        if other != address {
            let message =
                format!("{address} would be called `{name}`, and so is {other}: rename one of the two components");
            self.problem("one-name-twice", address, rule.field, message);
        }
    }

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
