//! Tags, as CloudFormation has them: a list of keys and values. Keys that start with `aws:` are AWS's and never touched.

use std::collections::BTreeMap;

use deployer_engine::{diff::unescape, resource::Changed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A tag.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tag {
    /// Its key.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// What a tag update does: these are set, these keys are taken away.
#[derive(Debug, Default)]
pub struct TagChange {
    /// Keys and values to set.
    pub set: BTreeMap<String, String>,
    /// Keys to take away.
    pub remove: Vec<String>,
}

/// Tags as the service told them, without AWS's own.
pub fn from_map<K: AsRef<str>, V: AsRef<str>>(map: impl IntoIterator<Item = (K, V)>) -> Option<Vec<Tag>> {
    let ours = |key: &str| !key.to_ascii_lowercase().starts_with("aws:");
    let all = map.into_iter().filter(|(key, _)| ours(key.as_ref()));
    let mut tags: Vec<Tag> =
        all.map(|(key, value)| Tag { key: key.as_ref().to_owned(), value: value.as_ref().to_owned() }).collect();
    tags.sort();
    Some(tags).filter(|tags| !tags.is_empty())
}

/// Tags as a map.
pub fn to_map(tags: Option<&Vec<Tag>>) -> BTreeMap<String, String> {
    tags.into_iter().flatten().map(|tag| (tag.key.clone(), tag.value.clone())).collect()
}

/// What the changed paths mean for tags: `/Tags/KEY` each, or `/Tags` for all. Foreign tags stay.
pub fn change(changed: &Changed, desired: Option<&Vec<Tag>>) -> TagChange {
    let desired = to_map(desired);
    let mut change = TagChange::default();
    for path in &changed.0 {
        match path.strip_prefix("/Tags") {
            Some("") => change.set.extend(desired.clone()),
            Some(rest) if rest.starts_with('/') => {
                let key = unescape(rest.trim_start_matches('/').split('/').next().unwrap_or_default());
                match desired.get(&key) {
                    Some(value) => drop(change.set.insert(key, value.clone())),
                    None => change.remove.push(key),
                }
            }
            _ => {}
        }
    }
    change
}
