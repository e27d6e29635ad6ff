//! `AWS::EC2::SubnetRouteTableAssociation`.
//!
//! A subnet has one table at a time; the association's id is known to its table alone, and it has no tags.

use std::time::Duration;

use aws_sdk_ec2::{
    Client,
    types::{Filter, RouteTableAssociation as Live},
};
use deployer_engine::{
    error::Result,
    facts::{Facts, Nature::CreateOnly, Output, Settle, SettleTable},
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PAGE, RATE, by_ids, client, filter};
use crate::{
    Aws,
    call::{failed, gone},
    many::{one, read},
};

/// Which table routes for a subnet.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct AssociationSpec {
    /// The subnet.
    pub subnet_id: String,
    /// The table.
    pub route_table_id: String,
}

/// Which table routes for a subnet.
pub struct SubnetRouteTableAssociation {
    ec2: Client,
}

impl SubnetRouteTableAssociation {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws) }
    }

    async fn associations(&self, filter: Filter) -> Result<Vec<Live>> {
        let answer = self.ec2.describe_route_tables().filters(filter).send().await;
        let tables = answer.map_err(failed("DescribeRouteTables"))?.route_tables;
        Ok(tables.into_iter().flatten().flat_map(|it| it.associations.unwrap_or_default()).collect())
    }
}

const SLOW: Settle = Settle { budget: Duration::from_secs(300), ..Settle::FAST };

impl Resource for SubnetRouteTableAssociation {
    const TYPE: &'static str = "AWS::EC2::SubnetRouteTableAssociation";
    const FACTS: Facts = Facts {
        fields: &[("/SubnetId", CreateOnly), ("/RouteTableId", CreateOnly)],
        outputs: &[Output::created("Id")],
        settle: SettleTable { create: SLOW, update: SLOW, delete: SLOW },
        slots: |spec| vec![spec["SubnetId"].to_string()],
        create_adopts: false,
        rate: RATE,
        page: PAGE,
        ..Facts::PART
    };
    type Spec = AssociationSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<AssociationSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<AssociationSpec>>> {
        let answer = self.associations(by_ids("association.route-table-association-id", ids)).await;
        read(ids, answer, |it| it.route_table_association_id.as_deref(), seen)
    }

    async fn create(&self, _: &Identity, spec: &AssociationSpec) -> Result<Created> {
        let call = self.ec2.associate_route_table().subnet_id(&spec.subnet_id).route_table_id(&spec.route_table_id);
        let id = call.send().await.map_err(failed("AssociateRouteTable"))?.association_id.unwrap_or_default();
        Ok(Created::whole(id.clone()).output("Id", id))
    }

    async fn update(&self, _: &PhysicalId, _: &AssociationSpec, _: &AssociationSpec, _: &Changed) -> Result<()> {
        Ok(())
    }

    async fn delete(&self, id: &PhysicalId, _: &AssociationSpec, _: &DeleteOptions) -> Result<()> {
        let answer = self.ec2.disassociate_route_table().association_id(&id.0).send().await;
        gone(answer.map_err(failed("DisassociateRouteTable")))
    }

    async fn find(&self, _: &Identity, spec: &AssociationSpec) -> Result<Option<PhysicalId>> {
        let all = self.associations(filter("association.subnet-id", [&spec.subnet_id])).await?;
        let mine = all.into_iter().find(|it| it.subnet_id.as_ref() == Some(&spec.subnet_id));
        Ok(mine.and_then(|it| it.route_table_association_id).map(PhysicalId))
    }
}

fn seen(live: Live) -> Seen<AssociationSpec> {
    let outputs = [("Id", json!(live.route_table_association_id))];
    let spec = AssociationSpec {
        subnet_id: live.subnet_id.unwrap_or_default(),
        route_table_id: live.route_table_id.unwrap_or_default(),
    };
    match live.association_state.as_ref().and_then(|it| it.state.as_ref()).map(|state| state.as_str()) {
        Some("associated") | None => Seen::ready(spec, outputs),
        Some("disassociated") => Seen::Absent,
        Some("failed") => Seen::Failed { reason: "the association failed".to_owned() },
        Some(status) => Seen::pending(status, spec, outputs),
    }
}
