//! A security group's rule as the calls take it: the same for both directions.

use aws_sdk_ec2::types::{
    IpPermission, IpRange, Ipv6Range, PrefixListId, ResourceType, SecurityGroupRuleRequest, Tag as Ec2Tag,
    TagSpecification, UserIdGroupPair,
};
use deployer_engine::resource::Identity;
use serde_json::Value;

/// What both types say, by one set of names.
pub(super) struct Rule<'a> {
    pub(super) protocol: &'a str,
    pub(super) ports: (Option<i32>, Option<i32>),
    pub(super) cidr: Option<&'a String>,
    pub(super) cidr6: Option<&'a String>,
    pub(super) group: Option<&'a String>,
    pub(super) list: Option<&'a String>,
    pub(super) description: Option<&'a String>,
}

impl Rule<'_> {
    pub(super) fn permission(&self) -> IpPermission {
        let text = || self.description.cloned();
        let range = |cidr: &String| IpRange::builder().cidr_ip(cidr).set_description(text()).build();
        let range6 = |cidr: &String| Ipv6Range::builder().cidr_ipv6(cidr).set_description(text()).build();
        let group = |id: &String| UserIdGroupPair::builder().group_id(id).set_description(text()).build();
        let list = |id: &String| PrefixListId::builder().prefix_list_id(id).set_description(text()).build();
        IpPermission::builder()
            .ip_protocol(self.protocol)
            .set_from_port(self.ports.0)
            .set_to_port(self.ports.1)
            .set_ip_ranges(self.cidr.map(|it| vec![range(it)]))
            .set_ipv6_ranges(self.cidr6.map(|it| vec![range6(it)]))
            .set_user_id_group_pairs(self.group.map(|it| vec![group(it)]))
            .set_prefix_list_ids(self.list.map(|it| vec![list(it)]))
            .build()
    }

    pub(super) fn request(&self) -> SecurityGroupRuleRequest {
        SecurityGroupRuleRequest::builder()
            .ip_protocol(self.protocol)
            .from_port(self.ports.0.unwrap_or(-1))
            .to_port(self.ports.1.unwrap_or(-1))
            .set_cidr_ipv4(self.cidr.cloned())
            .set_cidr_ipv6(self.cidr6.cloned())
            .set_referenced_group_id(self.group.cloned())
            .set_prefix_list_id(self.list.cloned())
            .description(self.description.cloned().unwrap_or_default())
            .build()
    }
}

/// A rule's tags are no property of it; our token among them finds it again.
pub(super) fn marked(who: &Identity) -> TagSpecification {
    let tags = [("deployer:token", who.token.clone()), ("deployer:address", who.address.to_string())];
    let tags = tags.into_iter().map(|(key, value)| Ec2Tag::builder().key(key).value(value).build()).collect();
    TagSpecification::builder().resource_type(ResourceType::SecurityGroupRule).set_tags(Some(tags)).build()
}

/// One group takes a rule of one protocol, ports and other side only once.
pub(super) fn slot(spec: &Value) -> String {
    let mut parts = spec.as_object().cloned().unwrap_or_default();
    parts.remove("Description");
    Value::Object(parts).to_string()
}
