//! Each field of each kind, changed once end to end: stacks with their changes under `fixtures/fields/KIND/NAME`.
//!
//! `stack.yaml` is deployed by the real binary; then every change of `changes.yaml` becomes one more overlay, the plan has to
//! say exactly what is expected of AWS, and after its apply the next plan has to be empty. `before.py` makes what is there
//! already, and prints what `@NAME@` stands for in the other two files.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use deployer_schemas::Kinds;
use serde_json::{Map, Value, json};

use crate::{
    Result, build,
    emulator::Client,
    leaves::{Shape, Stated},
    product::Product,
};

/// A stack and its changes.
#[derive(Clone, Debug)]
pub struct Fixture {
    /// Its folder, for messages: `S3/bucket`.
    pub name: String,
    /// The kind that it is about.
    pub kind: String,
    folder: PathBuf,
    /// What is changed, in this order.
    pub changes: Vec<Change>,
}

/// One change.
#[derive(Clone, Debug)]
pub struct Change {
    about: String,
    component: String,
    set: Value,
    expect: BTreeMap<String, String>,
}

/// All of them.
pub fn fixtures() -> Result<Vec<Fixture>> {
    let root = build::workspace().join("fixtures/fields");
    let mut all = Vec::new();
    for kind in fs::read_dir(&root)?.flatten().filter(|it| it.path().is_dir()) {
        for folder in fs::read_dir(kind.path())?.flatten() {
            all.push(fixture(&kind.file_name().to_string_lossy(), &folder.path())?);
        }
    }
    Ok(all)
}

fn fixture(kind: &str, folder: &Path) -> Result<Fixture> {
    let last = folder.file_name().unwrap_or_default().to_string_lossy();
    let (name, kind, folder) = (format!("{kind}/{last}"), kind.to_owned(), folder.to_owned());
    let text = fs::read_to_string(folder.join("changes.yaml"))?;
    let changes = changes(&text).map_err(|error| format!("{name}: {error}"))?;
    Ok(Fixture { name, kind, folder, changes })
}

fn changes(text: &str) -> Result<Vec<Change>> {
    let all: Vec<Value> = serde_yaml::from_str(text)?;
    all.into_iter().map(change).collect()
}

fn change(it: Value) -> Result<Change> {
    let text = |name: &str| it[name].as_str().map(str::to_owned);
    let about = text("about").ok_or("a change without `about`")?;
    let component = text("component").ok_or_else(|| format!("{about}: no `component`"))?;
    let expect = it["expect"].as_object().cloned().unwrap_or_default();
    let address = |role: String| if role.contains('/') { role } else { format!("{component}/{role}") };
    let word = |value: Value| value.as_str().unwrap_or_default().to_owned();
    let expect: BTreeMap<String, String> = expect.into_iter().map(|(role, what)| (address(role), word(what))).collect();
    if expect.is_empty() == it["why"].is_null() {
        return Err(format!("{about}: say what AWS does in `expect`, or in `why` why it does nothing").into());
    }
    Ok(Change { about, set: it["set"].clone(), component, expect })
}

impl Fixture {
    /// The fields that its changes change.
    pub fn covered(&self, kinds: &Kinds) -> Result<BTreeSet<String>> {
        let kind = kinds.get(&self.kind).ok_or_else(|| format!("there is no kind {}", self.kind))?;
        let schema = (kind.schema)();
        let shape = Shape::new(&schema, kind.merge_keys);
        let mut stated: BTreeMap<String, Stated> = BTreeMap::new();
        for document in documents(&fs::read_to_string(self.folder.join("stack.yaml"))?)? {
            if document["kind"] == self.kind {
                let name = document["metadata"]["name"].as_str().unwrap_or_default();
                shape.changed(&document["spec"], stated.entry(format!("{}.{name}", self.kind)).or_default());
            }
        }
        let mut covered = BTreeSet::new();
        let prefix = format!("{}.", self.kind);
        for change in self.changes.iter().filter(|it| it.component.starts_with(&prefix)) {
            covered.extend(shape.changed(&change.set, stated.entry(change.component.clone()).or_default()));
        }
        Ok(covered)
    }

