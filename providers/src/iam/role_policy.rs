//! `AWS::IAM::RolePolicy`.
//!
//! An inline policy: known by role and name, written as a whole by a call that creates or replaces it, untaggable.

use std::time::Duration;

use aws_sdk_iam::Client;
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
    call::{failed, found, gone},
    document,
};

/// An inline policy of a role.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RolePolicySpec {
    /// The role's name.
    pub role_name: String,
    /// The policy's name.
    pub policy_name: String,
    /// The policy.
    pub policy_document: Value,
}

/// An inline policy of a role.
pub struct RolePolicy {
    iam: Client,
}

impl RolePolicy {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { iam: client(aws) }
    }

    async fn put(&self, spec: &RolePolicySpec) -> Result<()> {
        let document = spec.policy_document.to_string();
        let call = self
            .iam
            .put_role_policy()
            .role_name(&spec.role_name)
            .policy_name(&spec.policy_name)
            .policy_document(document);
        call.send().await.map_err(failed("PutRolePolicy")).map(drop)
    }
}

impl Resource for RolePolicy {
    const TYPE: &'static str = "AWS::IAM::RolePolicy";
    const FACTS: Facts = Facts {
        fields: &[
            ("/RoleName", CreateOnly),
            ("/PolicyName", CreateOnly),
            ("/PolicyDocument", Document(document::policy)),
            ("/PolicyDocument", OnRemove(Replace)),
        ],
        slots: |spec| vec![format!("{}|{}", spec["RoleName"], spec["PolicyName"])],
        rate: RATE,
        usable_after: Duration::from_secs(10),
        ..Facts::PART
    };
    type Spec = RolePolicySpec;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<RolePolicySpec>> {
        let (role, policy) = parts(id);
        let answer = found(
            self.iam
                .get_role_policy()
                .role_name(role)
                .policy_name(policy)
                .send()
                .await
                .map_err(failed("GetRolePolicy")),
        )?;
        let Some(live) = answer else { return Ok(Seen::Absent) };
        let document = document::decode(&live.policy_document);
        let spec =
            RolePolicySpec { role_name: live.role_name, policy_name: live.policy_name, policy_document: document };
        Ok(Seen::ready(spec, []))
    }

    async fn create(&self, _: &Identity, spec: &RolePolicySpec) -> Result<Created> {
        self.put(spec).await?;
        Ok(Created::whole(id(spec)))
    }

    async fn update(&self, _: &PhysicalId, _: &RolePolicySpec, spec: &RolePolicySpec, _: &Changed) -> Result<()> {
        self.put(spec).await
    }

    async fn delete(&self, id: &PhysicalId, _: &RolePolicySpec, _: &DeleteOptions) -> Result<()> {
        let (role, policy) = parts(id);
        gone(
            self.iam
                .delete_role_policy()
                .role_name(role)
                .policy_name(policy)
                .send()
                .await
                .map_err(failed("DeleteRolePolicy")),
        )
    }

    async fn find(&self, _: &Identity, spec: &RolePolicySpec) -> Result<Option<PhysicalId>> {
        Ok(Some(PhysicalId(id(spec))))
    }
}

/// `role|policy`: neither name can hold a bar.
fn id(spec: &RolePolicySpec) -> String {
    format!("{}|{}", spec.role_name, spec.policy_name)
}

fn parts(id: &PhysicalId) -> (&str, &str) {
    id.0.split_once('|').unwrap_or((&id.0, ""))
}
