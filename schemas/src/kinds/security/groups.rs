//! Security groups with their rules, each rule a resource of its own: one can change without the others, and two groups may
//! name each other.

use ipnet::IpNet;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Expansion, pascal};
use crate::{
    input::Input,
    kinds::{group as own_group, networking},
};

/// A security group.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Group {
    /// Its name in this component; the physical one is made of stack, environment, component and this.
    pub(super) name: String,
    /// What it is for. AWS cannot change it: another text makes another group.
    description: Option<String>,
    /// Its network, where there are several.
    networking: Option<String>,
    /// What it lets in.
    ingress: Option<Vec<Rule>>,
    /// What it lets out; nothing if nothing is said.
    egress: Option<Vec<Rule>>,
}

/// A rule.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Rule {
    /// Its name in its group; overlays change the rule of the same name.
    name: String,
    /// `tcp` (the default), `udp`, `icmp`, or `all`.
    protocol: Option<Protocol>,
    /// The port.
    port: Option<i64>,
    /// The first of several ports.
    from_port: Option<i64>,
    /// The last of several ports.
    to_port: Option<i64>,
    /// The other side, as a range of addresses: `10.0.0.0/8`, `::/0`.
    cidr: Option<String>,
    /// The other side: a group of this component by its name, or any group by its id.
    group: Option<Input<String>>,
    /// The other side: a prefix list's id.
    prefix_list: Option<String>,
    /// What it is for.
    description: Option<String>,
}

/// What a rule is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// ICMP, all of it.
    Icmp,
    /// Everything.
    All,
}

/// A rule's direction: the type, and what its other side is called there.
struct Direction {
    kind: &'static str,
    field: &'static str,
    group: &'static str,
    list: &'static str,
}

const INGRESS: Direction = Direction {
    kind: "AWS::EC2::SecurityGroupIngress",
    field: "ingress",
    group: "SourceSecurityGroupId",
    list: "SourcePrefixListId",
};
const EGRESS: Direction = Direction {
    kind: "AWS::EC2::SecurityGroupEgress",
    field: "egress",
    group: "DestinationSecurityGroupId",
    list: "DestinationPrefixListId",
};

/// The role of a group.
pub(super) fn role(name: &str) -> String {
    format!("{}Group", pascal(name))
}

pub(super) fn add(index: usize, group: &Group, names: &[String], to: &mut Expansion<'_>) {
    let at = format!("/groups/{index}");
    let Some(net) = networking::of(to, &format!("{at}/networking"), group.networking.as_deref()) else { return };
    let description = group.description.clone().unwrap_or_else(|| format!("{} of {}", group.name, to.id));
    own_group::add(&role(&group.name), &description, &net.vpc, to).name_part = Some(group.name.clone());
    for (direction, rules) in [(&INGRESS, &group.ingress), (&EGRESS, &group.egress)] {
        for (index, rule) in rules.iter().flatten().enumerate() {
            let at = format!("{at}/{}/{index}", direction.field);
            add_rule(&at, &group.name, rule, direction, names, to);
        }
    }
}

fn add_rule(at: &str, group: &str, rule: &Rule, way: &Direction, names: &[String], to: &mut Expansion<'_>) {
    let ports = ports(at, rule, to);
    let sides =
        usize::from(rule.cidr.is_some()) + usize::from(rule.group.is_some()) + usize::from(rule.prefix_list.is_some());
    if sides != 1 {
        to.problem(at, "a rule has one other side: `cidr`, `group` or `prefixList`");
    }
    let (v4, v6) = range(at, rule, to);
    let peer = rule.group.as_ref().map(|it| match it.value.as_str() {
        Some(name) if names.iter().any(|known| known == name) => to.sibling(&role(name), "GroupId"),
        Some(text) if !text.starts_with("sg-") => {
            to.problem(
                &format!("{at}/group"),
                format!("there is no group `{text}` in this component; write its id, or `valueFrom`"),
            );
            json!(text)
        }
        _ => it.value.clone(),
    });
    let protocol = match rule.protocol.unwrap_or_default() {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
        Protocol::Icmp => "icmp",
        Protocol::All => "-1",
    };
    let mut properties = json!({
        "GroupId": to.sibling(&role(group), "GroupId"),
        "IpProtocol": protocol,
        "FromPort": ports.map(|it| it.0),
        "ToPort": ports.map(|it| it.1),
        "CidrIp": v4,
        "CidrIpv6": v6,
        "Description": rule.description,
    });
    properties[way.group] = json!(peer);
    properties[way.list] = json!(rule.prefix_list);
    let own = to.id.at(role(group));
    let role = format!("{}{}{}", role(group), if way.field == "ingress" { "In" } else { "Out" }, pascal(&rule.name));
    // A rule that lets everything out would be the one that AWS makes: the group is waited for until that is gone.
    to.add(&role, way.kind, properties).after.push(own);
}

fn ports(at: &str, rule: &Rule, to: &mut Expansion<'_>) -> Option<(i64, i64)> {
    to.within(&format!("{at}/port"), rule.port, 0, 65_535);
    to.within(&format!("{at}/fromPort"), rule.from_port, 0, 65_535);
    to.within(&format!("{at}/toPort"), rule.to_port, 0, 65_535);
    let stated = match (rule.port, rule.from_port, rule.to_port) {
        (Some(port), None, None) => Some((port, port)),
        (None, Some(first), Some(last)) if first <= last => Some((first, last)),
        (None, None, None) => None,
        _ => {
            to.problem(at, "say `port`, or `fromPort` and `toPort` in this order");
            return None;
        }
    };
    match (rule.protocol.unwrap_or_default(), stated) {
        (Protocol::Tcp | Protocol::Udp, None) => {
            to.problem(at, "say which port: `port`, or `fromPort` and `toPort`");
            None
        }
        (Protocol::Tcp | Protocol::Udp, stated) => stated,
        (_, Some(_)) => {
            to.problem(at, "only tcp and udp have ports");
            None
        }
        (Protocol::Icmp, None) => Some((-1, -1)),
        (Protocol::All, None) => None,
    }
}

/// The range, as IPv4 or IPv6.
fn range(at: &str, rule: &Rule, to: &mut Expansion<'_>) -> (Value, Value) {
    let Some(text) = &rule.cidr else { return (Value::Null, Value::Null) };
    match text.parse::<IpNet>() {
        Ok(net) if net.trunc() != net => {
            to.problem(&format!("{at}/cidr"), format!("`{text}` starts inside of a range; {} is meant", net.trunc()));
        }
        Ok(IpNet::V4(_)) => return (json!(text), Value::Null),
        Ok(IpNet::V6(_)) => return (Value::Null, json!(text)),
        Err(_) => {
            to.problem(&format!("{at}/cidr"), format!("`{text}` is no range of addresses; write 10.0.0.0/8 or ::/0"))
        }
    }
    (Value::Null, Value::Null)
}
