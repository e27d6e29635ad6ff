//! The verdict: what reads say of a deployment once its steps are done.
//!
//! 'Deployed' is a statement about AWS, not about our calls. Types say by `probe` whether their things do what they are there for;
//! components and services add checks of their own. Waiting is here, once; nothing here changes anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use futures::future::{self, BoxFuture, FutureExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    address::{Address, ComponentId},
    clock::Clock,
    desired::{Check, Test},
    event::{Event, Sink},
    expr,
    health::{Health, Symptom},
    resource::{DynResource, Registry},
    settle::passes,
    state::{Generation, Shard},
    stop::Stop,
};

/// How long a thing that is as it was set gets at least until it does what it is there for.
const PATIENCE: Duration = Duration::from_secs(300);

/// Tries what a check names: a request, a connection, a command, an alarm.
pub trait Examiner: Send + Sync {
    /// Tries it once, within `limit`.
    fn examine<'a>(&'a self, test: &'a Value, limit: Duration) -> BoxFuture<'a, Examined>;
}

/// What came of trying.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examined {
    /// It holds.
    pub passed: bool,
    /// It does not, and trying again is of no use.
    pub never: bool,
    /// What was seen, in one line.
    pub said: String,
    /// What it printed or was answered, shortened.
    pub log: String,
}

/// Nobody who can try anything: every check fails with that reason.
pub struct NoExaminer;

impl Examiner for NoExaminer {
    fn examine<'a>(&'a self, _: &'a Value, _: Duration) -> BoxFuture<'a, Examined> {
        let said = "there is nobody here who can try it".to_owned();
        future::ready(Examined { never: true, said, ..Examined::default() }).boxed()
    }
}

/// What one probe, check or test came to: kept in the deployment's record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// What was looked at: an address, or the check's name under its component, service or stack.
    pub what: String,
    /// It holds.
    pub good: bool,
    /// Why not, or what was seen.
    pub why: String,
    /// What AWS told beside it, the nearest cause first; of a check: what it printed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// How long it took.
    pub millis: u64,
}

/// What reads say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Verdict {
    /// Everything that was looked at.
    pub findings: Vec<Finding>,
    /// The wish to stop came before it was known.
    pub interrupted: bool,
}

impl Verdict {
    /// True if all of it holds.
    pub fn is_good(&self) -> bool {
        !self.interrupted && self.findings.iter().all(|it| it.good)
    }

    /// What does not hold.
    pub fn bad(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|it| !it.good)
    }
}

/// True if there is more to say of the component than that its resources are as they were set.
pub fn is_due(types: &Registry, shard: &Shard) -> bool {
    let probed = |kind: &str| types.get(kind).is_some_and(|it| it.facts().probed);
    !shard.checks.is_empty() || shard.resources.values().any(|it| it.current.is_some() && probed(&it.kind))
}

/// What judging needs.
pub struct Judge<'a> {
    /// The types.
    pub types: &'a Registry,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The wish to stop.
    pub stop: &'a Stop,
    /// Where events go.
    pub events: &'a dyn Sink,
    /// Who tries checks.
    pub examiner: &'a dyn Examiner,
    /// How long one try may take.
    pub limit: Duration,
}

