//! `AWS::EC2::VPC`.
//!
//! DNS support and DNS host names are attributes, each read by a call of its own and changed one at a time; host names need
//! support.

use std::time::Duration;

use aws_sdk_ec2::{
    Client,
    types::{AttributeBooleanValue, ResourceType, Tenancy, Vpc as Live, VpcAttributeName},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy,
        Nature::{ByKey, CreateOnly, OnRemove, ServerDefault},
        OnRemove::Reset,
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PAGE, RATE, by_ids, by_token, client, live_tags, once, retag, tagged};
use crate::{
    Aws,
    call::{failed, gone},
    many::{in_order, one},
    tags::Tag,
};

/// A virtual private cloud.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcSpec {
    /// Its IPv4 range, /16 to /28.
    pub cidr_block: String,
    /// The resolver answers inside.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_dns_support: Option<bool>,
    /// Instances with public addresses have host names.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_dns_hostnames: Option<bool>,
    /// `default` or `dedicated`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instance_tenancy: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A virtual private cloud.
pub struct Vpc {
    ec2: Client,
    once: Client,
}

impl Vpc {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws), once: once(aws) }
    }

    async fn attribute(&self, id: &str, name: VpcAttributeName) -> Result<Option<bool>> {
        let call = self.ec2.describe_vpc_attribute().vpc_id(id).attribute(name);
        let answer = call.send().await.map_err(failed("DescribeVpcAttribute"))?;
        Ok(answer.enable_dns_support.or(answer.enable_dns_hostnames).and_then(|it| it.value))
    }

    async fn seen(&self, id: &str, live: Live, wanted: &Wanted) -> Result<Seen<VpcSpec>> {
        let mut spec = VpcSpec {
            cidr_block: live.cidr_block.unwrap_or_default(),
            instance_tenancy: live.instance_tenancy.map(|it| it.as_str().to_owned()),
            tags: live_tags(live.tags),
            ..VpcSpec::default()
        };
        if wanted.has("EnableDnsSupport") {
            spec.enable_dns_support = self.attribute(id, VpcAttributeName::EnableDnsSupport).await?;
        }
        if wanted.has("EnableDnsHostnames") {
            spec.enable_dns_hostnames = self.attribute(id, VpcAttributeName::EnableDnsHostnames).await?;
        }
        match live.state.as_ref().map(|state| state.as_str()) {
            Some("available") | None => Ok(Seen::ready(spec, [("VpcId", json!(id))])),
            Some(status) => Ok(Seen::pending(status, spec, [("VpcId", json!(id))])),
        }
    }
}

impl Resource for Vpc {
    const TYPE: &'static str = "AWS::EC2::VPC";
    const FACTS: Facts = Facts {
        fields: &[
            ("/CidrBlock", CreateOnly),
            ("/InstanceTenancy", CreateOnly),
            ("/InstanceTenancy", ServerDefault("\"default\"")),
            ("/EnableDnsSupport", OnRemove(Reset("true"))),
            ("/EnableDnsHostnames", OnRemove(Reset("false"))),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("VpcId")],
        found: FoundBy::Tag,
        settle: SettleTable {
            create: Settle { budget: Duration::from_secs(600), ..Settle::FAST },
            delete: Settle { budget: Duration::from_secs(300), ..Settle::FAST },
            ..SettleTable::FAST
        },
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = VpcSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<VpcSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<VpcSpec>>> {
        let call = self.ec2.describe_vpcs().filters(by_ids("vpc-id", ids));
        let answer = call.send().await.map_err(failed("DescribeVpcs"));
        let answer = answer.map(|it| it.vpcs.unwrap_or_default());
        let live = in_order(ids, answer, |it| it.vpc_id.as_deref());
        let seen = live.into_iter().zip(ids).map(async |(live, (id, wanted))| match live? {
            Some(live) => self.seen(&id.0, live, wanted).await,
            None => Ok(Seen::Absent),
        });
        futures::future::join_all(seen).await
    }

    async fn create(&self, _: &Identity, spec: &VpcSpec) -> Result<Created> {
        let call = self
            .once
            .create_vpc()
            .cidr_block(&spec.cidr_block)
            .set_instance_tenancy(spec.instance_tenancy.as_deref().map(Tenancy::from))
            .tag_specifications(tagged(ResourceType::Vpc, spec.tags.as_ref()));
        let answer = call.send().await.map_err(failed("CreateVpc"))?;
        let id = answer.vpc.and_then(|it| it.vpc_id).unwrap_or_default();
        Ok(Created::whole(id.clone()).without(&["EnableDnsSupport", "EnableDnsHostnames"]).output("VpcId", id))
    }

    async fn update(&self, id: &PhysicalId, _: &VpcSpec, spec: &VpcSpec, changed: &Changed) -> Result<()> {
        let on = |value: Option<bool>| AttributeBooleanValue::builder().set_value(value).build();
        if changed.touches("EnableDnsSupport") {
            let call = self.ec2.modify_vpc_attribute().vpc_id(&id.0).enable_dns_support(on(spec.enable_dns_support));
            call.send().await.map_err(failed("ModifyVpcAttribute"))?;
        }
        if changed.touches("EnableDnsHostnames") {
            let call =
                self.ec2.modify_vpc_attribute().vpc_id(&id.0).enable_dns_hostnames(on(spec.enable_dns_hostnames));
            call.send().await.map_err(failed("ModifyVpcAttribute"))?;
        }
        retag(&self.ec2, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &VpcSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.ec2.delete_vpc().vpc_id(&id.0).send().await.map_err(failed("DeleteVpc")))
    }

    async fn find(&self, who: &Identity, _: &VpcSpec) -> Result<Option<PhysicalId>> {
        let answer = self.ec2.describe_vpcs().filters(by_token(who)).send().await.map_err(failed("DescribeVpcs"))?;
        Ok(answer.vpcs.into_iter().flatten().find_map(|it| it.vpc_id).map(PhysicalId))
    }
}
