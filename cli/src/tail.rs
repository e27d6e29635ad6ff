//! Lines of containers as they come: for `logs` and for `apply --logs`.
//!
//! CloudWatch takes lines in late and out of order, so each look goes back a while, and what was seen is known by its id.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use deployer_engine::{
    address::{Address, ComponentId},
    clock::Clock,
    error::{Error, Result},
    expr::{self, Reference},
    plan::Plan,
    session::Memory,
};
use deployer_providers::{
    Aws,
    ecs::logs::{self, Line, Place},
};
use futures::future;
use serde_json::Value;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::term::{Term, Tone};

/// The type whose properties say where containers write.
const DEFINITION: &str = "AWS::ECS::TaskDefinition";
/// How long between two looks.
pub const PAUSE: Duration = Duration::from_secs(2);
/// How late a line may come in.
const LATE_MILLIS: i64 = 15_000;
/// How much of a task's id tells it from others.
const SHORT: usize = 8;

/// Where the containers of a component write, by what was applied.
pub fn places(memory: &Memory, id: &ComponentId, region: &str) -> Vec<Place> {
    let shard = memory.shards.get(id).map(|held| &held.record.body);
    let resources = shard.into_iter().flat_map(|it| it.resources.values()).filter(|it| it.kind == DEFINITION);
    resources.filter_map(|it| it.current.as_ref()).flat_map(|it| logs::places(&it.applied, region)).collect()
}

/// Where the containers of what a plan changes write: as it will be, else as it is.
pub fn planned(plan: &Plan, memory: &Memory) -> Vec<Place> {
    let region = &plan.scope.region;
    let of = |id: &ComponentId| {
        let mut steps = plan.steps.iter().filter(|it| it.kind == DEFINITION && it.address().component == *id);
        match steps.find_map(|it| it.desired()) {
            Some(desired) => logs::places(&expr::resolve(desired, &|it| named(plan, memory, it)), region),
            None => places(memory, id, region),
        }
    };
    plan.components.iter().filter(|(_, it)| !it.going).flat_map(|(id, _)| of(id)).collect()
}

/// A log group's name is known before there is one.
fn named(plan: &Plan, memory: &Memory, reference: &Reference) -> Option<Value> {
    let Address { component, role } = &reference.address;
    let step = plan.steps.iter().find(|it| *it.address() == reference.address && it.desired().is_some());
    let held = || memory.shards.get(component)?.record.body.resources.get(role)?.current.as_ref();
    let name = step.and_then(|it| it.name.clone()).or_else(|| held()?.name.clone());
    name.map(Value::String).or_else(|| held()?.outputs.get(&reference.output).cloned())
}

/// A line, and whose it is.
#[derive(Clone, Debug)]
pub struct Told {
    /// The container.
    pub container: String,
    /// The line.
    pub line: Line,
}

impl Told {
    /// As a person reads it; what would move the cursor is left out.
    pub fn text(&self) -> String {
        let task: String = self.line.task.chars().take(SHORT).collect();
        let line = self.line.text.trim_end().replace('\t', "    ");
        let plain: String = uncoloured(&line).chars().filter(|c| !c.is_control()).collect();
        format!("{}/{task} | {plain}", self.container)
    }
}

/// Without sequences for terminals: what is left of them without their first character would be noise.
fn uncoloured(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line.chars();
    while let Some(c) = rest.next() {
        if c == '\x1b' {
            // `ESC [ numbers letter`; of another one only its next character goes.
            if rest.next() == Some('[') {
                rest.by_ref().find(char::is_ascii_alphabetic);
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// Follows the containers of some places.
pub struct Tail {
    aws: Aws,
    places: Vec<Place>,
    since_millis: i64,
    seen: BTreeMap<String, i64>,
}

impl Tail {
    /// From then on.
    pub fn new(aws: Aws, places: Vec<Place>, since_millis: u64) -> Self {
        let since_millis = i64::try_from(since_millis).unwrap_or(i64::MAX);
        Self { aws, places, since_millis, seen: BTreeMap::new() }
    }

    /// What came since the last look, oldest first.
    pub async fn next(&mut self) -> Result<Vec<Told>> {
        let newest = self.seen.values().max().copied();
        let since = newest.map_or(self.since_millis, |newest| (newest - LATE_MILLIS).max(self.since_millis));
        let looks = self.places.iter().map(|place| async {
            let lines = logs::lines(&self.aws, place, since).await?;
            let told = lines.into_iter().map(|line| Told { container: place.container.clone(), line });
            Ok::<Vec<Told>, Error>(told.collect())
        });
        let mut all: Vec<Told> = future::try_join_all(looks).await?.into_iter().flatten().collect();
        all.retain(|it| !self.seen.contains_key(&it.line.id));
        // Lines of one moment stay in the order in which they were written.
        all.sort_by_key(|it| it.line.at_millis);
        self.seen.retain(|_, at| *at >= since);
        self.seen.extend(all.iter().map(|it| (it.line.id.clone(), it.line.at_millis)));
        Ok(all)
    }
}

/// Lines that are shown while something else goes on.
pub struct Beside {
    end: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl Beside {
    /// Shows them from now on. What cannot be read is not worth a deployment: that is said once.
    pub fn start(mut tail: Tail, clock: Arc<dyn Clock>, term: Term) -> Self {
        let (end, mut ended) = oneshot::channel();
        let running = tokio::spawn(async move {
            loop {
                let last = tokio::select! {
                    biased;
                    _ = &mut ended => true,
                    () = clock.sleep(PAUSE) => false,
                };
                match tail.next().await {
                    Ok(lines) => lines.iter().for_each(|it| term.say(term.paint(Tone::Faint, it.text()))),
                    Err(error) => return term.note(format!("log lines cannot be read: {}", error.chain())),
                }
                if last {
                    return;
                }
            }
        });
        Self { end, running }
    }

    /// Looks once more, and ends.
    pub async fn end(self) {
        let _ = self.end.send(());
        let _ = self.running.await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_move_the_cursor() {
        let line = |text: &str| Told {
            container: "api".to_owned(),
            line: Line { at_millis: 0, task: "0123456789abcdef".to_owned(), text: text.to_owned(), id: String::new() },
        };
        assert_eq!(line("GET / 200\n").text(), "api/01234567 | GET / 200");
        assert_eq!(line("\x1b[31mred\x1b[0m\ta\rb\x07").text(), "api/01234567 | red    ab");
    }
}
