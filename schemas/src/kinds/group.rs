//! Security groups that components make for themselves: nothing comes in or goes out but by a rule that is a resource of its own.

use deployer_engine::desired::DesiredResource;
use serde_json::{Value, json};

use super::Expansion;

/// Adds a group. AWS lets every new one reach everything: that rule is taken away.
pub(super) fn add<'e>(
    role: &str,
    description: &str,
    vpc: &Value,
    to: &'e mut Expansion<'_>,
) -> &'e mut DesiredResource {
    let tags = to.tag_list();
    let properties = json!({"GroupDescription": description, "VpcId": vpc, "SecurityGroupEgress": [], "Tags": tags});
    to.add(role, "AWS::EC2::SecurityGroup", properties)
}

/// Lets the component's own group reach everything. It would be the rule that AWS makes: the group is waited for until that is
/// gone.
pub(super) fn open_out(role: &str, group: &str, why: &str, to: &mut Expansion<'_>) {
    let properties = json!({
        "GroupId": to.sibling(group, "GroupId"),
        "IpProtocol": "-1",
        "CidrIp": "0.0.0.0/0",
        "Description": why,
    });
    let group = to.id.at(group);
    to.add(role, "AWS::EC2::SecurityGroupEgress", properties).after.push(group);
}
