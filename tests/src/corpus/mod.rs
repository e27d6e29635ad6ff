//! The drift corpus: every property that a type's samples can change, changed from outside by boto3, one at a time.
//!
//! The values come from the samples: the whole second value, its absence, and the first value with one innermost difference. What drift
//! has to say follows from the declared facts alone; whoever changes things shares no code with the providers.

pub mod all;
mod change;
mod table;

use std::{collections::BTreeSet, time::Duration};

use deployer_engine::{
    drift::{self, Report, Verdict},
    facts::{Facts, Nature},
    session::{Applied, Wish, drift::Search},
    state::Generation,
};
use futures::future::FutureExt;
use serde_json::{Value, json};

pub use self::{
    change::{Change, changes, silent},
    table::{Row, Table},
};
use crate::{
    Result,
    emulator::Client,
    kit::{Bench, Sample, Types},
};

/// How often drift is looked for until a change shows: things take their time, as AWS's do.
const LOOKS: usize = 30;
/// Between looks, in the machine's time.
const PAUSE: Duration = Duration::from_millis(100);

/// What came of one change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Came {
    /// Drift named exactly this field.
    Named,
    /// Something of it was found, under another name or with another field: what was said.
    Misnamed(String),
    /// Nothing was found.
    Missed,
    /// By the declared facts it is no drift: it means the same, or adds what the user says nothing of.
    Same,
    /// AWS's own API cannot do it: why.
    Cannot(String),
    /// The emulator keeps nothing of it: boto3 sees what it saw before.
    Dropped,
}

/// What one change, with what it came to and whether it was set back.
#[derive(Clone, Debug)]
pub struct Tried {
    /// The type.
    pub kind: String,
    /// What was changed.
    pub change: Change,
    /// What came of it.
    pub came: Came,
    /// What other things, or other fields, were said to have drifted.
    pub alarms: Vec<String>,
    /// Setting back brought it back in sync; else why not.
    pub back: Option<String>,
}

/// Every change of one sample, in its own account.
pub async fn run(
    sample: &Sample,
    client: &Client,
    types: &Types,
    only: &dyn Fn(&Change) -> bool,
) -> Result<Vec<Tried>> {
    let first = sample.first();
    let mut bench = Bench::new(sample, client, types).await?;
    bench.settle(&first, "create").await?;
    let mut tried = Vec::new();
    let facts = bench.resource()?.facts();
    let before = look(&mut bench).await?;
    if before.has_drift() || !before.is_whole() {
        return Err(format!("{}: it drifted before anything was changed: {:?}", sample.file, said(&before)).into());
    }
    for change in changes(sample, facts).into_iter().chain(silent(client, &sample.kind)?).filter(|it| only(it)) {
        let along = match &change {
            Change::Property { name, .. } => {
                sample.along.get(name).into_iter().flat_map(|it| it.keys().cloned()).collect()
            }
            Change::Silent { .. } => BTreeSet::new(),
        };
        let one = try_one(&mut bench, client, facts, change, &along).await;
        tried.push(one.map_err(|error| format!("{}: {error}", sample.file))?);
    }
    // What was put into it keeps it from being deleted.
    client.reset()?;
    Ok(tried)
}

/// `along` are properties that AWS changes by itself with this one.
async fn try_one(
    bench: &mut Bench,
    client: &Client,
    facts: &'static Facts,
    mut change: Change,
    along: &BTreeSet<String>,
) -> Result<Tried> {
    if let Change::Property { value, .. } = &mut change {
        *value = bench.resolved(value).await?;
    }
    let (kind, generation) = (bench.kind().to_owned(), bench.generation().await?);
    let mut tried = Tried { kind, change, came: Came::Missed, alarms: Vec::new(), back: None };
    let seen = client.inventory()?;
    let asked = request(&tried, &generation);
    if let Some(why) = cannot(client.boto3("mutate.py", &[&asked.to_string()]))? {
        tried.came = Came::Cannot(why);
        return Ok(tried);
    }
    let expected = expected(facts, &generation, &tried.change);
    if expected.is_empty() && matches!(tried.change, Change::Property { .. }) {
        tried.came = Came::Same;
    }
    let mut report = look(bench).await?;
    for _ in 0..LOOKS {
        if expected.is_empty() || report.has_drift() && settled(&report) {
            break;
        }
        pause().await;
        report = look(bench).await?;
    }
    judge(bench, &report, &expected, along, &mut tried);
    if tried.came == Came::Missed && !expected.is_empty() && client.inventory()? == seen {
        tried.came = Came::Dropped;
    }
    tried.back = set_back(bench, &report, facts, &expected).await?;
    Ok(tried)
}

/// Why it could not be done, if so: AWS's API has no way, or the service refuses such a value by itself.
fn cannot(told: Result<Value>) -> Result<Option<String>> {
    match told {
        // Whoever adds a property adds what changes it.
        Ok(told) if told["unknown"].is_string() => Err(told["unknown"].to_string().into()),
        Ok(told) => Ok(told["cannot"].as_str().map(str::to_owned)),
        Err(error) => {
            let text = error.to_string();
            let refusal =
                text.lines().rev().find(|line| line.contains("botocore") && line.contains("An error occurred"));
            let words =
                refusal.and_then(|line| line.split_once("An error occurred")).map(|(_, words)| words.trim().to_owned());
            words.map(|words| Some(format!("refused: {words}"))).ok_or(error)
        }
    }
}

fn request(tried: &Tried, generation: &Generation) -> Value {
    let mut asked =
        json!({"type": tried.kind, "id": generation.id, "spec": generation.applied, "outputs": generation.outputs});
    match &tried.change {
        Change::Silent { name } => asked["silent"] = json!(name),
        Change::Property { name, value, .. } => {
            asked["property"] = json!(name);
            asked["before"] = generation.applied.get(name).cloned().unwrap_or_default();
            asked["value"] = value.clone();
        }
    }
    asked
}

