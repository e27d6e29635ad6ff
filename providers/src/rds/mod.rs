//! Relational Database Service.
//!
//! Identifiers are kept in lower case, instances take many minutes, and a change's status lags behind its call. Nothing has a
//! token: names protect.

mod db_instance;
mod db_parameter_group;
mod db_subnet_group;

use aws_sdk_rds::{Client, types::Tag as RdsTag};
use deployer_engine::{error::Result, facts::Rate, resource::Changed};

pub use db_instance::{DbInstance, DbInstanceSpec};
pub use db_parameter_group::{DbParameterGroup, DbParameterGroupSpec};
pub use db_subnet_group::{DbSubnetGroup, DbSubnetGroupSpec};

use crate::{
    call::failed,
    tags::{self, Tag},
};

/// Limits are unpublished: few at a time.
const RATE: Rate = Rate { class: "rds", in_flight: 5 };

fn rds_tags(tags: impl IntoIterator<Item = (String, String)>) -> Vec<RdsTag> {
    tags.into_iter().map(|(key, value)| RdsTag::builder().key(key).value(value).build()).collect()
}

fn live_tags(tags: Option<Vec<RdsTag>>) -> Option<Vec<Tag>> {
    tags::from_map(tags.into_iter().flatten().filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default()))))
}

/// The tags of a thing that does not tell them itself.
async fn tags_of(rds: &Client, arn: &str) -> Result<Option<Vec<Tag>>> {
    let answer = rds.list_tags_for_resource().resource_name(arn).send().await.map_err(failed("ListTagsForResource"))?;
    Ok(live_tags(answer.tag_list))
}

async fn retag(rds: &Client, arn: &str, changed: &Changed, desired: Option<&Vec<Tag>>) -> Result<()> {
    let tags = tags::change(changed, desired);
    if !tags.set.is_empty() {
        let call = rds.add_tags_to_resource().resource_name(arn).set_tags(Some(rds_tags(tags.set)));
        call.send().await.map_err(failed("AddTagsToResource"))?;
    }
    if !tags.remove.is_empty() {
        let call = rds.remove_tags_from_resource().resource_name(arn).set_tag_keys(Some(tags.remove));
        call.send().await.map_err(failed("RemoveTagsFromResource"))?;
    }
    Ok(())
}
