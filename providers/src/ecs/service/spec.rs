//! A service's properties, how they are sent and how they are told.

use aws_sdk_ecs::types::{
    AssignPublicIp, AwsVpcConfiguration, DeploymentCircuitBreaker, DeploymentConfiguration, DeploymentRolloutState,
    LoadBalancer, NetworkConfiguration, Service as Live, ServiceRegistry,
};
use deployer_engine::{
    error::{Error, Result},
    resource::Seen,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::super::live_tags;
use crate::tags::Tag;

/// How a rollout goes if nothing is said.
pub(super) const DEPLOYMENT: &str = r#"{"MaximumPercent": 200, "MinimumHealthyPercent": 100, "DeploymentCircuitBreaker": {"Enable": false, "Rollback": false}}"#;

/// Tasks that are kept running.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ServiceSpec {
    /// Its name.
    pub service_name: String,
    /// The cluster's name.
    pub cluster: String,
    /// The revision that its tasks run: an ARN.
    pub task_definition: String,
    /// How many tasks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub desired_count: Option<i32>,
    /// `FARGATE` or `EC2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub launch_type: Option<String>,
    /// Fargate: `LATEST` or a version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform_version: Option<String>,
    /// Where its tasks stand.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub network_configuration: Option<Network>,
    /// Target groups that its tasks are registered in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancers: Option<Vec<Balancer>>,
    /// Seconds in which bad health checks of a new task do not count.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_grace_period_seconds: Option<i32>,
    /// How a rollout goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_configuration: Option<Deployment>,
    /// Commands may be run in its containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_execute_command: Option<bool>,
    /// Its tasks carry ECS's own tags.
    #[serde(rename = "EnableECSManagedTags", skip_serializing_if = "Option::is_none")]
    pub enable_ecs_managed_tags: Option<bool>,
    /// Whose tags its tasks carry: `SERVICE`, `TASK_DEFINITION` or `NONE`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub propagate_tags: Option<String>,
    /// Names that its tasks are found by.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service_registries: Option<Vec<Registry>>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// Where tasks stand.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Network {
    /// With `awsvpc`.
    pub awsvpc_configuration: Awsvpc,
}

/// Where tasks with an address of their own stand.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Awsvpc {
    /// The subnets.
    pub subnets: Vec<String>,
    /// The groups that guard them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<String>>,
    /// `ENABLED` or `DISABLED`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assign_public_ip: Option<String>,
}

/// A target group.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Balancer {
    /// Its ARN.
    pub target_group_arn: String,
    /// The container that answers.
    pub container_name: String,
    /// At this port.
    pub container_port: i32,
}

/// How a rollout goes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Deployment {
    /// The most tasks during it, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maximum_percent: Option<i32>,
    /// The least healthy tasks during it, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_percent: Option<i32>,
    /// It ends by itself when tasks keep failing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deployment_circuit_breaker: Option<Breaker>,
}

/// When a rollout ends by itself.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Breaker {
    /// It does.
    pub enable: bool,
    /// ECS goes back to the last one that worked.
    pub rollback: bool,
}

/// A name that tasks are found by.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Registry {
    /// The Cloud Map service's ARN.
    pub registry_arn: String,
}

pub(super) fn to_network(spec: &ServiceSpec) -> Result<Option<NetworkConfiguration>> {
    let Some(it) = spec.network_configuration.as_ref().map(|it| &it.awsvpc_configuration) else { return Ok(None) };
    let built = AwsVpcConfiguration::builder()
        .set_subnets(Some(it.subnets.clone()))
        .set_security_groups(it.security_groups.clone())
        .set_assign_public_ip(it.assign_public_ip.as_deref().map(AssignPublicIp::from))
        .build()
        .map_err(|error| Error::Missing(error.to_string()))?;
    Ok(Some(NetworkConfiguration::builder().awsvpc_configuration(built).build()))
}

pub(super) fn to_balancers(spec: &ServiceSpec) -> Option<Vec<LoadBalancer>> {
    let balancer = |it: &Balancer| {
        LoadBalancer::builder()
            .target_group_arn(&it.target_group_arn)
            .container_name(&it.container_name)
            .container_port(it.container_port)
            .build()
    };
    spec.load_balancers.as_ref().map(|all| all.iter().map(balancer).collect())
}

pub(super) fn to_registries(spec: &ServiceSpec) -> Option<Vec<ServiceRegistry>> {
    let registry = |it: &Registry| ServiceRegistry::builder().registry_arn(&it.registry_arn).build();
    spec.service_registries.as_ref().map(|all| all.iter().map(registry).collect())
}

