//! `AWS::ECS::Service`.
//!
//! A call's answer says nothing: a service is ready when its primary deployment has completed, and failed when that one has. A
//! name that is draining cannot be taken, and one that is inactive is gone.

mod probe;
mod spec;

use std::time::Duration;

use aws_sdk_ecs::{
    Client,
    types::{LaunchType, PropagateTags, Service as Live, ServiceField},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy, NameRule,
        Nature::{ByKey, CreateOnly, OnRemove, ServerDefault},
        OnRemove::{Keep, Reset},
        Output, Settle, SettleTable,
    },
    health::{Health, Symptom},
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};

pub use spec::ServiceSpec;
use spec::{from_live, to_balancers, to_deployment, to_network, to_registries};

use super::{RATE, ecs_tags, retag};
use crate::{
    Aws,
    call::{failed, found, gone, known},
    many::one,
    tags::to_map,
};

/// Tasks that are kept running.
pub struct Service {
    ecs: Client,
    logs: aws_sdk_cloudwatchlogs::Client,
}

impl Service {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ecs: Client::new(aws.config()), logs: aws_sdk_cloudwatchlogs::Client::new(aws.config()) }
    }

    async fn describe(&self, cluster: &str, names: Vec<String>) -> Result<Vec<Live>> {
        let call = self.ecs.describe_services().cluster(cluster).set_services(Some(names)).include(ServiceField::Tags);
        let answer = found(call.send().await.map_err(failed("DescribeServices")))?;
        Ok(answer.and_then(|it| it.services).unwrap_or_default())
    }
}

/// A new task takes half a minute at least until it runs and is healthy.
const ROLLOUT: Settle = Settle {
    usual: Duration::from_secs(90),
    budget: Duration::from_secs(1_200),
    first: Duration::from_secs(30),
    every: Duration::from_secs(10),
    ..Settle::FAST
};

impl Resource for Service {
    const TYPE: &'static str = "AWS::ECS::Service";
    const FACTS: Facts = Facts {
        fields: &[
            ("/ServiceName", CreateOnly),
            ("/Cluster", CreateOnly),
            ("/LaunchType", CreateOnly),
            ("/DesiredCount", OnRemove(Keep)),
            ("/PlatformVersion", OnRemove(Reset("\"LATEST\""))),
            ("/HealthCheckGracePeriodSeconds", OnRemove(Reset("0"))),
            ("/EnableExecuteCommand", OnRemove(Reset("false"))),
            ("/EnableECSManagedTags", OnRemove(Reset("false"))),
            ("/PropagateTags", OnRemove(Reset("\"NONE\""))),
            ("/PropagateTags", ServerDefault("\"NONE\"")),
            ("/DeploymentConfiguration", OnRemove(Reset(spec::DEPLOYMENT))),
            ("/NetworkConfiguration", OnRemove(Keep)),
            ("/NetworkConfiguration/AwsvpcConfiguration/AssignPublicIp", ServerDefault("\"DISABLED\"")),
            ("/NetworkConfiguration/AwsvpcConfiguration/Subnets", deployer_engine::facts::Nature::Unordered),
            ("/NetworkConfiguration/AwsvpcConfiguration/SecurityGroups", deployer_engine::facts::Nature::Unordered),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("ServiceArn"), Output::created("Name")],
        name: Some(NameRule::regional("/ServiceName")),
        found: FoundBy::Name,
        probed: true,
        settle: SettleTable { create: ROLLOUT, update: ROLLOUT, delete: ROLLOUT },
        rate: RATE,
        // Autoscaling moves it.
        carried: &["/DesiredCount"],
        page: 10,
        ..Facts::NAMED
    };
    type Spec = ServiceSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<ServiceSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    /// One call for each cluster among them.
    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<ServiceSpec>>> {
        let clusters: std::collections::BTreeSet<&str> = ids.iter().map(|(id, _)| parts(id).0).collect();
        let calls = clusters.into_iter().map(async |cluster| {
            let names = ids.iter().map(|(id, _)| parts(id)).filter(|it| it.0 == cluster).map(|it| it.1.to_owned());
            self.describe(cluster, names.collect()).await
        });
        let answers: Result<Vec<Vec<Live>>> = futures::future::join_all(calls).await.into_iter().collect();
        let answer = answers.map(|all| all.into_iter().flatten().map(|live| (key(&live), live)).collect());
        crate::many::read(ids, answer, |(key, _)| Some(key.as_str()), |(_, live)| from_live(live))
    }

