//! Who is told of what happens to objects, and how the told one lets the bucket in.
//!
//! S3 tries the queue when it is told of it, so the queue's policy has to stand first. That policy cannot take the bucket's
//! ARN, or each would wait for the other: it names the bucket by what its name will be.

use std::collections::BTreeMap;

use deployer_engine::{
    address::{Address, ComponentId},
    desired::Scope,
};
use serde_json::{Value, json};

use super::{
    super::{Expansion, Kind, pascal, sqs::Sqs},
    spec::{Notification, S3Spec},
};
use crate::{around::Around, near::nearest, uses::Ask};

/// What S3 can tell of. `s3:ObjectCreated:*` stands for all of its group.
const EVENTS: [&str; 27] = [
    "s3:ObjectCreated:*",
    "s3:ObjectCreated:Put",
    "s3:ObjectCreated:Post",
    "s3:ObjectCreated:Copy",
    "s3:ObjectCreated:CompleteMultipartUpload",
    "s3:ObjectRemoved:*",
    "s3:ObjectRemoved:Delete",
    "s3:ObjectRemoved:DeleteMarkerCreated",
    "s3:ObjectRestore:*",
    "s3:ObjectRestore:Post",
    "s3:ObjectRestore:Completed",
    "s3:ObjectRestore:Delete",
    "s3:ReducedRedundancyLostObject",
    "s3:Replication:*",
    "s3:Replication:OperationFailedReplication",
    "s3:Replication:OperationMissedThreshold",
    "s3:Replication:OperationReplicatedAfterThreshold",
    "s3:Replication:OperationNotTracked",
    "s3:LifecycleExpiration:*",
    "s3:LifecycleExpiration:Delete",
    "s3:LifecycleExpiration:DeleteMarkerCreated",
    "s3:LifecycleTransition",
    "s3:IntelligentTiering",
    "s3:ObjectTagging:*",
    "s3:ObjectTagging:Put",
    "s3:ObjectTagging:Delete",
    "s3:ObjectAcl:Put",
];

/// The bucket's notifications, and what has to stand before it.
pub(super) fn configuration(spec: &S3Spec, to: &mut Expansion<'_>) -> (Value, Vec<Address>) {
    let (mut queues, mut first) = (Vec::new(), Vec::new());
    for (index, it) in spec.notifications.iter().flatten().enumerate() {
        let at = format!("/notifications/{index}");
        check(&at, index, spec, to);
        let Some((peer, queue)) = to.peer_of::<Sqs>(&format!("{at}/queue"), &it.queue) else { continue };
        if queue.fifo == Some(true) {
            to.problem(&format!("{at}/queue"), format!("S3 does not send to a FIFO queue, and `{}` is one", it.queue));
        }
        let arn = to.around.output(peer, "arn");
        let rule = |name: &str, value: &Option<String>| value.as_ref().map(|it| json!({"Name": name, "Value": it}));
        let rules: Vec<Value> =
            [rule("prefix", &it.prefix), rule("suffix", &it.suffix)].into_iter().flatten().collect();
        let filter = if rules.is_empty() { Value::Null } else { json!({"S3Key": {"Rules": rules}}) };
        queues.extend(it.events.iter().map(|event| json!({"Event": event, "Queue": arn, "Filter": filter})));
        let policy = peer.id.at("Policy");
        if !first.contains(&policy) {
            first.push(policy);
        }
    }
    let queues = if queues.is_empty() { Value::Null } else { queues.into() };
    let bridge = spec.event_bridge.filter(|on| *on).map(|on| json!({"EventBridgeEnabled": on}));
    if queues.is_null() && bridge.is_none() {
        return (Value::Null, first);
    }
    (json!({"QueueConfigurations": queues, "EventBridgeConfiguration": bridge}), first)
}

