//! The three-way difference: desired, applied, live.
//!
//! Only what desired or applied names is ours; the rest of what lives is never looked at. How two values are compared follows
//! from the declared nature of their field alone.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

use crate::{
    expr::{self, Hole},
    facts::{Facts, Nature, OnRemove},
};

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldChange {
    /// A JSON pointer into the properties; an element of a keyed list stands under its key.
    pub path: String,
    /// What is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// What shall be there; none: nothing. May hold references that are not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
    /// What it takes.
    pub how: How,
    /// The user changed nothing here: it was changed outside.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drift: bool,
}

/// What a change takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum How {
    /// It is changed in place.
    InPlace,
    /// A new thing is needed.
    Replace,
    /// The user removed it, but it cannot be taken away: it stays, and the plan says so.
    Keep,
}

/// What it takes to turn `live` into `desired`, in order of paths.
pub fn diff(facts: &Facts, desired: &Value, applied: &Value, live: &Value) -> Vec<FieldChange> {
    let mut walk = Walk { facts, root: desired, found: Vec::new() };
    walk.node("", Some(desired), Some(applied), Some(live));
    walk.found
}

/// The properties with what removing fields resets them to: what `update` is given.
pub fn with_resets(desired: &Value, changes: &[FieldChange]) -> Value {
    let mut result = desired.clone();
    for change in changes.iter().filter(|change| change.how == How::InPlace) {
        let Some(after) = &change.after else { continue };
        if desired.pointer(&change.path).is_none() {
            set_top(&mut result, &change.path, after);
        }
    }
    result
}

/// Sets a value whose ancestors exist; a path into a keyed list is there already.
fn set_top(value: &mut Value, path: &str, to: &Value) {
    let Some((above, key)) = path.rsplit_once('/') else { return };
    if let Some(map) = value.pointer_mut(above).and_then(Value::as_object_mut) {
        map.insert(unescape(key), to.clone());
    }
}

struct Walk<'a> {
    facts: &'a Facts,
    root: &'a Value,
    found: Vec<FieldChange>,
}

type Side<'a> = Option<&'a Value>;

