//! The first half: create, read, change and remove each field, find, delete.
//!
//! What is declared of each field - create-only, what its removal does - has to be what the plan says and AWS then shows.

use std::time::Duration;

use deployer_engine::{
    facts::{FoundBy, Nature, OnRemove},
    find::{Found, find},
    plan::Action,
    resource::{DeleteOptions, DynResource, PhysicalId, Seen, Wanted},
};
use serde_json::{Map, Value, json};

use super::{Bench, Sample, Types, bench::name_of, fields};
use crate::{Result, emulator::Client, permissions::Called};

/// The whole contract on one sample; what was called for it.
pub async fn contract(sample: &Sample, client: &Client, types: &Types) -> Result<Called> {
    let mut bench = Bench::new(sample, client, types).await?;
    let mut first = sample.first();
    let mut now = first.clone();
    // Its first create's answer is lost: one thing all the same.
    let mine = bench.mine();
    mine.options(json!({"rules": [{"match": {"mutating": true, "nth": 1}, "fault": "lost_answer"}]}))?;
    bench.settle(&now, "create, its answer lost").await?;
    mine.options(json!({"rules": []}))?;
    for (name, (_, second)) in &sample.fields {
        changed(&mut bench, &mut now, name, second).await?;
        removed(&mut bench, &mut now, name).await?;
        // What never shrinks stays as it has grown.
        if bench.resource()?.facts().natures(&format!("/{name}")).any(|it| matches!(it, Nature::OnlyGrows)) {
            first.insert(name.clone(), second.clone());
        }
        now.clone_from(&first);
        bench.settle(&now, &format!("{name} put back")).await?;
    }
    by_itself(&bench).await?;
    bench.settle(&now, "made again after it was deleted outside").await?;
    bench.apply(&now, true).await?;
    let called = |kind: &str| {
        let calls = client.named(&name_of(kind, client)).calls()?;
        Ok((kind.to_owned(), calls.by_operation.into_keys().collect()))
    };
    sample.kinds().into_iter().map(called).collect()
}

/// Another value: in place, or a replacement if it is create-only.
async fn changed(bench: &mut Bench, now: &mut Map<String, Value>, name: &str, second: &Value) -> Result<()> {
    let facts = bench.resource()?.facts();
    if second.is_null() && facts.on_remove(&format!("/{name}")) == OnRemove::Keep {
        return Ok(());
    }
    *now = bench.sample.second(name, now);
    let steps = bench.steps(&*now).await?;
    let create_only = facts.create_only(&format!("/{name}"));
    let replaced = steps.iter().any(|step| matches!(step.action, Action::Create { replaces: Some(_), .. }));
    let updated = steps.iter().any(|step| matches!(step.action, Action::Update { .. }));
    if create_only != replaced || create_only == updated {
        return Err(format!(
            "{}: {name} changed: create-only {create_only}, the plan replaces {replaced}, updates {updated}",
            bench.sample.file
        )
        .into());
    }
    bench.settle(&*now, &format!("{name} changed")).await
}

/// Taken out of the YAML: what `on_remove` declares.
async fn removed(bench: &mut Bench, now: &mut Map<String, Value>, name: &str) -> Result<()> {
    let (_, required) = fields(bench.resource()?);
    let facts = bench.resource()?.facts();
    let is_name = facts.name.is_some_and(|rule| rule.field == format!("/{name}"));
    // A second value of nothing was its removal already.
    let was_removed = now.get(name).is_none_or(Value::is_null);
    if required.contains(name) || bench.sample.keep.contains(name) || is_name || was_removed {
        return Ok(());
    }
    now.remove(name);
    let steps = bench.steps(&*now).await?;
    let wanted = facts.on_remove(&format!("/{name}"));
    let actions: Vec<&Action> = steps.iter().map(|step| &step.action).collect();
    let replaced = actions.iter().any(|action| matches!(action, Action::Create { replaces: Some(_), .. }));
    let fits = match wanted {
        OnRemove::Replace => replaced,
        OnRemove::Keep => actions.is_empty(),
        OnRemove::Reset(_) | OnRemove::Clear => !replaced,
    };
    if !fits {
        return Err(format!(
            "{}: {name} removed: {wanted:?} is declared, the plan says {actions:?}",
            bench.sample.file
        )
        .into());
    }
    bench.settle(&*now, &format!("{name} removed")).await
}

/// The provider by itself: find, create twice, delete twice, read what is gone and what never was.
async fn by_itself(bench: &Bench) -> Result<()> {
    let it = bench.resource()?;
    let file = &bench.sample.file;
    let generation = bench.generation().await?;
    let who = bench.identity(generation.number);
    let (id, spec) = (&generation.id, &generation.applied);
    match find(it, &who, spec).await? {
        Found::Ours { id: found, .. } if found == *id => {}
        other => return Err(format!("{file}: find does not see what was made: {other:?}").into()),
    }
    // What has neither name nor token is kept one by the engine, which asks first; the lost answer above showed that.
    if it.facts().found != FoundBy::Tag
        && let Ok(made) = it.create(&who, spec).await
        && made.id != *id
    {
        return Err(format!("{file}: a second create made a second thing: {}", made.id).into());
    }
    for round in ["first", "second"] {
        it.delete(id, spec, &DeleteOptions::default())
            .await
            .map_err(|error| format!("{file}: the {round} delete failed: {error}"))?;
        gone(it, id).await.map_err(|error| format!("{file}: after the {round} delete: {error}"))?;
    }
    match find(it, &who, spec).await? {
        Found::Nothing => {}
        other => return Err(format!("{file}: find sees what is gone: {other:?}").into()),
    }
    let never = PhysicalId(id.0.replace("kit-test", "kit-never").replace("stated", "never"));
    if never != *id && it.read(&never, &Wanted::All).await? != Seen::Absent {
        return Err(format!("{file}: what never was is not absent: {never}").into());
    }
    Ok(())
}

/// Reads until it is absent; things linger.
#[allow(clippy::disallowed_methods, reason = "waits for another process")]
pub(super) async fn gone(it: &dyn DynResource, id: &PhysicalId) -> Result<()> {
    for _ in 0..100 {
        if it.read(id, &Wanted::All).await? == Seen::Absent {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err("it is still there".into())
}
