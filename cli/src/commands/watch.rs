//! `apply --watch`: stays, and says when a component stops doing what it is there for, or does it again.
//!
//! It asks what the verdict asked, once each time and without patience: what passes by itself is told as well.

use std::{collections::BTreeMap, time::Duration};

use deployer_engine::{
    address::ComponentId,
    desired::Check,
    expr::{self, Reference},
    health::Health,
    session::{Memory, Session},
    state::Shard,
    verdict::{self, Examiner},
};
use futures::future;

use crate::{
    context::Context,
    duration,
    examine::Here,
    exit::{Code, Failure},
    term::{Term, Tone},
};

/// How often it looks.
const EVERY: Duration = Duration::from_secs(10);

/// Looks until it is interrupted.
pub async fn run(context: &Context, session: &Session, term: &Term) -> Result<Code, Failure> {
    context.only_looks();
    let memory = session.look().await?;
    let due = |shard: &Shard| verdict::is_due(&context.types, shard);
    let watched: Vec<&ComponentId> =
        memory.shards.iter().filter(|(_, it)| due(&it.record.body)).map(|(id, _)| id).collect();
    if watched.is_empty() {
        term.say("\nNothing that is deployed here can be asked how it fares: nothing is watched.");
        return Ok(Code::Done);
    }
    let count = duration::count(watched.len(), "component");
    term.say(format!("\nwatching {count}; an interrupt ends it"));
    let mut known: BTreeMap<&ComponentId, Option<String>> = BTreeMap::new();
    loop {
        let looks = watched.iter().map(|id| look(context, &memory, id));
        for (id, found) in watched.iter().zip(future::join_all(looks).await) {
            if known.get(id) != Some(&found) {
                say(context, id, found.as_deref(), term);
                known.insert(id, found);
            }
        }
        let clock = &context.stores.clock;
        if context.stop.is_wished() || !context.stop.unless(clock.sleep(EVERY)).await {
            return Ok(Code::Done);
        }
    }
}

fn say(context: &Context, id: &ComponentId, found: Option<&str>, term: &Term) {
    let time = duration::time_of_day(context.stores.clock.wall_millis());
    term.say(match found {
        None => format!("{time} {} {id} does what it is there for", term.paint(Tone::Good, "good    ")),
        Some(why) => format!("{time} {} {id}: {why}", term.paint(Tone::Bad, "not good")),
    });
}

/// Why a component does not do what it is there for, if it does not.
async fn look(context: &Context, memory: &Memory, id: &ComponentId) -> Option<String> {
    let shard = &memory.shards.get(id)?.record.body;
    for state in shard.resources.values() {
        let resource = context.types.get(&state.kind).filter(|it| it.facts().probed);
        let (Some(resource), Some(current)) = (resource, &state.current) else { continue };
        match resource.probe(&current.id, &current.applied).await {
            Ok(Health::Good) => {}
            Ok(Health::NotYet(symptom) | Health::Bad(symptom)) => return Some(symptom.why),
            Err(error) => return Some(error.chain()),
        }
    }
    let here = Here { folder: context.global.dir.clone(), aws: context.aws.clone() };
    let checks = shard.checks.iter().map(|it| check(&here, memory, it));
    future::join_all(checks).await.into_iter().flatten().next()
}

async fn check(here: &Here, memory: &Memory, it: &Check) -> Option<String> {
    let known = |reference: &Reference| {
        let shard = &memory.shards.get(&reference.address.component)?.record.body;
        shard.output(&reference.address.role, &reference.output).cloned()
    };
    let found = here.examine(&expr::resolve(&it.test, &known), deployer_providers::CALL_TIMEOUT).await;
    (!found.passed).then(|| format!("{}: {}", it.name, found.said))
}
