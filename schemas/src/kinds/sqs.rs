//! `kind: SQS`: a queue, its dead-letter queue and its policy.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    Expansion, Kind, Outputs,
    grants::{allow, kms},
    of,
};
use crate::{
    around::{Around, Peer},
    input::{Input, Policy, Seconds},
    uses::{Access, Connection},
};

/// A message queue.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct SqsSpec {
    /// The queue's physical name; without it one is made of stack, environment and component.
    name: Option<String>,
    /// Messages keep their order and come once.
    pub(super) fifo: Option<bool>,
    /// FIFO: equal bodies are one message.
    content_based_deduplication: Option<bool>,
    /// Where messages go that could not be handled.
    dead_letter: Option<DeadLetter>,
    /// How long a message is kept: 1 minute to 14 days. AWS's default is 4 days.
    retention: Option<Seconds>,
    /// How long a received message is hidden from others: up to 12 hours. AWS's default is 30 s.
    visibility_timeout: Option<Seconds>,
    /// How long a new message is hidden: up to 15 minutes.
    delay: Option<Seconds>,
    /// The largest message in bytes: 1,024 to 1,048,576.
    max_message_size: Option<i64>,
    /// How long a receive waits for a message: up to 20 s.
    receive_wait: Option<Seconds>,
    /// How messages are encrypted at rest: `sse` (SQS's own key), or a KMS key.
    encryption: Option<Encryption>,
    /// Who else may do what.
    policy: Option<Policy>,
}

/// Where messages go that could not be handled.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DeadLetter {
    /// How often a message is received before it goes there: 1 to 1,000.
    max_receives: i64,
    /// How long it is kept there; 14 days by default.
    retention: Option<Seconds>,
}

/// How messages are encrypted.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Encryption {
    /// By a key of the service.
    Named(Service),
    /// By a KMS key.
    Kms(Kms),
}

/// A key of the service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Service {
    /// SQS's own.
    Sse,
}

/// A KMS key.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Kms {
    /// Its id, ARN or alias.
    kms_key_id: Input<String>,
    /// How long a data key is used again: 1 minute to 1 day.
    reuse: Option<Seconds>,
}

/// What a reader does.
const READ: [&str; 4] =
    ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes"];

/// The kind.
pub(super) struct Sqs;

