//! `AWS::EC2::SecurityGroup`.
//!
//! Rules are resources of their own, so that each can change alone and those of others stay. AWS puts a rule into every new
//! group that allows all traffic out; `SecurityGroupEgress: []` takes that one away.

use std::{collections::BTreeSet, time::Duration};

use aws_sdk_ec2::{
    Client,
    types::{IpPermission, IpRange, Ipv6Range, ResourceType, SecurityGroup as Live, SecurityGroupRule},
};
use deployer_engine::{
    error::Result,
    facts::{
        Facts, FoundBy, NameRule,
        Nature::{ByKey, CreateOnly, OnRemove, Whole},
        OnRemove::Keep,
        Output, Settle, SettleTable,
    },
    resource::{Changed, Created, DeleteOptions, Identity, PhysicalId, Resource, Seen, Wanted},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{PAGE, RATE, by_ids, by_token, client, filter, live_tags, once, retag, tagged};
use crate::{
    Aws,
    call::{failed, gone, invalid},
    many::{copies, in_order, one},
    tags::Tag,
};

/// A security group, without its rules.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub struct SecurityGroupSpec {
    /// Its name, unique in its VPC.
    pub group_name: String,
    /// What it is for; it can never be changed.
    pub group_description: String,
    /// The VPC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// `[]` takes the rule away that allows all traffic out. Rules are resources of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub security_group_egress: Option<Vec<Value>>,
    /// Its tags.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<Tag>>,
}

/// A security group.
pub struct SecurityGroup {
    ec2: Client,
    once: Client,
}

impl SecurityGroup {
    /// Over these clients.
    pub fn new(aws: &Aws) -> Self {
        Self { ec2: client(aws), once: once(aws) }
    }

    /// The rules of these groups with which AWS lets everything out, and whether a rule of ours does the same.
    async fn open(&self, groups: impl IntoIterator<Item = &str>) -> Result<(Vec<SecurityGroupRule>, bool)> {
        let call = self.ec2.describe_security_group_rules().filters(filter("group-id", groups));
        let answer = call.send().await.map_err(failed("DescribeSecurityGroupRules"))?;
        let all = answer.security_group_rules.into_iter().flatten().filter(lets_all_out);
        let (ours, defaults): (Vec<_>, Vec<_>) = all.partition(is_ours);
        Ok((defaults, !ours.is_empty()))
    }
}

impl Resource for SecurityGroup {
    const TYPE: &'static str = "AWS::EC2::SecurityGroup";
    const FACTS: Facts = Facts {
        fields: &[
            ("/GroupName", CreateOnly),
            ("/GroupDescription", CreateOnly),
            ("/VpcId", CreateOnly),
            ("/SecurityGroupEgress", Whole),
            ("/SecurityGroupEgress", OnRemove(Keep)),
            ("/Tags", ByKey("Key")),
        ],
        outputs: &[Output::created("GroupId")],
        name: Some(NameRule::regional("/GroupName")),
        found: FoundBy::Tag,
        settle: SettleTable {
            create: Settle { budget: Duration::from_secs(600), confirmations: 3, ..Settle::FAST },
            delete: Settle { budget: Duration::from_secs(900), ..Settle::FAST },
            ..SettleTable::FAST
        },
        rate: RATE,
        page: PAGE,
        ..Facts::NAMED
    };
    type Spec = SecurityGroupSpec;

    async fn read(&self, id: &PhysicalId, wanted: &Wanted) -> Result<Seen<SecurityGroupSpec>> {
        one(self.read_many(&[(id.clone(), wanted.clone())]).await)
    }

    async fn read_many(&self, ids: &[(PhysicalId, Wanted)]) -> Vec<Result<Seen<SecurityGroupSpec>>> {
        let answer = self.ec2.describe_security_groups().filters(by_ids("group-id", ids)).send().await;
        let answer = answer.map_err(failed("DescribeSecurityGroups")).map(|it| it.security_groups.unwrap_or_default());
        let asked = ids.iter().filter(|(_, wanted)| wanted.has("SecurityGroupEgress")).map(|(id, _)| id.0.as_str());
        let asked: BTreeSet<&str> = asked.collect();
        let mut open = BTreeSet::new();
        if !asked.is_empty() && answer.is_ok() {
            match self.open(asked).await {
                Ok((rules, _)) => open.extend(rules.into_iter().filter_map(|rule| rule.group_id)),
                Err(error) => return copies(ids.len(), error),
            }
        }
        let live = in_order(ids, answer, |it| it.group_id.as_deref());
        live.into_iter().map(|live| Ok(live?.map_or(Seen::Absent, |live| seen(live, &open)))).collect()
    }