impl Walk<'_> {
    fn node(&mut self, path: &str, desired: Side, applied: Side, live: Side) {
        let (desired, applied, live) = (present(desired), present(applied), present(live));
        let natures: Vec<Nature> = self.facts.natures(path).collect();
        if desired.is_none() && applied.is_none() || self.left_alone(&natures) {
            return;
        }
        let Some(wanted) = desired else { return self.removed(path, &natures, applied, live) };
        let default = if live.is_none() { self.facts.server_default(path) } else { None };
        let live = live.or(default.as_ref());
        if let Some(key) = by_key(&natures) {
            return self.keyed(path, key, desired, applied, live);
        }
        let whole = natures.iter().any(|it| matches!(it, Nature::Whole | Nature::Document(_)));
        match (wanted, live) {
            (Value::Object(map), Some(Value::Object(_)) | None)
                if !whole && expr::hole(wanted).is_none() && (live.is_some() || path.is_empty()) =>
            {
                self.children(path, map, applied, live);
            }
            _ if self.same(path, &natures, wanted, applied, live) => {}
            _ => self.push(path, desired, applied, live),
        }
    }

    fn left_alone(&self, natures: &[Nature]) -> bool {
        natures.iter().any(|nature| match nature {
            Nature::InitialOnly => true,
            Nature::OwnedElsewhereWhen(is) => is(self.root),
            _ => false,
        })
    }

    fn children(&mut self, path: &str, desired: &Map<String, Value>, applied: Side, live: Side) {
        let before = applied.and_then(Value::as_object);
        let removed = before.into_iter().flat_map(Map::keys).filter(|key| !desired.contains_key(*key));
        let mut keys: Vec<&String> = desired.keys().chain(removed).collect();
        keys.sort();
        for key in keys {
            let of = |side: Side| side.and_then(|it| it.get(key)).cloned();
            let (applied, live) = (of(applied), of(live));
            self.node(&format!("{path}/{}", escape(key)), desired.get(key), applied.as_ref(), live.as_ref());
        }
    }

    /// A list whose elements have a key: the elements that desired or applied name are ours.
    fn keyed(&mut self, path: &str, key: &str, desired: Side, applied: Side, live: Side) {
        let of = |side: Side| elements(side, key);
        let (desired, applied, live) = (of(desired), of(applied), of(live));
        let empty = Map::new();
        let element = |name: &String, map: &Map<String, Value>| map.get(name).cloned();
        let mut names: Vec<&String> =
            desired.keys().chain(applied.keys().filter(|name| !desired.contains_key(*name))).collect();
        names.sort();
        for name in names {
            let at = format!("{path}/{}", escape(name));
            let (d, a, l) = (element(name, &desired), element(name, &applied), element(name, &live));
            match (&d, &l) {
                (Some(Value::Object(map)), Some(Value::Object(_))) => {
                    let whole = Walk { facts: self.facts, root: self.root, found: Vec::new() };
                    let mut inner = whole;
                    inner.children(&at, map, a.as_ref().or(Some(&Value::Object(empty.clone()))), l.as_ref());
                    self.element(&at, &inner.found, d.as_ref(), a.as_ref(), l.as_ref());
                }
                _ => self.node(&at, d.as_ref(), a.as_ref(), l.as_ref()),
            }
        }
    }

    /// An element changes as a whole; what it takes is the most that something inside of it takes.
    fn element(&mut self, path: &str, inner: &[FieldChange], desired: Side, applied: Side, live: Side) {
        let any = |how: How| inner.iter().any(|it| it.how == how);
        if inner.is_empty() {
            return;
        }
        self.push(path, desired, applied, live);
        let Some(last) = self.found.last_mut() else { return };
        if any(How::Replace) {
            last.how = How::Replace;
        } else if !any(How::InPlace) {
            last.how = How::Keep;
        }
    }

    fn same(&self, path: &str, natures: &[Nature], wanted: &Value, applied: Side, live: Side) -> bool {
        let write_only = natures.iter().any(|it| matches!(it, Nature::WriteOnly | Nature::Sensitive));
        if write_only || matches!(expr::hole(wanted), Some(Hole::Secret(_))) {
            return applied == Some(wanted);
        }
        if expr::has_unknown(wanted) {
            return false;
        }
        let Some(live) = live else { return is_empty(wanted) };
        let (a, b) = (canonical(self.facts, path, wanted), canonical(self.facts, path, live));
        a == b || natures.iter().any(|it| matches!(it, Nature::PrefixVersion)) && is_prefix_version(&a, &b)
    }

    /// The user took it out of the YAML.
    fn removed(&mut self, path: &str, natures: &[Nature], applied: Side, live: Side) {
        let write_only = natures.iter().any(|it| matches!(it, Nature::WriteOnly | Nature::Sensitive));
        let Some(there) = live.or(applied.filter(|_| write_only)) else { return };
        let push = |found: &mut Vec<FieldChange>, after: Option<Value>, how| {
            found.push(FieldChange { path: path.to_owned(), before: Some(there.clone()), after, how, drift: false });
        };
        if let (Some(key), Some(Value::Array(_))) = (by_key(natures), applied) {
            return self.keyed(path, key, None, applied, live);
        }
        if let Some(default) = self.setting(path) {
            return match default {
                Some(to) if to == *there => {}
                Some(to) => push(&mut self.found, Some(to), How::InPlace),
                None => push(&mut self.found, None, How::Keep),
            };
        }
        match self.facts.on_remove(path) {
            OnRemove::Keep => push(&mut self.found, None, How::Keep),
            OnRemove::Replace => push(&mut self.found, None, How::Replace),
            OnRemove::Reset(text) => {
                let to: Value = serde_json::from_str(text).unwrap_or_default();
                if canonical(self.facts, path, &to) != canonical(self.facts, path, there) {
                    push(&mut self.found, Some(to), How::InPlace);
                }
            }
            OnRemove::Clear => {
                let default = self.facts.server_default(path);
                let at_default =
                    default.is_some_and(|it| canonical(self.facts, path, &it) == canonical(self.facts, path, there));
                if !at_default && !is_empty(there) {
                    push(&mut self.found, None, How::InPlace);
                }
            }
        }
    }

    /// What an element of a list of settings goes back to; none if `path` is none.
    fn setting(&self, path: &str) -> Option<Option<Value>> {
        let (list, key) = path.rsplit_once('/')?;
        let key = unescape(key);
        self.facts.natures(list).find_map(|nature| match nature {
            Nature::Settings { key: name, defaults } => {
                let default = defaults.iter().find(|(of, _)| *of == key);
                Some(default.map(|(key, value)| serde_json::json!({name: key, "Value": value})))
            }
            _ => None,
        })
    }

    fn push(&mut self, path: &str, desired: Side, applied: Side, live: Side) {
        let natures: Vec<Nature> = self.facts.natures(path).collect();
        let moved = natures.iter().any(|it| matches!(it, Nature::Rooted)) && is_elsewhere(desired, live);
        let how = if moved || self.facts.create_only(path) { How::Replace } else { How::InPlace };
        // What was never applied cannot have drifted, even if nothing and an empty list mean the same.
        let drift = desired
            .filter(|_| applied.is_some())
            .is_some_and(|wanted| !expr::has_unknown(wanted) && self.same(path, &natures, wanted, applied, applied));
        self.found.push(FieldChange {
            path: path.to_owned(),
            before: live.cloned(),
            after: desired.cloned(),
            how,
            drift,
        });
    }
}

