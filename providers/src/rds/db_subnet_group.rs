//! `AWS::RDS::DBSubnetGroup`.
//!
//! Subnets of at least two zones. It goes only when no instance uses it, not even one that is being deleted.

use std::time::Duration;

use aws_sdk_rds::{Client, types::DbSubnetGroup as Live};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy, NameRule,
        Nature::{ByKey, CaseFolded, CreateOnly, Rooted, Unordered},
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{RATE, rds_tags, retag, tags_of};
use crate::{
    Aws,
    call::{failed, found, gone, known},
    tags::{Tag, to_map},
};

/// Where databases stand.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DbSubnetGroupSpec {
    /// Its name.
    #[serde(rename = "DBSubnetGroupName")]
    pub name: String,
    /// What it is for.
    #[serde(rename = "DBSubnetGroupDescription")]
    pub description: String,
    /// The subnets.
    pub subnet_ids: Vec<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// Where databases stand.
pub struct DbSubnetGroup {
    rds: Client,
}

impl DbSubnetGroup {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { rds: Client::new(aws.config()) }
    }

    async fn describe(&self, name: &str) -> Result<Option<Live>> {
        let answer = self.rds.describe_db_subnet_groups().db_subnet_group_name(name).send().await;
        let all = found(answer.map_err(failed("DescribeDBSubnetGroups")))?.and_then(|it| it.db_subnet_groups);
        Ok(all.into_iter().flatten().next())
    }
}

impl Resource for DbSubnetGroup {
    const TYPE: &'static str = "AWS::RDS::DBSubnetGroup";
    const FACTS: Facts = Facts {
        fields: &[
            ("/DBSubnetGroupName", CreateOnly),
            ("/DBSubnetGroupName", CaseFolded),
            ("/SubnetIds", Unordered),
            // It never leaves its VPC, nor subnets that an instance stands in.
            ("/SubnetIds", Rooted),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::ready("DBSubnetGroupArn"), Output::created("DBSubnetGroupName")],
        name: Some(NameRule::regional("/DBSubnetGroupName")),
        found: FoundBy::Name,
        settle: SettleTable {
            delete: Settle { budget: Duration::from_secs(300), ..Settle::FAST },
            ..SettleTable::FAST
        },
        rate: RATE,
        ..Facts::NAMED
    };
    type Spec = DbSubnetGroupSpec;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<DbSubnetGroupSpec>> {
        let Some(live) = self.describe(&id.0).await? else { return Ok(Seen::Absent) };
        let tags = tags_of(&self.rds, live.db_subnet_group_arn.as_deref().unwrap_or_default()).await?;
        let outputs = [
            ("DBSubnetGroupArn", json!(live.db_subnet_group_arn)),
            ("DBSubnetGroupName", json!(live.db_subnet_group_name)),
        ];
        let spec = DbSubnetGroupSpec {
            name: live.db_subnet_group_name.unwrap_or_default(),
            description: live.db_subnet_group_description.unwrap_or_default(),
            subnet_ids: live.subnets.into_iter().flatten().filter_map(|it| it.subnet_identifier).collect(),
            tags,
        };
        Ok(Seen::ready(spec, outputs))
    }

    async fn create(&self, _: &Identity, spec: &DbSubnetGroupSpec) -> Result<Created> {
        let call = self
            .rds
            .create_db_subnet_group()
            .db_subnet_group_name(&spec.name)
            .db_subnet_group_description(&spec.description)
            .set_subnet_ids(Some(spec.subnet_ids.clone()))
            .set_tags(Some(rds_tags(to_map(spec.tags.as_ref()))));
        call.send().await.map_err(failed("CreateDBSubnetGroup"))?;
        let name = spec.name.to_ascii_lowercase();
        Ok(Created::whole(name.clone()).output("DBSubnetGroupName", name))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &DbSubnetGroupSpec,
        spec: &DbSubnetGroupSpec,
        changed: &Changed,
    ) -> Result<()> {
        if changed.touches("SubnetIds") || changed.touches("DBSubnetGroupDescription") {
            let call = self
                .rds
                .modify_db_subnet_group()
                .db_subnet_group_name(&id.0)
                .db_subnet_group_description(&spec.description)
                .set_subnet_ids(Some(spec.subnet_ids.clone()));
            call.send().await.map_err(failed("ModifyDBSubnetGroup"))?;
        }
        if changed.touches("Tags") {
            let arn =
                known("DescribeDBSubnetGroups", self.describe(&id.0).await?.and_then(|it| it.db_subnet_group_arn))?;
            retag(&self.rds, &arn, changed, spec.tags.as_ref()).await?;
        }
        Ok(())
    }

    async fn delete(&self, id: &PhysicalId, _: &DbSubnetGroupSpec, _: &DeleteOptions) -> Result<()> {
        let answer = self.rds.delete_db_subnet_group().db_subnet_group_name(&id.0).send().await;
        gone(answer.map_err(failed("DeleteDBSubnetGroup")))
    }

    async fn find(&self, _: &Identity, spec: &DbSubnetGroupSpec) -> Result<Option<PhysicalId>> {
        let name = spec.name.to_ascii_lowercase();
        Ok(self.describe(&name).await?.map(|_| PhysicalId(name)))
    }
}
