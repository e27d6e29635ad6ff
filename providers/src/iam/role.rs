//! `AWS::IAM::Role`.
//!
//! Documents come back percent-encoded and written anew. A new role is visible to IAM at once and to everybody else seconds
//! later. Inline policies are resources of their own; managed ones are attached after the create.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_iam::Client;
use deployer_engine::{
    error::Result,
    facts::{
        Facts, NameRule, NameScope,
        Nature::{ByKey, CreateOnly, Document, OnRemove, ServerDefault, Unordered},
        OnRemove::{Replace, Reset},
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
    call::{failed, found, gone},
    document,
    tags::{self, Tag},
};

/// A role.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RoleSpec {
    /// Its name, unique in the account whatever the case.
    pub role_name: String,
    /// Who may take it on.
    pub assume_role_policy_document: Value,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The longest session in seconds: 3,600 to 43,200.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_session_duration: Option<i32>,
    /// The path that it stands under.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// The ARN of the policy that bounds it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permissions_boundary: Option<String>,
    /// ARNs of the managed policies that are attached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub managed_policy_arns: Option<Vec<String>>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A role.
pub struct Role {
    iam: Client,
}

impl Role {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { iam: client(aws) }
    }

    async fn attached(&self, name: &str) -> Result<Vec<String>> {
        let mut pages = self.iam.list_attached_role_policies().role_name(name).into_paginator().send();
        let mut all = Vec::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("ListAttachedRolePolicies"))?;
            all.extend(page.attached_policies.into_iter().flatten().filter_map(|it| it.policy_arn));
        }
        Ok(all)
    }

    async fn attach(&self, name: &str, live: &[String], wanted: &[String]) -> Result<()> {
        let (live, wanted): (BTreeSet<&String>, BTreeSet<&String>) = (live.iter().collect(), wanted.iter().collect());
        for arn in wanted.difference(&live) {
            let call = self.iam.attach_role_policy().role_name(name).policy_arn(*arn);
            call.send().await.map_err(failed("AttachRolePolicy"))?;
        }
        for arn in live.difference(&wanted) {
            gone(
                self.iam
                    .detach_role_policy()
                    .role_name(name)
                    .policy_arn(*arn)
                    .send()
                    .await
                    .map_err(failed("DetachRolePolicy")),
            )?;
        }
        Ok(())
    }

    async fn bound(&self, name: &str, boundary: Option<&String>) -> Result<()> {
        match boundary {
            Some(arn) => {
                let call = self.iam.put_role_permissions_boundary().role_name(name).permissions_boundary(arn);
                call.send().await.map_err(failed("PutRolePermissionsBoundary")).map(drop)
            }
            None => gone(
                self.iam
                    .delete_role_permissions_boundary()
                    .role_name(name)
                    .send()
                    .await
                    .map_err(failed("DeleteRolePermissionsBoundary")),
            ),
        }
    }
}

impl Resource for Role {
    const TYPE: &'static str = "AWS::IAM::Role";
    const FACTS: Facts = Facts {
        fields: &[
            ("/RoleName", CreateOnly),
            ("/Path", CreateOnly),
            ("/Path", ServerDefault("\"/\"")),
            ("/Path", OnRemove(Replace)),
            ("/AssumeRolePolicyDocument", Document(document::policy)),
            ("/Description", OnRemove(Reset("\"\""))),
            ("/MaxSessionDuration", OnRemove(Reset("3600"))),
            ("/MaxSessionDuration", ServerDefault("3600")),
            ("/ManagedPolicyArns", Unordered),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::ready("Arn"), Output::ready("RoleId"), Output::created("RoleName")],
        name: Some(NameRule { max: 64, scope: NameScope::Global, ..NameRule::regional("/RoleName") }),
        rate: RATE,
        usable_after: Duration::from_secs(10),
        ..Facts::NAMED
    };
    type Spec = RoleSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<RoleSpec>> {
        let answer = found(self.iam.get_role().role_name(&id.0).send().await.map_err(failed("GetRole")))?;
        let Some(live) = answer.and_then(|it| it.role) else { return Ok(Seen::Absent) };
        let managed = if wanted.has("ManagedPolicyArns") {
            let Some(all) = found(self.attached(&id.0).await)? else { return Ok(Seen::Absent) };
            Some(all).filter(|all| !all.is_empty())
        } else {
            None
        };
        let outputs = [("Arn", json!(live.arn)), ("RoleId", json!(live.role_id)), ("RoleName", json!(id))];
        let spec = RoleSpec {
            role_name: live.role_name,
            assume_role_policy_document: live
                .assume_role_policy_document
                .as_deref()
                .map(document::decode)
                .unwrap_or_default(),
            description: live.description.filter(|text| !text.is_empty()),
            max_session_duration: live.max_session_duration,
            path: Some(live.path),
            permissions_boundary: live.permissions_boundary.and_then(|it| it.permissions_boundary_arn),
            managed_policy_arns: managed,
            tags: tags::from_map(live.tags.unwrap_or_default().into_iter().map(|tag| (tag.key, tag.value))),
        };
        Ok(Seen::ready(spec, outputs))
    }

