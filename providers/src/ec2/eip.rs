//! `AWS::EC2::EIP`.
//!
//! A public address that is ours until it is released. A release is refused while a NAT gateway that uses it goes down.

use std::time::Duration;

use aws_sdk_ec2::{
    Client,
    types::{Address as Live, DomainType, ResourceType},
};
use deployer_engine::{
    error::Result,
    facts::{Facts, FoundBy, Nature::ByKey, Output, Settle, SettleTable},
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PAGE, RATE, by_ids, by_token, client, live_tags, once, retag, tagged};
use crate::{
    Aws,
    call::{failed, gone},
    many::{one, read},
    tags::Tag,
};

/// An elastic IP address.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct EipSpec {
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// An elastic IP address.
pub struct Eip {
    ec2: Client,
    once: Client,
}

impl Eip {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws), once: once(aws) }
    }
}

impl Resource for Eip {
    const TYPE: &'static str = "AWS::EC2::EIP";
    const FACTS: Facts = Facts {
        fields: &[("/Tags", ByKey("Key"))],
        outputs: &[Output::created("AllocationId"), Output::created("PublicIp")],
        found: FoundBy::Tag,
        settle: SettleTable {
            delete: Settle { budget: Duration::from_secs(1_800), ..Settle::FAST },
            ..SettleTable::FAST
        },
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = EipSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<EipSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<EipSpec>>> {
        let answer = self.ec2.describe_addresses().filters(by_ids("allocation-id", ids)).send().await;
        let answer = answer.map_err(failed("DescribeAddresses")).map(|it| it.addresses.unwrap_or_default());
        read(ids, answer, |it| it.allocation_id.as_deref(), seen)
    }

    async fn create(&self, _: &Identity, spec: &EipSpec) -> Result<Created> {
        let tags = tagged(ResourceType::ElasticIp, spec.tags.as_ref());
        let answer = self.once.allocate_address().domain(DomainType::Vpc).tag_specifications(tags).send().await;
        let made = answer.map_err(failed("AllocateAddress"))?;
        let id = made.allocation_id.unwrap_or_default();
        Ok(Created::whole(id.clone()).output("AllocationId", id).output("PublicIp", made.public_ip))
    }

    async fn update(&self, id: &PhysicalId, _: &EipSpec, spec: &EipSpec, changed: &Changed) -> Result<()> {
        retag(&self.ec2, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &EipSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.ec2.release_address().allocation_id(&id.0).send().await.map_err(failed("ReleaseAddress")))
    }

    async fn find(&self, who: &Identity, _: &EipSpec) -> Result<Option<PhysicalId>> {
        let answer = self.ec2.describe_addresses().filters(by_token(who)).send().await;
        let found = answer.map_err(failed("DescribeAddresses"))?.addresses;
        Ok(found.into_iter().flatten().find_map(|it| it.allocation_id).map(PhysicalId))
    }
}

fn seen(live: Live) -> Seen<EipSpec> {
    let outputs = [("AllocationId", json!(live.allocation_id)), ("PublicIp", json!(live.public_ip))];
    Seen::ready(EipSpec { tags: live_tags(live.tags) }, outputs)
}
