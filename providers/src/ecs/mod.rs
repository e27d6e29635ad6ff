//! Elastic Container Service.
//!
//! What is gone stays describable as `INACTIVE` for a while, and what is missing is told inside a success. A task definition is
//! a row of revisions of one family; a service is healthy when its rollout says so, not when its call was answered.

mod cluster;
mod container;
pub mod logs;
mod service;
mod task_definition;

use aws_sdk_ecs::{Client, types::Tag as EcsTag};
use deployer_engine::{error::Result, facts::Rate, resource::Changed};

pub use cluster::{Cluster, ClusterSpec, Setting};
pub use service::{Service, ServiceSpec};
pub use task_definition::{TaskDefinition, TaskDefinitionSpec};

use crate::{
    call::failed,
    tags::{self, Tag},
};

/// Changes of services: about five a second, with a burst of fifty.
const RATE: Rate = Rate { class: "ecs", in_flight: 8 };

fn ecs_tags(tags: impl IntoIterator<Item = (String, String)>) -> Option<Vec<EcsTag>> {
    let tag = |(key, value)| EcsTag::builder().key(key).value(value).build();
    Some(tags.into_iter().map(tag).collect::<Vec<_>>()).filter(|tags| !tags.is_empty())
}

fn live_tags(tags: Option<Vec<EcsTag>>) -> Option<Vec<Tag>> {
    tags::from_map(tags.into_iter().flatten().filter_map(|tag| Some((tag.key?, tag.value?))))
}

async fn retag(ecs: &Client, arn: &str, changed: &Changed, desired: Option<&Vec<Tag>>) -> Result<()> {
    let tags = tags::change(changed, desired);
    if let Some(set) = ecs_tags(tags.set) {
        ecs.tag_resource().resource_arn(arn).set_tags(Some(set)).send().await.map_err(failed("TagResource"))?;
    }
    if !tags.remove.is_empty() {
        let call = ecs.untag_resource().resource_arn(arn).set_tag_keys(Some(tags.remove));
        call.send().await.map_err(failed("UntagResource"))?;
    }
    Ok(())
}
