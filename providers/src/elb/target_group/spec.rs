//! A target group's properties, and how they are told.

use aws_sdk_elasticloadbalancingv2::types::{Matcher, TargetGroup as Live};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Attribute;
use crate::tags::Tag;

/// Targets, and how their health is told.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct TargetGroupSpec {
    /// Its name.
    pub name: String,
    /// The port of targets that state none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<i32>,
    /// `HTTP` or `HTTPS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol: Option<String>,
    /// `HTTP1`, `HTTP2` or `GRPC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protocol_version: Option<String>,
    /// The VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// `ip` or `instance`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_type: Option<String>,
    /// The load balancer that will lead to it: one. No call sends it; another one needs another group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_arns: Option<Vec<String>>,
    /// How often health is asked for, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_interval_seconds: Option<i32>,
    /// The path that is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_path: Option<String>,
    /// The port that is asked: a number, or `traffic-port`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_port: Option<String>,
    /// `HTTP` or `HTTPS`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_protocol: Option<String>,
    /// How long an answer may take, in seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health_check_timeout_seconds: Option<i32>,
    /// Good answers in a row that make a target healthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub healthy_threshold_count: Option<i32>,
    /// Bad answers in a row that make it unhealthy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unhealthy_threshold_count: Option<i32>,
    /// Which answers are good.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub matcher: Option<MatcherSpec>,
    /// Settings by key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_group_attributes: Option<Vec<Attribute>>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// Which answers are good.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct MatcherSpec {
    /// `200`, `200-299`, `200,302`.
    pub http_code: String,
}

pub(super) fn matcher(spec: &TargetGroupSpec) -> Option<Matcher> {
    spec.matcher.as_ref().map(|it| Matcher::builder().http_code(&it.http_code).build())
}

pub(super) fn from_live(live: Live, tags: Option<Vec<Tag>>) -> TargetGroupSpec {
    TargetGroupSpec {
        name: live.target_group_name.unwrap_or_default(),
        port: live.port,
        protocol: live.protocol.map(|it| it.as_str().to_owned()),
        protocol_version: live.protocol_version,
        vpc_id: live.vpc_id,
        target_type: live.target_type.map(|it| it.as_str().to_owned()),
        load_balancer_arns: None,
        health_check_interval_seconds: live.health_check_interval_seconds,
        health_check_path: live.health_check_path,
        health_check_port: live.health_check_port,
        health_check_protocol: live.health_check_protocol.map(|it| it.as_str().to_owned()),
        health_check_timeout_seconds: live.health_check_timeout_seconds,
        healthy_threshold_count: live.healthy_threshold_count,
        unhealthy_threshold_count: live.unhealthy_threshold_count,
        matcher: live.matcher.and_then(|it| it.http_code).map(|http_code| MatcherSpec { http_code }),
        target_group_attributes: None,
        tags,
    }
}
