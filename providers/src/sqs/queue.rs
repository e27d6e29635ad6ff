//! `AWS::SQS::Queue`.
//!
//! Every setting travels as a text in one attribute map, under the name that CloudFormation gives it, so the conversions carry
//! the weight. A deleted queue can still be read for a while, and its name is refused for a minute.

use std::{collections::HashMap, time::Duration};

use aws_sdk_sqs::{Client, types::QueueAttributeName};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, NameRule,
        Nature::{ByKey, CreateOnly, OnRemove, ServerDefault},
        OnRemove::Reset,
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{RATE, client};
use crate::{
    Aws,
    call::{failed, found, gone},
    tags::{self, Tag},
};

/// A message queue. Times are in seconds, sizes in bytes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct QueueSpec {
    /// Its name; that of a FIFO queue ends in `.fifo`.
    pub queue_name: String,
    /// Messages keep their order and come once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fifo_queue: Option<bool>,
    /// FIFO: equal bodies are one message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_based_deduplication: Option<bool>,
    /// FIFO: `queue` or `messageGroup`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deduplication_scope: Option<String>,
    /// FIFO: `perQueue` or `perMessageGroupId`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fifo_throughput_limit: Option<String>,
    /// How long a new message is hidden: 0 to 900.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay_seconds: Option<i64>,
    /// The largest message: 1,024 to 1,048,576.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_message_size: Option<i64>,
    /// How long a message is kept: 60 to 1,209,600.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_retention_period: Option<i64>,
    /// How long a receive waits: 0 to 20.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub receive_message_wait_time_seconds: Option<i64>,
    /// How long a received message is hidden: 0 to 43,200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub visibility_timeout: Option<i64>,
    /// Messages are encrypted by a key of SQS.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sqs_managed_sse_enabled: Option<bool>,
    /// Messages are encrypted by this KMS key: id, ARN or alias.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_master_key_id: Option<String>,
    /// How long a data key is used again: 60 to 86,400.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_data_key_reuse_period_seconds: Option<i64>,
    /// Where messages go that could not be handled: `{deadLetterTargetArn, maxReceiveCount}`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redrive_policy: Option<Map<String, Value>>,
    /// Which queues may send their dead letters here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redrive_allow_policy: Option<Map<String, Value>>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A message queue.
pub struct Queue {
    sqs: Client,
}

impl Queue {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { sqs: client(aws) }
    }
}

impl Resource for Queue {
    const TYPE: &'static str = "AWS::SQS::Queue";
    const FACTS: Facts = Facts {
        fields: &[
            ("/QueueName", CreateOnly),
            ("/FifoQueue", CreateOnly),
            ("/ContentBasedDeduplication", OnRemove(Reset("false"))),
            ("/DeduplicationScope", OnRemove(Reset("\"queue\""))),
            ("/DeduplicationScope", ServerDefault("\"queue\"")),
            ("/FifoThroughputLimit", OnRemove(Reset("\"perQueue\""))),
            ("/FifoThroughputLimit", ServerDefault("\"perQueue\"")),
            ("/DelaySeconds", OnRemove(Reset("0"))),
            ("/MaximumMessageSize", OnRemove(Reset("262144"))),
            ("/MessageRetentionPeriod", OnRemove(Reset("345600"))),
            ("/ReceiveMessageWaitTimeSeconds", OnRemove(Reset("0"))),
            ("/VisibilityTimeout", OnRemove(Reset("30"))),
            ("/SqsManagedSseEnabled", OnRemove(Reset("true"))),
            ("/KmsDataKeyReusePeriodSeconds", OnRemove(Reset("300"))),
            ("/KmsDataKeyReusePeriodSeconds", ServerDefault("300")),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("QueueUrl"), Output::ready("Arn"), Output::created("QueueName")],
        name: Some(NameRule {
            max: 80,
            suffix: Some(|spec| if spec["FifoQueue"] == true { ".fifo" } else { "" }),
            ..NameRule::regional("/QueueName")
        }),
        rate: RATE,
        stateful: true,
        // A create with equal attributes answers with the queue that is there, whoever made it.
        create_adopts: true,
        settle: SettleTable {
            delete: Settle { budget: Duration::from_secs(180), every: Duration::from_secs(3), ..Settle::FAST },
            ..SettleTable::FAST
        },
        ..Facts::NAMED
    };
    type Spec = QueueSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<QueueSpec>> {
        let asked = self.sqs.get_queue_attributes().queue_url(&id.0).attribute_names(QueueAttributeName::All);
        let Some(answer) = found(asked.send().await.map_err(failed("GetQueueAttributes")))? else {
            return Ok(Seen::Absent);
        };
        let live = answer.attributes.unwrap_or_default();
        let tags = if wanted.has("Tags") {
            let Some(answer) =
                found(self.sqs.list_queue_tags().queue_url(&id.0).send().await.map_err(failed("ListQueueTags")))?
            else {
                return Ok(Seen::Absent);
            };
            tags::from_map(answer.tags.unwrap_or_default())
        } else {
            None
        };
        let arn = live.get(&QueueAttributeName::QueueArn).cloned().unwrap_or_default();
        let name = name_of(&id.0);
        let spec = QueueSpec { tags, ..from_attributes(name, &live) };
        Ok(Seen::ready(spec, [("Arn", json!(arn)), ("QueueUrl", json!(id)), ("QueueName", json!(name))]))
    }

