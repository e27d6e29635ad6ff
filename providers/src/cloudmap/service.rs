//! `AWS::ServiceDiscovery::Service`.
//!
//! A name in a namespace. An update takes the records whole: what it leaves out is deleted. ECS registers and deregisters its
//! tasks by itself, and until then the service cannot go.

use std::time::Duration;

use aws_sdk_servicediscovery::{
    Client,
    types::{
        DnsConfig, DnsConfigChange, DnsRecord, FilterCondition, RecordType, RoutingPolicy, ServiceChange,
        ServiceFilter, ServiceFilterName,
    },
};
use deployer_engine::{
    error::{Error, Result},
    facts::{
        Facts, FoundBy,
        Nature::{ByKey, CaseFolded, CreateOnly, OnRemove},
        OnRemove::{Keep, Reset},
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
    call::{failed, found, gone, known},
    tags::{Tag, to_map},
};

/// A name in a namespace.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct DiscoveryServiceSpec {
    /// The name.
    pub name: String,
    /// The namespace's id.
    pub namespace_id: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its records.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_config: Option<Dns>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// Records.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Dns {
    /// Each.
    pub dns_records: Vec<Record>,
    /// `MULTIVALUE` or `WEIGHTED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub routing_policy: Option<String>,
}

/// A record.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Record {
    /// `A`, `AAAA`, `SRV` or `CNAME`.
    #[serde(rename = "Type")]
    pub kind: String,
    /// How long an answer is good for, in seconds.
    #[serde(rename = "TTL")]
    pub ttl: i64,
}

/// A name in a namespace.
pub struct DiscoveryService {
    map: Client,
}

impl DiscoveryService {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { map: Client::new(aws.config()) }
    }
}

impl Resource for DiscoveryService {
    const TYPE: &'static str = "AWS::ServiceDiscovery::Service";
    const FACTS: Facts = Facts {
        fields: &[
            ("/Name", CreateOnly),
            ("/Name", CaseFolded),
            ("/NamespaceId", CreateOnly),
            ("/Description", OnRemove(Reset("\"\""))),
            ("/DnsConfig", OnRemove(Keep)),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("Id"), Output::created("Arn")],
        slots: |spec| vec![format!("{} {}", spec["NamespaceId"], spec["Name"])],
        found: FoundBy::Name,
        settle: SettleTable {
            delete: Settle { budget: Duration::from_secs(300), ..Settle::FAST },
            ..SettleTable::FAST
        },
        rate: RATE,
        ..Facts::NAMED
    };
    type Spec = DiscoveryServiceSpec;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<DiscoveryServiceSpec>> {
        let answer = found(self.map.get_service().id(&id.0).send().await.map_err(failed("GetService")))?;
        let Some(live) = answer.and_then(|it| it.service) else { return Ok(Seen::Absent) };
        let tags = tags_of(&self.map, live.arn.as_deref().unwrap_or_default()).await?;
        let record = |it: DnsRecord| Record { kind: it.r#type.as_str().to_owned(), ttl: it.ttl };
        let dns = live.dns_config.map(|it| Dns {
            dns_records: it.dns_records.into_iter().map(record).collect(),
            routing_policy: it.routing_policy.map(|it| it.as_str().to_owned()),
        });
        let spec = DiscoveryServiceSpec {
            name: live.name.unwrap_or_default(),
            namespace_id: live.namespace_id.unwrap_or_default(),
            description: live.description.filter(|text| !text.is_empty()),
            dns_config: dns,
            tags,
        };
        Ok(Seen::ready(spec, [("Id", json!(live.id)), ("Arn", json!(live.arn))]))
    }

    async fn create(&self, who: &Identity, spec: &DiscoveryServiceSpec) -> Result<Created> {
        let dns = |it: &Dns| {
            let config = DnsConfig::builder()
                .set_dns_records(Some(records(it)?))
                .set_routing_policy(it.routing_policy.as_deref().map(RoutingPolicy::from));
            config.build().map_err(incomplete)
        };
        let call = self
            .map
            .create_service()
            .creator_request_id(&who.token)
            .name(&spec.name)
            .namespace_id(&spec.namespace_id)
            .set_description(spec.description.clone())
            .set_dns_config(spec.dns_config.as_ref().map(dns).transpose()?)
            .set_tags(Some(map_tags(to_map(spec.tags.as_ref()))?));
        let made = call.send().await.map_err(failed("CreateService"))?.service;
        let (id, arn) = made.map(|it| (it.id.unwrap_or_default(), it.arn)).unwrap_or_default();
        Ok(Created::whole(id.clone()).output("Id", id).output("Arn", arn))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &DiscoveryServiceSpec,
        spec: &DiscoveryServiceSpec,
        changed: &Changed,
    ) -> Result<()> {
        if changed.touches("Description") || changed.touches("DnsConfig") {
            let dns =
                |it: &Dns| DnsConfigChange::builder().set_dns_records(Some(records(it)?)).build().map_err(incomplete);
            let change = ServiceChange::builder()
                .description(spec.description.clone().unwrap_or_default())
                .set_dns_config(spec.dns_config.as_ref().map(dns).transpose()?);
            let call = self.map.update_service().id(&id.0).service(change.build());
            call.send().await.map_err(failed("UpdateService"))?;
        }
        if changed.touches("Tags") {
            let live = found(self.map.get_service().id(&id.0).send().await.map_err(failed("GetService")))?;
            let arn = known("GetService", live.and_then(|it| it.service?.arn))?;
            retag(&self.map, &arn, changed, spec.tags.as_ref()).await?;
        }
        Ok(())
    }

    async fn delete(&self, id: &PhysicalId, _: &DiscoveryServiceSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.map.delete_service().id(&id.0).send().await.map_err(failed("DeleteService")))
    }

    async fn find(&self, _: &Identity, spec: &DiscoveryServiceSpec) -> Result<Option<PhysicalId>> {
        let filter = ServiceFilter::builder()
            .name(ServiceFilterName::NamespaceId)
            .values(&spec.namespace_id)
            .condition(FilterCondition::Eq)
            .build()
            .map_err(incomplete)?;
        let mut pages = self.map.list_services().filters(filter).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(failed("ListServices"))?;
            let mine = page.services.into_iter().flatten().find(|it| it.name.as_ref() == Some(&spec.name));
            if let Some(id) = mine.and_then(|it| it.id) {
                return Ok(Some(PhysicalId(id)));
            }
        }
        Ok(None)
    }
}

fn incomplete(error: aws_sdk_servicediscovery::error::BuildError) -> Error {
    Error::Missing(error.to_string())
}

fn records(it: &Dns) -> Result<Vec<DnsRecord>> {
    let record = |it: &Record| {
        DnsRecord::builder().r#type(RecordType::from(it.kind.as_str())).ttl(it.ttl).build().map_err(incomplete)
    };
    it.dns_records.iter().map(record).collect()
}
