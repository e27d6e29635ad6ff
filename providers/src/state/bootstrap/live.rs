//! What stands there already and is no resource of the desired graph: whose the bucket is, and what a role has and for whom.
//!
//! A role that is taken over may be what somebody's jobs run as just now. So what it has beyond the graph is looked at first: it is
//! kept, or it is told.

use aws_sdk_iam::Client;
use deployer_engine::error::{Class, Error, Result};
use serde_json::Value;

use super::{Bootstrap, policy, trust::righted};
use crate::{
    Aws,
    call::{failed, found},
    document,
};

/// Whose a bucket is: names are everybody's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// There is none.
    Nobodys,
    /// The account's that was asked for.
    Ours,
    /// Another's, or one that the caller may not look at.
    NotOurs,
    /// It is in another region.
    Elsewhere,
}

/// Whose the bucket is, by the owner that S3 is told to expect: that it answers a caller does not make it the caller's.
pub async fn whose(aws: &Aws, bucket: &str, account: &str) -> Result<Whose> {
    let call = crate::s3::client(aws).head_bucket().bucket(bucket).expected_bucket_owner(account);
    match call.send().await.map_err(failed("HeadBucket")) {
        Ok(_) => Ok(Whose::Ours),
        Err(error) if error.class() == Class::NotFound => Ok(Whose::Nobodys),
        // A head has no body: its status is all that there is.
        Err(Error::Call { code, .. }) if code == "HTTP 301" || code == "PermanentRedirect" => Ok(Whose::Elsewhere),
        Err(Error::Call { code, class: Class::Denied, .. })
            if code == "HTTP 403" || code.starts_with("AccessDenied") =>
        {
            Ok(Whose::NotOurs)
        }
        Err(error) => Err(error),
    }
}

/// What a role has.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// Who may take it.
    trust: Value,
    /// The ARNs of the managed policies that are attached.
    attached: Vec<String>,
    /// The names of its inline policies.
    pub inline: Vec<String>,
}

impl Live {
    /// Reads it; none if there is no such role.
    pub async fn read(aws: &Aws, role: &str) -> Result<Option<Self>> {
        let iam = Client::new(aws.config());
        let answer = found(iam.get_role().role_name(role).send().await.map_err(failed("GetRole")))?;
        let Some(it) = answer.and_then(|it| it.role) else { return Ok(None) };
        let pages = iam.list_attached_role_policies().role_name(role).into_paginator().items().send();
        let attached = pages.try_collect().await.map_err(failed("ListAttachedRolePolicies"))?;
        let pages = iam.list_role_policies().role_name(role).into_paginator().items().send();
        Ok(Some(Self {
            trust: it.assume_role_policy_document.as_deref().map(document::decode).unwrap_or_default(),
            attached: attached.into_iter().filter_map(|it| it.policy_arn).collect(),
            inline: pages.try_collect().await.map_err(failed("ListRolePolicies"))?,
        }))
    }

    /// The statements of its trust that let jobs of GitHub in.
    pub fn jobs(&self, provider: &str) -> Vec<Value> {
        let all = match &self.trust["Statement"] {
            Value::Array(all) => all.as_slice(),
            one => std::slice::from_ref(one),
        };
        all.iter().filter(|it| it["Principal"]["Federated"] == provider).cloned().collect()
    }

    /// The policies of ours that are attached to `role`: the ARN, for whom it deploys, and the number.
    fn policies(&self, role: &str) -> Vec<(&str, Option<&str>, usize)> {
        let named = self.attached.iter().filter_map(|arn| Some((arn.as_str(), arn.rsplit_once('/')?.1)));
        let told = named.filter_map(|(arn, name)| policy::told(role, name).map(|(whose, number)| (arn, whose, number)));
        told.collect()
    }
}

impl Bootstrap {
    /// Takes in what the role has by now: without another word its jobs keep their way in, and a run beside no stack takes nothing
    /// from it. An error: the stack and environment that the role deploys already, which are others than the ones that are asked for.
    pub fn meet(&mut self, live: &Live, keep_jobs: bool) -> Result<(), String> {
        if keep_jobs {
            self.kept_jobs = live.jobs(&self.provider_arn()).into_iter().map(righted).collect();
        }
        let there = live.policies(&self.role);
        let other = there.iter().find_map(|(_, whose, _)| whose.filter(|it| Some(*it) != self.deploys.as_deref()));
        match (other, &self.deploys) {
            (Some(other), Some(_)) => return Err(other.to_owned()),
            (Some(_), None) => {
                self.policies.clear();
                self.kept_policies = there.iter().map(|(arn, ..)| (*arn).to_owned()).collect();
            }
            (None, _) => {
                let (deploys, count) = (self.deploys.as_deref(), self.policies.len());
                let stale = there.iter().filter(|(_, whose, number)| *whose != deploys || *number > count);
                let stale = stale.map(|(arn, whose, number)| (policy::part(*whose, *number), (*arn).to_owned()));
                self.stale_policies = stale.collect();
            }
        }
        Ok(())
    }
}
