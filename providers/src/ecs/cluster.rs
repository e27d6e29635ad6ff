//! `AWS::ECS::Cluster`.
//!
//! Creating one that is there answers with it, whoever made it, and one that is gone is made anew under its name. Settings are
//! told only when they are asked for.

use std::time::Duration;

use aws_sdk_ecs::{
    Client,
    types::{Cluster as Live, ClusterField, ClusterSetting, ClusterSettingName},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy, NameRule,
        Nature::{ByKey, CreateOnly, Settings},
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{RATE, ecs_tags, live_tags, retag};
use crate::{
    Aws,
    call::{failed, found, gone, known},
    many::{one, read},
    tags::{Tag, to_map},
};

/// A cluster.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ClusterSpec {
    /// Its name.
    pub cluster_name: String,
    /// Settings by name: `containerInsights` is `enabled`, `enhanced` or `disabled`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_settings: Option<Vec<Setting>>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A cluster.
pub struct Cluster {
    ecs: Client,
}

impl Cluster {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ecs: Client::new(aws.config()) }
    }

    async fn describe(&self, names: Vec<String>) -> Result<Vec<Live>> {
        let call = self
            .ecs
            .describe_clusters()
            .set_clusters(Some(names))
            .include(ClusterField::Settings)
            .include(ClusterField::Tags);
        Ok(call.send().await.map_err(failed("DescribeClusters"))?.clusters.unwrap_or_default())
    }
}

impl Resource for Cluster {
    const TYPE: &'static str = "AWS::ECS::Cluster";
    const FACTS: Facts = Facts {
        fields: &[
            ("/ClusterName", CreateOnly),
            ("/ClusterSettings", Settings { key: "Name", defaults: &[("containerInsights", "disabled")] }),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("Arn"), Output::created("ClusterName")],
        name: Some(NameRule::regional("/ClusterName")),
        found: FoundBy::Name,
        create_adopts: true,
        settle: SettleTable {
            delete: Settle { budget: Duration::from_secs(600), ..Settle::FAST },
            ..SettleTable::FAST
        },
        rate: RATE,
        page: 100,
        ..Facts::NAMED
    };
    type Spec = ClusterSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<ClusterSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<ClusterSpec>>> {
        let answer = self.describe(ids.iter().map(|(id, _)| id.0.clone()).collect()).await;
        read(ids, answer, |it| it.cluster_name.as_deref(), seen)
    }

    async fn create(&self, _: &Identity, spec: &ClusterSpec) -> Result<Created> {
        let call = self
            .ecs
            .create_cluster()
            .cluster_name(&spec.cluster_name)
            .set_settings(spec.cluster_settings.as_ref().map(|all| all.iter().map(setting).collect()))
            .set_tags(ecs_tags(to_map(spec.tags.as_ref())));
        let arn = call.send().await.map_err(failed("CreateCluster"))?.cluster.and_then(|it| it.cluster_arn);
        let name = spec.cluster_name.clone();
        Ok(Created::whole(name.clone()).output("Arn", arn).output("ClusterName", name))
    }

    async fn update(&self, id: &PhysicalId, _: &ClusterSpec, spec: &ClusterSpec, changed: &Changed) -> Result<()> {
        if changed.touches("ClusterSettings") {
            let mut all: Vec<ClusterSetting> = spec.cluster_settings.iter().flatten().map(setting).collect();
            if all.is_empty() {
                let off = ClusterSetting::builder().name(ClusterSettingName::ContainerInsights).value("disabled");
                all.push(off.build());
            }
            let call = self.ecs.update_cluster().cluster(&id.0).set_settings(Some(all));
            call.send().await.map_err(failed("UpdateCluster"))?;
        }
        if changed.touches("Tags") {
            let arn = self.describe(vec![id.0.clone()]).await?.into_iter().find_map(|it| it.cluster_arn);
            retag(&self.ecs, &known("DescribeClusters", arn)?, changed, spec.tags.as_ref()).await?;
        }
        Ok(())
    }

    async fn delete(&self, id: &PhysicalId, _: &ClusterSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.ecs.delete_cluster().cluster(&id.0).send().await.map_err(failed("DeleteCluster")))
    }

    async fn find(&self, _: &Identity, spec: &ClusterSpec) -> Result<Option<PhysicalId>> {
        let there = found(self.describe(vec![spec.cluster_name.clone()]).await)?.unwrap_or_default();
        let active = there.into_iter().find(|it| it.status.as_deref() != Some("INACTIVE"));
        Ok(active.map(|_| PhysicalId(spec.cluster_name.clone())))
    }
}

fn setting(it: &Setting) -> ClusterSetting {
    ClusterSetting::builder().name(ClusterSettingName::from(it.name.as_str())).value(&it.value).build()
}

fn seen(live: Live) -> Seen<ClusterSpec> {
    let outputs = [("Arn", json!(live.cluster_arn)), ("ClusterName", json!(live.cluster_name))];
    let setting = |it: ClusterSetting| Some(Setting { name: it.name?.as_str().to_owned(), value: it.value? });
    let spec = ClusterSpec {
        cluster_name: live.cluster_name.unwrap_or_default(),
        cluster_settings: Some(live.settings.into_iter().flatten().filter_map(setting).collect()),
        tags: live_tags(live.tags),
    };
    match live.status.as_deref().unwrap_or("ACTIVE") {
        "ACTIVE" => Seen::ready(spec, outputs),
        "INACTIVE" => Seen::Absent,
        "FAILED" => Seen::Failed { reason: "the cluster's status is FAILED".to_owned() },
        status => Seen::pending(status, spec, outputs),
    }
}
