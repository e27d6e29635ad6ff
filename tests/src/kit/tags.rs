//! Tags: ours and the user's arrive, and nobody else's is touched.
//!
//! They are put and read by boto3. A tag from outside survives every update, also one of the tags, and is no drift.

use serde_json::{Value, json};

use super::{Bench, Shown, bench::Properties};
use crate::Result;

/// Tags that others put, one of them AWS's own.
const THEIRS: [&str; 2] = ["kit-outside", "aws:kit"];

pub(super) async fn show(bench: &mut Bench) -> Result<Shown> {
    let facts = bench.resource()?.facts();
    let Some(at) = facts.tags else { return Ok(Shown::NotForIt) };
    let mut now = tagged(bench.sample.first(), at, &[("a", "1")]);
    bench.settle(&now, "made with a tag").await?;
    let refused = tagging(bench, &THEIRS.map(|key| format!("{key}=theirs"))).await?["refused"].clone();
    let theirs = THEIRS.into_iter().filter(|key| !refused.as_array().is_some_and(|all| all.contains(&json!(key))));
    let theirs: Vec<&str> = theirs.collect();
    if theirs.is_empty() {
        return Err(format!("no tag could be put from outside: {refused}").into());
    }
    has(bench, "made", &theirs, &[("a", Some("1"))]).await?;
    bench.settle(&now, "with tags of others").await?;
    if facts.create_only(at) {
        bench.settle(None, "taken away").await?;
        return Ok(Shown::Yes("another tag is another thing".to_owned()));
    }
    if let Some((name, changed)) = bench.in_place()?.into_iter().find(|(name, _)| at != format!("/{name}")) {
        bench.settle(&tagged(changed, at, &[("a", "1")]), &format!("{name} changed beside tags")).await?;
        has(bench, &name, &theirs, &[("a", Some("1"))]).await?;
        bench.settle(&now, &format!("{name} put back beside tags")).await?;
    }
    now = tagged(now, at, &[("a", "2"), ("b", "3")]);
    bench.settle(&now, "its tags changed").await?;
    has(bench, "its tags changed", &theirs, &[("a", Some("2")), ("b", Some("3"))]).await?;
    tagging(bench, &["a=9".to_owned()]).await?;
    if bench.steps(&now).await?.is_empty() {
        return Err("one of our tags was changed outside, and the plan says nothing".into());
    }
    bench.settle(&now, "one of our tags put right").await?;
    has(bench, "one of our tags put right", &theirs, &[("a", Some("2")), ("b", Some("3"))]).await?;
    now.remove(at.trim_start_matches('/'));
    bench.settle(&now, "its tags removed").await?;
    has(bench, "its tags removed", &theirs, &[("a", None), ("b", None)]).await?;
    bench.settle(None, "taken away with tags of others").await?;
    Ok(Shown::Yes(format!("beside {}", theirs.join(", "))))
}

/// The properties with these tags of the user.
fn tagged(mut properties: Properties, at: &str, tags: &[(&str, &str)]) -> Properties {
    let tags: Vec<Value> = tags.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect();
    properties.insert(at.trim_start_matches('/').to_owned(), tags.into());
    properties
}

/// Puts tags by boto3; all that there are then, and which were refused.
async fn tagging(bench: &Bench, put: &[String]) -> Result<Value> {
    let generation = bench.generation().await?;
    let outputs = serde_json::to_string(&generation.outputs)?;
    let mut arguments = vec![bench.sample.kind.as_str(), &generation.id.0, &outputs];
    arguments.extend(put.iter().map(String::as_str));
    bench.client.boto3("tagging.py", &arguments)
}

/// Demands our tags, those of others and the user's, with these values or none.
async fn has(bench: &Bench, when: &str, theirs: &[&str], users: &[(&str, Option<&str>)]) -> Result<()> {
    let told = tagging(bench, &[]).await?["tags"].clone();
    let number = bench.generation().await?.number;
    let (address, token) = (bench.address.to_string(), bench.identity(number).token);
    let ours = [
        ("deployer:address", address.as_str()),
        ("deployer:stack", "kit"),
        ("deployer:env", "test"),
        ("deployer:lineage", bench.lineage()),
        ("deployer:token", &token),
    ];
    let all = ours.into_iter().chain(theirs.iter().map(|key| (*key, "theirs"))).map(|(key, text)| (key, Some(text)));
    for (key, wanted) in all.chain(users.iter().copied()) {
        if told[key].as_str() != wanted {
            return Err(format!("{when}: the tag {key} is {}, not {wanted:?}: {told}", told[key]).into());
        }
    }
    Ok(())
}
