//! Networking: VPCs and what stands in them.
//!
//! Ids are opaque and names mean nothing, so a create whose answer is lost is found by the token among its tags. Creates are
//! sent once by the SDK: a repeated one would make a second thing. Reads ask by filter, which passes over what is gone.

mod eip;
mod internet_gateway;
mod nat_gateway;
mod route;
mod route_table;
mod rule;
mod security_group;
mod security_group_rule;
mod subnet;
mod subnet_route_table_association;
mod vpc;
mod vpc_endpoint;
mod vpc_gateway_attachment;

use aws_sdk_ec2::{
    Client,
    config::{Builder, retry::RetryConfig},
    types::{Filter, ResourceType, Tag as Ec2Tag, TagSpecification},
};
use deployer_engine::{
    error::Result,
    facts::Rate,
    resource::{Changed, Identity, PhysicalId, Wanted},
};

pub use eip::{Eip, EipSpec};
pub use internet_gateway::{InternetGateway, InternetGatewaySpec};
pub use nat_gateway::{NatGateway, NatGatewaySpec};
pub use route::{Route, RouteSpec};
pub use route_table::{RouteTable, RouteTableSpec};
pub use security_group::{SecurityGroup, SecurityGroupSpec};
pub use security_group_rule::{EgressSpec, IngressSpec, SecurityGroupEgress, SecurityGroupIngress};
pub use subnet::{Subnet, SubnetSpec};
pub use subnet_route_table_association::{AssociationSpec, SubnetRouteTableAssociation};
pub use vpc::{Vpc, VpcSpec};
pub use vpc_endpoint::{VpcEndpoint, VpcEndpointSpec};
pub use vpc_gateway_attachment::{AttachmentSpec, VpcGatewayAttachment};

use crate::{
    Aws,
    call::failed,
    tags::{self, Tag},
};

/// Changes refill at five a second, with a burst of about fifty.
const RATE: Rate = Rate { class: "ec2", in_flight: 12 };
/// Values that one filter takes are 200; half of it keeps answers small.
const PAGE: usize = 100;

/// The client for everything that may be sent twice.
fn client(aws: &Aws) -> Client {
    Client::new(aws.config())
}

/// The client for creates without name or token: sent once.
fn once(aws: &Aws) -> Client {
    Client::from_conf(Builder::from(aws.config()).retry_config(RetryConfig::disabled()).build())
}

fn filter(name: &str, values: impl IntoIterator<Item = impl Into<String>>) -> Filter {
    Filter::builder().name(name).set_values(Some(values.into_iter().map(Into::into).collect())).build()
}

/// Those whose ids are asked for.
fn by_ids(name: &str, ids: &[(PhysicalId, Wanted)]) -> Filter {
    filter(name, ids.iter().map(|(id, _)| id.0.clone()))
}

/// What the create of `who` made.
fn by_token(who: &Identity) -> Filter {
    filter("tag:deployer:token", [&who.token])
}

/// Tags as a create call takes them.
fn tagged(kind: ResourceType, tags: Option<&Vec<Tag>>) -> TagSpecification {
    TagSpecification::builder().resource_type(kind).set_tags(Some(ec2_tags(tags::to_map(tags)))).build()
}

fn ec2_tags(tags: impl IntoIterator<Item = (String, String)>) -> Vec<Ec2Tag> {
    tags.into_iter().map(|(key, value)| Ec2Tag::builder().key(key).value(value).build()).collect()
}

/// Tags as a describe call tells them.
fn live_tags(tags: Option<Vec<Ec2Tag>>) -> Option<Vec<Tag>> {
    tags::from_map(tags.into_iter().flatten().filter_map(|tag| Some((tag.key?, tag.value?))))
}

/// Brings changed tags of anything: they are set and taken away by one pair of calls for all types.
async fn retag(ec2: &Client, id: &PhysicalId, changed: &Changed, desired: Option<&Vec<Tag>>) -> Result<()> {
    let tags = tags::change(changed, desired);
    if !tags.set.is_empty() {
        let call = ec2.create_tags().resources(&id.0).set_tags(Some(ec2_tags(tags.set)));
        call.send().await.map_err(failed("CreateTags"))?;
    }
    if !tags.remove.is_empty() {
        let keys = tags.remove.into_iter().map(|key| Ec2Tag::builder().key(key).build()).collect();
        let call = ec2.delete_tags().resources(&id.0).set_tags(Some(keys));
        call.send().await.map_err(failed("DeleteTags"))?;
    }
    Ok(())
}
