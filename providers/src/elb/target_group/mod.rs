//! `AWS::ElasticLoadBalancingV2::TargetGroup`.
//!
//! Everything but its health check and settings is fixed at its create; a replacement has another name, and goes only when no
//! listener or rule uses it any more. It serves one load balancer at a time, so it is bound to the one that it is meant for: the
//! rule of another one, or of its replacement, needs another group.

mod health;
mod spec;

use std::time::Duration;

use aws_sdk_elasticloadbalancingv2::{
    Client,
    types::{ProtocolEnum, TargetGroup as Live, TargetGroupAttribute, TargetTypeEnum},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy, NameRule,
        Nature::{ByKey, CreateOnly, OnRemove, ServerDefault, Settings, WriteOnly},
        OnRemove::Reset,
        Output, Settle, SettleTable,
    },
    health::Health,
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use futures::future::join_all;
use serde_json::json;

pub use spec::TargetGroupSpec;
use spec::{from_live, matcher};

use super::{Attribute, PAGE, RATE, after_colon, attributes, elb_tags, retag, tags_of};
use crate::{
    Aws,
    call::{failed, found, gone},
    many::{all_or_each, copies, in_order, one},
    tags::{Tag, to_map},
};

/// Targets, and how their health is told.
pub struct TargetGroup {
    elb: Client,
}

/// What settings are if nothing is said.
const DEFAULTS: &[(&str, &str)] = &[
    ("deregistration_delay.timeout_seconds", "300"),
    ("stickiness.enabled", "false"),
    ("stickiness.type", "lb_cookie"),
    ("stickiness.lb_cookie.duration_seconds", "86400"),
    ("slow_start.duration_seconds", "0"),
    ("load_balancing.algorithm.type", "round_robin"),
];

impl TargetGroup {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { elb: Client::new(aws.config()) }
    }

    async fn describe(&self, arns: Vec<String>) -> Result<Vec<Live>> {
        let answer = self.elb.describe_target_groups().set_target_group_arns(Some(arns)).send().await;
        Ok(answer.map_err(failed("DescribeTargetGroups"))?.target_groups.unwrap_or_default())
    }

    async fn seen(&self, live: Live, tags: Option<Vec<Tag>>, wanted: &Wanted) -> Result<Seen<TargetGroupSpec>> {
        let arn = live.target_group_arn.clone().unwrap_or_default();
        let outputs = [
            ("TargetGroupArn", json!(arn)),
            ("TargetGroupFullName", json!(after_colon(&arn))),
            ("TargetGroupName", json!(live.target_group_name)),
        ];
        let mut spec = from_live(live, tags);
        if wanted.has("TargetGroupAttributes") {
            let answer = self.elb.describe_target_group_attributes().target_group_arn(&arn).send().await;
            let all = answer.map_err(failed("DescribeTargetGroupAttributes"))?.attributes;
            let attribute = |it: TargetGroupAttribute| Some(Attribute { key: it.key?, value: it.value? });
            spec.target_group_attributes = Some(all.into_iter().flatten().filter_map(attribute).collect());
        }
        Ok(Seen::ready(spec, outputs))
    }
}

