//! `AWS::ApplicationAutoScaling::ScalingPolicy`.
//!
//! Known by its target and name. A target-tracking policy makes alarms of its own, which are none of ours.

use std::collections::BTreeMap;

use aws_sdk_applicationautoscaling::{
    Client,
    types::{
        MetricType, PolicyType, PredefinedMetricSpecification, ScalableDimension, ScalingPolicy as Live,
        ServiceNamespace, TargetTrackingScalingPolicyConfiguration,
    },
};
use deployer_engine::{
    error::{Error, Result},
    facts::{
        Facts,
        Nature::{CreateOnly, OnRemove, ServerDefault},
        OnRemove::Replace,
        Output,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use futures::future::join_all;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{PAGE, RATE};
use crate::{
    Aws,
    call::{failed, gone},
    many::{one, read},
};

/// When something is scaled.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct ScalingPolicySpec {
    /// Its name.
    pub policy_name: String,
    /// `TargetTrackingScaling`.
    pub policy_type: String,
    /// `ecs` ..
    pub service_namespace: String,
    /// `service/CLUSTER/SERVICE` ..
    pub resource_id: String,
    /// `ecs:service:DesiredCount` ..
    pub scalable_dimension: String,
    /// The figure that is kept.
    pub target_tracking_scaling_policy_configuration: Tracking,
}

/// A figure that is kept.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Tracking {
    /// The figure.
    pub target_value: f64,
    /// Of what.
    pub predefined_metric_specification: Metric,
    /// Seconds after growing before it grows again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_out_cooldown: Option<i32>,
    /// Seconds after shrinking before it shrinks again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scale_in_cooldown: Option<i32>,
    /// It only grows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_scale_in: Option<bool>,
}

/// A metric that AWS knows.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct Metric {
    /// `ECSServiceAverageCPUUtilization`, `ALBRequestCountPerTarget` ..
    pub predefined_metric_type: String,
    /// Requests: which load balancer and target group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_label: Option<String>,
}

/// When something is scaled.
pub struct ScalingPolicy {
    scaling: Client,
}

impl ScalingPolicy {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { scaling: Client::new(aws.config()) }
    }

    async fn put(&self, spec: &ScalingPolicySpec) -> Result<Option<String>> {
        let call = self
            .scaling
            .put_scaling_policy()
            .policy_name(&spec.policy_name)
            .policy_type(PolicyType::from(spec.policy_type.as_str()))
            .service_namespace(ServiceNamespace::from(spec.service_namespace.as_str()))
            .resource_id(&spec.resource_id)
            .scalable_dimension(ScalableDimension::from(spec.scalable_dimension.as_str()))
            .target_tracking_scaling_policy_configuration(tracking(
                &spec.target_tracking_scaling_policy_configuration,
            )?);
        Ok(Some(call.send().await.map_err(failed("PutScalingPolicy"))?.policy_arn))
    }
}

impl Resource for ScalingPolicy {
    const TYPE: &'static str = "AWS::ApplicationAutoScaling::ScalingPolicy";
    const FACTS: Facts = Facts {
        fields: &[
            ("/PolicyName", CreateOnly),
            ("/ServiceNamespace", CreateOnly),
            ("/ResourceId", CreateOnly),
            ("/ScalableDimension", CreateOnly),
            ("/TargetTrackingScalingPolicyConfiguration", OnRemove(Replace)),
            ("/TargetTrackingScalingPolicyConfiguration/DisableScaleIn", ServerDefault("false")),
        ],
        outputs: &[Output::created("Arn")],
        slots: |spec| {
            let place = ["ServiceNamespace", "ResourceId", "ScalableDimension", "PolicyName"];
            vec![place.map(|name| spec[name].to_string()).join(" ")]
        },
        rate: RATE,
        page: PAGE,
        ..Facts::PART
    };
    type Spec = ScalingPolicySpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<ScalingPolicySpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    /// One call for each target among them: names alone would be those of the whole account.
    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<ScalingPolicySpec>>> {
        let mut targets: BTreeMap<[&str; 3], Vec<String>> = BTreeMap::new();
        for (target, name) in ids.iter().filter_map(|(id, _)| parts(id)) {
            targets.entry(target).or_default().push(name.to_owned());
        }
        let calls = targets.into_iter().map(async |([resource, dimension, namespace], names)| {
            let call = self
                .scaling
                .describe_scaling_policies()
                .service_namespace(ServiceNamespace::from(namespace))
                .resource_id(resource)
                .scalable_dimension(ScalableDimension::from(dimension))
                .set_policy_names(Some(names));
            let all: Result<Vec<Live>, _> = call.into_paginator().items().send().collect().await;
            all.map_err(failed("DescribeScalingPolicies"))
        });
        let answers: Result<Vec<Vec<Live>>> = join_all(calls).await.into_iter().collect();
        let specs = answers.map(|all| all.into_iter().flatten().map(from_live).collect::<Vec<_>>());
        let specs = specs.map(|all| all.into_iter().map(|(spec, arn)| (id(&spec), spec, arn)).collect());
        let seen = |(_, spec, arn)| Seen::ready(spec, [("Arn", json!(arn))]);
        read(ids, specs, |(id, ..): &(String, _, _)| Some(id.as_str()), seen)
    }