    /// Deploys the stack, changes it change by change, and takes it down; what was not as expected.
    pub fn run(&self, client: &Client) -> Result<Vec<String>> {
        let known = self.before(client)?;
        let there = client.inventory()?;
        let product = Product::new(client)?;
        product.write("stack.yaml", &filled(&fs::read_to_string(self.folder.join("stack.yaml"))?, &known))?;
        let mut wrong = Vec::new();
        self.apply(&product, "the stack itself", &mut wrong)?;
        let text = filled(&fs::read_to_string(self.folder.join("changes.yaml"))?, &known);
        for (number, change) in changes(&text)?.iter().enumerate() {
            product.write(&format!("overlays/dev/{number:03}.yaml"), &overlay(change)?)?;
            let planned = planned(&product).map_err(|error| format!("{}: {}: {error}", self.name, change.about))?;
            if planned != change.expect {
                let (name, about, expect) = (&self.name, &change.about, &change.expect);
                wrong.push(format!("{name}: {about}: expected {expect:#?}, planned {planned:#?}"));
            }
            self.apply(&product, &change.about, &mut wrong)?;
        }
        product.succeed(&["destroy", "-e", "dev", "--auto-approve"])?;
        let left = client.inventory()?;
        if left != there {
            wrong.push(format!("{}: something is left: {left:#}", self.name));
        }
        Ok(wrong)
    }

    fn before(&self, client: &Client) -> Result<Map<String, Value>> {
        let told = client.before(&self.folder).map_err(|error| format!("{}: before.py: {error}", self.name))?;
        Ok(told.map_or_else(|| Ok(Map::new()), |text| serde_json::from_str(&text))?)
    }

    fn apply(&self, product: &Product, about: &str, wrong: &mut Vec<String>) -> Result<()> {
        let applied = product.succeed(&["apply", "-e", "dev", "--auto-approve"]);
        applied.map_err(|error| format!("{}: {about}: {error}", self.name))?;
        let next = product.run(&["plan", "-e", "dev", "--detailed-exitcode"])?;
        if next.code != Some(0) {
            let said = format!("{}{}", next.stdout, next.stderr);
            wrong.push(format!("{}: {about}: the next plan is not empty:\n{said}", self.name));
        }
        Ok(())
    }
}

fn documents(text: &str) -> Result<Vec<Value>> {
    serde_yaml::Deserializer::from_str(text).map(|it| Ok(serde::Deserialize::deserialize(it)?)).collect()
}

fn filled(text: &str, known: &Map<String, Value>) -> String {
    let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    known.iter().fold(text.to_owned(), |text, (name, value)| text.replace(&format!("@{name}@"), &word(value)))
}

fn overlay(change: &Change) -> Result<String> {
    let (kind, name) = change.component.split_once('.').ok_or("a component is `Kind.name`")?;
    // JSON is YAML.
    let document =
        json!({"apiVersion": "deployer.dev/v1", "kind": kind, "metadata": {"name": name}, "spec": change.set});
    Ok(document.to_string())
}

/// What the plan would do, by address.
fn planned(product: &Product) -> Result<BTreeMap<String, String>> {
    let plan: Value = serde_json::from_str(&product.succeed(&["plan", "-e", "dev", "--json"])?)?;
    let one = |it: &Value| {
        let actions = it["change"]["actions"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let actions: Vec<&str> = actions.collect();
        let word = if actions.len() == 2 { "replace".to_owned() } else { actions.join(" ") };
        (it["address"].as_str().unwrap_or_default().to_owned(), word)
    };
    Ok(plan["resource_changes"].as_array().into_iter().flatten().map(one).collect())
}
