//! `AWS::EC2::InternetGateway`.
//!
//! It has nothing but tags; what it serves is said by its attachment, a resource of its own.

use aws_sdk_ec2::{
    Client,
    types::{InternetGateway as Live, ResourceType},
};
use deployer_engine::{
    error::Result,
    facts::{Facts, FoundBy, Nature::ByKey, Output},
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

/// A VPC's way to the internet.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct InternetGatewaySpec {
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A VPC's way to the internet.
pub struct InternetGateway {
    ec2: Client,
    once: Client,
}

impl InternetGateway {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws), once: once(aws) }
    }
}

impl Resource for InternetGateway {
    const TYPE: &'static str = "AWS::EC2::InternetGateway";
    const FACTS: Facts = Facts {
        fields: &[("/Tags", ByKey("Key"))],
        outputs: &[Output::created("InternetGatewayId")],
        found: FoundBy::Tag,
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = InternetGatewaySpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<InternetGatewaySpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<InternetGatewaySpec>>> {
        let answer = self.ec2.describe_internet_gateways().filters(by_ids("internet-gateway-id", ids)).send().await;
        let answer =
            answer.map_err(failed("DescribeInternetGateways")).map(|it| it.internet_gateways.unwrap_or_default());
        read(ids, answer, |it| it.internet_gateway_id.as_deref(), seen)
    }

    async fn create(&self, _: &Identity, spec: &InternetGatewaySpec) -> Result<Created> {
        let tags = tagged(ResourceType::InternetGateway, spec.tags.as_ref());
        let answer = self.once.create_internet_gateway().tag_specifications(tags).send().await;
        let made = answer.map_err(failed("CreateInternetGateway"))?.internet_gateway;
        let id = made.and_then(|it| it.internet_gateway_id).unwrap_or_default();
        Ok(Created::whole(id.clone()).output("InternetGatewayId", id))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &InternetGatewaySpec,
        spec: &InternetGatewaySpec,
        changed: &Changed,
    ) -> Result<()> {
        retag(&self.ec2, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &InternetGatewaySpec, _: &DeleteOptions) -> Result<()> {
        let answer = self.ec2.delete_internet_gateway().internet_gateway_id(&id.0).send().await;
        gone(answer.map_err(failed("DeleteInternetGateway")))
    }

    async fn find(&self, who: &Identity, _: &InternetGatewaySpec) -> Result<Option<PhysicalId>> {
        let answer = self.ec2.describe_internet_gateways().filters(by_token(who)).send().await;
        let found = answer.map_err(failed("DescribeInternetGateways"))?.internet_gateways;
        Ok(found.into_iter().flatten().find_map(|it| it.internet_gateway_id).map(PhysicalId))
    }
}

fn seen(live: Live) -> Seen<InternetGatewaySpec> {
    let outputs = [("InternetGatewayId", json!(live.internet_gateway_id))];
    Seen::ready(InternetGatewaySpec { tags: live_tags(live.tags) }, outputs)
}
