//! `AWS::EC2::NatGateway`.
//!
//! It takes minutes to come and to go, and stays listed as `deleted` for about an hour. One that failed says why, and has to be
//! deleted all the same. Its address is free only once it is gone.

use std::time::Duration;

use aws_sdk_ec2::{
    Client,
    types::{ConnectivityType, NatGateway as Live, ResourceType},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy,
        Nature::{ByKey, CreateOnly, ServerDefault},
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PAGE, RATE, by_ids, by_token, client, filter, live_tags, retag, tagged};
use crate::{
    Aws,
    call::{failed, gone},
    many::{one, read},
    tags::Tag,
};

/// The way out for what has no public address.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct NatGatewaySpec {
    /// The public subnet that it stands in.
    pub subnet_id: String,
    /// The elastic address that it speaks from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allocation_id: Option<String>,
    /// `public` or `private`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub connectivity_type: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// The way out for what has no public address.
pub struct NatGateway {
    ec2: Client,
}

impl NatGateway {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws) }
    }
}

const SLOW: Settle = Settle {
    usual: Duration::from_secs(80),
    budget: Duration::from_secs(600),
    every: Duration::from_secs(5),
    ..Settle::FAST
};
/// It takes about a minute until a new one is there.
const COMING: Settle = Settle { first: Duration::from_secs(40), every: Duration::from_secs(10), ..SLOW };

impl Resource for NatGateway {
    const TYPE: &'static str = "AWS::EC2::NatGateway";
    const FACTS: Facts = Facts {
        fields: &[
            ("/SubnetId", CreateOnly),
            ("/AllocationId", CreateOnly),
            ("/ConnectivityType", CreateOnly),
            ("/ConnectivityType", ServerDefault("\"public\"")),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("NatGatewayId")],
        found: FoundBy::Tag,
        settle: SettleTable {
            create: COMING,
            delete: Settle { budget: Duration::from_secs(1_800), ..SLOW },
            ..SettleTable::FAST
        },
        // An address serves one gateway at a time.
        slots: |spec| spec.get("AllocationId").map(ToString::to_string).into_iter().collect(),
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = NatGatewaySpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<NatGatewaySpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<NatGatewaySpec>>> {
        let answer = self.ec2.describe_nat_gateways().filter(by_ids("nat-gateway-id", ids)).send().await;
        let answer = answer.map_err(failed("DescribeNatGateways")).map(|it| it.nat_gateways.unwrap_or_default());
        read(ids, answer, |it| it.nat_gateway_id.as_deref(), seen)
    }

    async fn create(&self, who: &Identity, spec: &NatGatewaySpec) -> Result<Created> {
        let call = self
            .ec2
            .create_nat_gateway()
            .client_token(&who.token)
            .subnet_id(&spec.subnet_id)
            .set_allocation_id(spec.allocation_id.clone())
            .set_connectivity_type(spec.connectivity_type.as_deref().map(ConnectivityType::from))
            .tag_specifications(tagged(ResourceType::Natgateway, spec.tags.as_ref()));
        let made = call.send().await.map_err(failed("CreateNatGateway"))?.nat_gateway;
        let id = made.and_then(|it| it.nat_gateway_id).unwrap_or_default();
        Ok(Created::whole(id.clone()).output("NatGatewayId", id))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &NatGatewaySpec,
        spec: &NatGatewaySpec,
        changed: &Changed,
    ) -> Result<()> {
        retag(&self.ec2, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &NatGatewaySpec, _: &DeleteOptions) -> Result<()> {
        gone(self.ec2.delete_nat_gateway().nat_gateway_id(&id.0).send().await.map_err(failed("DeleteNatGateway")))
    }

    async fn find(&self, who: &Identity, _: &NatGatewaySpec) -> Result<Option<PhysicalId>> {
        let standing = filter("state", ["pending", "available", "failed"]);
        let answer = self.ec2.describe_nat_gateways().filter(by_token(who)).filter(standing).send().await;
        let found = answer.map_err(failed("DescribeNatGateways"))?.nat_gateways;
        Ok(found.into_iter().flatten().find_map(|it| it.nat_gateway_id).map(PhysicalId))
    }
}

fn seen(live: Live) -> Seen<NatGatewaySpec> {
    let outputs = [("NatGatewayId", json!(live.nat_gateway_id))];
    let address = live.nat_gateway_addresses.into_iter().flatten().find_map(|it| it.allocation_id);
    let spec = NatGatewaySpec {
        subnet_id: live.subnet_id.unwrap_or_default(),
        allocation_id: address,
        connectivity_type: live.connectivity_type.map(|it| it.as_str().to_owned()),
        tags: live_tags(live.tags),
    };
    match live.state.as_ref().map_or("available", |state| state.as_str()) {
        "available" => Seen::ready(spec, outputs),
        "deleted" => Seen::Absent,
        "failed" => {
            // The reason comes a moment after the state.
            let words = [Some("its state is failed".to_owned()), live.failure_code, live.failure_message];
            Seen::Failed { reason: words.into_iter().flatten().collect::<Vec<_>>().join(": ") }
        }
        status => Seen::pending(status, spec, outputs),
    }
}
