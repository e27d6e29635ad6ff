//! Settling: what is on its way is waited for, what flaps is not believed, what failed is said at once; early outputs are early.
//!
//! Which status words a type's reads tell is data: `fixtures/kit/statuses.json`.

use std::{collections::BTreeMap, fs};

use deployer_engine::{
    facts::{Facts, Known},
    find::{Found, find},
    resource::Outputs,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Bench, Shown,
    bench::Properties,
    outside::{away, by_hand, other, tagged},
};
use crate::{Result, build};

/// Calls after which a failure has been said: a budget of minutes would take more.
const SOON: u64 = 60;

/// The words of one type's status, as they stand in the answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Words {
    operation: String,
    good: String,
    pending: String,
    /// What it does not leave by itself; none if there is no such word.
    failed: Option<String>,
}

impl Words {
    fn rule(&self, to: &str, nth: Option<&[u32]>) -> Value {
        let mut rule = json!({"operation": self.operation, "from": self.good, "to": to});
        if let Some(nth) = nth {
            rule["nth"] = json!(nth);
        }
        json!({"words": [rule]})
    }
}

pub(super) async fn show(bench: &mut Bench) -> Result<Shown> {
    let first = bench.sample.first();
    let mut shown = Vec::new();
    if early(bench, &first).await? {
        shown.push("early outputs");
    }
    let path = build::workspace().join("fixtures/kit/statuses.json");
    let mut all: BTreeMap<String, Words> = serde_json::from_str(&fs::read_to_string(path)?)?;
    if let Some(words) = all.remove(&bench.sample.kind) {
        statuses(bench, &first, &words).await?;
        shown.push("statuses");
    }
    if shown.is_empty() { Ok(Shown::NotForIt) } else { Ok(Shown::Yes(shown.join(", "))) }
}

/// What is declared to be known with the create's answer is in it, and in what is found when the answer was lost.
async fn early(bench: &mut Bench, first: &Properties) -> Result<bool> {
    let facts = bench.resource()?.facts();
    if facts.outputs.iter().all(|it| it.known != Known::Created) {
        return Ok(false);
    }
    bench.settle(first, "made, for its properties").await?;
    let applied = bench.generation().await?.applied;
    bench.settle(None, "taken away, to be made by hand").await?;
    let it = bench.resource()?;
    let who = other(bench, "early")?;
    let spec = tagged(it, applied, &who.token);
    let made = by_hand(bench, &spec, &who).await?;
    let found = find(it, &who, &spec).await;
    away(it, &made.id, &spec).await?;
    all_known(facts, &made.outputs).map_err(|error| format!("the create's answer: {error}"))?;
    match found? {
        Found::Ours { outputs, .. } => all_known(facts, &outputs).map_err(|error| format!("what is found: {error}"))?,
        // Without tags its content says whose it is, and what the create did not carry is not there yet.
        Found::Foreign { .. } if facts.tags.is_none() && !made.unsent.is_empty() => {}
        other => return Err(format!("what was made is not found: {other:?}").into()),
    }
    Ok(true)
}

fn all_known(facts: &Facts, outputs: &Outputs) -> Result<()> {
    let early = facts.outputs.iter().filter(|it| it.known == Known::Created);
    match early.map(|it| it.name).find(|name| !outputs.contains_key(*name)) {
        Some(name) => Err(format!("{name} is declared as known and is not: {outputs:?}").into()),
        None => Ok(()),
    }
}

async fn statuses(bench: &mut Bench, first: &Properties, words: &Words) -> Result<()> {
    let mine = bench.mine();
    let off = json!({"words": []});
    mine.options(words.rule(&words.pending, Some(&[1, 2, 3, 4])))?;
    mine.clear_calls()?;
    bench.settle(first, "made, and on its way for longer").await?;
    if let Some((name, changed)) = bench.in_place()?.into_iter().next() {
        // Ready for a moment, under way only then, and ready in the end.
        mine.options(words.rule(&words.pending, Some(&[2, 3, 5])))?;
        bench.settle(&changed, &format!("{name} changed, its status flaps")).await?;
    }
    let told = mine.calls()?.faults;
    mine.options(off.clone())?;
    bench.settle(None, "taken away").await?;
    if told == 0 {
        return Err(format!("no answer of {} has {}: nothing was played", words.operation, words.good).into());
    }
    if let Some(failed) = &words.failed {
        mine.options(words.rule(failed, None))?;
        mine.clear_calls()?;
        let said = bench.apply(first, false).await;
        let calls = mine.calls()?.total;
        mine.options(off)?;
        let word = failed.split(['<', '>', '"']).rfind(|it| !it.is_empty()).unwrap_or_default();
        match said {
            Ok(()) => return Err(format!("it is {word}, and nothing is said").into()),
            Err(error) if !error.to_string().contains(word) => {
                return Err(format!("it is {word}, and that is not said: {error}").into());
            }
            Err(_) if calls > SOON => {
                return Err(format!("it is {word}, and {calls} calls were made before it was said").into());
            }
            Err(_) => {}
        }
        bench.settle(first, "made after it failed").await?;
        bench.settle(None, "taken away after it failed").await?;
    }
    Ok(())
}