/// A breaker that is not named is off: one that was there has to be taken away by saying so.
pub(super) fn to_deployment(spec: &ServiceSpec) -> Option<DeploymentConfiguration> {
    let it = spec.deployment_configuration.as_ref()?;
    let breaker = it.deployment_circuit_breaker.clone().unwrap_or_default();
    let breaker = DeploymentCircuitBreaker::builder().enable(breaker.enable).rollback(breaker.rollback).build();
    Some(
        DeploymentConfiguration::builder()
            .set_maximum_percent(it.maximum_percent)
            .set_minimum_healthy_percent(it.minimum_healthy_percent)
            .deployment_circuit_breaker(breaker)
            .build(),
    )
}

/// The cluster's name, from its ARN.
pub(super) fn cluster(live: &Live) -> &str {
    live.cluster_arn.as_deref().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default()
}

fn spec_of(live: &Live) -> ServiceSpec {
    let network = live.network_configuration.as_ref().and_then(|it| it.awsvpc_configuration.as_ref());
    let network = network.map(|it| Awsvpc {
        subnets: it.subnets.clone(),
        security_groups: it.security_groups.clone(),
        assign_public_ip: it.assign_public_ip.as_ref().map(|it| it.as_str().to_owned()),
    });
    let balancer = |it: &LoadBalancer| Balancer {
        target_group_arn: it.target_group_arn.clone().unwrap_or_default(),
        container_name: it.container_name.clone().unwrap_or_default(),
        container_port: it.container_port.unwrap_or_default(),
    };
    let balancers: Vec<Balancer> = live.load_balancers().iter().map(balancer).collect();
    let registry = |it: &ServiceRegistry| Registry { registry_arn: it.registry_arn.clone().unwrap_or_default() };
    let registries: Vec<Registry> = live.service_registries().iter().map(registry).collect();
    let deployment = live.deployment_configuration.as_ref().map(|it| Deployment {
        maximum_percent: it.maximum_percent,
        minimum_healthy_percent: it.minimum_healthy_percent,
        deployment_circuit_breaker: it
            .deployment_circuit_breaker
            .as_ref()
            .map(|it| Breaker { enable: it.enable, rollback: it.rollback }),
    });
    ServiceSpec {
        service_name: live.service_name.clone().unwrap_or_default(),
        cluster: cluster(live).to_owned(),
        task_definition: live.task_definition.clone().unwrap_or_default(),
        desired_count: Some(live.desired_count),
        launch_type: live.launch_type.as_ref().map(|it| it.as_str().to_owned()),
        platform_version: live.platform_version.clone(),
        network_configuration: network.map(|awsvpc_configuration| Network { awsvpc_configuration }),
        load_balancers: Some(balancers).filter(|all| !all.is_empty()),
        health_check_grace_period_seconds: live.health_check_grace_period_seconds,
        deployment_configuration: deployment,
        enable_execute_command: Some(live.enable_execute_command),
        enable_ecs_managed_tags: Some(live.enable_ecs_managed_tags),
        propagate_tags: live.propagate_tags.as_ref().map(|it| it.as_str().to_owned()),
        service_registries: Some(registries).filter(|all| !all.is_empty()),
        tags: live_tags(live.tags.clone()),
    }
}

pub(super) fn from_live(live: Live) -> Seen<ServiceSpec> {
    let outputs = [("ServiceArn", json!(live.service_arn)), ("Name", json!(live.service_name))];
    match live.status.as_deref().unwrap_or("ACTIVE") {
        "ACTIVE" => {}
        "INACTIVE" => return Seen::Absent,
        status => return Seen::pending(status.to_ascii_lowercase(), spec_of(&live), outputs),
    }
    let spec = spec_of(&live);
    let primary = live.deployments().iter().find(|it| it.status.as_deref() == Some("PRIMARY"));
    let Some(primary) = primary else { return Seen::ready(spec, outputs) };
    match &primary.rollout_state {
        Some(DeploymentRolloutState::Completed) | None => Seen::ready(spec, outputs),
        Some(DeploymentRolloutState::Failed) => {
            let why = primary.rollout_state_reason.clone().unwrap_or_else(|| "the rollout failed".to_owned());
            Seen::stuck(why, spec, outputs)
        }
        Some(_) => {
            let (running, wanted) = (primary.running_count, primary.desired_count);
            Seen::pending(format!("rolling out, {running} of {wanted} tasks run"), spec, outputs)
        }
    }
}
