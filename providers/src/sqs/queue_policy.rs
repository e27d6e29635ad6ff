//! `AWS::SQS::QueuePolicy`.
//!
//! The policy is one attribute of its queue: written as a whole, found where the queue is, and taken away as an empty text.
//! CloudFormation takes several queues; here it is exactly one, so that each policy has one place and one owner.

use aws_sdk_sqs::{Client, types::QueueAttributeName};
use deployer_engine::{
    error::Result,
    facts::{
        Facts,
        Nature::{CreateOnly, Document, OnRemove},
        OnRemove::Replace,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{RATE, client};
use crate::{
    Aws,
    call::{failed, found, gone, invalid},
    document,
};

/// Who else may use a queue.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct QueuePolicySpec {
    /// The queue's URL: a list of exactly one.
    pub queues: Vec<String>,
    /// The policy.
    pub policy_document: Value,
}

/// Who else may use a queue.
pub struct QueuePolicy {
    sqs: Client,
}

impl QueuePolicy {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { sqs: client(aws) }
    }

    async fn put(&self, url: &str, policy: String) -> Result<()> {
        let call = self.sqs.set_queue_attributes().queue_url(url).attributes(QueueAttributeName::Policy, policy);
        call.send().await.map_err(failed("SetQueueAttributes")).map(drop)
    }
}

impl Resource for QueuePolicy {
    const TYPE: &'static str = "AWS::SQS::QueuePolicy";
    const FACTS: Facts = Facts {
        fields: &[
            ("/Queues", CreateOnly),
            ("/PolicyDocument", Document(document::policy)),
            ("/PolicyDocument", OnRemove(Replace)),
        ],
        slots: |spec| vec![spec["Queues"].to_string()],
        rate: RATE,
        ..Facts::PART
    };
    type Spec = QueuePolicySpec;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<QueuePolicySpec>> {
        let asked = self.sqs.get_queue_attributes().queue_url(&id.0).attribute_names(QueueAttributeName::Policy);
        let answer = found(asked.send().await.map_err(failed("GetQueueAttributes")))?;
        let live = answer.and_then(|it| it.attributes).unwrap_or_default();
        let policy = live.get(&QueueAttributeName::Policy).filter(|text| !text.is_empty());
        let Some(document) = policy.and_then(|text| serde_json::from_str(text).ok()) else { return Ok(Seen::Absent) };
        Ok(Seen::ready(QueuePolicySpec { queues: vec![id.0.clone()], policy_document: document }, []))
    }

    async fn create(&self, _: &Identity, spec: &QueuePolicySpec) -> Result<Created> {
        let url = place(spec)?;
        self.put(url, spec.policy_document.to_string()).await?;
        Ok(Created::whole(url))
    }

    async fn update(&self, id: &PhysicalId, _: &QueuePolicySpec, spec: &QueuePolicySpec, _: &Changed) -> Result<()> {
        self.put(&id.0, spec.policy_document.to_string()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &QueuePolicySpec, _: &DeleteOptions) -> Result<()> {
        gone(self.put(&id.0, String::new()).await)
    }

    async fn find(&self, _: &Identity, spec: &QueuePolicySpec) -> Result<Option<PhysicalId>> {
        Ok(Some(PhysicalId(place(spec)?.to_owned())))
    }
}

fn place(spec: &QueuePolicySpec) -> Result<&str> {
    match spec.queues.as_slice() {
        [url] => Ok(url),
        all => Err(invalid(
            "SetQueueAttributes",
            format!("`Queues` names {} queues; write one AWS::SQS::QueuePolicy for each", all.len()),
        )),
    }
}