    async fn create(&self, who: &Identity, spec: &ServiceSpec) -> Result<Created> {
        let call = self
            .ecs
            .create_service()
            .client_token(&who.token)
            .service_name(&spec.service_name)
            .cluster(&spec.cluster)
            .task_definition(&spec.task_definition)
            .set_desired_count(Some(spec.desired_count.unwrap_or(1)))
            .set_launch_type(spec.launch_type.as_deref().map(LaunchType::from))
            .set_platform_version(spec.platform_version.clone())
            .set_network_configuration(to_network(spec)?)
            .set_load_balancers(to_balancers(spec))
            .set_service_registries(to_registries(spec))
            .set_health_check_grace_period_seconds(spec.health_check_grace_period_seconds)
            .set_deployment_configuration(to_deployment(spec))
            .set_enable_execute_command(spec.enable_execute_command)
            .set_enable_ecs_managed_tags(spec.enable_ecs_managed_tags)
            .set_propagate_tags(spec.propagate_tags.as_deref().map(PropagateTags::from))
            .set_tags(ecs_tags(to_map(spec.tags.as_ref())));
        let made = call.send().await.map_err(failed("CreateService"))?.service;
        let arn = made.and_then(|it| it.service_arn);
        let id = format!("{}|{}", spec.cluster, spec.service_name);
        Ok(Created::whole(id).output("ServiceArn", arn).output("Name", spec.service_name.clone()))
    }

    async fn update(&self, id: &PhysicalId, _: &ServiceSpec, spec: &ServiceSpec, changed: &Changed) -> Result<()> {
        let (cluster, name) = parts(id);
        if changed.0.iter().any(|path| !path.starts_with("/Tags")) {
            let mut call =
                self.ecs.update_service().cluster(cluster).service(name).task_definition(&spec.task_definition);
            // Never sent unless it is ours: under autoscaling the live count stays.
            call = call.set_desired_count(spec.desired_count.filter(|_| changed.touches("DesiredCount")));
            let call = call
                .set_platform_version(spec.platform_version.clone())
                .set_network_configuration(to_network(spec)?)
                .set_load_balancers(Some(to_balancers(spec).unwrap_or_default()))
                .set_service_registries(Some(to_registries(spec).unwrap_or_default()))
                .set_health_check_grace_period_seconds(spec.health_check_grace_period_seconds)
                .set_deployment_configuration(to_deployment(spec))
                .set_enable_execute_command(spec.enable_execute_command)
                .set_enable_ecs_managed_tags(spec.enable_ecs_managed_tags)
                .set_propagate_tags(spec.propagate_tags.as_deref().map(PropagateTags::from));
            call.send().await.map_err(failed("UpdateService"))?;
        }
        if changed.touches("Tags") {
            let live = self.describe(cluster, vec![name.to_owned()]).await?;
            let arn = known("DescribeServices", live.into_iter().find_map(|it| it.service_arn))?;
            retag(&self.ecs, &arn, changed, spec.tags.as_ref()).await?;
        }
        Ok(())
    }

    async fn probe(&self, id: &PhysicalId, spec: &ServiceSpec) -> Result<Health> {
        let (cluster, name) = parts(id);
        let probe = probe::Probe { ecs: &self.ecs, logs: &self.logs, cluster, name };
        match self.describe(cluster, vec![name.to_owned()]).await?.first() {
            Some(live) => probe.health(live, spec).await,
            None => Ok(Health::NotYet(Symptom::of("it is not there"))),
        }
    }

    /// With its tasks, whatever their number.
    async fn delete(&self, id: &PhysicalId, _: &ServiceSpec, _: &DeleteOptions) -> Result<()> {
        let (cluster, name) = parts(id);
        let answer = self.ecs.delete_service().cluster(cluster).service(name).force(true).send().await;
        gone(answer.map_err(failed("DeleteService")))
    }

    async fn find(&self, _: &Identity, spec: &ServiceSpec) -> Result<Option<PhysicalId>> {
        let there = self.describe(&spec.cluster, vec![spec.service_name.clone()]).await?;
        let active = there.into_iter().find(|it| it.status.as_deref() != Some("INACTIVE"));
        Ok(active.map(|_| PhysicalId(format!("{}|{}", spec.cluster, spec.service_name))))
    }
}

/// `cluster|service`, by names.
fn parts(id: &PhysicalId) -> (&str, &str) {
    id.0.split_once('|').unwrap_or(("default", &id.0))
}

fn key(live: &Live) -> String {
    format!("{}|{}", spec::cluster(live), live.service_name.as_deref().unwrap_or_default())
}