/// What each queue's policy has to allow: one statement, however often the queue is named.
pub(super) fn asks(spec: &S3Spec, id: &ComponentId, around: &Around<'_>) -> Vec<Ask> {
    let mut found: BTreeMap<&ComponentId, Ask> = BTreeMap::new();
    for (index, it) in spec.notifications.iter().flatten().enumerate() {
        // A name that means no queue is told when the bucket is expanded.
        let Some(peer) = around.peer(&it.queue).ok().filter(|peer| peer.id.kind == Sqs::KIND) else { continue };
        let Some(arn) = around.output(peer, "arn") else { continue };
        found.entry(&peer.id).or_insert_with(|| Ask {
            of: it.queue.clone(),
            path: format!("/notifications/{index}/queue"),
            statement: statement(spec, id, around.scope, &arn),
        });
    }
    found.into_values().collect()
}

fn statement(spec: &S3Spec, id: &ComponentId, scope: &Scope, queue: &Value) -> Value {
    let mut condition = json!({"ArnLike": {"aws:SourceArn": bucket_arn(spec, id, scope)}});
    if let Some(map) = condition.as_object_mut().filter(|_| !scope.account.is_empty()) {
        map.insert("StringEquals".to_owned(), json!({"aws:SourceAccount": scope.account}));
    }
    json!({
        "Sid": format!("Bucket{}", pascal(&id.name)),
        "Effect": "Allow",
        "Principal": {"Service": "s3.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": queue,
        "Condition": condition,
    })
}

/// The bucket's ARN, as a pattern if its name is not stated: a hash comes last in it, and a long name is cut.
fn bucket_arn(spec: &S3Spec, id: &ComponentId, scope: &Scope) -> String {
    const NEVER_CUT: usize = 44;
    let name = spec.name.clone().unwrap_or_else(|| {
        let whole = format!("{}-{}-{}-", scope.stack, scope.env, id.name);
        let sure: String = whole.chars().take(NEVER_CUT).collect();
        if sure == whole { format!("{whole}*") } else { format!("{}*", sure.trim_end_matches('-')) }
    });
    format!("arn:{}:s3:::{name}", scope.partition)
}

fn check(at: &str, index: usize, spec: &S3Spec, to: &mut Expansion<'_>) {
    let all = spec.notifications.as_deref().unwrap_or_default();
    let it = &all[index];
    if it.events.is_empty() {
        to.problem(&format!("{at}/events"), "nothing is told: name events, such as `s3:ObjectCreated:*`");
    }
    for (nth, event) in it.events.iter().enumerate() {
        let at = format!("{at}/events/{nth}");
        if !EVENTS.contains(&event.as_str()) {
            unknown_event(&at, event, to);
        }
        if let Some(other) = it.events[..nth].iter().find(|other| meet(event, other)) {
            to.problem(&at, format!("`{other}` tells the same: name one of the two"));
        }
    }
    if let Some(other) = all[..index].iter().find(|other| overlap(it, other)) {
        let message = format!(
            "an object's event would go here and to `{}`: S3 takes one receiver for an event, so tell them apart by prefix or suffix",
            other.name
        );
        to.problem(at, message);
    }
}

fn unknown_event(at: &str, event: &str, to: &mut Expansion<'_>) {
    let groups: Vec<&str> = EVENTS.into_iter().filter(|it| it.ends_with('*') || it.matches(':').count() == 1).collect();
    let known = if nearest(event, EVENTS).is_some() { &EVENTS[..] } else { &groups };
    to.unknown(at, format!("S3 has no event `{event}`"), event, known);
}

/// True if one of two events is the other, or a group with it.
fn meet(a: &str, b: &str) -> bool {
    let covers = |a: &str, b: &str| a == b || a.strip_suffix('*').is_some_and(|group| b.starts_with(group));
    covers(a, b) || covers(b, a)
}

/// True if one event could belong to both.
fn overlap(a: &Notification, b: &Notification) -> bool {
    let events = a.events.iter().any(|a| b.events.iter().any(|b| meet(a, b)));
    let text = |it: &Option<String>| it.clone().unwrap_or_default();
    let (prefix_a, prefix_b) = (text(&a.prefix), text(&b.prefix));
    let (suffix_a, suffix_b) = (text(&a.suffix), text(&b.suffix));
    events
        && (prefix_a.starts_with(&prefix_b) || prefix_b.starts_with(&prefix_a))
        && (suffix_a.ends_with(&suffix_b) || suffix_b.ends_with(&suffix_a))
}
