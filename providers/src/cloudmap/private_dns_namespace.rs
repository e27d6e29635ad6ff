//! `AWS::ServiceDiscovery::PrivateDnsNamespace`.
//!
//! Its create answers with an operation, not with the namespace: it is known by its name, and its id once it is there. Which VPC
//! it is for cannot be read back.

use std::time::Duration;

use aws_sdk_servicediscovery::{
    Client,
    types::{FilterCondition, NamespaceFilter, NamespaceFilterName, NamespaceSummary, PrivateDnsNamespaceChange},
};
use deployer_engine::{
    error::{Error, Result},
    facts::{
        Facts, FoundBy,
        Nature::{ByKey, CaseFolded, CreateOnly, OnRemove, WriteOnly},
        OnRemove::Reset,
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{RATE, map_tags, retag, tags_of};
use crate::{
    Aws,
    call::{failed, gone, known},
    tags::{Tag, to_map},
};

/// A domain inside a VPC.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct PrivateDnsNamespaceSpec {
    /// The domain.
    pub name: String,
    /// The VPC.
    pub vpc: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A domain inside a VPC.
pub struct PrivateDnsNamespace {
    map: Client,
}

impl PrivateDnsNamespace {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { map: Client::new(aws.config()) }
    }

    async fn summary(&self, name: &str) -> Result<Option<NamespaceSummary>> {
        let filter = NamespaceFilter::builder()
            .name(NamespaceFilterName::Type)
            .values("DNS_PRIVATE")
            .condition(FilterCondition::Eq)
            .build()
            .map_err(|error| Error::Missing(error.to_string()))?;
        let mut pages = self.map.list_namespaces().filters(filter).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("ListNamespaces"))?;
            let mine = page.namespaces.into_iter().flatten().find(|it| it.name.as_deref() == Some(name));
            if mine.is_some() {
                return Ok(mine);
            }
        }
        Ok(None)
    }
}

const SLOW: Settle = Settle {
    usual: Duration::from_secs(45),
    budget: Duration::from_secs(600),
    every: Duration::from_secs(3),
    ..Settle::FAST
};

impl Resource for PrivateDnsNamespace {
    const TYPE: &'static str = "AWS::ServiceDiscovery::PrivateDnsNamespace";
    const FACTS: Facts = Facts {
        fields: &[
            ("/Name", CreateOnly),
            ("/Name", CaseFolded),
            ("/Vpc", CreateOnly),
            ("/Vpc", WriteOnly),
            ("/Description", OnRemove(Reset("\"\""))),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::ready("Id"), Output::ready("Arn")],
        slots: |spec| vec![spec["Name"].to_string()],
        found: FoundBy::Name,
        settle: SettleTable { create: SLOW, update: SLOW, delete: SLOW },
        rate: RATE,
        ..Facts::NAMED
    };
    type Spec = PrivateDnsNamespaceSpec;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<PrivateDnsNamespaceSpec>> {
        let Some(live) = self.summary(&id.0).await? else { return Ok(Seen::Absent) };
        let tags = tags_of(&self.map, live.arn.as_deref().unwrap_or_default()).await?;
        let outputs = [("Id", json!(live.id)), ("Arn", json!(live.arn))];
        let spec = PrivateDnsNamespaceSpec {
            name: live.name.unwrap_or_default(),
            vpc: String::new(),
            description: live.description.filter(|text| !text.is_empty()),
            tags,
        };
        Ok(Seen::ready(spec, outputs))
    }

    async fn create(&self, who: &Identity, spec: &PrivateDnsNamespaceSpec) -> Result<Created> {
        let call = self
            .map
            .create_private_dns_namespace()
            .creator_request_id(&who.token)
            .name(&spec.name)
            .vpc(&spec.vpc)
            .set_description(spec.description.clone())
            .set_tags(Some(map_tags(to_map(spec.tags.as_ref()))?));
        call.send().await.map_err(failed("CreatePrivateDnsNamespace"))?;
        Ok(Created::whole(spec.name.clone()))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &PrivateDnsNamespaceSpec,
        spec: &PrivateDnsNamespaceSpec,
        changed: &Changed,
    ) -> Result<()> {
        let live = known("ListNamespaces", self.summary(&id.0).await?)?;
        if changed.touches("Description") {
            let change = PrivateDnsNamespaceChange::builder().description(spec.description.clone().unwrap_or_default());
            let call = self.map.update_private_dns_namespace().set_id(live.id).namespace(change.build());
            call.send().await.map_err(failed("UpdatePrivateDnsNamespace"))?;
        }
        retag(&self.map, &known("ListNamespaces", live.arn)?, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &PrivateDnsNamespaceSpec, _: &DeleteOptions) -> Result<()> {
        let Some(id) = self.summary(&id.0).await?.and_then(|it| it.id) else { return Ok(()) };
        gone(self.map.delete_namespace().id(id).send().await.map_err(failed("DeleteNamespace")))
    }

    async fn find(&self, _: &Identity, spec: &PrivateDnsNamespaceSpec) -> Result<Option<PhysicalId>> {
        Ok(self.summary(&spec.name).await?.map(|_| PhysicalId(spec.name.clone())))
    }
}
