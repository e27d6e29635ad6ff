//! What stands for what in the data's patterns: the scope, names, and values of properties.
//!
//! A name is the user's own, or the pattern of those that are minted. What only AWS can tell is `*`.

use std::collections::BTreeMap;

use deployer_engine::{
    address::Address,
    desired::DesiredResource,
    expr::{Hole, hole},
    facts::NameRule,
    names,
};
use serde_json::{Value, json};

use super::{
    Kept, Needs,
    document::Statement,
    pattern::{Scoped, Texts, all_at, one, placeholders, secrets, uses},
    table::{Condition, Entry, Grant, Table},
};

/// Parts of parts of things: a rule of a listener of a load balancer.
const DEPTH: usize = 4;

/// What is known of a stack.
pub(super) struct Values<'a> {
    needs: &'a Needs<'a>,
    table: &'a Table,
}

fn any() -> Texts {
    one("*")
}

impl<'a> Values<'a> {
    pub(super) fn new(needs: &'a Needs<'a>, table: &'a Table) -> Self {
        Self { needs, table }
    }

    /// The scope alone.
    pub(super) fn plain(&self) -> Scoped {
        let scope = &self.needs.desired.scope;
        let account = self.needs.account.filter(|it| !it.is_empty()).unwrap_or("*");
        let partition = if scope.partition.is_empty() { "aws" } else { &scope.partition };
        let known = [
            ("partition", partition),
            ("region", &scope.region),
            ("account", account),
            ("stack", &scope.stack),
            ("env", &scope.env),
        ];
        let tag = |name: &str, value: &str| (format!("aws:ResourceTag/deployer:{name}"), vec![value.to_owned()]);
        let tags = BTreeMap::from([tag("stack", &scope.stack), tag("env", &scope.env)]);
        let mut scoped = Scoped::new(Condition::from([("StringEquals".to_owned(), tags)]));
        known.into_iter().for_each(|(name, text)| scoped.set(name, one(text)));
        scoped
    }

    /// The scope of the state's place.
    pub(super) fn of_state(&self, kept: &Kept) -> Scoped {
        let mut scoped = self.plain();
        let place = kept.place;
        scoped.set("region", one(kept.region));
        place.account.iter().for_each(|account| scoped.set("account", one(account)));
        [("bucket", &place.bucket), ("prefix", &place.prefix), ("table", &place.table)]
            .into_iter()
            .for_each(|(name, text)| scoped.set(name, one(text)));
        scoped
    }

    /// What a look-up is granted.
    pub(super) fn of_lookup(&self, ask: &Value, entry: &Entry, grant: &Grant) -> Option<Statement> {
        let mut scoped = self.plain();
        let name = ask["name"].as_str().unwrap_or_default();
        let place = |kind: &str| json!({"$secret": {kind: name}});
        for store in ["secret", "ssm"] {
            let texts = secrets(&place(store), store).iter().flat_map(|it| scoped.fill(it)).collect();
            scoped.set(&format!("{store}:/name"), texts);
        }
        scoped.expand(entry, grant)
    }

    /// What the resources of a type are granted, all together.
    pub(super) fn of_type(&self, kind: &str, entry: &Entry, grant: &Grant) -> Option<Statement> {
        let mine = || self.needs.desired.resources.iter().filter(|(_, it)| it.kind == kind);
        let users: Vec<_> = mine().filter(|(_, it)| grant.used.as_deref().is_none_or(|what| uses(it, what))).collect();
        if users.is_empty() {
            return None;
        }
        let mut scoped = self.plain();
        scoped.set("name", users.iter().flat_map(|(address, _)| self.names(address)).collect());
        for name in placeholders(entry, grant) {
            let (store, at) = name.split_once(':').unwrap_or(("", &name));
            let values = users.iter().flat_map(|(_, it)| all_at(&it.properties, at));
            let texts: Texts = match store {
                "" => values.flat_map(|it| self.text(it)).collect(),
                _ => values.flat_map(|it| secrets(it, store)).flat_map(|it| scoped.fill(&it)).collect(),
            };
            scoped.set(&name, texts);
        }
        scoped.expand(entry, grant)
    }

    /// What a resource is called, or what it is a part of.
    fn names(&self, address: &Address) -> Texts {
        let mut at = address.clone();
        for _ in 0..DEPTH {
            let Some(it) = self.needs.desired.resources.get(&at) else { return any() };
            let entry = self.table.get(&it.kind);
            let Some(whole) = entry.and_then(|entry| entry.part_of.as_ref()) else {
                return self.own_name(it, entry);
            };
            let value = it.properties.pointer(whole).unwrap_or(&Value::Null);
            match (hole(value), value.as_str()) {
                (Some(Hole::Ref(to)), _) => at = to.address,
                (None, Some(text)) if !text.starts_with("arn:") => {
                    return one(text.rsplit('/').next().unwrap_or(text));
                }
                _ => return any(),
            }
        }
        any()
    }

    fn own_name(&self, it: &DesiredResource, entry: Option<&Entry>) -> Texts {
        let Some(rule) = self.rule(it) else { return any() };
        let name = match it.properties.pointer(rule.field) {
            None | Some(Value::Null) => names::pattern(&rule, &self.needs.desired.scope),
            Some(Value::String(text)) => text.clone(),
            Some(_) => "*".to_owned(),
        };
        let path = entry.and_then(|entry| it.properties.pointer(entry.path.as_ref()?));
        match path {
            None => one(name),
            Some(Value::String(path)) => one(format!("{}{name}", path.trim_start_matches('/'))),
            Some(_) => any(),
        }
    }

    fn rule(&self, it: &DesiredResource) -> Option<NameRule> {
        self.needs.types.get(&it.kind)?.facts().name
    }

    /// What a property says, as far as it is known before AWS is asked.
    fn text(&self, value: &Value) -> Texts {
        match (hole(value), value) {
            (None, Value::String(text)) => one(text.strip_prefix("https://").unwrap_or(text)),
            (Some(Hole::Ref(to)), _) => {
                let target = self.needs.desired.resources.get(&to.address);
                let field = target.and_then(|it| self.rule(it)).map(|rule| rule.field.trim_start_matches('/'));
                let is_name = to.output == "Name" || field == Some(to.output.as_str());
                let arn =
                    target.filter(|_| to.output.ends_with("Arn")).and_then(|it| self.table.get(&it.kind)?.arn.clone());
                match arn.filter(|arn| arn.starts_with("arn:")) {
                    Some(arn) => {
                        let mut scoped = self.plain();
                        scoped.set("name", self.names(&to.address));
                        scoped.fill(&arn)
                    }
                    None if is_name => self.names(&to.address),
                    None => any(),
                }
            }
            (Some(Hole::Join(parts)), _) => parts.iter().fold(one(""), |before, part| {
                let texts = self.text(part);
                before.iter().flat_map(|start| texts.iter().map(move |text| format!("{start}{text}"))).collect()
            }),
            _ => any(),
        }
    }
}
