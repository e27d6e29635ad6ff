//! What others do in its place: something of its name, or where it belongs, that does not carry our tags.
//!
//! It is refused, with the command that would take it over, and stays as it is. A type whose things AWS lets stand beside each other
//! has no place that can be taken.

use std::time::Duration;

use deployer_engine::{
    error::Class,
    facts::{Facts, FoundBy, Nature},
    resource::{Created, DeleteOptions, DynResource, Identity, PhysicalId, Seen, Wanted},
};
use serde_json::Value;

use super::{Bench, Shown, bench::Properties, contract::gone};
use crate::Result;

pub(super) async fn show(bench: &mut Bench) -> Result<Shown> {
    let first = bench.sample.first();
    let Some(theirs) = others(bench, &first)? else { return Ok(Shown::NotForIt) };
    bench.settle(&theirs, "made, as others will").await?;
    let applied = bench.generation().await?.applied;
    bench.settle(None, "taken away, before others come").await?;
    let spec = without_our_tags(bench.resource()?.facts(), applied);
    let made = by_hand(bench, &spec, &other(bench, "other")?).await?;
    let refused = bench.apply(&first, false).await;
    let it = bench.resource()?;
    let seen = it.read(&made.id, &Wanted::of([&spec])).await?;
    away(it, &made.id, &spec).await?;
    // What is found by its token alone is not found if it is others': the person looks its id up.
    let id = if it.facts().found == FoundBy::Token { "ID" } else { &made.id.0 };
    let command = format!("deployer state import {} {id}", bench.address);
    match refused {
        Ok(()) => return Err("what is not ours was taken over".into()),
        Err(error) if !error.to_string().contains(&command) => {
            return Err(format!("refused without `{command}`: {error}").into());
        }
        Err(_) => {}
    }
    let told = match seen {
        Seen::Ready { spec, .. } | Seen::Pending { spec: Some(spec), .. } => spec,
        other => return Err(format!("what others made is {}", other.status()).into()),
    };
    let tags = |value: &Value| it.facts().tags.and_then(|at| value.pointer(at).cloned());
    if tags(&told).unwrap_or_default().to_string().contains("deployer:") {
        return Err(format!("our tags were put on what is not ours: {told}").into());
    }
    bench.settle(&first, "made once the place is free").await?;
    bench.settle(None, "taken away again").await?;
    Ok(Shown::Yes(String::new()))
}

/// The properties of something that others could put in its place; none if they cannot.
fn others(bench: &Bench, first: &Properties) -> Result<Option<Properties>> {
    let facts = bench.resource()?.facts();
    let slots = |properties: &Properties| (facts.slots)(&Value::Object(properties.clone()));
    let taken = slots(first);
    let told = |name: &String| {
        !facts.natures(&format!("/{name}")).any(|it| matches!(it, Nature::WriteOnly | Nature::InitialOnly))
    };
    Ok(match (facts.found, facts.name) {
        // Its content tells whose it is: another one in the same place is needed.
        (FoundBy::Content, _) => {
            let fields = bench.sample.fields.iter().filter(|(name, (_, second))| told(name) && !second.is_null());
            let mut changed = fields.map(|(name, _)| bench.sample.second(name, first));
            changed.find(|it| slots(it).iter().any(|slot| taken.contains(slot)))
        }
        // A minted name is new with each generation, and a revision takes nobody's place.
        (_, Some(rule)) => {
            let stated = first.contains_key(rule.field.trim_start_matches('/'));
            (stated && !rule.shared).then(|| first.clone())
        }
        (FoundBy::Name, None) => Some(first.clone()),
        // Without a name it is in nobody's way, unless it takes a place.
        (FoundBy::Tag | FoundBy::Token, None) => (!taken.is_empty()).then(|| first.clone()),
    })
}

/// Somebody else than the thing on the bench.
pub(super) fn other(bench: &Bench, what: &str) -> Result<Identity> {
    Ok(Identity { address: "Kit.other/Thing".parse()?, generation: 1, token: format!("{what}-of-{}", bench.lineage()) })
}

/// Makes one by the provider alone, for nobody that the engine knows.
pub(super) async fn by_hand(bench: &Bench, spec: &Value, who: &Identity) -> Result<Created> {
    Ok(bench.resource()?.create(who, spec).await?)
}

/// Takes away what was made by hand; what is still coming may have to be there first.
#[allow(clippy::disallowed_methods, reason = "waits for another process")]
pub(super) async fn away(it: &dyn DynResource, id: &PhysicalId, spec: &Value) -> Result<()> {
    for _ in 0..200 {
        match it.delete(id, spec, &DeleteOptions::default()).await {
            Ok(()) => return gone(it, id).await,
            Err(error) if error.class() == Class::Conflict => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(error) => return Err(error.into()),
        }
    }
    Err(format!("{id} cannot be deleted").into())
}

/// The same as somebody else would have it.
fn without_our_tags(facts: &Facts, mut spec: Value) -> Value {
    let tags = facts.tags.and_then(|at| spec.pointer_mut(at)).and_then(Value::as_array_mut);
    if let Some(tags) = tags {
        tags.retain(|tag| tag["Key"].as_str().is_none_or(|key| !key.starts_with("deployer:")));
    }
    spec
}

/// The thing with our own tags, as another generation of it would have them.
pub(super) fn tagged(it: &dyn DynResource, mut spec: Value, token: &str) -> Value {
    let tags = it.facts().tags.and_then(|at| spec.pointer_mut(at)).and_then(Value::as_array_mut);
    for tag in tags.into_iter().flatten().filter(|tag| tag["Key"] == "deployer:token") {
        tag["Value"] = token.into();
    }
    spec
}
