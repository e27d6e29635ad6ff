//! One step: the call, its retries, its early answer, its confirmation by reads.
//!
//! Only here is a mutating call made. Before each one the lease is checked; what becomes of an answer that never came is
//! decided by asking the cloud, never by guessing.

use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use serde_json::Value;

use crate::{
    clock::Clock,
    diff::{self, How},
    error::{Class, Error, Result},
    facts::{Nature, Settle, SettleTable},
    find::{Found, find, not_ours},
    health::Health,
    journal::Outcome,
    lock::Lease,
    plan::{Action, Step},
    resource::{Changed, Created, DynResource, PhysicalId, Seen, Wanted},
    settle::{Look, Settled, Waiter, settle, settle_unless},
    stop::Stop,
};

/// How long a refusal that passes by itself is tried again: something just made is not visible yet.
const PROPAGATION: Duration = Duration::from_secs(120);
/// How long throttling is waited out.
const THROTTLING: Duration = Duration::from_secs(600);
/// How often a create whose answer never came, and whose thing never showed, is sent again.
const RESENDS: u32 = 3;

/// What a step runs with.
pub struct Context<'a> {
    /// The type.
    pub resource: &'a dyn DynResource,
    /// Time.
    pub clock: &'a dyn Clock,
    /// The wish to stop.
    pub stop: &'a Stop,
    /// The lock.
    pub lease: &'a Lease,
    /// How long a call may be on its way.
    pub call_timeout: Duration,
    /// How its verbs settle, with the component's own timeouts.
    pub settle: SettleTable,
    /// What is on its way as it was set is waited for.
    pub wait: bool,
    /// What is to be made may be there already, although nothing is remembered of it.
    pub unsure: bool,
    /// Told as soon as a create call has answered.
    pub created: &'a (dyn Fn(Outcome) + Send + Sync),
    /// Told when the status word changes.
    pub status: &'a (dyn Fn(&str) + Send + Sync),
}

/// Runs one step whose references are resolved in `desired`. The outcome is what the journal keeps.
pub async fn run(step: &Step, desired: Option<Value>, cx: &Context<'_>) -> Outcome {
    let desired = desired.unwrap_or_default();
    let result = match &step.action {
        Action::Create { .. } => create(step, &desired, cx).await,
        Action::Update { id, applied, .. } => update(step, id, applied, &desired, cx).await,
        Action::Delete { id, applied, how } => delete(step, id, applied, how, cx).await,
        Action::Retain | Action::Forget => Ok(Outcome::Gone),
    };
    result.unwrap_or_else(|failure| Outcome::Failed { error: failure.error.chain(), settled: failure.settled })
}

struct Failure {
    error: Error,
    /// Surely nothing was changed.
    settled: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self { error, settled: false }
    }
}

/// A thing that stands now, and whether this run's call made it.
struct Made {
    thing: Created,
    /// It was found: what it looks like has to be read.
    found: bool,
}

async fn create(step: &Step, desired: &Value, cx: &Context<'_>) -> Result<Outcome, Failure> {
    let made = match make(step, desired, cx).await {
        Ok(made) => made,
        // After Denied, Invalid and their like there is surely nothing; after silence there may be.
        Err(error) => return Err(Failure { settled: error.class() != Class::Ambiguous, error }),
    };
    let thing = made.thing;
    (cx.created)(Outcome::Created { id: thing.id.clone(), outputs: thing.outputs.clone() });
    let (live, changed) =
        if made.found { look_at(&thing.id, desired, cx).await? } else { without(desired, &thing.unsent) };
    if !changed.0.is_empty() {
        let budget = cx.settle.create.budget;
        retry(cx, budget, true, || cx.resource.update(&thing.id, &live, desired, &changed)).await?;
    }
    confirm(desired, &Value::Null, &thing.id, cx.settle.create, cx).await
}

/// What a create call has left to be sent: from its own list, not from a possibly stale read.
fn without(desired: &Value, unsent: &[&str]) -> (Value, Changed) {
    let (mut sent, mut changed) = (desired.clone(), Changed::default());
    if let Some(map) = sent.as_object_mut() {
        let left = unsent.iter().filter(|name| map.remove(**name).is_some());
        changed.0.extend(left.map(|name| format!("/{name}")));
    }
    (sent, changed)
}

/// What a found thing looks like, and in which fields it differs.
async fn look_at(id: &PhysicalId, desired: &Value, cx: &Context<'_>) -> Result<(Value, Changed)> {
    let wanted = Wanted::of([desired]);
    let seen = retry(cx, PROPAGATION, true, || cx.resource.read(id, &wanted)).await?;
    let Some(spec) = seen.spec().cloned() else {
        return Ok((desired.clone(), Changed::default()));
    };
    let changes = diff::diff(cx.resource.facts(), desired, &Value::Null, &spec);
    let paths = changes.into_iter().filter(|it| it.how == How::InPlace).map(|it| it.path).collect();
    Ok((spec, Changed(paths)))
}

