//! `AWS::EC2::VPCEndpoint`.
//!
//! Gateway endpoints stand in route tables, interface endpoints in subnets behind security groups. States are told in lower
//! case, a delete's refusal stands inside a success, and without a policy everything is allowed.

use std::time::Duration;

use aws_sdk_ec2::{
    Client,
    types::{ResourceType, VpcEndpoint as Live, VpcEndpointType},
};
use deployer_engine::{
    error::{Class, Error, Result},
    facts::{
        Facts, FoundBy,
        Nature::{ByKey, CreateOnly, Document, OnRemove, ServerDefault, Unordered},
        OnRemove::{Keep, Reset},
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{PAGE, RATE, by_ids, by_token, client, live_tags, retag, tagged};
use crate::{
    Aws,
    call::failed,
    document,
    many::{one, read},
    tags::Tag,
};

/// A private way to a service.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct VpcEndpointSpec {
    /// The VPC.
    pub vpc_id: String,
    /// The service: `com.amazonaws.eu-west-1.s3`.
    pub service_name: String,
    /// `Gateway` or `Interface`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_endpoint_type: Option<String>,
    /// Gateway: the tables that lead to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub route_table_ids: Option<Vec<String>>,
    /// Interface: the subnets that it stands in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnet_ids: Option<Vec<String>>,
    /// Interface: the groups that guard it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_ids: Option<Vec<String>>,
    /// Interface: the service's own names lead to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_dns_enabled: Option<bool>,
    /// What may be done through it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub policy_document: Option<Value>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A private way to a service.
pub struct VpcEndpoint {
    ec2: Client,
}

impl VpcEndpoint {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws) }
    }
}

const SLOW: Settle = Settle {
    usual: Duration::from_secs(20),
    budget: Duration::from_secs(600),
    first: Duration::from_secs(5),
    every: Duration::from_secs(5),
    ..Settle::FAST
};

