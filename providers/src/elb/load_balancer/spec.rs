//! A load balancer's properties, and how they are told.

use aws_sdk_elasticloadbalancingv2::types::LoadBalancer as Live;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::Attribute;
use crate::tags::Tag;

/// A load balancer.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct LoadBalancerSpec {
    /// Its name.
    pub name: String,
    /// `application`; others are not supported yet.
    #[serde(rename = "Type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// `internet-facing` or `internal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// The subnets that it stands in, of at least two zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub subnets: Option<Vec<String>>,
    /// The groups that guard it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_groups: Option<Vec<String>>,
    /// `ipv4` or `dualstack`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_address_type: Option<String>,
    /// Settings by key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load_balancer_attributes: Option<Vec<Attribute>>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// The setting that keeps it from being deleted.
pub(super) const PROTECTION: &str = "deletion_protection.enabled";

/// What settings are if nothing is said.
pub(super) const DEFAULTS: &[(&str, &str)] = &[
    (PROTECTION, "false"),
    ("idle_timeout.timeout_seconds", "60"),
    ("routing.http2.enabled", "true"),
    ("routing.http.drop_invalid_header_fields.enabled", "false"),
    ("routing.http.desync_mitigation_mode", "defensive"),
    ("routing.http.preserve_host_header.enabled", "false"),
    ("routing.http.xff_header_processing.mode", "append"),
    ("access_logs.s3.enabled", "false"),
];

impl LoadBalancerSpec {
    /// Deleting it is refused.
    pub(super) fn is_protected(&self) -> bool {
        self.load_balancer_attributes.iter().flatten().any(|it| it.key == PROTECTION && it.value == "true")
    }
}

pub(super) fn from_live(live: &Live, tags: Option<Vec<Tag>>) -> LoadBalancerSpec {
    let zones = live.availability_zones.iter().flatten();
    LoadBalancerSpec {
        name: live.load_balancer_name.clone().unwrap_or_default(),
        kind: live.r#type.as_ref().map(|it| it.as_str().to_owned()),
        scheme: live.scheme.as_ref().map(|it| it.as_str().to_owned()),
        subnets: Some(zones.filter_map(|it| it.subnet_id.clone()).collect()),
        security_groups: live.security_groups.clone(),
        ip_address_type: live.ip_address_type.as_ref().map(|it| it.as_str().to_owned()),
        load_balancer_attributes: None,
        tags,
    }
}