    async fn create(&self, _: &Identity, spec: &SecurityGroupSpec) -> Result<Created> {
        if spec.security_group_egress.as_ref().is_some_and(|rules| !rules.is_empty()) {
            let words = "write each rule as an AWS::EC2::SecurityGroupEgress of its own";
            return Err(invalid("CreateSecurityGroup", words));
        }
        let call = self
            .once
            .create_security_group()
            .group_name(&spec.group_name)
            .description(&spec.group_description)
            .set_vpc_id(spec.vpc_id.clone())
            .tag_specifications(tagged(ResourceType::SecurityGroup, spec.tags.as_ref()));
        let id = call.send().await.map_err(failed("CreateSecurityGroup"))?.group_id.unwrap_or_default();
        Ok(Created::whole(id.clone()).without(&["SecurityGroupEgress"]).output("GroupId", id))
    }

    async fn update(
        &self,
        id: &PhysicalId,
        live: &SecurityGroupSpec,
        spec: &SecurityGroupSpec,
        changed: &Changed,
    ) -> Result<()> {
        if changed.touches("SecurityGroupEgress") {
            let (rules, taken) = self.open([id.0.as_str()]).await?;
            let rules: Vec<String> = rules.into_iter().filter_map(|rule| rule.security_group_rule_id).collect();
            let call = || self.ec2.revoke_security_group_egress().group_id(&id.0);
            let calls = match (rules.is_empty(), &live.security_group_egress) {
                (false, _) => vec![call().set_security_group_rule_ids(Some(rules))],
                // A new group's rules that reads do not see yet are there all the same; which of the two, nobody tells.
                (true, None) if !taken => all_traffic().map(|it| call().ip_permissions(it)).into(),
                // Where a rule of ours has the place, AWS's is gone.
                (true, _) => Vec::new(),
            };
            for call in calls {
                gone_rule(call.send().await.map_err(failed("RevokeSecurityGroupEgress")))?;
            }
        }
        retag(&self.ec2, id, changed, spec.tags.as_ref()).await
    }

    async fn delete(&self, id: &PhysicalId, _: &SecurityGroupSpec, _: &DeleteOptions) -> Result<()> {
        gone(self.ec2.delete_security_group().group_id(&id.0).send().await.map_err(failed("DeleteSecurityGroup")))
    }

    async fn find(&self, who: &Identity, spec: &SecurityGroupSpec) -> Result<Option<PhysicalId>> {
        let mine = self.ec2.describe_security_groups().filters(by_token(who)).send().await;
        let mine = mine.map_err(failed("DescribeSecurityGroups"))?.security_groups;
        if let Some(id) = mine.into_iter().flatten().find_map(|it| it.group_id) {
            return Ok(Some(PhysicalId(id)));
        }
        let mut named = self.ec2.describe_security_groups().filters(filter("group-name", [&spec.group_name]));
        if let Some(vpc) = &spec.vpc_id {
            named = named.filters(filter("vpc-id", [vpc]));
        }
        let answer = named.send().await;
        let there = answer.map_err(failed("DescribeSecurityGroups"))?.security_groups;
        Ok(there.into_iter().flatten().find_map(|it| it.group_id).map(PhysicalId))
    }
}

/// The rules that AWS puts into a new group: the second one where the VPC has IPv6.
fn all_traffic() -> [IpPermission; 2] {
    let all = || IpPermission::builder().ip_protocol("-1");
    let (four, six) = (IpRange::builder().cidr_ip("0.0.0.0/0"), Ipv6Range::builder().cidr_ipv6("::/0"));
    [all().ip_ranges(four.build()).build(), all().ipv6_ranges(six.build()).build()]
}

/// A rule that is gone is done; a group that is not seen yet is not.
fn gone_rule<T>(answer: Result<T>) -> Result<()> {
    match answer {
        Err(error) if error.to_string().contains("InvalidGroup.") => Err(error),
        answer => gone(answer),
    }
}

/// All traffic to everywhere.
fn lets_all_out(rule: &SecurityGroupRule) -> bool {
    let everywhere = rule.cidr_ipv4.as_deref() == Some("0.0.0.0/0") || rule.cidr_ipv6.as_deref() == Some("::/0");
    rule.is_egress == Some(true) && rule.ip_protocol.as_deref() == Some("-1") && everywhere
}

/// Our rules are resources, and carry a token.
fn is_ours(rule: &SecurityGroupRule) -> bool {
    rule.tags().iter().any(|tag| tag.key.as_deref() == Some("deployer:token"))
}

fn seen(live: Live, open: &BTreeSet<String>) -> Seen<SecurityGroupSpec> {
    let is_open = live.group_id.as_ref().is_some_and(|id| open.contains(id));
    let outputs = [("GroupId", json!(live.group_id))];
    let spec = SecurityGroupSpec {
        group_name: live.group_name.unwrap_or_default(),
        group_description: live.description.unwrap_or_default(),
        vpc_id: live.vpc_id,
        security_group_egress: Some(
            is_open.then(|| json!({"IpProtocol": "-1", "CidrIp": "0.0.0.0/0"})).into_iter().collect(),
        ),
        tags: live_tags(live.tags),
    };
    Seen::ready(spec, outputs)
}