/// The thing itself: found if it is there already and ours, else made.
async fn make(step: &Step, desired: &Value, cx: &Context<'_>) -> Result<Made> {
    if (cx.unsure || cx.resource.facts().create_adopts)
        && let Some(found) = ours(step, desired, cx).await?
    {
        return Ok(found);
    }
    let budget = cx.settle.create.budget;
    let mut sent = 0;
    loop {
        sent += 1;
        let error = match retry(cx, budget, false, || cx.resource.create(&step.who, desired)).await {
            Ok(thing) => return Ok(Made { thing, found: false }),
            Err(error) => error,
        };
        match error.class() {
            // A second try may meet what the first one made, which reads may not see yet.
            Class::AlreadyExists => {
                let there = if sent > 1 { arrived(step, desired, cx).await? } else { ours(step, desired, cx).await? };
                return there.ok_or_else(|| taken(step, error));
            }
            Class::Ambiguous => match arrived(step, desired, cx).await? {
                Some(found) => return Ok(found),
                None if sent >= RESENDS || cx.stop.is_wished() => return Err(error),
                None => {}
            },
            _ => return Err(error),
        }
    }
}

/// A refusal as taken, where nothing of ours is found: what is there does not tell whose it is.
fn taken(step: &Step, error: Error) -> Error {
    Error::Taken { address: step.who.address.clone(), source: Box::new(error) }
}

/// What stands there, if it is ours; an error if it is not.
async fn ours(step: &Step, desired: &Value, cx: &Context<'_>) -> Result<Option<Made>> {
    match retry(cx, PROPAGATION, true, || Box::pin(find(cx.resource, &step.who, desired)) as BoxFuture<'_, _>).await? {
        Found::Nothing => Ok(None),
        Found::Ours { id, outputs } => {
            Ok(Some(Made { thing: Created { id, outputs, unsent: Vec::new() }, found: true }))
        }
        Found::Foreign { id, why } => Err(not_ours(&step.who, id, why)),
    }
}

/// After silence: absence counts only once the call cannot be on its way any more and would be visible.
async fn arrived(step: &Step, desired: &Value, cx: &Context<'_>) -> Result<Option<Made>> {
    let patience = cx.resource.facts().visibility + cx.call_timeout;
    let start = cx.clock.monotonic();
    loop {
        if let Some(found) = ours(step, desired, cx).await? {
            return Ok(Some(found));
        }
        if cx.clock.monotonic().saturating_sub(start) >= patience || cx.stop.is_wished() {
            return Ok(None);
        }
        cx.stop.unless(cx.clock.sleep(Duration::from_secs(2))).await;
    }
}

async fn update(
    step: &Step,
    id: &PhysicalId,
    applied: &Value,
    desired: &Value,
    cx: &Context<'_>,
) -> Result<Outcome, Failure> {
    let facts = cx.resource.facts();
    let live = step.pre_image.as_ref().unwrap_or(applied);
    // The references are known now: what differs is computed again, so that a value that came out equal costs no call.
    let changes = diff::diff(facts, desired, applied, live);
    let paths: Vec<String> = changes.iter().filter(|it| it.how == How::InPlace).map(|it| it.path.clone()).collect();
    if !paths.is_empty() {
        let desired = diff::with_resets(desired, &changes);
        let changed = Changed(paths);
        retry(cx, cx.settle.update.budget, true, || cx.resource.update(id, live, &desired, &changed)).await?;
    }
    confirm(desired, applied, id, cx.settle.update, cx).await
}

async fn delete(
    step: &Step,
    id: &PhysicalId,
    applied: &Value,
    how: &crate::resource::DeleteOptions,
    cx: &Context<'_>,
) -> Result<Outcome, Failure> {
    let settle_delete = cx.settle.delete;
    let applied = step.pre_image.as_ref().unwrap_or(applied);
    retry(cx, settle_delete.budget, true, || cx.resource.delete(id, applied, how)).await?;
    let look = |seen: &Seen| match seen {
        Seen::Absent => Look::Good,
        Seen::Failed { reason } => Look::Failed(reason.clone()),
        other => Look::NotYet(format!("deleting ({})", other.status())),
    };
    let waiter = Waiter { clock: cx.clock, stop: cx.stop, status: cx.status };
    match settle(cx.resource, id, &Wanted::Only(Default::default()), settle_delete, &look, &waiter).await? {
        Settled::Good(_) => Ok(Outcome::Gone),
        Settled::Stopped => Err(stopped()),
    }
}

