//! `AWS::RDS::DBParameterGroup`.
//!
//! A call takes twenty parameters. One that is taken away goes back to the engine's default, and a value that is equal to the
//! default is told as if nobody had set it: what is declared is looked up by name.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_rds::{
    Client,
    types::{ApplyMethod, DbParameterGroup as Live, Parameter},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy, NameRule,
        Nature::{ByKey, CaseFolded, CreateOnly},
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

/// Parameters of an engine.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DbParameterGroupSpec {
    /// Its name.
    #[serde(rename = "DBParameterGroupName")]
    pub name: String,
    /// The engine and its major version: `postgres16`.
    pub family: String,
    /// What it is for; it can never be changed.
    pub description: String,
    /// Values by name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<BTreeMap<String, String>>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// Parameters of an engine.
pub struct DbParameterGroup {
    rds: Client,
}

/// What one call takes.
const AT_ONCE: usize = 20;

impl DbParameterGroup {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { rds: Client::new(aws.config()) }
    }

    async fn describe(&self, name: &str) -> Result<Option<Live>> {
        let answer = self.rds.describe_db_parameter_groups().db_parameter_group_name(name).send().await;
        let all = found(answer.map_err(failed("DescribeDBParameterGroups")))?.and_then(|it| it.db_parameter_groups);
        Ok(all.into_iter().flatten().next())
    }

    async fn parameters(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let call = self.rds.describe_db_parameters().db_parameter_group_name(name).source("user");
        let mut pages = call.into_paginator().send();
        let mut all = BTreeMap::new();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("DescribeDBParameters"))?;
            let set = page.parameters.into_iter().flatten();
            all.extend(set.filter_map(|it| Some((it.parameter_name?, it.parameter_value?))));
        }
        Ok(all)
    }

    async fn set(&self, name: &str, parameters: &BTreeMap<String, String>) -> Result<()> {
        let all: Vec<Parameter> =
            parameters.iter().map(|(key, value)| parameter(key).parameter_value(value).build()).collect();
        for some in all.chunks(AT_ONCE) {
            let call = self.rds.modify_db_parameter_group().db_parameter_group_name(name);
            call.set_parameters(Some(some.to_vec())).send().await.map_err(failed("ModifyDBParameterGroup"))?;
        }
        Ok(())
    }

    async fn reset(&self, name: &str, parameters: &[String]) -> Result<()> {
        for some in parameters.chunks(AT_ONCE) {
            let all = some.iter().map(|key| parameter(key).build()).collect();
            let call = self.rds.reset_db_parameter_group().db_parameter_group_name(name).set_parameters(Some(all));
            call.send().await.map_err(failed("ResetDBParameterGroup"))?;
        }
        Ok(())
    }
}

impl Resource for DbParameterGroup {
    const TYPE: &'static str = "AWS::RDS::DBParameterGroup";
    const FACTS: Facts = Facts {
        fields: &[
            ("/DBParameterGroupName", CreateOnly),
            ("/DBParameterGroupName", CaseFolded),
            ("/Family", CreateOnly),
            ("/Description", CreateOnly),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::ready("DBParameterGroupArn"), Output::created("DBParameterGroupName")],
        name: Some(NameRule::regional("/DBParameterGroupName")),
        found: FoundBy::Name,
        settle: SettleTable {
            delete: Settle { budget: Duration::from_secs(300), ..Settle::FAST },
            ..SettleTable::FAST
        },
        rate: RATE,
        ..Facts::NAMED
    };
    type Spec = DbParameterGroupSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<DbParameterGroupSpec>> {
        let Some(live) = self.describe(&id.0).await? else { return Ok(Seen::Absent) };
        let tags = tags_of(&self.rds, live.db_parameter_group_arn.as_deref().unwrap_or_default()).await?;
        let parameters = if wanted.has("Parameters") { Some(self.parameters(&id.0).await?) } else { None };
        let outputs = [
            ("DBParameterGroupArn", json!(live.db_parameter_group_arn)),
            ("DBParameterGroupName", json!(live.db_parameter_group_name)),
        ];
        let spec = DbParameterGroupSpec {
            name: live.db_parameter_group_name.unwrap_or_default(),
            family: live.db_parameter_group_family.unwrap_or_default(),
            description: live.description.unwrap_or_default(),
            parameters,
            tags,
        };
        Ok(Seen::ready(spec, outputs))
    }

    async fn create(&self, _: &Identity, spec: &DbParameterGroupSpec) -> Result<Created> {
        let call = self
            .rds
            .create_db_parameter_group()
            .db_parameter_group_name(&spec.name)
            .db_parameter_group_family(&spec.family)
            .description(&spec.description)
            .set_tags(Some(rds_tags(to_map(spec.tags.as_ref()))));
        call.send().await.map_err(failed("CreateDBParameterGroup"))?;
        let name = spec.name.to_ascii_lowercase();
        Ok(Created::whole(name.clone()).without(&["Parameters"]).output("DBParameterGroupName", name))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        live: &DbParameterGroupSpec,
        spec: &DbParameterGroupSpec,
        changed: &Changed,
    ) -> Result<()> {
        if changed.touches("Parameters") {
            let wanted = spec.parameters.clone().unwrap_or_default();
            let gone = live.parameters.iter().flatten().map(|(key, _)| key.clone());
            self.reset(&id.0, &gone.filter(|key| !wanted.contains_key(key)).collect::<Vec<_>>()).await?;
            self.set(&id.0, &wanted).await?;
        }
        if changed.touches("Tags") {
            let arn = known(
                "DescribeDBParameterGroups",
                self.describe(&id.0).await?.and_then(|it| it.db_parameter_group_arn),
            )?;
            retag(&self.rds, &arn, changed, spec.tags.as_ref()).await?;
        }
        Ok(())
    }

    async fn delete(&self, id: &PhysicalId, _: &DbParameterGroupSpec, _: &DeleteOptions) -> Result<()> {
        let answer = self.rds.delete_db_parameter_group().db_parameter_group_name(&id.0).send().await;
        gone(answer.map_err(failed("DeleteDBParameterGroup")))
    }

    async fn find(&self, _: &Identity, spec: &DbParameterGroupSpec) -> Result<Option<PhysicalId>> {
        let name = spec.name.to_ascii_lowercase();
        Ok(self.describe(&name).await?.map(|_| PhysicalId(name)))
    }
}

/// `pending-reboot` is taken for dynamic and static parameters alike.
fn parameter(name: &str) -> aws_sdk_rds::types::builders::ParameterBuilder {
    Parameter::builder().parameter_name(name).apply_method(ApplyMethod::PendingReboot)
}
