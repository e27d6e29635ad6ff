//! `AWS::EC2::SecurityGroupIngress` and `AWS::EC2::SecurityGroupEgress`.
//!
//! One rule each, with exactly one source or destination: two types of one shape. AWS tells rules one by one only through their
//! own describe call; our token among a rule's tags says that it is ours. Writes to one group at a time.

use aws_sdk_ec2::{
    Client,
    types::{SecurityGroupRule as Live, SecurityGroupRuleUpdate},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy,
        Nature::{CaseFolded, CreateOnly, OnRemove},
        OnRemove::{Replace, Reset},
        Output,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    PAGE, RATE, by_ids, by_token, client, once,
    rule::{Rule, marked, slot},
};
use crate::{
    Aws,
    call::{failed, gone},
    many::{one, read},
};

/// Both types: the name, what the peer's fields are called, and the calls.
macro_rules! rule {
    ($name:ident, $spec:ident, $type:literal, $what:literal, $group:ident $group_field:literal, $list:ident $list_field:literal, $authorize:ident $authorized:literal, $revoke:ident $revoked:literal) => {
        #[doc = $what]
        #[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "PascalCase", deny_unknown_fields)]
        pub struct $spec {
            /// The group.
            pub group_id: String,
            /// `tcp`, `udp`, `icmp`, a number, or `-1` for all.
            pub ip_protocol: String,
            /// The first port.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub from_port: Option<i32>,
            /// The last port.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub to_port: Option<i32>,
            /// The other side: an IPv4 range.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub cidr_ip: Option<String>,
            /// The other side: an IPv6 range.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub cidr_ipv6: Option<String>,
            /// The other side: whatever is in this group.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $group: Option<String>,
            /// The other side: a prefix list.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub $list: Option<String>,
            /// What it is for.
            #[serde(skip_serializing_if = "Option::is_none")]
            pub description: Option<String>,
        }

        impl $spec {
            fn rule(&self) -> Rule<'_> {
                Rule {
                    protocol: &self.ip_protocol,
                    ports: (self.from_port, self.to_port),
                    cidr: self.cidr_ip.as_ref(),
                    cidr6: self.cidr_ipv6.as_ref(),
                    group: self.$group.as_ref(),
                    list: self.$list.as_ref(),
                    description: self.description.as_ref(),
                }
            }

            fn of(live: Live) -> Self {
                Self {
                    group_id: live.group_id.unwrap_or_default(),
                    ip_protocol: live.ip_protocol.unwrap_or_default(),
                    from_port: live.from_port,
                    to_port: live.to_port,
                    cidr_ip: live.cidr_ipv4,
                    cidr_ipv6: live.cidr_ipv6,
                    $group: live.referenced_group_info.and_then(|it| it.group_id),
                    $list: live.prefix_list_id,
                    description: live.description.filter(|text| !text.is_empty()),
                }
            }
        }

        #[doc = $what]
        pub struct $name {
            ec2: Client,
            once: Client,
        }

        impl $name {
            /// Over these clients.
            pub fn new(aws: &Aws) -> Self {
                Self { ec2: client(aws), once: once(aws) }
            }
        }

        impl Resource for $name {
            const TYPE: &'static str = $type;
            const FACTS: Facts = Facts {
                fields: &[
                    ("/GroupId", CreateOnly),
                    ("/IpProtocol", CreateOnly),
                    ("/IpProtocol", CaseFolded),
                    ("/FromPort", CreateOnly),
                    ("/ToPort", CreateOnly),
                    ("/CidrIp", CreateOnly),
                    ("/CidrIpv6", CreateOnly),
                    ($group_field, CreateOnly),
                    ($group_field, OnRemove(Replace)),
                    ($list_field, CreateOnly),
                    ("/Description", OnRemove(Reset("\"\""))),
                ],
                outputs: &[Output::created("Id")],
                slots: |spec| vec![slot(spec)],
                // Parallel edits of one group are refused, or lost.
                serial: Some(|spec| Some(spec["GroupId"].to_string())),
                found: FoundBy::Token,
                create_adopts: false,
                rate: RATE,
                page: PAGE,
                ..Facts::PART
            };
            type Spec = $spec;

            async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<$spec>> {
                one(self.read_many(&[(id.clone(), wanted.clone())]).await)
            }

            async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<$spec>>> {
                let answer = self
                    .ec2
                    .describe_security_group_rules()
                    .filters(by_ids("security-group-rule-id", ids))
                    .send()
                    .await;
                let answer = answer
                    .map_err(failed("DescribeSecurityGroupRules"))
                    .map(|it| it.security_group_rules.unwrap_or_default());
                read(
                    ids,
                    answer,
                    |it| it.security_group_rule_id.as_deref(),
                    |live| {
                        let id = json!(live.security_group_rule_id);
                        Seen::ready($spec::of(live), [("Id", id)])
                    },
                )
            }

            async fn create(&self, who: &Identity, spec: &$spec) -> Result<Created> {
                let call = self
                    .once
                    .$authorize()
                    .group_id(&spec.group_id)
                    .ip_permissions(spec.rule().permission())
                    .tag_specifications(marked(who));
                let made = call.send().await.map_err(failed($authorized))?.security_group_rules;
                let id = made.into_iter().flatten().find_map(|it| it.security_group_rule_id).unwrap_or_default();
                Ok(Created::whole(id.clone()).output("Id", id))
            }

            /// Only its description.
            async fn update(&self, id: &PhysicalId, _: &$spec, spec: &$spec, _: &Changed) -> Result<()> {
                let rule = SecurityGroupRuleUpdate::builder()
                    .security_group_rule_id(&id.0)
                    .security_group_rule(spec.rule().request())
                    .build();
                let call = self.ec2.modify_security_group_rules().group_id(&spec.group_id).security_group_rules(rule);
                call.send().await.map_err(failed("ModifySecurityGroupRules")).map(drop)
            }

            async fn delete(&self, id: &PhysicalId, applied: &$spec, _: &DeleteOptions) -> Result<()> {
                let call = self.ec2.$revoke().group_id(&applied.group_id).security_group_rule_ids(&id.0);
                gone(call.send().await.map_err(failed($revoked)))
            }

            /// Ours: others' rules have no token, and AWS refuses ours where theirs is the same.
            async fn find(&self, who: &Identity, _: &$spec) -> Result<Option<PhysicalId>> {
                let answer = self.ec2.describe_security_group_rules().filters(by_token(who)).send().await;
                let found = answer.map_err(failed("DescribeSecurityGroupRules"))?.security_group_rules;
                Ok(found.into_iter().flatten().find_map(|it| it.security_group_rule_id).map(PhysicalId))
            }
        }
    };
}

rule!(
    SecurityGroupIngress, IngressSpec, "AWS::EC2::SecurityGroupIngress", "What a group lets in.",
    source_security_group_id "/SourceSecurityGroupId", source_prefix_list_id "/SourcePrefixListId",
    authorize_security_group_ingress "AuthorizeSecurityGroupIngress",
    revoke_security_group_ingress "RevokeSecurityGroupIngress"
);
rule!(
    SecurityGroupEgress, EgressSpec, "AWS::EC2::SecurityGroupEgress", "What a group lets out.",
    destination_security_group_id "/DestinationSecurityGroupId", destination_prefix_list_id "/DestinationPrefixListId",
    authorize_security_group_egress "AuthorizeSecurityGroupEgress",
    revoke_security_group_egress "RevokeSecurityGroupEgress"
);
