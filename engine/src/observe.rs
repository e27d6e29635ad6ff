//! Looking: every generation that stands is read, in batches per type, before a plan is made.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use futures::{FutureExt, StreamExt, future::BoxFuture, stream};

use crate::{
    address::{Address, ComponentId},
    clock::Clock,
    desired::Desired,
    error::{Class, Error, Result},
    plan::Live,
    record::Record,
    resource::{DynResource, PhysicalId, Registry, Seen, Wanted},
    settle::passes,
    state::Shard,
};

/// Before what seems gone is looked for again, and before what was not answered is asked again.
const PAUSE: Duration = Duration::from_secs(2);
/// How often what was not answered is asked again.
const AGAIN: usize = 3;

/// One thing to read.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Whose.
    pub address: Address,
    /// Which generation.
    pub generation: u32,
    /// The CloudFormation type name.
    pub kind: String,
    /// Its id.
    pub id: PhysicalId,
    /// The properties that somebody compares.
    pub wanted: Wanted,
    /// Reads have seen it before.
    pub confirmed: bool,
}

/// What a refresh has to read: every generation that stands, with the fields that somebody compares.
pub fn to_read(desired: &Desired, shards: &BTreeMap<ComponentId, Record<Shard>>) -> Vec<Asked> {
    let mut found = Vec::new();
    for (component, shard) in shards {
        for (role, recorded) in &shard.body.resources {
            let address = component.at(role);
            let properties = desired.resources.get(&address).map(|it| &it.properties);
            for generation in recorded.standing() {
                let wanted = Wanted::of(properties.into_iter().chain([&generation.applied]));
                let (kind, id, confirmed) = (recorded.kind.clone(), generation.id.clone(), generation.confirmed);
                found.push(Asked {
                    address: address.clone(),
                    generation: generation.number,
                    kind,
                    id,
                    wanted,
                    confirmed,
                });
            }
        }
    }
    found
}

/// Reads all of them; what may not be read fails the whole with the first refusal.
///
/// Absence is a weighty word: it makes the planner build a new thing. What an earlier run made and never saw may not be visible
/// yet, so it is looked for until its type's window has passed; anything else that seems gone is looked for once more.
pub async fn read_all(types: &Registry, asked: Vec<Asked>, parallelism: usize, clock: &dyn Clock) -> Result<Live> {
    let mut live = read_once(types, asked.clone(), parallelism, clock).await?;
    let start = clock.monotonic();
    let mut again = 0;
    loop {
        let spent = clock.monotonic().saturating_sub(start);
        let window = |kind: &str| types.get(kind).map_or(Duration::ZERO, |it| it.facts().visibility);
        let doubtful = |it: &&Asked| {
            live.get(&(it.address.clone(), it.generation)) == Some(&Seen::Absent)
                && if it.confirmed { again == 0 } else { spent < window(&it.kind) }
        };
        let missing: Vec<Asked> = asked.iter().filter(doubtful).cloned().collect();
        if missing.is_empty() {
            return Ok(live);
        }
        clock.sleep(PAUSE).await;
        live.extend(read_once(types, missing, parallelism, clock).await?);
        again += 1;
    }
}

async fn read_once(types: &Registry, asked: Vec<Asked>, parallelism: usize, clock: &dyn Clock) -> Result<Live> {
    let mut by_type: BTreeMap<String, Vec<Asked>> = BTreeMap::new();
    for it in asked {
        by_type.entry(it.kind.clone()).or_default().push(it);
    }
    let mut batches = Vec::new();
    for (kind, all) in by_type {
        let resource = types.need(&kind)?.clone();
        batches.extend(
            all.chunks(resource.facts().page.max(1))
                .map(|chunk| (resource.clone(), chunk.to_vec()))
                .collect::<Vec<_>>(),
        );
    }
    // A type without a batched read reads its chunk at once, so a few chunks are many calls in flight.
    let width = (parallelism / 4).max(1);
    let reads: Vec<BoxFuture<'_, Vec<Read>>> =
        batches.into_iter().map(|(resource, chunk)| read_batch(resource, chunk, clock).boxed()).collect();
    let read = stream::iter(reads).buffer_unordered(width).collect::<Vec<_>>().await;
    read.into_iter().flatten().map(|(key, seen)| Ok((key.clone(), seen.map_err(|error| at(&key.0, error))?))).collect()
}

/// One answer, and whose it is.
type Read = ((Address, u32), Result<Seen>);

async fn read_batch(resource: Arc<dyn DynResource>, chunk: Vec<Asked>, clock: &dyn Clock) -> Vec<Read> {
    let ids: Vec<(PhysicalId, Wanted)> = chunk.iter().map(|it| (it.id.clone(), it.wanted.clone())).collect();
    let mut seen = resource.read_many(&ids).await;
    // A read that was not answered says nothing about the thing, and a plan cannot do without it.
    for _ in 0..AGAIN {
        if !seen.iter().any(|it| it.as_ref().is_err_and(|error| passes(error.class()))) {
            break;
        }
        clock.sleep(PAUSE).await;
        seen = resource.read_many(&ids).await;
    }
    chunk.into_iter().zip(seen).map(|(it, seen)| ((it.address, it.generation), seen)).collect()
}

/// The error with the address that it is about.
fn at(address: &Address, error: Error) -> Error {
    match error {
        Error::Call { operation, class, code, message, source } => {
            let denied = if class == Class::Denied { "; plan with --refresh=false does without reading" } else { "" };
            Error::Call { operation, class, code, message: format!("{message} (reading {address}{denied})"), source }
        }
        other => other,
    }
}