/// Reads until what was set is what is there.
async fn confirm(
    desired: &Value,
    applied: &Value,
    id: &PhysicalId,
    how: Settle,
    cx: &Context<'_>,
) -> Result<Outcome, Failure> {
    let facts = cx.resource.facts();
    // What is never read back no read can confirm.
    let told = |path: &str| !facts.natures(path).any(|it| matches!(it, Nature::WriteOnly | Nature::Sensitive));
    let same = |spec: &Value| {
        diff::diff(facts, desired, applied, spec).iter().all(|it| it.how == How::Keep || !told(&it.path))
    };
    let look = |seen: &Seen| match seen {
        Seen::Ready { spec, .. } => {
            let differs = diff::diff(facts, desired, applied, spec);
            match differs.iter().find(|it| it.how != How::Keep && told(&it.path)) {
                None => Look::Good,
                Some(first) => Look::Other(format!("{} is not what was set", first.path.trim_start_matches('/'))),
            }
        }
        Seen::Absent => Look::NotYet("not visible yet".to_owned()),
        Seen::Pending { spec: Some(spec), .. } if !cx.wait && same(spec) => Look::Good,
        Seen::Pending { status, .. } => Look::NotYet(status.clone()),
        // What was not well may be so for a while after the change that mends it.
        Seen::Stuck { reason, .. } if !applied.is_null() => Look::Other(reason.clone()),
        Seen::Failed { reason } | Seen::Stuck { reason, .. } => Look::Failed(reason.clone()),
    };
    let waiter = Waiter { clock: cx.clock, stop: cx.stop, status: cx.status };
    let wanted = Wanted::of([desired, applied]);
    let lost = || lost(cx.resource, id, desired).boxed();
    let settled = settle_unless(cx.resource, id, &wanted, how, &look, &lost, &waiter).await;
    let settled = match settled {
        Err(error) => return Err(explained(error, id, desired, cx).await.into()),
        Ok(settled) => settled,
    };
    match settled {
        Settled::Good(Seen::Ready { spec, outputs }) => Ok(Outcome::Confirmed { outputs, live: spec }),
        Settled::Good(Seen::Pending { .. }) => Ok(Outcome::Sent),
        Settled::Good(other) => Err(Error::Failed { reason: other.status().to_owned() }.into()),
        Settled::Stopped => Err(stopped()),
    }
}

/// What a thing that is other than it was set says of itself: a change that AWS took back need not be waited for.
async fn lost(resource: &dyn DynResource, id: &PhysicalId, desired: &Value) -> Option<String> {
    match resource.facts().probed {
        true => match resource.probe(id, desired).await {
            Ok(Health::Bad(symptom)) => Some(symptom.why),
            _ => None,
        },
        false => None,
    }
}

/// The failure with what else is known of it: AWS keeps the reasons in other places than the failed call.
async fn explained(error: Error, id: &PhysicalId, desired: &Value, cx: &Context<'_>) -> Error {
    if !cx.resource.facts().probed || !matches!(error, Error::Failed { .. } | Error::Timeout { .. }) {
        return error;
    }
    let Ok(Health::Bad(symptom) | Health::NotYet(symptom)) = cx.resource.probe(id, desired).await else { return error };
    let said = match error {
        Error::Failed { reason } => reason,
        other => other.to_string(),
    };
    let lines = if said.contains(&symptom.why) {
        symptom.details
    } else {
        symptom.to_string().lines().map(str::to_owned).collect()
    };
    Error::Failed { reason: std::iter::once(said).chain(lines).collect::<Vec<_>>().join("\n") }
}

fn stopped() -> Failure {
    Error::Failed { reason: "interrupted before reads confirmed it; the next run goes on from here".to_owned() }.into()
}

/// Calls until it is answered for good. `repeatable`: a call that may have happened is simply made again.
async fn retry<'c, T>(
    cx: &Context<'_>,
    conflicts: Duration,
    repeatable: bool,
    call: impl Fn() -> BoxFuture<'c, Result<T>>,
) -> Result<T> {
    let start = cx.clock.monotonic();
    let mut pause = Duration::from_secs(1);
    let mut silences = 0;
    loop {
        cx.lease.sure().await?;
        let error = match call().await {
            Ok(answer) => return Ok(answer),
            Err(error) => error,
        };
        let spent = cx.clock.monotonic().saturating_sub(start);
        let again = match error.class() {
            Class::Throttled => spent < THROTTLING,
            // What a change needs and what is not there may not be visible yet.
            Class::Propagating | Class::NotFound => spent < PROPAGATION,
            Class::Conflict => spent < conflicts.max(PROPAGATION),
            Class::Ambiguous if repeatable => {
                silences += 1;
                silences <= RESENDS
            }
            _ => false,
        };
        if !again || cx.stop.is_wished() {
            return Err(error);
        }
        (cx.status)(&error.to_string());
        cx.stop.unless(cx.clock.sleep(pause)).await;
        pause = (pause * 2).min(Duration::from_secs(10));
    }
}
