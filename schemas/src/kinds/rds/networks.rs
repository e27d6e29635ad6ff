//! Where a database stands, and the group that guards it.

use serde_json::{Value, json};

use super::{
    super::{
        Expansion, Problem, group,
        networking::{self, Net, Subnet},
    },
    spec::RdsSpec,
};

/// Adds the subnet group and the security group; the groups that guard the instances. The security group has no rules of its
/// own: each component that uses the database adds one.
pub(super) fn add(spec: &RdsSpec, to: &mut Expansion<'_>) -> Option<Value> {
    let net = networking::of(to, "/networking", spec.networking.as_deref())?;
    // A replica stands where its source does.
    if spec.replica_of.is_none() {
        let subnets = subnets(spec, &net);
        check_zones(subnets, to);
        let properties = json!({
            "DBSubnetGroupDescription": format!("Where {} stands", to.id),
            "SubnetIds": subnets.iter().map(|it| &it.id).collect::<Vec<_>>(),
            "Tags": to.tag_list(),
        });
        to.add("SubnetGroup", "AWS::RDS::DBSubnetGroup", properties);
    }
    group::add("SecurityGroup", &format!("Guards {}", to.id), &net.vpc, to);
    Some(json!([to.sibling("SecurityGroup", "GroupId")]))
}

fn subnets<'a>(spec: &RdsSpec, net: &'a Net) -> &'a [Subnet] {
    match (spec.public, net.data.is_empty()) {
        (Some(true), _) => &net.public,
        (_, true) => &net.private,
        _ => &net.data,
    }
}

fn check_zones(subnets: &[Subnet], to: &mut Expansion<'_>) {
    let mut zones: Vec<&str> = subnets.iter().map(|it| it.zone.as_str()).collect();
    zones.sort_unstable();
    zones.dedup();
    if zones.len() < 2 {
        let has = if zones.is_empty() { "no subnets for it".to_owned() } else { format!("only {}", zones.join(", ")) };
        let error = Problem::error("/networking", format!("a subnet group needs two zones, and the network has {has}"));
        let help = Some("give the network at least two zones".to_owned());
        to.problems.push(Problem { help, ..error });
    }
}