/// True of a list that has nothing of what is there; an element that is not known yet is none of it.
fn is_elsewhere(desired: Side, live: Side) -> bool {
    let (Some(wanted), Some(there)) = (desired.and_then(Value::as_array), live.and_then(Value::as_array)) else {
        return false;
    };
    !there.is_empty() && !wanted.iter().any(|item| there.contains(item))
}

fn present(side: Side) -> Side {
    side.filter(|value| !value.is_null())
}

/// What the elements of the list at `path` are told apart by, if they have a key.
pub(crate) fn elements_key(facts: &Facts, path: &str) -> Option<&'static str> {
    by_key(&facts.natures(path).collect::<Vec<_>>())
}

fn by_key(natures: &[Nature]) -> Option<&'static str> {
    natures.iter().find_map(|nature| match nature {
        Nature::ByKey(key) => Some(*key),
        Nature::Settings { key, .. } => Some(*key),
        _ => None,
    })
}

/// A list's elements by their key's value; an element that is not a map is its own key.
fn elements(list: Side, key: &str) -> Map<String, Value> {
    let items = list.and_then(Value::as_array).into_iter().flatten();
    items.map(|item| (plain_text(item.get(key).unwrap_or(item)), item.clone())).collect()
}

/// A key's value as text.
pub(crate) fn plain_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// One JSON pointer segment.
pub fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// The key that a JSON pointer segment means.
pub fn unescape(segment: &str) -> String {
    segment.replace("~1", "/").replace("~0", "~")
}

/// Nothing, however it is written.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.values().all(is_empty),
        Value::Bool(_) | Value::Number(_) => false,
    }
}

/// The one form of all values that mean the same at `path`: order where it means nothing, case where it is folded, numbers
/// and booleans as text (clouds answer either way), what is empty left out, documents by their own rule.
pub fn canonical(facts: &Facts, path: &str, value: &Value) -> Value {
    let natures: Vec<Nature> = facts.natures(path).collect();
    let value = natures.iter().fold(value.clone(), |value, nature| match nature {
        Nature::Document(of) => of(&value),
        _ => value,
    });
    let folded = natures.iter().any(|it| matches!(it, Nature::CaseFolded));
    let unordered =
        natures.iter().any(|it| matches!(it, Nature::Unordered | Nature::ByKey(_) | Nature::Settings { .. }));
    match value {
        Value::Object(map) => map
            .iter()
            .map(|(key, item)| (key, format!("{path}/{}", escape(key)), item))
            .map(|(key, at, item)| {
                (
                    key.clone(),
                    canonical(facts, &at, item),
                    facts.server_default(&at).map(|it| canonical(facts, &at, &it)),
                )
            })
            .filter(|(_, item, default)| !is_empty(item) && default.as_ref() != Some(item))
            .map(|(key, item, _)| (key, item))
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(|item| canonical(facts, &format!("{path}/*"), item)).collect();
            if unordered {
                items.sort_by_cached_key(Value::to_string);
            }
            items.into()
        }
        Value::String(text) if folded => text.to_lowercase().into(),
        Value::Number(number) => plain_number(&number).into(),
        Value::Bool(flag) => flag.to_string().into(),
        other => other,
    }
}

/// `60` and `60.0` are one number.
fn plain_number(number: &Number) -> String {
    let text = number.to_string();
    text.strip_suffix(".0").map_or_else(|| text.clone(), str::to_owned)
}

/// `16` and `16.4`: one is the other up to a dot.
fn is_prefix_version(a: &Value, b: &Value) -> bool {
    match (a.as_str(), b.as_str()) {
        (Some(a), Some(b)) => {
            b.strip_prefix(a).or_else(|| a.strip_prefix(b)).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