    async fn create(&self, _: &Identity, spec: &ScalingPolicySpec) -> Result<Created> {
        let arn = self.put(spec).await?;
        Ok(Created::whole(id(spec)).output("Arn", arn))
    }

    async fn update(&self, _: &PhysicalId, _: &ScalingPolicySpec, spec: &ScalingPolicySpec, _: &Changed) -> Result<()> {
        self.put(spec).await.map(drop)
    }

    async fn delete(&self, _: &PhysicalId, applied: &ScalingPolicySpec, _: &DeleteOptions) -> Result<()> {
        let call = self
            .scaling
            .delete_scaling_policy()
            .policy_name(&applied.policy_name)
            .service_namespace(ServiceNamespace::from(applied.service_namespace.as_str()))
            .resource_id(&applied.resource_id)
            .scalable_dimension(ScalableDimension::from(applied.scalable_dimension.as_str()));
        gone(call.send().await.map_err(failed("DeleteScalingPolicy")))
    }

    async fn find(&self, _: &Identity, spec: &ScalingPolicySpec) -> Result<Option<PhysicalId>> {
        Ok(Some(PhysicalId(id(spec))))
    }
}

/// `resource|dimension|namespace|name`.
fn id(spec: &ScalingPolicySpec) -> String {
    format!("{}|{}|{}|{}", spec.resource_id, spec.scalable_dimension, spec.service_namespace, spec.policy_name)
}

/// What it scales - resource, dimension, namespace - and its name.
fn parts(id: &PhysicalId) -> Option<([&str; 3], &str)> {
    let mut parts = id.0.split('|');
    let target = [parts.next()?, parts.next()?, parts.next()?];
    Some((target, parts.next()?))
}

fn tracking(it: &Tracking) -> Result<TargetTrackingScalingPolicyConfiguration> {
    let incomplete = |error: aws_sdk_applicationautoscaling::error::BuildError| Error::Missing(error.to_string());
    let metric = &it.predefined_metric_specification;
    let metric = PredefinedMetricSpecification::builder()
        .predefined_metric_type(MetricType::from(metric.predefined_metric_type.as_str()))
        .set_resource_label(metric.resource_label.clone())
        .build()
        .map_err(incomplete)?;
    TargetTrackingScalingPolicyConfiguration::builder()
        .target_value(it.target_value)
        .predefined_metric_specification(metric)
        .set_scale_out_cooldown(it.scale_out_cooldown)
        .set_scale_in_cooldown(it.scale_in_cooldown)
        .set_disable_scale_in(it.disable_scale_in)
        .build()
        .map_err(incomplete)
}

/// What it is, and its ARN.
fn from_live(live: Live) -> (ScalingPolicySpec, String) {
    let config = live.target_tracking_scaling_policy_configuration;
    let metric = |it: PredefinedMetricSpecification| Metric {
        predefined_metric_type: it.predefined_metric_type.as_str().to_owned(),
        resource_label: it.resource_label,
    };
    let tracking = config.map(|it| Tracking {
        target_value: it.target_value,
        predefined_metric_specification: it.predefined_metric_specification.map(metric).unwrap_or_default(),
        scale_out_cooldown: it.scale_out_cooldown,
        scale_in_cooldown: it.scale_in_cooldown,
        disable_scale_in: it.disable_scale_in,
    });
    let spec = ScalingPolicySpec {
        policy_name: live.policy_name,
        policy_type: live.policy_type.as_str().to_owned(),
        service_namespace: live.service_namespace.as_str().to_owned(),
        resource_id: live.resource_id,
        scalable_dimension: live.scalable_dimension.as_str().to_owned(),
        target_tracking_scaling_policy_configuration: tracking.unwrap_or_default(),
    };
    (spec, live.policy_arn)
}
