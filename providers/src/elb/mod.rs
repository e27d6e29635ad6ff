//! Elastic Load Balancing v2.
//!
//! ARNs end in something random, so a thing that is made again is another one for all who refer to it. Creating with equal
//! settings answers with what is there already; tags are read by a call of their own, for twenty at a time.

mod action;
mod listener;
mod listener_rule;
mod load_balancer;
mod target_group;

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::{Client, types::Tag as ElbTag};
use deployer_engine::{
    error::Result,
    facts::Rate,
    resource::{Changed, PhysicalId, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use action::{ActionSpec, FixedResponse, Redirect};
pub use listener::{Certificate, Listener, ListenerSpec};
pub use listener_rule::{ListenerRule, ListenerRuleSpec, RuleCondition};
pub use load_balancer::{LoadBalancer, LoadBalancerSpec};
pub use target_group::{TargetGroup, TargetGroupSpec};

use crate::{
    call::failed,
    tags::{self, Tag},
};

/// Limits are unpublished: few at a time, and describe calls in batches.
const RATE: Rate = Rate { class: "elb", in_flight: 6 };
/// What a describe call takes.
const PAGE: usize = 20;

/// One setting of a load balancer or target group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Attribute {
    /// Its name: `idle_timeout.timeout_seconds`.
    pub key: String,
    /// Its value.
    pub value: String,
}

/// Tags by ARN.
type TagsOf = BTreeMap<String, Option<Vec<Tag>>>;

/// The tags of what was found.
async fn tags_of<L>(elb: &Client, live: &[Result<Option<L>>], ids: &[(PhysicalId, Wanted)]) -> Result<TagsOf> {
    let there = live.iter().zip(ids).filter(|(live, _)| matches!(live, Ok(Some(_))));
    let arns: Vec<String> = there.map(|(_, (id, _))| id.0.clone()).collect();
    if arns.is_empty() {
        return Ok(TagsOf::new());
    }
    let answer = elb.describe_tags().set_resource_arns(Some(arns)).send().await.map_err(failed("DescribeTags"))?;
    let of = |tags: Option<Vec<ElbTag>>| {
        tags::from_map(
            tags.into_iter().flatten().map(|tag| (tag.key.unwrap_or_default(), tag.value.unwrap_or_default())),
        )
    };
    Ok(answer
        .tag_descriptions
        .into_iter()
        .flatten()
        .map(|it| (it.resource_arn.unwrap_or_default(), of(it.tags)))
        .collect())
}

/// What CloudWatch and scaling know a thing by: its ARN's last part.
fn after_colon(arn: &str) -> String {
    let last = arn.rsplit(':').next().unwrap_or_default();
    last.strip_prefix("loadbalancer/").unwrap_or(last).to_owned()
}

fn elb_tags(tags: impl IntoIterator<Item = (String, String)>) -> Option<Vec<ElbTag>> {
    let tag = |(key, value)| ElbTag::builder().key(key).value(value).build();
    Some(tags.into_iter().map(tag).collect::<Vec<_>>()).filter(|tags| !tags.is_empty())
}

async fn retag(elb: &Client, id: &PhysicalId, changed: &Changed, desired: Option<&Vec<Tag>>) -> Result<()> {
    let tags = tags::change(changed, desired);
    if let Some(set) = elb_tags(tags.set) {
        elb.add_tags().resource_arns(&id.0).set_tags(Some(set)).send().await.map_err(failed("AddTags"))?;
    }
    if !tags.remove.is_empty() {
        let call = elb.remove_tags().resource_arns(&id.0).set_tag_keys(Some(tags.remove));
        call.send().await.map_err(failed("RemoveTags"))?;
    }
    Ok(())
}

/// The attributes that a change sets; what was taken away goes back to AWS's default, where we know it.
fn attributes(
    changed: &Changed,
    property: &str,
    desired: Option<&Vec<Attribute>>,
    defaults: &[(&str, &str)],
) -> Vec<(String, String)> {
    let wanted = |key: &str| desired.into_iter().flatten().find(|it| it.key == key).map(|it| it.value.clone());
    let default = |key: &str| defaults.iter().find(|(name, _)| *name == key).map(|(_, value)| (*value).to_owned());
    let mut set = Vec::new();
    for path in &changed.0 {
        let Some(rest) = path.strip_prefix('/').and_then(|path| path.strip_prefix(property)) else { continue };
        match rest.strip_prefix('/') {
            None => set.extend(desired.into_iter().flatten().map(|it| (it.key.clone(), it.value.clone()))),
            Some(key) => {
                let key = deployer_engine::diff::unescape(key.split('/').next().unwrap_or_default());
                set.extend(wanted(&key).or_else(|| default(&key)).map(|value| (key, value)));
            }
        }
    }
    set
}
