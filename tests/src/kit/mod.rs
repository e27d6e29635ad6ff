//! The kit: what every resource type has to show, driven by its samples and by the generated list of its fields.
//!
//! Everything goes through the engine and the real SDK against the emulator. A field without a second value in any sample
//! fails the type.

mod bench;
mod check;
mod contract;
mod faults;
mod generated;
mod outside;
mod settling;
mod shapes;
mod stale;
mod tags;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use deployer_engine::resource::{DynResource, Registry};
use deployer_providers::Aws;
use serde_json::{Map, Value};

pub use self::{
    bench::Bench,
    check::{Checked, Extent, Property, Row, Skipped, Verdict, check},
    contract::contract,
    shapes::shapes,
};
use crate::{Result, build};

/// Makes the types that are put on the bench, over the clients that it is given.
pub type Types = dyn Fn(&Aws) -> Registry + Sync;

/// What came of a property.
enum Shown {
    /// It holds; a word on what was done.
    Yes(String),
    /// The type, or this sample of it, cannot have it.
    NotForIt,
}

/// One sample of a type.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Its file, for messages.
    pub file: String,
    /// The type.
    pub kind: String,
    /// Resources that it needs, by address.
    pub needs: BTreeMap<String, (String, Value)>,
    /// Those of them that come first although no value is needed from them.
    pub after: Vec<String>,
    /// Properties that stay.
    pub base: Map<String, Value>,
    /// Fields that the type can do without, and this sample cannot.
    pub keep: BTreeSet<String>,
    /// Each field with a value and another one.
    pub fields: BTreeMap<String, (Value, Value)>,
    /// What has to change along with a field's second value; nothing: it goes.
    pub along: BTreeMap<String, Map<String, Value>>,
    /// Fields that have one value only.
    pub only: BTreeSet<String>,
}

/// All samples, by type.
pub fn samples() -> Result<BTreeMap<String, Vec<Sample>>> {
    samples_in(&build::workspace().join("fixtures/resources"))
}

/// The same of another folder.
pub fn samples_in(root: &Path) -> Result<BTreeMap<String, Vec<Sample>>> {
    let mut found: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for folder in fs::read_dir(root)?.collect::<std::io::Result<Vec<_>>>()? {
        let files = if folder.path().is_dir() { Some(fs::read_dir(folder.path())?) } else { None };
        for file in files.into_iter().flatten() {
            let file = file?.path();
            if file.extension().is_some_and(|it| it == "yaml") {
                let sample = sample(&file).map_err(|error| format!("{}: {error}", file.display()))?;
                found.entry(sample.kind.clone()).or_default().push(sample);
            }
        }
    }
    Ok(found)
}

impl Sample {
    /// Its type, and those that it needs.
    pub(super) fn kinds(&self) -> BTreeSet<&str> {
        self.needs.values().map(|(kind, _)| kind.as_str()).chain([self.kind.as_str()]).collect()
    }

    /// Its properties with the first value of each field.
    pub fn first(&self) -> Map<String, Value> {
        let firsts = self.fields.iter().map(|(name, (first, _))| (name.clone(), first.clone()));
        self.base.clone().into_iter().chain(firsts).collect()
    }

    /// Properties with the second value of one field, and what changes along with it. A null of it is its removal.
    fn second(&self, name: &str, now: &Map<String, Value>) -> Map<String, Value> {
        let mut changed = now.clone();
        changed.extend(self.fields.get(name).map(|(_, second)| (name.to_owned(), second.clone())));
        changed.extend(self.along.get(name).cloned().unwrap_or_default());
        changed.retain(|field, value| field == name || !value.is_null());
        changed
    }
}

fn sample(path: &Path) -> Result<Sample> {
    let value: Value = serde_yaml::from_str(&fs::read_to_string(path)?)?;
    let map = |value: &Value| value.as_object().cloned().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let texts = |value: &Value| {
        value.as_array().cloned().unwrap_or_default().into_iter().filter_map(|it| it.as_str().map(str::to_owned))
    };
    let need = |(address, it): (String, Value)| (address, (text(&it["type"]), it["properties"].clone()));
    let pair = |(name, values): (String, Value)| (name, (values[0].clone(), values[1].clone()));
    Ok(Sample {
        file: path.strip_prefix(build::workspace()).unwrap_or(path).display().to_string(),
        kind: text(&value["type"]),
        needs: map(&value["needs"]).into_iter().map(need).collect(),
        after: texts(&value["after"]).collect(),
        base: map(&value["base"]),
        keep: texts(&value["keep"]).collect(),
        fields: map(&value["fields"]).into_iter().map(pair).collect(),
        along: map(&value["along"]).into_iter().map(|(name, others)| (name, map(&others))).collect(),
        only: texts(&value["only"]).collect(),
    })
}

/// The fields of a type, as its schema lists them, and which of them it cannot do without.
pub fn fields(it: &dyn DynResource) -> (BTreeSet<String>, BTreeSet<String>) {
    let schema = it.schema();
    let names = schema["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
    let required =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    (names, required)
}