impl Judge<'_> {
    /// Judges `components`, then `tests` in their order, the later ones only while all is well. Outputs come from `shards`.
    pub async fn judge(
        &self,
        components: &BTreeSet<ComponentId>,
        tests: &[Test],
        shards: &BTreeMap<ComponentId, Shard>,
    ) -> Verdict {
        let all = components.iter().filter_map(|id| Some((id, shards.get(id)?)));
        let judged = future::join_all(all.map(|(id, shard)| self.component(id, shard, shards))).await;
        let mut verdict = Verdict { findings: judged.into_iter().flatten().collect(), interrupted: false };
        for test in tests {
            if !verdict.is_good() || self.stop.is_wished() {
                break;
            }
            let of = test.service.as_ref().map_or("the stack".to_owned(), |name| format!("Service.{name}"));
            verdict.findings.push(self.check(&of, &test.check, shards).await);
        }
        // What was cut short is no statement about AWS.
        verdict.interrupted = self.stop.is_wished();
        verdict
    }

    /// Its probes, then its checks: those would only say again what a probe says better.
    async fn component(&self, id: &ComponentId, shard: &Shard, shards: &BTreeMap<ComponentId, Shard>) -> Vec<Finding> {
        let probes = shard.resources.iter().filter_map(|(role, state)| {
            let resource = self.types.get(&state.kind).filter(|it| it.facts().probed)?;
            Some(self.probe(id.at(role), resource.as_ref(), state.current.as_ref()?))
        });
        let mut findings = future::join_all(probes).await;
        if findings.iter().all(|it| it.good) {
            let of = id.to_string();
            findings.extend(future::join_all(shard.checks.iter().map(|it| self.check(&of, it, shards))).await);
        }
        let good = findings.iter().all(|it| it.good);
        let bad = findings.iter().find(|it| !it.good).map(|it| it.why.clone());
        if !self.stop.is_wished() {
            self.events.send(Event::Judged { component: id.clone(), good, why: bad.unwrap_or_default() });
        }
        findings
    }

    async fn probe(&self, address: Address, resource: &dyn DynResource, it: &Generation) -> Finding {
        let how = resource.facts().settle.update;
        let budget = how.budget.max(PATIENCE);
        let (start, what) = (self.clock.monotonic(), address.to_string());
        loop {
            let symptom = match resource.probe(&it.id, &it.applied).await {
                Ok(Health::Good) => return self.finding(what, start, true, Symptom::of("does what it is there for")),
                Ok(Health::Bad(symptom)) => return self.finding(what, start, false, symptom),
                Ok(Health::NotYet(symptom)) => symptom,
                Err(error) if passes(error.class()) => Symptom::of(error.to_string()),
                Err(error) => return self.finding(what, start, false, Symptom::of(error.chain())),
            };
            let spent = self.clock.monotonic().saturating_sub(start);
            if spent >= budget || !self.pause(&address, &symptom.why, how.every).await {
                return self.finding(what, start, false, symptom);
            }
        }
    }

    async fn pause(&self, address: &Address, status: &str, every: Duration) -> bool {
        self.events.send(Event::StepStatus { address: address.clone(), status: status.to_owned() });
        self.stop.unless(self.clock.sleep(every)).await
    }

    async fn check(&self, of: &str, check: &Check, shards: &BTreeMap<ComponentId, Shard>) -> Finding {
        let what = format!("{of}: {}", check.name);
        let start = self.clock.monotonic();
        let known =
            |it: &expr::Reference| shards.get(&it.address.component)?.output(&it.address.role, &it.output).cloned();
        let test = expr::resolve(&check.test, &known);
        if let Some(missing) = expr::references(&test).first() {
            return self.finding(what, start, false, Symptom::of(format!("it needs {missing}, which is not known")));
        }
        self.events.send(Event::Checking { what: what.clone() });
        let mut good_since = None;
        loop {
            let mut found = Examined { said: "it was not waited for".to_owned(), ..Examined::default() };
            self.stop.unless(async { found = self.examiner.examine(&test, self.limit).await }).await;
            let now = self.clock.monotonic();
            let good = found.passed.then(|| *good_since.get_or_insert(now));
            let held = good.is_some_and(|since| now.saturating_sub(since).as_secs() >= check.hold);
            // Once it held, it has to go on holding.
            let broke = !found.passed && good_since.is_some();
            let over = !found.passed && now.saturating_sub(start).as_secs() >= check.within;
            if held || broke || over || found.never || !self.stop.unless(self.clock.sleep(every(check))).await {
                let details = Some(found.log).filter(|log| !log.is_empty()).into_iter().collect();
                let finding = self.finding(what, start, held, Symptom { why: found.said, details });
                // One that was cut short says nothing of what it is about.
                if !self.stop.is_wished() {
                    self.events.send(Event::Checked { finding: finding.clone() });
                }
                return finding;
            }
        }
    }

    fn finding(&self, what: String, start: Duration, good: bool, symptom: Symptom) -> Finding {
        let spent = self.clock.monotonic().saturating_sub(start);
        let millis = u64::try_from(spent.as_millis()).unwrap_or(u64::MAX);
        Finding { what, good, why: symptom.why, details: symptom.details, millis }
    }
}

fn every(check: &Check) -> Duration {
    Duration::from_secs(check.every.max(1))
}
