//! `${..}` in texts: names of the stack and its variables, put in at load time.
//!
//! `${var.x}` alone keeps the variable's type; inside a longer text it becomes text. `$${` is a plain `${`.

use std::collections::BTreeMap;

use deployer_engine::diagnostic::Diagnostic;
use serde_json::Value;

use crate::{
    near::nearest,
    node::{Entry, Node, Origin, Yaml},
};

/// What may stand between the braces.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names {
    /// By full name: `stack.name`, `var.x`.
    pub values: BTreeMap<String, Value>,
    /// Declared variables without a value.
    pub missing: Vec<String>,
    /// The account's number is not known: its uses stay as they are.
    pub account_unknown: bool,
}

/// Puts the values in, everywhere in `node`. True if the account's number was asked for and is not known.
pub(crate) fn interpolate(node: Node, names: &Names, problems: &mut Vec<Diagnostic>) -> (Node, bool) {
    let mut filler = Filler { names, problems, wants_account: false };
    let node = filler.node(node);
    (node, filler.wants_account)
}

struct Filler<'a> {
    names: &'a Names,
    problems: &'a mut Vec<Diagnostic>,
    wants_account: bool,
}

impl Filler<'_> {
    fn node(&mut self, node: Node) -> Node {
        let value = match node.value {
            Yaml::Text(text) if text.contains("${") => {
                return Node { origin: node.origin.clone(), ..self.text(&text, &node.origin) };
            }
            Yaml::List(items) => Yaml::List(items.into_iter().map(|item| self.node(item)).collect()),
            Yaml::Map(entries) => {
                Yaml::Map(entries.into_iter().map(|entry| Entry { node: self.node(entry.node), ..entry }).collect())
            }
            plain => plain,
        };
        Node { value, origin: node.origin }
    }

    fn text(&mut self, text: &str, origin: &Origin) -> Node {
        let whole =
            text.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')).filter(|name| !name.contains(['{', '}']));
        if let Some(value) = whole.and_then(|name| self.value(name, origin, 0)) {
            return Node::built_in(&value);
        }
        let mut result = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find("${") {
            let start = at + found;
            let escaped = text[..start].ends_with('$');
            if escaped {
                result.push_str(&text[at..start - 1]);
                result.push_str("${");
                at = start + 2;
                continue;
            }
            result.push_str(&text[at..start]);
            let offset = text[..start].chars().count();
            let Some(length) = text[start..].find('}') else {
                let message = "`${` is not closed; write `$${` for a plain `${`";
                self.problems.push(Diagnostic::error("unclosed", origin.inside(offset), message));
                return Node { value: Yaml::Text(text.to_owned()), origin: origin.clone() };
            };
            let name = &text[start + 2..start + length];
            match (self.value(name, origin, offset), whole) {
                (Some(Value::String(value)), _) => result.push_str(&value),
                (Some(value), _) => result.push_str(&value.to_string()),
                (None, _) => result.push_str(&text[start..=start + length]),
            }
            at = start + length + 1;
        }
        result.push_str(&text[at..]);
        Node { value: Yaml::Text(result), origin: origin.clone() }
    }

    /// A name's value; a problem at its column if there is none.
    fn value(&mut self, name: &str, origin: &Origin, offset: usize) -> Option<Value> {
        if let Some(value) = self.names.values.get(name) {
            return Some(value.clone());
        }
        if name == "account" && self.names.account_unknown {
            self.wants_account = true;
            return None;
        }
        let variable = name.strip_prefix("var.").filter(|it| self.names.missing.iter().any(|missing| missing == it));
        let problem = match variable {
            Some(variable) => {
                let help = format!(
                    "set it with --var {variable}=.., DEPLOYER_VAR_{variable}, in the environment, or give it a default"
                );
                Diagnostic::error(
                    "missing-variable",
                    origin.inside(offset),
                    format!("the variable `{variable}` has no value"),
                )
                .help(help)
            }
            None => {
                let known = self.names.values.keys().map(String::as_str);
                let problem =
                    Diagnostic::error("unknown-name", origin.inside(offset), format!("`${{{name}}}` names nothing"));
                match nearest(name, known) {
                    Some(near) => problem.help(format!("did you mean `${{{near}}}`?")),
                    None => problem.help(
                        "there are stack.name, env.name, region, account and var.NAME; write `$${` for a plain `${`",
                    ),
                }
            }
        };
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
        None
    }
}
