//! Layers on top of each other: maps merge, `null` removes, lists of named things merge by their key, other lists are
//! replaced; `$patch: replace` takes the upper value as it is, `$patch: delete` removes.
//!
//! A removed value stays as null until the end, so that nothing below refills it.

use deployer_engine::diagnostic::Diagnostic;

use crate::node::{Entry, Node, Yaml};

/// The directive's key.
const PATCH: &str = "$patch";

/// Which key the elements of the list at `path` (dots, `*` for any element) have.
pub(crate) type MergeKeys<'a> = &'a [(&'a str, &'a str)];

/// `upper` over `lower`.
pub(crate) fn merge(lower: Node, upper: Node, keys: MergeKeys<'_>, problems: &mut Vec<Diagnostic>) -> Node {
    Merge { keys, problems }.node(lower, upper, "")
}

struct Merge<'a> {
    keys: MergeKeys<'a>,
    problems: &'a mut Vec<Diagnostic>,
}

enum Directive {
    Merge,
    Replace,
    Delete,
}

impl Merge<'_> {
    fn node(&mut self, lower: Node, upper: Node, path: &str) -> Node {
        match (lower.value, upper.value) {
            (below, Yaml::Map(mut entries)) => match self.directive(&mut entries) {
                Directive::Delete => Node { value: Yaml::Null, origin: upper.origin },
                Directive::Merge if matches!(below, Yaml::Map(_)) => {
                    let Yaml::Map(below) = below else { return Node::default() };
                    Node { value: Yaml::Map(self.map(below, entries, path)), origin: upper.origin }
                }
                Directive::Merge | Directive::Replace => {
                    let clean = self.map(Vec::new(), entries, path);
                    Node { value: Yaml::Map(clean), origin: upper.origin }
                }
            },
            (below, Yaml::List(items)) => {
                let key = self.keys.iter().find(|(at, _)| *at == path).map(|(_, key)| *key);
                let below = if let Yaml::List(below) = below { below } else { Vec::new() };
                let value = match key {
                    Some(key) => self.list(below, items, key, path),
                    None => Yaml::List(items.into_iter().map(|item| self.node(Node::default(), item, path)).collect()),
                };
                Node { value, origin: upper.origin }
            }
            (_, value) => Node { value, origin: upper.origin },
        }
    }

    fn map(&mut self, mut below: Vec<Entry>, above: Vec<Entry>, path: &str) -> Vec<Entry> {
        for entry in above {
            let at = if path.is_empty() { entry.key.clone() } else { format!("{path}.{}", entry.key) };
            match below.iter_mut().find(|it| it.key == entry.key) {
                Some(it) => {
                    it.node = self.node(std::mem::take(&mut it.node), entry.node, &at);
                    it.origin = entry.origin;
                }
                None => {
                    let node = self.node(Node::default(), entry.node, &at);
                    below.push(Entry { node, ..entry });
                }
            }
        }
        below
    }

    /// A list of named things: the base's order is kept, new ones come last.
    fn list(&mut self, mut below: Vec<Node>, above: Vec<Node>, key: &str, path: &str) -> Yaml {
        let whole =
            above.iter().any(|item| item.get(PATCH).and_then(Node::text) == Some("replace") && item.get(key).is_none());
        if whole {
            below.clear();
        }
        let inner = format!("{path}.*");
        for item in above {
            let only_directive =
                matches!(&item.value, Yaml::Map(entries) if entries.len() == 1 && entries[0].key == PATCH);
            if only_directive && whole {
                continue;
            }
            let name = item.get(key).map(|it| it.value.clone());
            let found =
                name.and_then(|name| below.iter().position(|it| it.get(key).map(|it| &it.value) == Some(&name)));
            let lower = found.map_or_else(Node::default, |at| std::mem::take(&mut below[at]));
            let merged = self.node(lower, item, &inner);
            match found {
                Some(at) => below[at] = merged,
                None => below.push(merged),
            }
        }
        below.retain(|item| item.value != Yaml::Null);
        Yaml::List(below)
    }

    fn directive(&mut self, entries: &mut Vec<Entry>) -> Directive {
        let Some(at) = entries.iter().position(|entry| entry.key == PATCH) else { return Directive::Merge };
        let entry = entries.remove(at);
        match entry.node.text() {
            Some("merge") => Directive::Merge,
            Some("replace") => Directive::Replace,
            Some("delete") => Directive::Delete,
            _ => {
                let message = "`$patch` is one of merge, replace, delete";
                self.problems.push(Diagnostic::error("bad-patch", entry.node.origin.place(), message));
                Directive::Merge
            }
        }
    }
}
