//! `AWS::IAM::ManagedPolicy`.
//!
//! A document has versions, five at most, and the default one counts: another document is one more version, for which the oldest
//! gives way. Documents come back percent-encoded and by a call of their own. A policy that is attached, or that has versions
//! beside its default, is not deleted.

use std::time::Duration;

use aws_sdk_iam::{Client, types::PolicyScopeType};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, NameRule, NameScope,
        Nature::{ByKey, CreateOnly, Document, ServerDefault},
        Output,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{RATE, client, iam_tags};
use crate::{
    Aws,
    call::{failed, found, gone, not_yet},
    document,
    tags::{self, Tag},
};

/// How many versions a policy has at most, the default one among them.
const VERSIONS: usize = 5;

/// A policy of its own, which roles have by its ARN.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ManagedPolicySpec {
    /// Its name, unique in the account whatever the case and the path.
    pub managed_policy_name: String,
    /// The policy.
    pub policy_document: Value,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The path that it stands under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A policy of its own.
pub struct ManagedPolicy {
    iam: Client,
}

impl ManagedPolicy {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { iam: client(aws) }
    }

    async fn document(&self, arn: &str, version: &str) -> Result<Value> {
        let answer = self.iam.get_policy_version().policy_arn(arn).version_id(version).send().await;
        match found(answer.map_err(failed("GetPolicyVersion")))? {
            Some(it) => {
                let text = it.policy_version.and_then(|it| it.document);
                Ok(text.as_deref().map(document::decode).unwrap_or_default())
            }
            // The policy is there: one of the two answers is old.
            None => Err(not_yet("GetPolicyVersion", format!("the default version {version} is not there"))),
        }
    }

    /// The versions beside the default one, the oldest first: they are numbered, and no number comes twice.
    async fn past(&self, arn: &str) -> Result<Vec<String>> {
        let pages = self.iam.list_policy_versions().policy_arn(arn).into_paginator().items().send();
        let all = pages.try_collect().await.map_err(failed("ListPolicyVersions"))?;
        let past = all.into_iter().filter(|it| !it.is_default_version);
        let mut past: Vec<String> = past.filter_map(|it| it.version_id).collect();
        past.sort_by_key(|it| it.trim_start_matches('v').parse::<u32>().unwrap_or_default());
        Ok(past)
    }

    async fn forget(&self, arn: &str, version: &str) -> Result<()> {
        let answer = self.iam.delete_policy_version().policy_arn(arn).version_id(version).send().await;
        gone(answer.map_err(failed("DeletePolicyVersion")))
    }
}

impl Resource for ManagedPolicy {
    const TYPE: &'static str = "AWS::IAM::ManagedPolicy";
    const FACTS: Facts = Facts {
        fields: &[
            ("/ManagedPolicyName", CreateOnly),
            ("/Path", CreateOnly),
            ("/Path", ServerDefault("\"/\"")),
            ("/Description", CreateOnly),
            ("/PolicyDocument", Document(document::policy)),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("PolicyArn")],
        name: Some(NameRule { max: 128, scope: NameScope::Global, ..NameRule::regional("/ManagedPolicyName") }),
        rate: RATE,
        usable_after: Duration::from_secs(10),
        ..Facts::NAMED
    };
    type Spec = ManagedPolicySpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<ManagedPolicySpec>> {
        let answer = found(self.iam.get_policy().policy_arn(&id.0).send().await.map_err(failed("GetPolicy")))?;
        let Some(live) = answer.and_then(|it| it.policy) else { return Ok(Seen::Absent) };
        let document = if wanted.has("PolicyDocument") {
            self.document(&id.0, &live.default_version_id.unwrap_or_default()).await?
        } else {
            Value::Null
        };
        let spec = ManagedPolicySpec {
            managed_policy_name: live.policy_name.unwrap_or_default(),
            policy_document: document,
            description: live.description.filter(|text| !text.is_empty()),
            path: live.path,
            tags: tags::from_map(live.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value))),
        };
        Ok(Seen::ready(spec, [("PolicyArn", json!(id))]))
    }

    async fn create(&self, _: &Identity, spec: &ManagedPolicySpec) -> Result<Created> {
        let call = self
            .iam
            .create_policy()
            .policy_name(&spec.managed_policy_name)
            .policy_document(spec.policy_document.to_string())
            .set_path(spec.path.clone())
            .set_description(spec.description.clone())
            .set_tags(Some(iam_tags(tags::to_map(spec.tags.as_ref()))?));
        let made = call.send().await.map_err(failed("CreatePolicy"))?;
        let arn = made.policy.and_then(|it| it.arn).unwrap_or_default();
        Ok(Created::whole(arn.clone()).output("PolicyArn", arn))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &ManagedPolicySpec,
        spec: &ManagedPolicySpec,
        changed: &Changed,
    ) -> Result<()> {
        if changed.touches("PolicyDocument") {
            let past = self.past(&id.0).await?;
            if let Some(oldest) = past.first().filter(|_| past.len() + 1 >= VERSIONS) {
                self.forget(&id.0, oldest).await?;
            }
            let call = self.iam.create_policy_version().policy_arn(&id.0).set_as_default(true);
            let answer = call.policy_document(spec.policy_document.to_string()).send().await;
            answer.map_err(failed("CreatePolicyVersion"))?;
        }
        let tags = tags::change(changed, spec.tags.as_ref());
        if !tags.set.is_empty() {
            let call = self.iam.tag_policy().policy_arn(&id.0).set_tags(Some(iam_tags(tags.set)?));
            call.send().await.map_err(failed("TagPolicy"))?;
        }
        if !tags.remove.is_empty() {
            let call = self.iam.untag_policy().policy_arn(&id.0).set_tag_keys(Some(tags.remove));
            call.send().await.map_err(failed("UntagPolicy"))?;
        }
        Ok(())
    }

    /// The default version goes with the policy, all others before it.
    async fn delete(&self, id: &PhysicalId, _: &ManagedPolicySpec, _: &DeleteOptions) -> Result<()> {
        for version in found(self.past(&id.0).await)?.unwrap_or_default() {
            self.forget(&id.0, &version).await?;
        }
        gone(self.iam.delete_policy().policy_arn(&id.0).send().await.map_err(failed("DeletePolicy")))
    }

    /// Nobody reads a policy by its name, and its ARN holds the account: it is looked for among the account's own, under any path,
    /// because a namesake under another is in the way too.
    async fn find(&self, _: &Identity, spec: &ManagedPolicySpec) -> Result<Option<PhysicalId>> {
        let call = self.iam.list_policies().scope(PolicyScopeType::Local).max_items(1_000);
        let all = call.into_paginator().items().send().try_collect().await.map_err(failed("ListPolicies"))?;
        let named = |name: &str| name.eq_ignore_ascii_case(&spec.managed_policy_name);
        let mine = all.into_iter().find(|it| it.policy_name.as_deref().is_some_and(named));
        Ok(mine.and_then(|it| it.arn).map(PhysicalId))
    }
}
