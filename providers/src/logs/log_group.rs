//! `AWS::Logs::LogGroup`.
//!
//! The create call takes neither retention nor protection: they follow. Groups are listed by prefix and told with an ARN that
//! ends in `:*`, which tagging does not take.

use aws_sdk_cloudwatchlogs::{Client, types::LogGroup as Live, types::LogGroupClass};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, NameRule,
        Nature::{ByKey, CreateOnly, OnRemove, ServerDefault},
        OnRemove::{Replace, Reset},
        Output,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::RATE;
use crate::{
    Aws,
    call::{failed, found, gone, known},
    tags::{self, Tag},
};

/// A log group.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LogGroupSpec {
    /// Its name.
    pub log_group_name: String,
    /// How long events are kept, in days; without it for ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retention_in_days: Option<i32>,
    /// The ARN of the KMS key that encrypts it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_key_id: Option<String>,
    /// `STANDARD` or `INFREQUENT_ACCESS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log_group_class: Option<String>,
    /// Deleting it is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_protection_enabled: Option<bool>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A log group.
pub struct LogGroup {
    logs: Client,
}

impl LogGroup {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { logs: Client::new(aws.config()) }
    }

    /// The group of exactly this name, among those that start with it.
    async fn describe(&self, name: &str) -> Result<Option<Live>> {
        let mut next = None;
        loop {
            let call = self.logs.describe_log_groups().log_group_name_prefix(name).set_next_token(next);
            let page = call.send().await.map_err(failed("DescribeLogGroups"))?;
            let hit = page.log_groups.into_iter().flatten().find(|it| it.log_group_name.as_deref() == Some(name));
            next = page.next_token;
            if hit.is_some() || next.is_none() {
                return Ok(hit);
            }
        }
    }

    async fn protect(&self, name: &str, on: bool) -> Result<()> {
        let call =
            self.logs.put_log_group_deletion_protection().log_group_identifier(name).deletion_protection_enabled(on);
        call.send().await.map_err(failed("PutLogGroupDeletionProtection")).map(drop)
    }

    async fn retain(&self, name: &str, days: Option<i32>) -> Result<()> {
        match days {
            Some(days) => {
                let call = self.logs.put_retention_policy().log_group_name(name).retention_in_days(days);
                call.send().await.map_err(failed("PutRetentionPolicy")).map(drop)
            }
            None => gone(
                self.logs
                    .delete_retention_policy()
                    .log_group_name(name)
                    .send()
                    .await
                    .map_err(failed("DeleteRetentionPolicy")),
            ),
        }
    }

    async fn encrypt(&self, name: &str, key: Option<&String>) -> Result<()> {
        match key {
            Some(key) => {
                let call = self.logs.associate_kms_key().log_group_name(name).kms_key_id(key);
                call.send().await.map_err(failed("AssociateKmsKey")).map(drop)
            }
            None => self
                .logs
                .disassociate_kms_key()
                .log_group_name(name)
                .send()
                .await
                .map_err(failed("DisassociateKmsKey"))
                .map(drop),
        }
    }
}

impl Resource for LogGroup {
    const TYPE: &'static str = "AWS::Logs::LogGroup";
    const FACTS: Facts = Facts {
        fields: &[
            ("/LogGroupName", CreateOnly),
            ("/LogGroupClass", CreateOnly),
            ("/LogGroupClass", ServerDefault("\"STANDARD\"")),
            ("/LogGroupClass", OnRemove(Replace)),
            ("/DeletionProtectionEnabled", ServerDefault("false")),
            ("/DeletionProtectionEnabled", OnRemove(Reset("false"))),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::ready("Arn"), Output::created("LogGroupName")],
        name: Some(NameRule { max: 512, ..NameRule::regional("/LogGroupName") }),
        rate: RATE,
        stateful: true,
        ..Facts::NAMED
    };
    type Spec = LogGroupSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<LogGroupSpec>> {
        let Some(live) = self.describe(&id.0).await? else { return Ok(Seen::Absent) };
        let arn = live.arn.as_deref().unwrap_or_default().trim_end_matches(":*").to_owned();
        let mut spec = from_live(&id.0, &live);
        if wanted.has("Tags") {
            let call = self.logs.list_tags_for_resource().resource_arn(&arn).send().await;
            let Some(answer) = found(call.map_err(failed("ListTagsForResource")))? else { return Ok(Seen::Absent) };
            spec.tags = tags::from_map(answer.tags.unwrap_or_default());
        }
        Ok(Seen::ready(spec, [("Arn", json!(arn)), ("LogGroupName", json!(id))]))
    }

