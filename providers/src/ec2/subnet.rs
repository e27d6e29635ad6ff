//! `AWS::EC2::Subnet`.
//!
//! Its range can stand only once in its VPC, so a replacement of equal range deletes first. Attributes are changed one at a
//! time.

use std::time::Duration;

use aws_sdk_ec2::{
    Client,
    types::{AttributeBooleanValue, ResourceType, Subnet as Live},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy,
        Nature::{ByKey, CreateOnly, OnRemove},
        OnRemove::{Keep, Reset},
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PAGE, RATE, by_ids, by_token, client, filter, live_tags, once, retag, tagged};
use crate::{
    Aws,
    call::{failed, gone},
    many::{one, read},
    tags::Tag,
};

/// A subnet.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SubnetSpec {
    /// The VPC that it is a part of.
    pub vpc_id: String,
    /// Its IPv4 range, /16 to /28; five addresses of it are AWS's.
    pub cidr_block: String,
    /// The zone that it is in; without it AWS chooses one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub availability_zone: Option<String>,
    /// What is started in it gets a public address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub map_public_ip_on_launch: Option<bool>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A subnet.
pub struct Subnet {
    ec2: Client,
    once: Client,
}

impl Subnet {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws), once: once(aws) }
    }
}

impl Resource for Subnet {
    const TYPE: &'static str = "AWS::EC2::Subnet";
    const FACTS: Facts = Facts {
        fields: &[
            ("/VpcId", CreateOnly),
            ("/CidrBlock", CreateOnly),
            ("/AvailabilityZone", CreateOnly),
            ("/AvailabilityZone", OnRemove(Keep)),
            ("/MapPublicIpOnLaunch", OnRemove(Reset("false"))),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("SubnetId"), Output::created("AvailabilityZone")],
        found: FoundBy::Tag,
        settle: SettleTable {
            create: Settle { budget: Duration::from_secs(600), ..Settle::FAST },
            delete: Settle { budget: Duration::from_secs(1_200), ..Settle::FAST },
            ..SettleTable::FAST
        },
        slots: |spec| vec![format!("{} {}", spec["VpcId"], spec["CidrBlock"])],
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = SubnetSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<SubnetSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<SubnetSpec>>> {
        let answer = self.ec2.describe_subnets().filters(by_ids("subnet-id", ids)).send().await;
        let answer = answer.map_err(failed("DescribeSubnets")).map(|it| it.subnets.unwrap_or_default());
        read(ids, answer, |it| it.subnet_id.as_deref(), seen)
    }

    async fn create(&self, _: &Identity, spec: &SubnetSpec) -> Result<Created> {
        let call = self
            .once
            .create_subnet()
            .vpc_id(&spec.vpc_id)
            .cidr_block(&spec.cidr_block)
            .set_availability_zone(spec.availability_zone.clone())
            .tag_specifications(tagged(ResourceType::Subnet, spec.tags.as_ref()));
        let made = call.send().await.map_err(failed("CreateSubnet"))?.subnet;
        let (id, zone) = made.map(|it| (it.subnet_id, it.availability_zone)).unwrap_or_default();
        let id = id.unwrap_or_default();
        Ok(Created::whole(id.clone())
            .without(&["MapPublicIpOnLaunch"])
            .output("SubnetId", id)
            .output("AvailabilityZone", zone))
    }

    async fn update(&self, id: &PhysicalId, _: &SubnetSpec, spec: &SubnetSpec, changed: &Changed) -> Result<()> {
        if changed.touches("MapPublicIpOnLaunch") {
            let on = AttributeBooleanValue::builder().set_value(spec.map_public_ip_on_launch).build();
            let call = self.ec2.modify_subnet_attribute().subnet_id(&id.0).map_public_ip_on_launch(on);
            call.send().await.map_err(failed("ModifySubnetAttribute"))?;
        }
        retag(&self.ec2, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &SubnetSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.ec2.delete_subnet().subnet_id(&id.0).send().await.map_err(failed("DeleteSubnet")))
    }

    /// Ours, or what has its range.
    async fn find(&self, who: &Identity, spec: &SubnetSpec) -> Result<Option<PhysicalId>> {
        let place = [filter("vpc-id", [&spec.vpc_id]), filter("cidr-block", [&spec.cidr_block])];
        for filters in [vec![by_token(who)], place.to_vec()] {
            let answer = self.ec2.describe_subnets().set_filters(Some(filters)).send().await;
            let found = answer.map_err(failed("DescribeSubnets"))?.subnets;
            if let Some(id) = found.into_iter().flatten().find_map(|it| it.subnet_id) {
                return Ok(Some(PhysicalId(id)));
            }
        }
        Ok(None)
    }
}

fn seen(live: Live) -> Seen<SubnetSpec> {
    let outputs = [("SubnetId", json!(live.subnet_id)), ("AvailabilityZone", json!(live.availability_zone))];
    let spec = SubnetSpec {
        vpc_id: live.vpc_id.unwrap_or_default(),
        cidr_block: live.cidr_block.unwrap_or_default(),
        availability_zone: live.availability_zone,
        map_public_ip_on_launch: live.map_public_ip_on_launch,
        tags: live_tags(live.tags),
    };
    match live.state.as_ref().map(|state| state.as_str()) {
        Some("available") | None => Seen::ready(spec, outputs),
        Some(status) if status.starts_with("failed") => Seen::Failed { reason: status.to_owned() },
        Some(status) => Seen::pending(status, spec, outputs),
    }
}
