//! Cloud Map: names by which services are found inside a VPC.
//!
//! A namespace comes and goes by an operation that takes a while; a service at once, but not while anything is registered in it.

mod private_dns_namespace;
mod service;

use aws_sdk_servicediscovery::{Client, types::Tag as MapTag};
use deployer_engine::{
    error::{Error, Result},
    facts::Rate,
    resource::Changed,
};

pub use private_dns_namespace::{PrivateDnsNamespace, PrivateDnsNamespaceSpec};
pub use service::{DiscoveryService, DiscoveryServiceSpec};

use crate::{
    call::failed,
    tags::{self, Tag},
};

/// A few a second; private namespaces ride on Route 53's limits.
const RATE: Rate = Rate { class: "cloudmap", in_flight: 3 };

fn map_tags(tags: impl IntoIterator<Item = (String, String)>) -> Result<Vec<MapTag>> {
    let incomplete = |error: aws_sdk_servicediscovery::error::BuildError| Error::Missing(error.to_string());
    tags.into_iter().map(|(key, value)| MapTag::builder().key(key).value(value).build().map_err(incomplete)).collect()
}

async fn tags_of(map: &Client, arn: &str) -> Result<Option<Vec<Tag>>> {
    let answer = map.list_tags_for_resource().resource_arn(arn).send().await.map_err(failed("ListTagsForResource"))?;
    Ok(tags::from_map(answer.tags.into_iter().flatten().map(|tag| (tag.key, tag.value))))
}

async fn retag(map: &Client, arn: &str, changed: &Changed, desired: Option<&Vec<Tag>>) -> Result<()> {
    let tags = tags::change(changed, desired);
    if !tags.set.is_empty() {
        let call = map.tag_resource().resource_arn(arn).set_tags(Some(map_tags(tags.set)?));
        call.send().await.map_err(failed("TagResource"))?;
    }
    if !tags.remove.is_empty() {
        let call = map.untag_resource().resource_arn(arn).set_tag_keys(Some(tags.remove));
        call.send().await.map_err(failed("UntagResource"))?;
    }
    Ok(())
}
