//! Looking: every generation that stands is read, in batches per type, before a plan is made.

use std::{collections::BTreeMap, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use tokio::sync::Semaphore;

use crate::{
    address::{Address, ComponentId},
    clock::Clock,
    desired::Desired,
    error::{Class, Error, Result},
    event::{Event, Sink},
    plan::Live,
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
pub fn to_read<'a>(desired: &Desired, shards: impl IntoIterator<Item = (&'a ComponentId, &'a Shard)>) -> Vec<Asked> {
    let mut found = Vec::new();
    for (component, shard) in shards {
        for (role, recorded) in &shard.resources {
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

/// Whose, and which generation.
pub type Key = (Address, u32);

/// One answer, and whose it is.
type Read = (Key, Result<Seen>);

/// How things are read.
pub struct Reading<'a> {
    /// The types.
    pub types: &'a Registry,
    /// How many calls are on their way at once.
    pub parallelism: usize,
    /// Time.
    pub clock: &'a dyn Clock,
    /// Who is told that AWS slows it down.
    pub events: &'a dyn Sink,
}

impl Reading<'_> {
    /// Reads all of them; what may not be read fails the whole with the first refusal.
    pub async fn all(&self, asked: Vec<Asked>) -> Result<Live> {
        self.each(asked)
            .await
            .into_iter()
            .map(|(key, seen)| Ok((key.clone(), seen.map_err(|it| at(&key.0, it))?)))
            .collect()
    }

    /// Reads all of them; what may not be read is an answer too.
    ///
    /// Absence is a weighty word: it makes the planner build a new thing. What an earlier run made and never saw may not be
    /// visible yet, so it is looked for until its type's window has passed; anything else that seems gone is looked for once more.
    pub async fn each(&self, asked: Vec<Asked>) -> BTreeMap<Key, Result<Seen>> {
        let mut live = self.once(asked.clone()).await;
        let start = self.clock.monotonic();
        let mut again = 0;
        loop {
            let spent = self.clock.monotonic().saturating_sub(start);
            let window = |kind: &str| self.types.get(kind).map_or(Duration::ZERO, |it| it.facts().visibility);
            let doubtful = |it: &&Asked| {
                matches!(live.get(&(it.address.clone(), it.generation)), Some(Ok(Seen::Absent)))
                    && if it.confirmed { again == 0 } else { spent < window(&it.kind) }
            };
            let missing: Vec<Asked> = asked.iter().filter(doubtful).cloned().collect();
            if missing.is_empty() {
                return live;
            }
            self.clock.sleep(PAUSE).await;
            live.extend(self.once(missing).await);
            again += 1;
        }
    }

    /// In batches per type; as many at once as the whole and each service's rate class allow.
    async fn once(&self, asked: Vec<Asked>) -> BTreeMap<Key, Result<Seen>> {
        let mut found = BTreeMap::new();
        let mut by_type: BTreeMap<String, Vec<Asked>> = BTreeMap::new();
        for it in asked {
            by_type.entry(it.kind.clone()).or_default().push(it);
        }
        let whole = Semaphore::new(self.parallelism.max(1));
        let mut classes: BTreeMap<&str, Semaphore> = BTreeMap::new();
        let mut batches = Vec::new();
        for (kind, all) in by_type {
            let resource = match self.types.need(&kind) {
                Ok(resource) => resource,
                Err(error) => {
                    found.extend(all.into_iter().map(|it| ((it.address, it.generation), Err(error.without_source()))));
                    continue;
                }
            };
            let facts = resource.facts();
            classes.entry(facts.rate.class).or_insert_with(|| Semaphore::new(facts.rate.in_flight.max(1)));
            let chunks = all.chunks(facts.page.max(1)).map(|chunk| (resource.as_ref(), chunk.to_vec()));
            batches.extend(chunks.collect::<Vec<_>>());
        }
        let read = batches.into_iter().map(|(resource, chunk)| {
            let (whole, class) = (&whole, classes.get(resource.facts().rate.class));
            async move {
                // Its own class first: who waits for it holds nobody else up.
                let _turn = match class {
                    Some(class) => Some(class.acquire().await),
                    None => None,
                };
                let _place = whole.acquire().await;
                self.batch(resource, chunk).await
            }
            .boxed()
        });
        let read: Vec<BoxFuture<'_, Vec<Read>>> = read.collect();
        found.extend(futures::future::join_all(read).await.into_iter().flatten());
        found
    }

    async fn batch(&self, resource: &dyn DynResource, chunk: Vec<Asked>) -> Vec<Read> {
        let ids: Vec<(PhysicalId, Wanted)> = chunk.iter().map(|it| (it.id.clone(), it.wanted.clone())).collect();
        let mut seen = resource.read_many(&ids).await;
        // A read that was not answered says nothing about the thing, and a plan cannot do without it.
        for _ in 0..AGAIN {
            let passing = seen.iter().filter_map(|it| it.as_ref().err()).find(|error| passes(error.class()));
            let Some(error) = passing else { break };
            let (resources, why) = (ids.len(), error.to_string());
            self.events.send(Event::ReadAgain { resources, why });
            self.clock.sleep(PAUSE).await;
            seen = resource.read_many(&ids).await;
        }
        chunk.into_iter().zip(seen).map(|(it, seen)| ((it.address, it.generation), seen)).collect()
    }
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
