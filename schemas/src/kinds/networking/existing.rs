//! A VPC that is there: found by id or tags, its subnets sorted into tiers by id, by tags, or by their `Tier` tag.
//!
//! AWS is asked before anything is expanded; deployer never changes what it finds.

use std::collections::BTreeMap;

use deployer_engine::{
    address::ComponentId,
    lookup::{GROUP, Lookup, NETWORK},
};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Net, Subnet, value};
use crate::{
    around::{Answered, Around},
    kinds::{Expansion, Outputs},
};

/// A VPC that is there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Existing {
    /// Its id.
    vpc_id: Option<String>,
    /// Its tags: the one VPC that has all of them.
    tags: Option<BTreeMap<String, String>>,
    /// Its subnets by tier; without it their tag `Tier` tells: public, private or data.
    subnets: Option<Tiers>,
    /// Security groups that are there, by a name of yours: others refer to `group.NAME`.
    groups: Option<BTreeMap<String, Group>>,
}

/// Subnets by tier.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Tiers {
    /// Subnets that the internet reaches.
    public: Option<Pick>,
    /// Subnets that reach the internet.
    private: Option<Pick>,
    /// Subnets that do neither.
    data: Option<Pick>,
}

/// Some subnets.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Pick {
    /// These.
    Ids(Vec<String>),
    /// Those with these tags.
    Tagged(Tagged),
}

/// By tags.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Tagged {
    /// All of these.
    tags: BTreeMap<String, String>,
}

/// A security group that is there.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Group {
    /// Its id.
    id: Option<String>,
    /// Its name.
    name: Option<String>,
    /// Its tags: the one group that has all of them.
    tags: Option<BTreeMap<String, String>>,
}

/// What AWS says of the VPC and its subnets.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Found {
    vpc_id: String,
    cidr_block: String,
    subnets: Vec<FoundSubnet>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct FoundSubnet {
    subnet_id: String,
    availability_zone: String,
    tags: BTreeMap<String, String>,
}

fn find(it: &Existing, id: &ComponentId, around: &Around<'_>) -> (Found, bool) {
    let ask = match (&it.vpc_id, &it.tags) {
        (Some(id), _) => json!({"vpcId": id}),
        (None, tags) => json!({"tags": tags}),
    };
    let path = if it.vpc_id.is_some() { "/existing/vpcId" } else { "/existing/tags" };
    let region = around.scope.region.clone();
    let Answered { value, known } = around.ask(id, path, Lookup::new(NETWORK, ask), || stand_in(&region));
    (serde_json::from_value(value).unwrap_or_default(), known)
}

/// A VPC of the same shape, for checking files without AWS.
fn stand_in(region: &str) -> Value {
    let subnet = |tier: &str, zone: &str| json!({"SubnetId": format!("subnet-{tier}-{zone}"), "AvailabilityZone": format!("{region}{zone}"), "Tags": {"Tier": tier}});
    let subnets: Vec<Value> =
        ["public", "private", "data"].iter().flat_map(|tier| ["a", "b"].map(|zone| subnet(tier, zone))).collect();
    json!({"VpcId": "vpc-not-asked", "CidrBlock": "10.0.0.0/16", "Subnets": subnets})
}

pub(super) fn view(it: &Existing, id: &ComponentId, around: &Around<'_>) -> Net {
    let (found, known) = find(it, id, around);
    let tiers = it.subnets.clone().unwrap_or_default();
    let tier = |pick: &Option<Pick>, name: &str| subnets(&found, pick.as_ref(), name, known);
    Net {
        vpc: json!(found.vpc_id),
        cidr: json!(found.cidr_block),
        public: tier(&tiers.public, "public"),
        private: tier(&tiers.private, "private"),
        data: tier(&tiers.data, "data"),
        ..Net::default()
    }
}