impl Resource for TargetGroup {
    const TYPE: &'static str = "AWS::ElasticLoadBalancingV2::TargetGroup";
    const FACTS: Facts = Facts {
        fields: &[
            ("/Name", CreateOnly),
            ("/Port", CreateOnly),
            ("/Protocol", CreateOnly),
            ("/ProtocolVersion", CreateOnly),
            ("/ProtocolVersion", ServerDefault("\"HTTP1\"")),
            ("/VpcId", CreateOnly),
            ("/TargetType", CreateOnly),
            ("/TargetType", ServerDefault("\"instance\"")),
            // AWS tells it only once a listener or a rule leads here, and not what was meant.
            ("/LoadBalancerArns", CreateOnly),
            ("/LoadBalancerArns", WriteOnly),
            ("/HealthCheckIntervalSeconds", OnRemove(Reset("30"))),
            ("/HealthCheckPath", OnRemove(Reset("\"/\""))),
            ("/HealthCheckPort", OnRemove(Reset("\"traffic-port\""))),
            ("/HealthCheckProtocol", OnRemove(Reset("\"HTTP\""))),
            ("/HealthCheckTimeoutSeconds", OnRemove(Reset("5"))),
            ("/HealthyThresholdCount", OnRemove(Reset("5"))),
            ("/UnhealthyThresholdCount", OnRemove(Reset("2"))),
            ("/Matcher", OnRemove(Reset("{\"HttpCode\": \"200\"}"))),
            ("/TargetGroupAttributes", Settings { key: "Key", defaults: DEFAULTS }),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[
            Output::created("TargetGroupArn"),
            Output::created("TargetGroupFullName"),
            Output::created("TargetGroupName"),
        ],
        name: Some(NameRule { max: 32, ..NameRule::regional("/Name") }),
        found: FoundBy::Name,
        create_adopts: true,
        probed: true,
        settle: SettleTable {
            delete: Settle { budget: Duration::from_secs(300), ..Settle::FAST },
            ..SettleTable::FAST
        },
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = TargetGroupSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<TargetGroupSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<TargetGroupSpec>>> {
        let live =
            in_order(ids, all_or_each(ids, |arns| self.describe(arns)).await, |it| it.target_group_arn.as_deref());
        let tags = match tags_of(&self.elb, &live, ids).await {
            Ok(tags) => tags,
            Err(error) => return copies(ids.len(), error),
        };
        let seen = live.into_iter().zip(ids).map(async |(live, (id, wanted))| match live? {
            Some(live) => self.seen(live, tags.get(&id.0).cloned().flatten(), wanted).await,
            None => Ok(Seen::Absent),
        });
        join_all(seen).await
    }

    async fn create(&self, _: &Identity, spec: &TargetGroupSpec) -> Result<Created> {
        let call = self
            .elb
            .create_target_group()
            .name(&spec.name)
            .set_port(spec.port)
            .set_protocol(spec.protocol.as_deref().map(ProtocolEnum::from))
            .set_protocol_version(spec.protocol_version.clone())
            .set_vpc_id(spec.vpc_id.clone())
            .set_target_type(spec.target_type.as_deref().map(TargetTypeEnum::from))
            .set_health_check_interval_seconds(spec.health_check_interval_seconds)
            .set_health_check_path(spec.health_check_path.clone())
            .set_health_check_port(spec.health_check_port.clone())
            .set_health_check_protocol(spec.health_check_protocol.as_deref().map(ProtocolEnum::from))
            .set_health_check_timeout_seconds(spec.health_check_timeout_seconds)
            .set_healthy_threshold_count(spec.healthy_threshold_count)
            .set_unhealthy_threshold_count(spec.unhealthy_threshold_count)
            .set_matcher(matcher(spec))
            .set_tags(elb_tags(to_map(spec.tags.as_ref())));
        let made = call.send().await.map_err(failed("CreateTargetGroup"))?.target_groups;
        let arn = made.into_iter().flatten().find_map(|it| it.target_group_arn).unwrap_or_default();
        Ok(Created::whole(arn.clone())
            .without(&["TargetGroupAttributes"])
            .output("TargetGroupFullName", after_colon(&arn))
            .output("TargetGroupArn", arn)
            .output("TargetGroupName", spec.name.clone()))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        _: &TargetGroupSpec,
        spec: &TargetGroupSpec,
        changed: &Changed,
    ) -> Result<()> {
        if changed
            .0
            .iter()
            .any(|path| path.starts_with("/Health") || path.starts_with("/Unhealthy") || path.starts_with("/Matcher"))
        {
            let call = self
                .elb
                .modify_target_group()
                .target_group_arn(&id.0)
                .set_health_check_interval_seconds(spec.health_check_interval_seconds)
                .set_health_check_path(spec.health_check_path.clone())
                .set_health_check_port(spec.health_check_port.clone())
                .set_health_check_protocol(spec.health_check_protocol.as_deref().map(ProtocolEnum::from))
                .set_health_check_timeout_seconds(spec.health_check_timeout_seconds)
                .set_healthy_threshold_count(spec.healthy_threshold_count)
                .set_unhealthy_threshold_count(spec.unhealthy_threshold_count)
                .set_matcher(matcher(spec));
            call.send().await.map_err(failed("ModifyTargetGroup"))?;
        }
        let set = attributes(changed, "TargetGroupAttributes", spec.target_group_attributes.as_ref(), DEFAULTS);
        if !set.is_empty() {
            let attribute = |(key, value)| TargetGroupAttribute::builder().key(key).value(value).build();
            let all = set.into_iter().map(attribute).collect();
            let call = self.elb.modify_target_group_attributes().target_group_arn(&id.0).set_attributes(Some(all));
            call.send().await.map_err(failed("ModifyTargetGroupAttributes"))?;
        }
        retag(&self.elb, id, changed, spec.tags.as_ref()).await
    }

    async fn probe(&self, id: &PhysicalId, _: &TargetGroupSpec) -> Result<Health> {
        let answer = self.elb.describe_target_health().target_group_arn(&id.0).send().await;
        Ok(health::of(answer.map_err(failed("DescribeTargetHealth"))?.target_health_descriptions()))
    }

    async fn delete(&self, id: &PhysicalId, _: &TargetGroupSpec, _: &DeleteOptions) -> Result<()> {
        let answer = self.elb.delete_target_group().target_group_arn(&id.0).send().await;
        gone(answer.map_err(failed("DeleteTargetGroup")))
    }

    async fn find(&self, _: &Identity, spec: &TargetGroupSpec) -> Result<Option<PhysicalId>> {
        let answer = self.elb.describe_target_groups().names(&spec.name).send().await;
        let there = found(answer.map_err(failed("DescribeTargetGroups")))?.and_then(|it| it.target_groups);
        Ok(there.into_iter().flatten().find_map(|it| it.target_group_arn).map(PhysicalId))
    }
}
