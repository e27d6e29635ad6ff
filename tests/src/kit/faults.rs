//! Refusals and silence: at each call in turn, of a create, of updates and of a delete.
//!
//! An undisturbed life tells which calls there are. Then one call of each part of a life meets a fault: the end has to be the same,
//! with hardly more calls than before. What was made twice stays behind, and is seen by who looks at the whole account afterwards.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Bench, Extent, Shown, bench::Properties};
use crate::{Result, dice::Dice, emulator::Calls};

/// What a call can meet. A read whose answer is lost is one that was never sent.
const FAULTS: [&str; 5] = ["throttle", "500", "503", "reset", "lost_answer"];
/// How many changing calls more than in an undisturbed life one fault may cost: the call again, and the others of the same update.
const MORE_CHANGES: u64 = 3;
/// The same for calls of any sort: after silence it is looked for what came of it, every two seconds for a minute at most.
const MORE_CALLS: u64 = 120;
/// Failures after which a sample has told enough.
const ENOUGH: usize = 5;

/// A call that meets a fault: the `nth` of an operation.
#[derive(Clone, Debug)]
struct Point {
    operation: String,
    nth: u64,
    mutating: bool,
    fault: &'static str,
}

/// A part of a life: where it ends, and what it was undisturbed.
struct Part {
    what: String,
    properties: Option<Properties>,
    quiet: Calls,
    end: Option<Value>,
}

pub(super) async fn show(bench: &mut Bench, extent: &Extent) -> Result<Shown> {
    let (create, updates, delete) = Box::pin(undisturbed(bench, extent)).await?;
    let mut dice = Dice(extent.seed);
    let mut points = |part: &Part| {
        let mut found = points(&part.quiet);
        dice.shuffle(&mut found);
        found.into_iter()
    };
    let (mut of_create, mut of_delete) = (points(&create), points(&delete));
    let mut of_updates: Vec<_> = updates.iter().map(&mut points).collect();
    let (mut tried, mut met, mut failures) = (0, 0, Vec::new());
    for cycle in 0..extent.cycles {
        let at = cycle % updates.len().max(1);
        let mut life = vec![(&create, of_create.next())];
        life.extend(updates.get(at).map(|part| (part, of_updates[at].next())));
        life.push((&delete, of_delete.next()));
        if life.iter().all(|(_, point)| point.is_none()) && of_updates.iter().all(|it| it.len() == 0) {
            break;
        }
        for (part, point) in life {
            tried += usize::from(point.is_some());
            // What was changed before may have spared its delete a call: protection that is off need not be taken off.
            let sure = part.properties.is_some() || updates.is_empty();
            match disturbed(bench, part, point.as_ref(), sure).await {
                Ok(hit) => met += usize::from(hit),
                Err(error) => {
                    failures.push(error.to_string());
                    bench.mine().options(json!({"rules": []}))?;
                    bench.settle(None, "taken away after a failure").await?;
                    break;
                }
            }
        }
        if failures.len() >= ENOUGH {
            break;
        }
    }
    match failures.is_empty() {
        true => Ok(Shown::Yes(format!("{met} of {tried} faults met"))),
        false => Err(format!("seed {}: {}", extent.seed, failures.join("\n  ")).into()),
    }
}

/// One life that nothing disturbs, in parts: with as many changes as there will be lives.
async fn undisturbed(bench: &mut Bench, extent: &Extent) -> Result<(Part, Vec<Part>, Part)> {
    let first = bench.sample.first();
    let create = quiet(bench, "create", Some(first.clone())).await?;
    let mut updates = Vec::new();
    let mut fields = bench.in_place()?;
    extent.dice().shuffle(&mut fields);
    for (name, changed) in fields.into_iter().take(extent.cycles) {
        updates.push(quiet(bench, &format!("{name} changed"), Some(changed)).await?);
        bench.settle(&first, &format!("{name} put back")).await?;
    }
    let delete = quiet(bench, "delete", None).await?;
    Ok((create, updates, delete))
}

async fn quiet(bench: &mut Bench, what: &str, properties: Option<Properties>) -> Result<Part> {
    let part = Part { what: what.to_owned(), properties, quiet: Calls::default(), end: None };
    let (quiet, end) = go(bench, &part, None).await?;
    Ok(Part { quiet, end, ..part })
}

/// Goes through a part, and says what was called and what there is then.
async fn go(bench: &mut Bench, part: &Part, point: Option<&Point>) -> Result<(Calls, Option<Value>)> {
    let rule = |it: &Point| json!({"match": {"operation": it.operation, "nth": it.nth}, "fault": it.fault});
    let mine = bench.mine();
    mine.options(json!({"rules": point.map(rule).into_iter().collect::<Vec<_>>()}))?;
    mine.clear_calls()?;
    bench.settle(part.properties.as_ref(), &part.what).await?;
    let calls = mine.calls()?;
    mine.options(json!({"rules": []}))?;
    let end = if part.properties.is_some() { Some(plain(bench).await?) } else { None };
    Ok((calls, end))
}

/// The same with a fault; whether the call came that meets it, which it has to if that is `sure` of a changing one.
async fn disturbed(bench: &mut Bench, part: &Part, point: Option<&Point>, sure: bool) -> Result<bool> {
    let at = |error: String| match point {
        Some(it) => format!("{}, {} {} meets {}: {error}", part.what, it.operation, it.nth, it.fault),
        None => format!("{}, after faults: {error}", part.what),
    };
    let (calls, end) = go(bench, part, point).await.map_err(|error| at(error.to_string()))?;
    if end != part.end {
        return Err(at(format!("the end is another one: {end:?} is not {:?}", part.end)).into());
    }
    // What AWS refuses until an hour is over is tried as often as the machine comes to it, and changes nothing.
    let (changes, all) = (part.quiet.changing() + MORE_CHANGES, part.quiet.total + MORE_CALLS);
    if calls.changing() > changes || calls.total > all {
        return Err(at(format!(
            "{} calls, {} of them changes, where {all} and {changes} are enough: {:?}",
            calls.total,
            calls.changing(),
            calls.by_operation
        ))
        .into());
    }
    if sure && calls.faults == 0 && point.is_some_and(|it| it.mutating) {
        return Err(at(format!("that call did not come: {:?}", calls.log)).into());
    }
    Ok(calls.faults > 0)
}

/// Every call with every fault; of reads that follow each other the first one counts.
fn points(calls: &Calls) -> Vec<Point> {
    let mut numbers: BTreeMap<&str, u64> = BTreeMap::new();
    let (mut found, mut before) = (Vec::new(), "");
    for (operation, mutating) in &calls.log {
        let nth = numbers.entry(operation).or_default();
        *nth += 1;
        if *mutating || operation != before {
            let faults = FAULTS.iter().filter(|fault| *mutating || **fault != "lost_answer");
            let point = |fault| Point { operation: operation.clone(), nth: *nth, mutating: *mutating, fault };
            found.extend(faults.map(|fault| point(*fault)));
        }
        before = operation;
    }
    found
}

/// What is read, without what differs from one generation to the next.
async fn plain(bench: &Bench) -> Result<Value> {
    let generation = bench.generation().await?;
    let token = bench.identity(generation.number).token;
    let names = [Some(generation.id.0), generation.name, Some(token)];
    let text = bench.live().await?.to_string();
    let text = names.into_iter().flatten().fold(text, |text, name| text.replace(&name, "(its own)"));
    Ok(serde_json::from_str(&text)?)
}