/// The paths that drift has to name: what the planner's own comparison makes of the two values.
fn expected(facts: &Facts, generation: &Generation, change: &Change) -> BTreeSet<String> {
    let Change::Property { name, value, .. } = change else { return BTreeSet::new() };
    let mut live = generation.applied.clone();
    if let Some(map) = live.as_object_mut() {
        match value {
            Value::Null if facts.tags != Some(&format!("/{name}")) => drop(map.remove(name)),
            value => drop(map.insert(name.clone(), with_our_tags(facts, name, value, &generation.applied))),
        }
    }
    let (fields, _) = drift::compare(facts, &generation.applied, &live, &[]);
    fields.into_iter().map(|it| it.path).collect()
}

/// Whoever changes tags from outside changes the user's.
fn with_our_tags(facts: &Facts, name: &str, value: &Value, applied: &Value) -> Value {
    if facts.tags != Some(&format!("/{name}")) {
        return value.clone();
    }
    let is_ours = |tag: &&Value| tag["Key"].as_str().is_some_and(|key| key.starts_with("deployer:"));
    let ours = applied[name].as_array().into_iter().flatten().filter(is_ours);
    value.as_array().into_iter().flatten().chain(ours).cloned().collect()
}

fn settled(report: &Report) -> bool {
    report.things.iter().all(|it| it.status.is_none())
}

fn judge(bench: &Bench, report: &Report, expected: &BTreeSet<String>, along: &BTreeSet<String>, tried: &mut Tried) {
    let top = |path: &str| path.trim_start_matches('/').split('/').next().unwrap_or_default().to_owned();
    let (mine, taken_away) = match &tried.change {
        Change::Property { name, value, .. } => (Some(name.clone()), value.is_null()),
        Change::Silent { .. } => (None, false),
    };
    for thing in &report.things {
        let found: BTreeSet<String> = match &thing.verdict {
            Verdict::InSync => BTreeSet::new(),
            Verdict::Drifted { fields } => fields.iter().map(|it| it.path.clone()).collect(),
            other => BTreeSet::from([format!("{other:?}")]),
        };
        if thing.address != *bench.address() {
            tried.alarms.extend(found.iter().map(|path| format!("{}{path}", thing.address)));
            continue;
        }
        let of_it = |path: &&String| Some(top(path)) == mine;
        let others = found.iter().filter(|path| !of_it(path) && !along.contains(&top(path)));
        tried.alarms.extend(others.cloned());
        let found: BTreeSet<String> = found.iter().filter(of_it).cloned().collect();
        // What is taken away goes back to AWS's own default: where that differs from what was set is AWS's to say.
        if found.is_empty() {
            continue;
        } else if found == *expected || taken_away {
            tried.came = Came::Named;
        } else if tried.came != Came::Same {
            tried.came = Came::Misnamed(format!("{found:?}, and not {expected:?}"));
        } else {
            tried.alarms.extend(found);
        }
    }
}

/// Sets back what was found; why it is not in sync after that, if so. What AWS never lets shrink is taken over instead.
async fn set_back(
    bench: &mut Bench,
    report: &Report,
    facts: &Facts,
    expected: &BTreeSet<String>,
) -> Result<Option<String>> {
    let grows = |path: &String| facts.natures(path).any(|it| matches!(it, Nature::OnlyGrows));
    if expected.iter().any(grows) {
        for thing in &report.things {
            if let Verdict::Drifted { fields } = &thing.verdict {
                let accepted = bench.session().accept(&thing.address, fields, &Wish::default()).await;
                accepted.map_err(|trouble| format!("it is not taken over: {trouble:?}"))?;
            }
        }
        let after = look(bench).await?;
        return Ok(after.has_drift().then(|| said(&after).join(", ")));
    }
    let wish = Wish { refresh: true, ..Wish::default() };
    if report.has_drift() {
        let mut yes = |_: &deployer_engine::plan::Plan, _: deployer_engine::session::Question<'_>| {
            futures::future::ready(true).boxed()
        };
        match bench.session().remediate(report, &|_, _| true, &[], &wish, &mut yes).await {
            Ok(Applied::Ran { report, .. }) if report.is_success() => {}
            other => return Ok(Some(format!("{other:?}"))),
        }
    }
    let after = look(bench).await?;
    Ok(after.has_drift().then(|| said(&after).join(", ")))
}

async fn look(bench: &mut Bench) -> Result<Report> {
    Ok(bench.session().drift(&Search::default()).await?)
}

fn said(report: &Report) -> Vec<String> {
    let things = report.things.iter().filter(|it| it.verdict != Verdict::InSync);
    things.map(|it| format!("{}: {:?}", it.address, it.verdict)).collect()
}

#[allow(clippy::disallowed_methods, reason = "waits for another process")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}

/// Properties of a type that are not compared, or that somebody else moves, and why.
pub fn apart(facts: &Facts, properties: &BTreeSet<String>) -> Vec<(String, &'static str)> {
    let why = |name: &String| {
        facts.natures(&format!("/{name}")).find_map(|nature| match nature {
            Nature::WriteOnly | Nature::Sensitive => Some("AWS never tells it"),
            Nature::InitialOnly => Some("set once, and moved by AWS ever after"),
            Nature::OwnedElsewhereWhen(_) => Some("moved by AWS where the facts say so"),
            _ => None,
        })
    };
    properties.iter().filter_map(|name| Some((name.clone(), why(name)?))).collect()
}
