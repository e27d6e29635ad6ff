//! `AWS::EC2::RouteTable`.
//!
//! Routes and associations are resources of their own. Reads after the create may go back in time once, so it is seen twice.

use aws_sdk_ec2::{
    Client,
    types::{ResourceType, RouteTable as Live},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy,
        Nature::{ByKey, CreateOnly},
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PAGE, RATE, by_ids, by_token, client, live_tags, retag, tagged};
use crate::{
    Aws,
    call::{failed, gone},
    many::{one, read},
    tags::Tag,
};

/// A route table.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RouteTableSpec {
    /// The VPC whose table it is.
    pub vpc_id: String,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A route table.
pub struct RouteTable {
    ec2: Client,
}

impl RouteTable {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws) }
    }
}

impl Resource for RouteTable {
    const TYPE: &'static str = "AWS::EC2::RouteTable";
    const FACTS: Facts = Facts {
        fields: &[("/VpcId", CreateOnly), ("/Tags", ByKey("Key"))],
        outputs: &[Output::created("RouteTableId")],
        found: FoundBy::Tag,
        settle: SettleTable { create: Settle { confirmations: 2, ..Settle::FAST }, ..SettleTable::FAST },
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = RouteTableSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<RouteTableSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<RouteTableSpec>>> {
        let answer = self.ec2.describe_route_tables().filters(by_ids("route-table-id", ids)).send().await;
        let answer = answer.map_err(failed("DescribeRouteTables")).map(|it| it.route_tables.unwrap_or_default());
        read(ids, answer, |it| it.route_table_id.as_deref(), seen)
    }

    async fn create(&self, who: &Identity, spec: &RouteTableSpec) -> Result<Created> {
        let tags = tagged(ResourceType::RouteTable, spec.tags.as_ref());
        let call = self.ec2.create_route_table().client_token(&who.token).vpc_id(&spec.vpc_id).tag_specifications(tags);
        let made = call.send().await.map_err(failed("CreateRouteTable"))?.route_table;
        let id = made.and_then(|it| it.route_table_id).unwrap_or_default();
        Ok(Created::whole(id.clone()).output("RouteTableId", id))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &RouteTableSpec,
        spec: &RouteTableSpec,
        changed: &Changed,
    ) -> Result<()> {
        retag(&self.ec2, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &RouteTableSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.ec2.delete_route_table().route_table_id(&id.0).send().await.map_err(failed("DeleteRouteTable")))
    }

    async fn find(&self, who: &Identity, _: &RouteTableSpec) -> Result<Option<PhysicalId>> {
        let answer = self.ec2.describe_route_tables().filters(by_token(who)).send().await;
        let found = answer.map_err(failed("DescribeRouteTables"))?.route_tables;
        Ok(found.into_iter().flatten().find_map(|it| it.route_table_id).map(PhysicalId))
    }
}

fn seen(live: Live) -> Seen<RouteTableSpec> {
    let outputs = [("RouteTableId", json!(live.route_table_id))];
    Seen::ready(RouteTableSpec { vpc_id: live.vpc_id.unwrap_or_default(), tags: live_tags(live.tags) }, outputs)
}