    async fn create(&self, _: &Identity, spec: &RoleSpec) -> Result<Created> {
        let call = self
            .iam
            .create_role()
            .role_name(&spec.role_name)
            .assume_role_policy_document(spec.assume_role_policy_document.to_string())
            .set_path(spec.path.clone())
            .set_description(spec.description.clone())
            .set_max_session_duration(spec.max_session_duration)
            .set_permissions_boundary(spec.permissions_boundary.clone())
            .set_tags(Some(iam_tags(tags::to_map(spec.tags.as_ref()))?));
        call.send().await.map_err(failed("CreateRole"))?;
        let name = spec.role_name.clone();
        Ok(Created::whole(name.clone()).without(&["ManagedPolicyArns"]).output("RoleName", name))
    }

    async fn update(&self, id: &PhysicalId, live: &RoleSpec, spec: &RoleSpec, changed: &Changed) -> Result<()> {
        if changed.touches("AssumeRolePolicyDocument") {
            let document = spec.assume_role_policy_document.to_string();
            let call = self.iam.update_assume_role_policy().role_name(&id.0).policy_document(document);
            call.send().await.map_err(failed("UpdateAssumeRolePolicy"))?;
        }
        // One call sets both, and takes what it lacks for the default.
        if changed.touches("Description") || changed.touches("MaxSessionDuration") {
            let description = spec.description.clone().unwrap_or_default();
            let session = spec.max_session_duration.unwrap_or(3_600);
            let call = self.iam.update_role().role_name(&id.0).description(description).max_session_duration(session);
            call.send().await.map_err(failed("UpdateRole"))?;
        }
        if changed.touches("PermissionsBoundary") {
            self.bound(&id.0, spec.permissions_boundary.as_ref()).await?;
        }
        if changed.touches("ManagedPolicyArns") {
            let of = |spec: &RoleSpec| spec.managed_policy_arns.clone().unwrap_or_default();
            self.attach(&id.0, &of(live), &of(spec)).await?;
        }
        let tags = tags::change(changed, spec.tags.as_ref());
        if !tags.set.is_empty() {
            self.iam
                .tag_role()
                .role_name(&id.0)
                .set_tags(Some(iam_tags(tags.set)?))
                .send()
                .await
                .map_err(failed("TagRole"))?;
        }
        if !tags.remove.is_empty() {
            self.iam
                .untag_role()
                .role_name(&id.0)
                .set_tag_keys(Some(tags.remove))
                .send()
                .await
                .map_err(failed("UntagRole"))?;
        }
        Ok(())
    }

    /// Attached policies have to go first; inline ones are resources of their own and went before.
    async fn delete(&self, id: &PhysicalId, _: &RoleSpec, _: &DeleteOptions) -> Result<()> {
        let attached = found(self.attached(&id.0).await)?.unwrap_or_default();
        self.attach(&id.0, &attached, &[]).await?;
        gone(self.iam.delete_role().role_name(&id.0).send().await.map_err(failed("DeleteRole")))
    }

    async fn find(&self, _: &Identity, spec: &RoleSpec) -> Result<Option<PhysicalId>> {
        let answer = found(self.iam.get_role().role_name(&spec.role_name).send().await.map_err(failed("GetRole")))?;
        Ok(answer.map(|_| PhysicalId(spec.role_name.clone())))
    }
}
