//! `AWS::ECS::TaskDefinition`.
//!
//! Every change is a new revision of its family, and the old one stays usable until it is deregistered, after the service has
//! moved. A registration has no token: a lost answer leaves a revision that is found by its tags.

use aws_sdk_ecs::{
    Client,
    config::{Builder, retry::RetryConfig},
    types::{
        Compatibility, CpuArchitecture, EphemeralStorage, NetworkMode, OsFamily, RuntimePlatform, SortOrder,
        TaskDefinition as Live, TaskDefinitionField, TaskDefinitionStatus,
    },
};
use deployer_engine::{
    error::{Class, Result},
    facts::{
        Facts, FoundBy, NameRule,
        Nature::{ByKey, CreateOnly, Document, Unordered},
        Output,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    RATE,
    container::{Container, from_container, plain_containers, to_container},
    ecs_tags, live_tags, retag,
};
use crate::{
    Aws,
    call::{failed, gone},
    tags::{Tag, to_map},
};

/// What runs: one or more containers.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TaskDefinitionSpec {
    /// The family that it is a revision of.
    pub family: String,
    /// Its containers.
    pub container_definitions: Vec<Container>,
    /// CPU units of the task: `256`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu: Option<String>,
    /// MiB of the task: `512`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<String>,
    /// `awsvpc`, `bridge`, `host` or `none`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_mode: Option<String>,
    /// `FARGATE`, `EC2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requires_compatibilities: Option<Vec<String>>,
    /// The role that fetches images and secrets and writes logs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub execution_role_arn: Option<String>,
    /// The role that the containers act as.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_role_arn: Option<String>,
    /// What it runs on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtime_platform: Option<Platform>,
    /// Its scratch space.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ephemeral_storage: Option<Scratch>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// What a task runs on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Platform {
    /// `X86_64` or `ARM64`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_architecture: Option<String>,
    /// `LINUX` ..
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operating_system_family: Option<String>,
}

/// Scratch space.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Scratch {
    /// 21 to 200.
    #[serde(rename = "SizeInGiB")]
    pub size_in_gib: i32,
}

/// What runs.
pub struct TaskDefinition {
    ecs: Client,
    once: Client,
}

