//! What others put into things of ours: rules in security groups.
//!
//! A rule is a thing of its own, so that everybody's can stand beside ours. Groups are asked a hundred at a time.

use aws_sdk_ec2::types::{Filter, SecurityGroupRule};
use deployer_engine::{drift::Part, error::Result};

use crate::{Aws, call::failed};

/// Values that one filter takes are 200; half of it keeps answers small.
const PAGE: usize = 100;
const GROUP: &str = "AWS::EC2::SecurityGroup";

/// The rules of those of `things` that are groups, whoever made them, but for the one that AWS puts into every new group.
pub(crate) async fn rules(aws: &Aws, things: &[(String, String)]) -> Result<Vec<Part>> {
    let groups: Vec<&String> = things.iter().filter(|(kind, _)| kind == GROUP).map(|(_, id)| id).collect();
    let ec2 = aws_sdk_ec2::Client::new(aws.config());
    let mut found = Vec::new();
    for page in groups.chunks(PAGE) {
        let ids = page.iter().map(|id| (*id).clone()).collect();
        let filter = Filter::builder().name("group-id").set_values(Some(ids)).build();
        let mut rules = ec2.describe_security_group_rules().filters(filter).into_paginator().items().send();
        while let Some(rule) = rules.next().await {
            found.extend(part(rule.map_err(failed("DescribeSecurityGroupRules"))?));
        }
    }
    Ok(found)
}

fn part(rule: SecurityGroupRule) -> Option<Part> {
    let out = rule.is_egress == Some(true);
    let side =
        [rule.cidr_ipv4, rule.cidr_ipv6, rule.prefix_list_id, rule.referenced_group_info.and_then(|it| it.group_id)];
    let side = side.into_iter().flatten().next().unwrap_or_else(|| "somewhere".to_owned());
    let protocol = rule.ip_protocol.unwrap_or_default();
    let everywhere = side == "0.0.0.0/0" || side == "::/0";
    // The group's own property says whether it may be there.
    if out && protocol == "-1" && everywhere {
        return None;
    }
    let ports = match (rule.from_port, rule.to_port) {
        (Some(-1), _) | (None, _) => String::new(),
        // Of ICMP these are a type and any code.
        (Some(from), Some(to)) if from != to && to != -1 => format!(" {from}-{to}"),
        (Some(port), _) => format!(" {port}"),
    };
    let tag = |key: &str| rule.tags.iter().flatten().find(|it| it.key.as_deref() == Some(key))?.value.clone();
    let whose = tag("deployer:address").map_or_else(String::new, |address| format!(" (made by deployer as {address})"));
    let protocol = if protocol == "-1" { "everything" } else { protocol.as_str() };
    let (kind, way) = if out { ("Egress", "to") } else { ("Ingress", "from") };
    Some(Part {
        of: rule.group_id?,
        kind: format!("{GROUP}{kind}"),
        id: rule.security_group_rule_id?,
        what: format!("{protocol}{ports} {way} {side}{whose}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_is_told_in_a_few_words() {
        let rule = SecurityGroupRule::builder().group_id("sg-1").security_group_rule_id("sgr-1");
        let ssh = rule.clone().ip_protocol("tcp").from_port(22).to_port(22).cidr_ipv4("0.0.0.0/0").is_egress(false);
        let told = part(ssh.build()).map(|it| (it.kind, it.what));
        assert_eq!(told, Some(("AWS::EC2::SecurityGroupIngress".to_owned(), "tcp 22 from 0.0.0.0/0".to_owned())));
        let some = rule.clone().ip_protocol("udp").from_port(53).to_port(54).cidr_ipv6("fd00::/8").is_egress(true);
        assert_eq!(part(some.build()).map(|it| it.what), Some("udp 53-54 to fd00::/8".to_owned()));
        let all = rule.ip_protocol("-1").from_port(-1).to_port(-1).cidr_ipv4("0.0.0.0/0");
        assert_eq!(
            part(all.clone().is_egress(false).build()).map(|it| it.what),
            Some("everything from 0.0.0.0/0".to_owned())
        );
        assert_eq!(part(all.is_egress(true).build()), None);
    }
}