    async fn create(&self, _: &Identity, spec: &LogGroupSpec) -> Result<Created> {
        let call = self
            .logs
            .create_log_group()
            .log_group_name(&spec.log_group_name)
            .set_kms_key_id(spec.kms_key_id.clone())
            .set_log_group_class(spec.log_group_class.as_deref().map(LogGroupClass::from))
            .set_deletion_protection_enabled(spec.deletion_protection_enabled)
            .set_tags(Some(tags::to_map(spec.tags.as_ref()).into_iter().collect()));
        call.send().await.map_err(failed("CreateLogGroup"))?;
        let name = spec.log_group_name.clone();
        Ok(Created::whole(name.clone()).without(&["RetentionInDays"]).output("LogGroupName", name))
    }

    async fn update(&self, id: &PhysicalId, _: &LogGroupSpec, spec: &LogGroupSpec, changed: &Changed) -> Result<()> {
        if changed.touches("RetentionInDays") {
            self.retain(&id.0, spec.retention_in_days).await?;
        }
        if changed.touches("KmsKeyId") {
            self.encrypt(&id.0, spec.kms_key_id.as_ref()).await?;
        }
        if changed.touches("DeletionProtectionEnabled") {
            self.protect(&id.0, spec.deletion_protection_enabled.unwrap_or(false)).await?;
        }
        let tags = tags::change(changed, spec.tags.as_ref());
        if tags.set.is_empty() && tags.remove.is_empty() {
            return Ok(());
        }
        let arn = known("DescribeLogGroups", self.describe(&id.0).await?.and_then(|it| it.arn))?;
        let arn = arn.trim_end_matches(":*");
        if !tags.set.is_empty() {
            let call = self.logs.tag_resource().resource_arn(arn).set_tags(Some(tags.set.into_iter().collect()));
            call.send().await.map_err(failed("TagResource"))?;
        }
        if !tags.remove.is_empty() {
            let call = self.logs.untag_resource().resource_arn(arn).set_tag_keys(Some(tags.remove));
            call.send().await.map_err(failed("UntagResource"))?;
        }
        Ok(())
    }

    /// What is protected loses its protection first: whether it may go, the plan has said.
    async fn delete(&self, id: &PhysicalId, applied: &LogGroupSpec, _: &DeleteOptions) -> Result<()> {
        if applied.deletion_protection_enabled == Some(true) {
            gone(self.protect(&id.0, false).await)?;
        }
        gone(self.logs.delete_log_group().log_group_name(&id.0).send().await.map_err(failed("DeleteLogGroup")))
    }

    async fn find(&self, _: &Identity, spec: &LogGroupSpec) -> Result<Option<PhysicalId>> {
        Ok(self.describe(&spec.log_group_name).await?.map(|_| PhysicalId(spec.log_group_name.clone())))
    }
}

fn from_live(name: &str, live: &Live) -> LogGroupSpec {
    LogGroupSpec {
        log_group_name: name.to_owned(),
        retention_in_days: live.retention_in_days,
        kms_key_id: live.kms_key_id.clone(),
        log_group_class: live.log_group_class.as_ref().map(|class| class.as_str().to_owned()),
        deletion_protection_enabled: live.deletion_protection_enabled,
        tags: None,
    }
}