impl Resource for VpcEndpoint {
    const TYPE: &'static str = "AWS::EC2::VPCEndpoint";
    const FACTS: Facts = Facts {
        fields: &[
            ("/VpcId", CreateOnly),
            ("/ServiceName", CreateOnly),
            ("/VpcEndpointType", CreateOnly),
            ("/VpcEndpointType", ServerDefault("\"Gateway\"")),
            ("/RouteTableIds", Unordered),
            ("/SubnetIds", Unordered),
            ("/SecurityGroupIds", Unordered),
            ("/SecurityGroupIds", OnRemove(Keep)),
            ("/PrivateDnsEnabled", OnRemove(Reset("false"))),
            ("/PolicyDocument", Document(document::policy)),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("Id")],
        found: FoundBy::Tag,
        settle: SettleTable { create: SLOW, update: SLOW, delete: SLOW },
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = VpcEndpointSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<VpcEndpointSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<VpcEndpointSpec>>> {
        let answer = self.ec2.describe_vpc_endpoints().filters(by_ids("vpc-endpoint-id", ids)).send().await;
        let answer = answer.map_err(failed("DescribeVpcEndpoints")).map(|it| it.vpc_endpoints.unwrap_or_default());
        read(ids, answer, |it| it.vpc_endpoint_id.as_deref(), seen)
    }

    async fn create(&self, who: &Identity, spec: &VpcEndpointSpec) -> Result<Created> {
        let call = self
            .ec2
            .create_vpc_endpoint()
            .client_token(&who.token)
            .vpc_id(&spec.vpc_id)
            .service_name(&spec.service_name)
            .set_vpc_endpoint_type(spec.vpc_endpoint_type.as_deref().map(VpcEndpointType::from))
            .set_route_table_ids(spec.route_table_ids.clone())
            .set_subnet_ids(spec.subnet_ids.clone())
            .set_security_group_ids(spec.security_group_ids.clone())
            .set_private_dns_enabled(spec.private_dns_enabled)
            .set_policy_document(spec.policy_document.as_ref().map(Value::to_string))
            .tag_specifications(tagged(ResourceType::VpcEndpoint, spec.tags.as_ref()));
        let made = call.send().await.map_err(failed("CreateVpcEndpoint"))?.vpc_endpoint;
        let id = made.and_then(|it| it.vpc_endpoint_id).unwrap_or_default();
        Ok(Created::whole(id.clone()).output("Id", id))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        live: &VpcEndpointSpec,
        spec: &VpcEndpointSpec,
        changed: &Changed,
    ) -> Result<()> {
        let mut call = self.ec2.modify_vpc_endpoint().vpc_endpoint_id(&id.0);
        let lists = ["RouteTableIds", "SubnetIds", "SecurityGroupIds", "PrivateDnsEnabled", "PolicyDocument"];
        if changed.touches("RouteTableIds") {
            let (add, remove) = moved(live.route_table_ids.as_ref(), spec.route_table_ids.as_ref());
            call = call.set_add_route_table_ids(add).set_remove_route_table_ids(remove);
        }
        if changed.touches("SubnetIds") {
            let (add, remove) = moved(live.subnet_ids.as_ref(), spec.subnet_ids.as_ref());
            call = call.set_add_subnet_ids(add).set_remove_subnet_ids(remove);
        }
        if changed.touches("SecurityGroupIds") {
            let (add, remove) = moved(live.security_group_ids.as_ref(), spec.security_group_ids.as_ref());
            call = call.set_add_security_group_ids(add).set_remove_security_group_ids(remove);
        }
        if changed.touches("PrivateDnsEnabled") {
            call = call.set_private_dns_enabled(spec.private_dns_enabled);
        }
        if changed.touches("PolicyDocument") {
            call = match &spec.policy_document {
                Some(policy) => call.policy_document(policy.to_string()),
                None => call.reset_policy(true),
            };
        }
        if lists.iter().any(|name| changed.touches(name)) {
            call.send().await.map_err(failed("ModifyVpcEndpoint"))?;
        }
        retag(&self.ec2, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &VpcEndpointSpec, _: &DeleteOptions) -> Result<()> {
        let operation = "DeleteVpcEndpoints";
        let answer = self.ec2.delete_vpc_endpoints().vpc_endpoint_ids(&id.0).send().await.map_err(failed(operation))?;
        let refusal = answer.unsuccessful.into_iter().flatten().find_map(|it| it.error);
        let Some((code, message)) = refusal.map(|it| (it.code.unwrap_or_default(), it.message.unwrap_or_default()))
        else {
            return Ok(());
        };
        if code.ends_with(".NotFound") {
            return Ok(());
        }
        Err(Error::Call { operation, class: Class::Conflict, code, message, source: None })
    }

    async fn find(&self, who: &Identity, _: &VpcEndpointSpec) -> Result<Option<PhysicalId>> {
        let answer = self.ec2.describe_vpc_endpoints().filters(by_token(who)).send().await;
        let found = answer.map_err(failed("DescribeVpcEndpoints"))?.vpc_endpoints;
        Ok(found.into_iter().flatten().find_map(|it| it.vpc_endpoint_id).map(PhysicalId))
    }
}

/// What a list gains and loses.
type Moved = (Option<Vec<String>>, Option<Vec<String>>);

fn moved(live: Option<&Vec<String>>, wanted: Option<&Vec<String>>) -> Moved {
    let (live, wanted) = (live.cloned().unwrap_or_default(), wanted.cloned().unwrap_or_default());
    let beside = |all: &[String], others: &[String]| {
        Some(all.iter().filter(|it| !others.contains(it)).cloned().collect::<Vec<_>>()).filter(|it| !it.is_empty())
    };
    (beside(&wanted, &live), beside(&live, &wanted))
}

fn seen(live: Live) -> Seen<VpcEndpointSpec> {
    let outputs = [("Id", json!(live.vpc_endpoint_id))];
    let list = |all: Option<Vec<String>>| all.filter(|all| !all.is_empty());
    let groups = live.groups.map(|all| all.into_iter().filter_map(|it| it.group_id).collect());
    let spec = VpcEndpointSpec {
        vpc_id: live.vpc_id.unwrap_or_default(),
        service_name: live.service_name.unwrap_or_default(),
        vpc_endpoint_type: live.vpc_endpoint_type.map(|it| it.as_str().to_owned()),
        route_table_ids: list(live.route_table_ids),
        subnet_ids: list(live.subnet_ids),
        security_group_ids: list(groups),
        private_dns_enabled: live.private_dns_enabled,
        policy_document: live.policy_document.and_then(|text| serde_json::from_str(&text).ok()),
        tags: live_tags(live.tags),
    };
    match live.state.as_ref().map_or_else(String::new, |state| state.as_str().to_ascii_lowercase()).as_str() {
        "available" | "" => Seen::ready(spec, outputs),
        "deleted" => Seen::Absent,
        status @ ("failed" | "rejected" | "expired") => Seen::Failed { reason: status.to_owned() },
        status => Seen::pending(status, spec, outputs),
    }
}