impl Kind for Sqs {
    const KIND: &'static str = "SQS";
    const SHOWN: &'static [&'static str] = &["url"];
    type Spec = SqsSpec;

    fn defaults() -> Value {
        json!({"encryption": "sse"})
    }

    fn outputs(spec: &Value, _: &Around<'_>) -> Outputs {
        let mut outputs = Outputs::from([
            of("url", "Queue", "QueueUrl"),
            of("arn", "Queue", "Arn"),
            of("name", "Queue", "QueueName"),
        ]);
        if spec.get("deadLetter").is_some() {
            outputs.extend([of("deadLetterUrl", "DeadLetter", "QueueUrl"), of("deadLetterArn", "DeadLetter", "Arn")]);
        }
        outputs
    }

    fn connect(spec: &SqsSpec, peer: &Peer, access: Access, around: &Around<'_>) -> Option<Connection> {
        let (url, arn) = (around.output(peer, "url")?, around.output(peer, "arn")?);
        let mut statements = Vec::new();
        if access.reads() {
            statements.push(allow(&READ, arn.clone()));
        }
        if access.writes() {
            statements.push(allow(&["sqs:SendMessage"], arn.clone()));
        }
        if let Some(Encryption::Kms(it)) = &spec.encryption {
            statements.extend(kms(&it.kms_key_id.value, access));
        }
        Some(Connection { env: vec![("URL", url), ("ARN", arn)], statements, ..Connection::default() })
    }

    fn expand(spec: &SqsSpec, to: &mut Expansion<'_>) {
        check(spec, to);
        let encryption = encryption(spec.encryption.as_ref());
        if let Some(dead) = &spec.dead_letter {
            let mut properties = json!({
                "FifoQueue": spec.fifo.filter(|fifo| *fifo),
                "MessageRetentionPeriod": dead.retention.map_or(1_209_600, |it| it.0),
                "Tags": to.tag_list(),
            });
            add(&mut properties, &encryption);
            to.add("DeadLetter", "AWS::SQS::Queue", properties).name_part = Some("dead-letter".to_owned());
        }
        let redrive = spec.dead_letter.as_ref().map(|dead| {
            json!({"deadLetterTargetArn": to.sibling("DeadLetter", "Arn"), "maxReceiveCount": dead.max_receives})
        });
        let mut properties = json!({
            "QueueName": spec.name,
            "FifoQueue": spec.fifo.filter(|fifo| *fifo),
            "ContentBasedDeduplication": spec.content_based_deduplication,
            "MessageRetentionPeriod": spec.retention.map(|it| it.0),
            "VisibilityTimeout": spec.visibility_timeout.map(|it| it.0),
            "DelaySeconds": spec.delay.map(|it| it.0),
            "MaximumMessageSize": spec.max_message_size,
            "ReceiveMessageWaitTimeSeconds": spec.receive_wait.map(|it| it.0),
            "RedrivePolicy": redrive,
            "Tags": to.tag_list(),
        });
        add(&mut properties, &encryption);
        to.add("Queue", "AWS::SQS::Queue", properties);
        if spec.policy.is_some() || !to.asked.is_empty() {
            let document = spec.policy.clone().unwrap_or_default().with(to.asked);
            let properties = json!({"Queues": [to.sibling("Queue", "QueueUrl")], "PolicyDocument": document});
            to.add("Policy", "AWS::SQS::QueuePolicy", properties);
        }
    }
}

fn encryption(it: Option<&Encryption>) -> Value {
    match it {
        Some(Encryption::Named(Service::Sse)) => json!({"SqsManagedSseEnabled": true}),
        Some(Encryption::Kms(kms)) => {
            json!({"KmsMasterKeyId": kms.kms_key_id.value, "KmsDataKeyReusePeriodSeconds": kms.reuse.map(|it| it.0)})
        }
        None => json!({}),
    }
}

fn add(properties: &mut Value, more: &Value) {
    if let (Some(map), Some(more)) = (properties.as_object_mut(), more.as_object()) {
        map.extend(more.clone());
    }
}

fn check(spec: &SqsSpec, to: &mut Expansion<'_>) {
    let seconds = |it: Option<Seconds>| it.map(|it| it.0);
    to.within("/retention", seconds(spec.retention), 60, 1_209_600);
    to.within("/visibilityTimeout", seconds(spec.visibility_timeout), 0, 43_200);
    to.within("/delay", seconds(spec.delay), 0, 900);
    to.within("/maxMessageSize", spec.max_message_size, 1_024, 1_048_576);
    to.within("/receiveWait", seconds(spec.receive_wait), 0, 20);
    if let Some(dead) = &spec.dead_letter {
        to.within("/deadLetter/maxReceives", Some(dead.max_receives), 1, 1_000);
        to.within("/deadLetter/retention", seconds(dead.retention), 60, 1_209_600);
    }
    let fifo = spec.fifo == Some(true);
    if spec.content_based_deduplication.is_some() && !fifo {
        to.problem("/contentBasedDeduplication", "only a queue with `fifo: true` has this");
    }
    if let Some(name) = &spec.name {
        let plain = name.strip_suffix(".fifo").unwrap_or(name);
        let fits = !plain.is_empty()
            && name.len() <= 80
            && plain.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        if !fits {
            to.problem("/name", "a queue's name has 1 to 80 letters, digits, `-` and `_`");
        }
        if name.ends_with(".fifo") != fifo {
            to.problem("/name", "the name of a FIFO queue, and only that, ends in `.fifo`");
        }
    }
}
