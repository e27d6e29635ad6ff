//! `AWS::EC2::Route`.
//!
//! A line of its table, known by table and destination: it has no id and no tags. Another target is set in place; its table's
//! own routes (`local`, those of endpoints) are none of ours.

use std::time::Duration;

use aws_sdk_ec2::{Client, types::Route as Live};
use deployer_engine::{
    error::Result,
    facts::{
        Facts,
        Nature::{CreateOnly, OnRemove},
        OnRemove::Replace,
        Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PAGE, RATE, client, filter};
use crate::{
    Aws,
    call::{failed, gone},
    many::{copies, one},
};

/// Where traffic to a destination goes: exactly one target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct RouteSpec {
    /// The table.
    pub route_table_id: String,
    /// The IPv4 range.
    pub destination_cidr_block: String,
    /// An internet gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway_id: Option<String>,
    /// A NAT gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nat_gateway_id: Option<String>,
}

/// Where traffic to a destination goes.
pub struct Route {
    ec2: Client,
}

impl Route {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws) }
    }
}

const SLOW: Settle = Settle { budget: Duration::from_secs(300), ..Settle::FAST };

impl Resource for Route {
    const TYPE: &'static str = "AWS::EC2::Route";
    const FACTS: Facts = Facts {
        fields: &[
            ("/RouteTableId", CreateOnly),
            ("/DestinationCidrBlock", CreateOnly),
            ("/GatewayId", OnRemove(Replace)),
            ("/NatGatewayId", OnRemove(Replace)),
        ],
        settle: SettleTable { create: SLOW, update: SLOW, delete: SLOW },
        slots: |spec| vec![format!("{} {}", spec["RouteTableId"], spec["DestinationCidrBlock"])],
        create_adopts: false,
        rate: RATE,
        page: PAGE,
        ..Facts::PART
    };
    type Spec = RouteSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<RouteSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    /// One call for the routes of many tables.
    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<RouteSpec>>> {
        let tables: std::collections::BTreeSet<&str> = ids.iter().map(|(id, _)| parts(id).0).collect();
        let answer = self.ec2.describe_route_tables().filters(filter("route-table-id", tables)).send().await;
        let tables = match answer.map_err(failed("DescribeRouteTables")) {
            Ok(answer) => answer.route_tables.unwrap_or_default(),
            Err(error) => return copies(ids.len(), error),
        };
        let read = |(id, _): &(PhysicalId, Wanted)| {
            let (table, destination) = parts(id);
            let of_table = tables.iter().filter(|it| it.route_table_id.as_deref() == Some(table));
            let mut routes = of_table.flat_map(|it| it.routes());
            let found = routes.find(|it| it.destination_cidr_block.as_deref() == Some(destination));
            Ok(found.map_or(Seen::Absent, |live| Seen::ready(spec(table, live), [])))
        };
        ids.iter().map(read).collect()
    }

    async fn create(&self, _: &Identity, spec: &RouteSpec) -> Result<Created> {
        let call = self
            .ec2
            .create_route()
            .route_table_id(&spec.route_table_id)
            .destination_cidr_block(&spec.destination_cidr_block)
            .set_gateway_id(spec.gateway_id.clone())
            .set_nat_gateway_id(spec.nat_gateway_id.clone());
        call.send().await.map_err(failed("CreateRoute"))?;
        Ok(Created::whole(id(spec)))
    }

    async fn update(&self, _: &PhysicalId, _: &RouteSpec, spec: &RouteSpec, _: &Changed) -> Result<()> {
        let call = self
            .ec2
            .replace_route()
            .route_table_id(&spec.route_table_id)
            .destination_cidr_block(&spec.destination_cidr_block)
            .set_gateway_id(spec.gateway_id.clone())
            .set_nat_gateway_id(spec.nat_gateway_id.clone());
        call.send().await.map_err(failed("ReplaceRoute")).map(drop)
    }

    async fn delete(&self, id: &PhysicalId, _: &RouteSpec, _: &DeleteOptions) -> Result<()> {
        let (table, destination) = parts(id);
        let call = self.ec2.delete_route().route_table_id(table).destination_cidr_block(destination);
        gone(call.send().await.map_err(failed("DeleteRoute")))
    }

    async fn find(&self, _: &Identity, spec: &RouteSpec) -> Result<Option<PhysicalId>> {
        Ok(Some(PhysicalId(id(spec))))
    }
}

fn spec(table: &str, live: &Live) -> RouteSpec {
    RouteSpec {
        route_table_id: table.to_owned(),
        destination_cidr_block: live.destination_cidr_block.clone().unwrap_or_default(),
        gateway_id: live.gateway_id.clone(),
        nat_gateway_id: live.nat_gateway_id.clone(),
    }
}

/// `table|destination`.
fn id(spec: &RouteSpec) -> String {
    format!("{}|{}", spec.route_table_id, spec.destination_cidr_block)
}

fn parts(id: &PhysicalId) -> (&str, &str) {
    id.0.split_once('|').unwrap_or((&id.0, ""))
}