/// The subnets of a tier. Without AWS's word, every id stands in a zone of its own.
fn subnets(found: &Found, pick: Option<&Pick>, tier: &str, known: bool) -> Vec<Subnet> {
    let subnet = |it: &FoundSubnet| Subnet { id: json!(it.subnet_id), zone: it.availability_zone.clone() };
    let has = |it: &&FoundSubnet, wanted: &BTreeMap<String, String>| {
        wanted.iter().all(|(key, value)| it.tags.get(key) == Some(value))
    };
    let says = |it: &&FoundSubnet| {
        it.tags.iter().any(|(key, value)| key.eq_ignore_ascii_case("tier") && value.eq_ignore_ascii_case(tier))
    };
    match pick {
        Some(Pick::Ids(ids)) if !known => ids.iter().map(|id| Subnet { id: json!(id), zone: id.clone() }).collect(),
        Some(Pick::Ids(ids)) => found.subnets.iter().filter(|it| ids.contains(&it.subnet_id)).map(subnet).collect(),
        Some(Pick::Tagged(by)) if known => found.subnets.iter().filter(|it| has(it, &by.tags)).map(subnet).collect(),
        _ => found.subnets.iter().filter(says).map(subnet).collect(),
    }
}

pub(super) fn outputs(it: &Existing, id: &ComponentId, around: &Around<'_>) -> Outputs {
    let (found, known) = find(it, id, around);
    let groups = it.groups.iter().flatten().map(|(name, group)| {
        let path = format!("/existing/groups/{}", deployer_engine::diff::escape(name));
        // Groups are asked for in a VPC that is known, not in the one that stands in for it.
        let there = if known { find_group(group, &found, id, &path, around) } else { no_group() };
        value(format!("group.{name}"), there)
    });
    [value("vpcId", json!(found.vpc_id)), value("cidr", json!(found.cidr_block))].into_iter().chain(groups).collect()
}

fn find_group(group: &Group, found: &Found, id: &ComponentId, path: &str, around: &Around<'_>) -> Value {
    let ask = match (&group.id, &group.name) {
        (Some(id), _) => json!({"vpcId": found.vpc_id, "id": id}),
        (None, Some(name)) => json!({"vpcId": found.vpc_id, "name": name}),
        (None, None) => json!({"vpcId": found.vpc_id, "tags": group.tags}),
    };
    around.ask(id, path, Lookup::new(GROUP, ask), no_group).value
}

fn no_group() -> Value {
    json!("sg-not-asked")
}

/// What is wrong with what was found.
pub(super) fn check(it: &Existing, to: &mut Expansion<'_>) {
    match (&it.vpc_id, &it.tags) {
        (Some(_), Some(_)) => to.problem("/existing/tags", "a VPC is found by `vpcId` or by `tags`, not by both"),
        (None, None) => return to.problem("/existing", "say which VPC: by `vpcId`, or by `tags`"),
        _ => {}
    }
    for (name, group) in it.groups.iter().flatten() {
        let ways =
            usize::from(group.id.is_some()) + usize::from(group.name.is_some()) + usize::from(group.tags.is_some());
        if ways != 1 {
            let at = format!("/existing/groups/{}", deployer_engine::diff::escape(name));
            to.problem(&at, "a group is found by one of `id`, `name` and `tags`");
        }
    }
    let (found, known) = find(it, to.id, to.around);
    let _ = outputs(it, to.id, to.around);
    if !known {
        return;
    }
    let tiers = it.subnets.clone().unwrap_or_default();
    for (name, pick) in [("public", tiers.public), ("private", tiers.private), ("data", tiers.data)] {
        let Some(pick) = pick else { continue };
        let at = format!("/existing/subnets/{name}");
        match &pick {
            Pick::Ids(ids) => {
                for (index, id) in ids.iter().enumerate() {
                    if !found.subnets.iter().any(|it| it.subnet_id == *id) {
                        to.problem(&format!("{at}/{index}"), format!("{} has no subnet {id}", found.vpc_id));
                    }
                }
            }
            Pick::Tagged(_) if subnets(&found, Some(&pick), name, true).is_empty() => {
                to.problem(&at, format!("no subnet of {} has these tags", found.vpc_id));
            }
            Pick::Tagged(_) => {}
        }
    }
}
