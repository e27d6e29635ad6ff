//! `AWS::EC2::VPCGatewayAttachment`.
//!
//! A line in the gateway's own list of attachments: a VPC has one gateway at a time. A gateway that was made a moment ago may
//! not be known to the attach call yet, and it does not come off while public addresses are in use.

use std::time::Duration;

use aws_sdk_ec2::Client;
use deployer_engine::{
    error::Result,
    facts::{Facts, Nature::CreateOnly, Settle, SettleTable},
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{RATE, client, filter};
use crate::{
    Aws,
    call::{failed, gone},
};

/// Which gateway serves a VPC.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AttachmentSpec {
    /// The VPC.
    pub vpc_id: String,
    /// The gateway.
    pub internet_gateway_id: String,
}

/// Which gateway serves a VPC.
pub struct VpcGatewayAttachment {
    ec2: Client,
}

impl VpcGatewayAttachment {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws) }
    }

    /// The gateway that serves the VPC, and its state.
    async fn gateway(&self, vpc: &str) -> Result<Option<(String, String)>> {
        let call = self.ec2.describe_internet_gateways().filters(filter("attachment.vpc-id", [vpc]));
        let answer = call.send().await.map_err(failed("DescribeInternetGateways"))?;
        Ok(answer.internet_gateways.into_iter().flatten().find_map(|it| {
            let attachment = it.attachments?.into_iter().find(|it| it.vpc_id.as_deref() == Some(vpc))?;
            let state = attachment.state.map_or_else(String::new, |state| state.as_str().to_owned());
            Some((it.internet_gateway_id?, state))
        }))
    }
}

impl Resource for VpcGatewayAttachment {
    const TYPE: &'static str = "AWS::EC2::VPCGatewayAttachment";
    const FACTS: Facts = Facts {
        fields: &[("/VpcId", CreateOnly), ("/InternetGatewayId", CreateOnly)],
        settle: SettleTable {
            create: Settle { budget: Duration::from_secs(1_200), ..Settle::FAST },
            delete: Settle { budget: Duration::from_secs(1_200), ..Settle::FAST },
            ..SettleTable::FAST
        },
        // A VPC has one gateway, and a gateway one VPC.
        slots: |spec| vec![spec["VpcId"].to_string(), spec["InternetGatewayId"].to_string()],
        create_adopts: false,
        rate: RATE,
        ..Facts::PART
    };
    type Spec = AttachmentSpec;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<AttachmentSpec>> {
        let (gateway, vpc) = parts(id);
        let spec = AttachmentSpec { vpc_id: vpc.to_owned(), internet_gateway_id: gateway.to_owned() };
        match self.gateway(vpc).await? {
            Some((there, _)) if there != gateway => Ok(Seen::Absent),
            // The API says `available` where its own list of states says `attached`.
            Some((_, state)) if state == "available" || state == "attached" => Ok(Seen::ready(spec, [])),
            Some((_, state)) if state != "detached" => Ok(Seen::pending(state, spec, [])),
            _ => Ok(Seen::Absent),
        }
    }

    async fn create(&self, _: &Identity, spec: &AttachmentSpec) -> Result<Created> {
        let call =
            self.ec2.attach_internet_gateway().vpc_id(&spec.vpc_id).internet_gateway_id(&spec.internet_gateway_id);
        call.send().await.map_err(failed("AttachInternetGateway"))?;
        Ok(Created::whole(format!("{}|{}", spec.internet_gateway_id, spec.vpc_id)))
    }

    async fn update(&self, _: &PhysicalId, _: &AttachmentSpec, _: &AttachmentSpec, _: &Changed) -> Result<()> {
        Ok(())
    }

    async fn delete(&self, id: &PhysicalId, _: &AttachmentSpec, _: &DeleteOptions) -> Result<()> {
        let (gateway, vpc) = parts(id);
        let call = self.ec2.detach_internet_gateway().vpc_id(vpc).internet_gateway_id(gateway);
        gone(call.send().await.map_err(failed("DetachInternetGateway")))
    }

    async fn find(&self, _: &Identity, spec: &AttachmentSpec) -> Result<Option<PhysicalId>> {
        let there = self.gateway(&spec.vpc_id).await?;
        Ok(there.map(|(gateway, _)| PhysicalId(format!("{gateway}|{}", spec.vpc_id))))
    }
}

fn parts(id: &PhysicalId) -> (&str, &str) {
    id.0.split_once('|').unwrap_or((&id.0, ""))
}