impl TaskDefinition {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        let once = Builder::from(aws.config()).retry_config(RetryConfig::disabled()).build();
        Self { ecs: Client::new(aws.config()), once: Client::from_conf(once) }
    }

    async fn describe(&self, arn: &str) -> Result<Option<(Live, Option<Vec<Tag>>)>> {
        let call = self.ecs.describe_task_definition().task_definition(arn).include(TaskDefinitionField::Tags);
        match call.send().await.map_err(failed("DescribeTaskDefinition")) {
            Ok(answer) => Ok(answer.task_definition.map(|live| (live, live_tags(answer.tags)))),
            // What is missing is told as a client's error without a code of its own.
            Err(error) if error.class() == Class::NotFound || error.to_string().contains("Unable to describe") => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

impl Resource for TaskDefinition {
    const TYPE: &'static str = "AWS::ECS::TaskDefinition";
    const FACTS: Facts = Facts {
        fields: &[
            ("/Family", CreateOnly),
            ("/ContainerDefinitions", CreateOnly),
            ("/ContainerDefinitions", Document(plain_containers)),
            ("/Cpu", CreateOnly),
            ("/Memory", CreateOnly),
            ("/NetworkMode", CreateOnly),
            ("/RequiresCompatibilities", CreateOnly),
            ("/RequiresCompatibilities", Unordered),
            ("/ExecutionRoleArn", CreateOnly),
            ("/TaskRoleArn", CreateOnly),
            ("/RuntimePlatform", CreateOnly),
            ("/EphemeralStorage", CreateOnly),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("TaskDefinitionArn")],
        name: Some(NameRule { shared: true, ..NameRule::regional("/Family") }),
        found: FoundBy::Tag,
        rate: RATE,
        ..Facts::NAMED
    };
    type Spec = TaskDefinitionSpec;

    async fn read(&self, id: &PhysicalId, _: &Wanted) -> Result<Seen<TaskDefinitionSpec>> {
        let Some((live, tags)) = self.describe(&id.0).await? else { return Ok(Seen::Absent) };
        if live.status != Some(TaskDefinitionStatus::Active) {
            return Ok(Seen::Absent);
        }
        Ok(Seen::ready(from_live(live, tags), [("TaskDefinitionArn", json!(id.0))]))
    }

    async fn create(&self, _: &Identity, spec: &TaskDefinitionSpec) -> Result<Created> {
        let containers: Result<Vec<_>> = spec.container_definitions.iter().map(to_container).collect();
        let compatibilities = spec.requires_compatibilities.as_ref();
        let platform = |it: &Platform| {
            RuntimePlatform::builder()
                .set_cpu_architecture(it.cpu_architecture.as_deref().map(CpuArchitecture::from))
                .set_operating_system_family(it.operating_system_family.as_deref().map(OsFamily::from))
                .build()
        };
        let scratch = |it: &Scratch| EphemeralStorage::builder().size_in_gib(it.size_in_gib).build();
        let call = self
            .once
            .register_task_definition()
            .family(&spec.family)
            .set_container_definitions(Some(containers?))
            .set_cpu(spec.cpu.clone())
            .set_memory(spec.memory.clone())
            .set_network_mode(spec.network_mode.as_deref().map(NetworkMode::from))
            .set_requires_compatibilities(
                compatibilities.map(|all| all.iter().map(|it| Compatibility::from(it.as_str())).collect()),
            )
            .set_execution_role_arn(spec.execution_role_arn.clone())
            .set_task_role_arn(spec.task_role_arn.clone())
            .set_runtime_platform(spec.runtime_platform.as_ref().map(platform))
            .set_ephemeral_storage(spec.ephemeral_storage.as_ref().map(scratch))
            .set_tags(ecs_tags(to_map(spec.tags.as_ref())));
        let made = call.send().await.map_err(failed("RegisterTaskDefinition"))?.task_definition;
        let arn = made.and_then(|it| it.task_definition_arn).unwrap_or_default();
        Ok(Created::whole(arn.clone()).output("TaskDefinitionArn", arn))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &TaskDefinitionSpec,
        spec: &TaskDefinitionSpec,
        changed: &Changed,
    ) -> Result<()> {
        retag(&self.ecs, &id.0, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &TaskDefinitionSpec, _: &DeleteOptions) -> Result<()> {
        let answer = self.ecs.deregister_task_definition().task_definition(&id.0).send().await;
        gone(answer.map_err(failed("DeregisterTaskDefinition")))
    }

    /// Among the newest revisions of its family.
    async fn find(&self, who: &Identity, spec: &TaskDefinitionSpec) -> Result<Option<PhysicalId>> {
        let newest = self
            .ecs
            .list_task_definitions()
            .family_prefix(&spec.family)
            .status(TaskDefinitionStatus::Active)
            .sort(SortOrder::Desc)
            .max_results(5);
        let arns = newest.send().await.map_err(failed("ListTaskDefinitions"))?.task_definition_arns;
        for arn in arns.into_iter().flatten() {
            let tags = self.describe(&arn).await?.and_then(|(_, tags)| tags).unwrap_or_default();
            if tags.iter().any(|tag| tag.key == "deployer:token" && tag.value == who.token) {
                return Ok(Some(PhysicalId(arn)));
            }
        }
        Ok(None)
    }
}

fn from_live(live: Live, tags: Option<Vec<Tag>>) -> TaskDefinitionSpec {
    let platform = |it: RuntimePlatform| Platform {
        cpu_architecture: it.cpu_architecture.map(|it| it.as_str().to_owned()),
        operating_system_family: it.operating_system_family.map(|it| it.as_str().to_owned()),
    };
    let compatibilities = live.requires_compatibilities.into_iter().flatten().map(|it| it.as_str().to_owned());
    TaskDefinitionSpec {
        family: live.family.unwrap_or_default(),
        container_definitions: live.container_definitions.into_iter().flatten().map(from_container).collect(),
        cpu: live.cpu,
        memory: live.memory,
        network_mode: live.network_mode.map(|it| it.as_str().to_owned()),
        requires_compatibilities: Some(compatibilities.collect()),
        execution_role_arn: live.execution_role_arn,
        task_role_arn: live.task_role_arn,
        runtime_platform: live.runtime_platform.map(platform),
        ephemeral_storage: live.ephemeral_storage.map(|it| Scratch { size_in_gib: it.size_in_gib }),
        tags,
    }
}