    async fn create(&self, _: &Identity, spec: &QueueSpec) -> Result<Created> {
        let attributes = to_attributes(spec, |_| true, false);
        let tags = tags::to_map(spec.tags.as_ref()).into_iter().collect();
        let call =
            self.sqs.create_queue().queue_name(&spec.queue_name).set_attributes(Some(attributes)).set_tags(Some(tags));
        let url = call.send().await.map_err(failed("CreateQueue"))?.queue_url.unwrap_or_default();
        Ok(Created::whole(url.clone()).output("QueueUrl", url).output("QueueName", spec.queue_name.clone()))
    }

    async fn update(&self, id: &PhysicalId, _: &QueueSpec, spec: &QueueSpec, changed: &Changed) -> Result<()> {
        let attributes = to_attributes(spec, |name| changed.touches(name), true);
        if !attributes.is_empty() {
            let call = self.sqs.set_queue_attributes().queue_url(&id.0).set_attributes(Some(attributes));
            call.send().await.map_err(failed("SetQueueAttributes"))?;
        }
        let tags = tags::change(changed, spec.tags.as_ref());
        if !tags.set.is_empty() {
            let call = self.sqs.tag_queue().queue_url(&id.0).set_tags(Some(tags.set.into_iter().collect()));
            call.send().await.map_err(failed("TagQueue"))?;
        }
        if !tags.remove.is_empty() {
            let call = self.sqs.untag_queue().queue_url(&id.0).set_tag_keys(Some(tags.remove));
            call.send().await.map_err(failed("UntagQueue"))?;
        }
        Ok(())
    }

    async fn delete(&self, id: &PhysicalId, _: &QueueSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.sqs.delete_queue().queue_url(&id.0).send().await.map_err(failed("DeleteQueue")))
    }

    async fn find(&self, _: &Identity, spec: &QueueSpec) -> Result<Option<PhysicalId>> {
        let answer =
            found(self.sqs.get_queue_url().queue_name(&spec.queue_name).send().await.map_err(failed("GetQueueUrl")))?;
        Ok(answer.and_then(|it| it.queue_url).map(PhysicalId))
    }
}

/// Properties that are numbers; those that are documents.
const NUMBERS: &[&str] = &[
    "DelaySeconds",
    "MaximumMessageSize",
    "MessageRetentionPeriod",
    "ReceiveMessageWaitTimeSeconds",
    "VisibilityTimeout",
    "KmsDataKeyReusePeriodSeconds",
];
const FLAGS: &[&str] = &["FifoQueue", "ContentBasedDeduplication", "SqsManagedSseEnabled"];
const TEXTS: &[&str] = &["DeduplicationScope", "FifoThroughputLimit", "KmsMasterKeyId"];
const DOCUMENTS: &[&str] = &["RedrivePolicy", "RedriveAllowPolicy"];

/// The last part of its URL is its name.
fn name_of(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or(url)
}

/// The attributes that `wanted` names. With `clearing`, what the spec lacks is sent as "", which takes it away.
fn to_attributes(
    spec: &QueueSpec,
    wanted: impl Fn(&str) -> bool,
    clearing: bool,
) -> HashMap<QueueAttributeName, String> {
    let values = serde_json::to_value(spec).unwrap_or_default();
    let all = [NUMBERS, FLAGS, TEXTS, DOCUMENTS].concat();
    let text = |name: &str| match values.get(name) {
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
        None if clearing && (DOCUMENTS.contains(&name) || name == "KmsMasterKeyId") => Some(String::new()),
        None => None,
    };
    let set = all.into_iter().filter(|name| wanted(name));
    set.filter_map(|name| Some((QueueAttributeName::from(name), text(name)?))).collect()
}

fn from_attributes(name: &str, live: &HashMap<QueueAttributeName, String>) -> QueueSpec {
    let mut values = Map::from_iter([("QueueName".to_owned(), json!(name))]);
    let all = [NUMBERS, FLAGS, TEXTS, DOCUMENTS].concat();
    for key in all {
        let Some(text) = live.get(&QueueAttributeName::from(key)).filter(|text| !text.is_empty()) else { continue };
        let value = if TEXTS.contains(&key) { json!(text) } else { serde_json::from_str(text).unwrap_or_default() };
        values.insert(key.to_owned(), value);
    }
    serde_json::from_value(values.into())
        .unwrap_or_else(|_| QueueSpec { queue_name: name.to_owned(), ..QueueSpec::default() })
}
