//! A VPC that deployer makes: three tiers of subnets in each zone, a way out, gateway endpoints.
//!
//! The range is cut into sixteen equal parts: four for each tier, by the place of the zone, and four to spare. A zone keeps its
//! place for ever, whatever order AWS tells zones in.

use deployer_engine::{
    address::ComponentId,
    lookup::{Lookup, ZONES},
};
use ipnet::Ipv4Net;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Net, Subnet};
use crate::{
    around::{Answered, Around},
    kinds::{Expansion, Kind, pascal},
};

/// A VPC that deployer makes.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Managed {
    /// Its address range: `10.20.0.0/16`; /16 to /24.
    cidr: String,
    /// In how many zones: 1 to 4; 2 if nothing is said.
    availability_zones: Option<i64>,
    /// In which zones, instead of how many.
    zones: Option<Vec<String>>,
    /// How private subnets reach the internet: `none`, one NAT gateway for all (`single`, the default), or one in each zone (`perAz`).
    nat: Option<Nat>,
    /// Services that are reached without NAT, at no cost; both if nothing is said.
    endpoints: Option<Vec<Endpoint>>,
    /// Address ranges of the subnets, in the order of the zones, instead of equal parts.
    subnets: Option<Ranges>,
}

/// How private subnets reach the internet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) enum Nat {
    /// Not at all.
    None,
    /// Through one NAT gateway for all.
    #[default]
    Single,
    /// Through one in each zone.
    PerAz,
}

/// A service that is reached without NAT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Endpoint {
    /// S3.
    S3,
    /// DynamoDB.
    Dynamodb,
}

/// Address ranges of subnets, in the order of the zones.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Ranges {
    /// Of those that the internet reaches.
    public: Option<Vec<String>>,
    /// Of those that reach the internet.
    private: Option<Vec<String>>,
    /// Of those that do neither.
    data: Option<Vec<String>>,
}

/// The tiers, each with its first part of the range.
const TIERS: [(&str, usize); 3] = [("Public", 0), ("Private", 4), ("Data", 8)];

impl Managed {
    fn wanted(&self) -> usize {
        usize::try_from(self.availability_zones.unwrap_or(2)).unwrap_or(2).clamp(1, 4)
    }

    fn stated(&self, tier: &str) -> Option<&Vec<String>> {
        let ranges = self.subnets.as_ref()?;
        match tier {
            "Public" => ranges.public.as_ref(),
            "Private" => ranges.private.as_ref(),
            _ => ranges.data.as_ref(),
        }
    }
}

/// Its zones, in the order of their places, and whether AWS named them.
fn zones(it: &Managed, id: &ComponentId, around: &Around<'_>) -> (Vec<String>, bool) {
    if let Some(zones) = &it.zones {
        return (zones.clone(), true);
    }
    let region = around.scope.region.clone();
    let stand_in = || ["a", "b", "c", "d"].map(|zone| json!(format!("{region}{zone}"))).into_iter().collect();
    let Answered { value, known } =
        around.ask(id, "/managed/availabilityZones", Lookup::new(ZONES, Value::Null), stand_in);
    let all = value.as_array().into_iter().flatten().filter_map(|zone| zone.as_str().map(str::to_owned));
    (all.take(it.wanted()).collect(), known)
}

/// `eu-west-1a` is `A` in addresses.
fn letter(zone: &str, region: &str) -> String {
    pascal(zone.strip_prefix(region).unwrap_or(zone))
}

pub(super) fn view(it: &Managed, id: &ComponentId, around: &Around<'_>) -> Net {
    let (zones, _) = zones(it, id, around);
    let region = &around.scope.region;
    let tier = |name: &str| -> Vec<Subnet> {
        let subnet = |zone: &String| {
            let role = format!("{name}Subnet{}", letter(zone, region));
            Subnet { id: deployer_engine::expr::reference(&id.at(role), "SubnetId"), zone: zone.clone() }
        };
        zones.iter().map(subnet).collect()
    };
    let of_zones =
        |role: &str| zones.iter().map(|zone| id.at(format!("{role}{}", letter(zone, region)))).collect::<Vec<_>>();
    let ways_out = if it.nat.unwrap_or_default() == Nat::None { Vec::new() } else { of_zones("PrivateRoute") };
    let public_first = [of_zones("PublicAssociation"), vec![id.at("PublicRoute")]].concat();
    Net {
        vpc: deployer_engine::expr::reference(&id.at("Vpc"), "VpcId"),
        cidr: json!(it.cidr),
        public: tier("Public"),
        private: tier("Private"),
        data: tier("Data"),
        private_first: [of_zones("PrivateAssociation"), ways_out].concat(),
        public_first,
        ..Net::default()
    }
}

pub(super) fn expand(it: &Managed, to: &mut Expansion<'_>) {
    let (zones, known) = zones(it, to.id, to.around);
    check_zones(it, &zones, known, to);
    let Some(ranges) = ranges(it, &zones, to) else { return };
    let tags = tags(to, "");
    to.add(
        "Vpc",
        "AWS::EC2::VPC",
        json!({"CidrBlock": it.cidr, "EnableDnsSupport": true, "EnableDnsHostnames": true, "Tags": tags}),
    );
    way_in(to);
    let vpc = to.sibling("Vpc", "VpcId");
    let letters: Vec<String> = zones.iter().map(|zone| letter(zone, &to.scope.region)).collect();
    table("DataRouteTable", "data", to);
    for (place, (zone, letter)) in zones.iter().zip(&letters).enumerate() {
        table(&format!("PrivateRouteTable{letter}"), &format!("private-{}", letter.to_lowercase()), to);
        for ((tier, _), ranges) in TIERS.iter().zip(&ranges) {
            let part = format!("{}-{}", tier.to_lowercase(), letter.to_lowercase());
            let mut tags = tags_of(to, &part);
            tags.push(json!({"Key": "Tier", "Value": tier.to_lowercase()}));
            let subnet = json!({
                "VpcId": vpc,
                "CidrBlock": ranges[place],
                "AvailabilityZone": zone,
                "MapPublicIpOnLaunch": Some(true).filter(|_| *tier == "Public"),
                "Tags": tags,
            });
            to.add(&format!("{tier}Subnet{letter}"), "AWS::EC2::Subnet", subnet);
            let table =
                if *tier == "Private" { format!("PrivateRouteTable{letter}") } else { format!("{tier}RouteTable") };
            let association = json!({
                "SubnetId": to.sibling(&format!("{tier}Subnet{letter}"), "SubnetId"),
                "RouteTableId": to.sibling(&table, "RouteTableId"),
            });
            to.add(&format!("{tier}Association{letter}"), "AWS::EC2::SubnetRouteTableAssociation", association);
        }
    }
    way_out(it.nat.unwrap_or_default(), &letters, to);
    endpoints(it, &letters, to);
}

/// The internet gateway, and the public subnets' route to it.
fn way_in(to: &mut Expansion<'_>) {
    let tags = tags(to, "");
    to.add("InternetGateway", "AWS::EC2::InternetGateway", json!({"Tags": tags}));
    let (vpc, gateway) = (to.sibling("Vpc", "VpcId"), to.sibling("InternetGateway", "InternetGatewayId"));
    to.add("GatewayAttachment", "AWS::EC2::VPCGatewayAttachment", json!({"VpcId": vpc, "InternetGatewayId": gateway}));
    table("PublicRouteTable", "public", to);
    let route = json!({
        "RouteTableId": to.sibling("PublicRouteTable", "RouteTableId"),
        "DestinationCidrBlock": "0.0.0.0/0",
        "GatewayId": gateway,
    });
    let attached = to.id.at("GatewayAttachment");
    to.add("PublicRoute", "AWS::EC2::Route", route).after.push(attached);
}

/// NAT gateways, and the private subnets' routes to them. A NAT gateway needs the internet gateway before it is made.
fn way_out(nat: Nat, letters: &[String], to: &mut Expansion<'_>) {
    let own = match nat {
        Nat::None => return,
        Nat::Single => &letters[..letters.len().min(1)],
        Nat::PerAz => letters,
    };
    for letter in own {
        let tags = tags(to, &format!("nat-{}", letter.to_lowercase()));
        let first = [to.id.at("PublicRoute"), to.id.at(format!("PublicAssociation{letter}"))];
        to.add(&format!("NatIp{letter}"), "AWS::EC2::EIP", json!({"Tags": tags})).after.push(first[0].clone());
        let gateway = json!({
            "SubnetId": to.sibling(&format!("PublicSubnet{letter}"), "SubnetId"),
            "AllocationId": to.sibling(&format!("NatIp{letter}"), "AllocationId"),
            "Tags": tags,
        });
        to.add(&format!("NatGateway{letter}"), "AWS::EC2::NatGateway", gateway).after.extend(first);
    }
    for (place, letter) in letters.iter().enumerate() {
        let Some(through) = own.get(place).or(own.first()) else { continue };
        let route = json!({
            "RouteTableId": to.sibling(&format!("PrivateRouteTable{letter}"), "RouteTableId"),
            "DestinationCidrBlock": "0.0.0.0/0",
            "NatGatewayId": to.sibling(&format!("NatGateway{through}"), "NatGatewayId"),
        });
        let ready = to.id.at(format!("NatGateway{through}"));
        to.add(&format!("PrivateRoute{letter}"), "AWS::EC2::Route", route).after.push(ready);
    }
}

fn endpoints(it: &Managed, letters: &[String], to: &mut Expansion<'_>) {
    let all = it.endpoints.clone().unwrap_or_else(|| vec![Endpoint::S3, Endpoint::Dynamodb]);
    let private = letters.iter().map(|letter| format!("PrivateRouteTable{letter}"));
    let tables = ["PublicRouteTable".to_owned(), "DataRouteTable".to_owned()].into_iter().chain(private);
    let tables: Vec<Value> = tables.map(|role| to.sibling(&role, "RouteTableId")).collect();
    for (index, endpoint) in all.iter().enumerate() {
        if all[..index].contains(endpoint) {
            to.problem(&format!("/managed/endpoints/{index}"), "this endpoint is named twice");
            continue;
        }
        let (role, service) = match endpoint {
            Endpoint::S3 => ("S3Endpoint", "s3"),
            Endpoint::Dynamodb => ("DynamodbEndpoint", "dynamodb"),
        };
        let tags = tags(to, service);
        let properties = json!({
            "VpcId": to.sibling("Vpc", "VpcId"),
            "ServiceName": format!("com.amazonaws.{}.{service}", to.scope.region),
            "VpcEndpointType": "Gateway",
            "RouteTableIds": tables,
            "Tags": tags,
        });
        to.add(role, "AWS::EC2::VPCEndpoint", properties);
    }
}

fn table(role: &str, part: &str, to: &mut Expansion<'_>) {
    let (vpc, tags) = (to.sibling("Vpc", "VpcId"), tags(to, part));
    to.add(role, "AWS::EC2::RouteTable", json!({"VpcId": vpc, "Tags": tags}));
}

fn tags(to: &Expansion<'_>, part: &str) -> Value {
    tags_of(to, part).into()
}

/// The component's tags, and a `Name`: these things have no name of their own.
fn tags_of(to: &Expansion<'_>, part: &str) -> Vec<Value> {
    let own = [&to.scope.stack, &to.scope.env, &to.id.name].map(String::as_str);
    let name: Vec<&str> = own.into_iter().chain(Some(part).filter(|part| !part.is_empty())).collect();
    let mut tags = to.tag_list().as_array().cloned().unwrap_or_default();
    if !to.tags.contains_key("Name") {
        tags.push(json!({"Key": "Name", "Value": name.join("-")}));
    }
    tags
}

fn check_zones(it: &Managed, zones: &[String], known: bool, to: &mut Expansion<'_>) {
    to.within("/managed/availabilityZones", it.availability_zones, 1, 4);
    if it.zones.is_some() && it.availability_zones.is_some() {
        to.problem("/managed/zones", "say how many zones or which ones, not both");
    }
    if known && it.zones.is_none() && zones.len() < it.wanted() {
        let (wanted, has, region) = (it.wanted(), zones.len(), &to.scope.region);
        let message = format!("{wanted} zones are asked for, and {region} has {has}: {}", zones.join(", "));
        to.problem("/managed/availabilityZones", message);
    }
    if it.zones.as_ref().is_some_and(|zones| zones.is_empty() || zones.len() > 4) {
        to.problem("/managed/zones", "name 1 to 4 zones");
    }
    for (index, zone) in it.zones.iter().flatten().enumerate() {
        if !zone.starts_with(&to.scope.region) {
            to.problem(&format!("/managed/zones/{index}"), format!("`{zone}` is no zone of {}", to.scope.region));
        } else if zones[..index].contains(zone) {
            to.problem(&format!("/managed/zones/{index}"), format!("`{zone}` is named twice"));
        }
    }
}

/// The subnets' ranges: by tier, then by zone. None if they cannot be told.
fn ranges(it: &Managed, zones: &[String], to: &mut Expansion<'_>) -> Option<Vec<Vec<String>>> {
    let whole: Ipv4Net = match it.cidr.parse() {
        Ok(net) => net,
        Err(_) => {
            to.problem("/managed/cidr", format!("`{}` is no range of IPv4 addresses; write 10.20.0.0/16", it.cidr));
            return None;
        }
    };
    if whole.trunc() != whole {
        to.problem("/managed/cidr", format!("`{}` starts inside of a range; {} is meant", it.cidr, whole.trunc()));
    }
    if !(16..=24).contains(&whole.prefix_len()) {
        to.problem("/managed/cidr", "a VPC that is cut into tiers has /16 to /24");
        return None;
    }
    overlapping_networks(whole, to);
    let parts: Vec<Ipv4Net> = whole.subnets(whole.prefix_len() + 4).ok()?.collect();
    let mut taken: Vec<(Ipv4Net, String)> = Vec::new();
    let mut found = Vec::new();
    for (tier, first) in TIERS {
        let at = format!("/managed/subnets/{}", tier.to_lowercase());
        let ranges: Vec<String> = match it.stated(tier) {
            Some(stated) => stated.clone(),
            None => parts[first..first + zones.len().min(4)].iter().map(ToString::to_string).collect(),
        };
        if ranges.len() != zones.len() {
            to.problem(&at, format!("{} zones need as many ranges, and these are {}", zones.len(), ranges.len()));
            return None;
        }
        for (index, range) in ranges.iter().enumerate() {
            let at = if it.stated(tier).is_some() { format!("{at}/{index}") } else { "/managed/cidr".to_owned() };
            check_range(range, whole, &at, &mut taken, to);
        }
        found.push(ranges);
    }
    Some(found)
}

fn check_range(range: &str, whole: Ipv4Net, at: &str, taken: &mut Vec<(Ipv4Net, String)>, to: &mut Expansion<'_>) {
    let Ok(net) = range.parse::<Ipv4Net>() else {
        return to.problem(at, format!("`{range}` is no range of IPv4 addresses; write 10.20.0.0/20"));
    };
    if net.trunc() != net {
        to.problem(at, format!("`{range}` starts inside of a range; {} is meant", net.trunc()));
    } else if !whole.contains(&net) {
        to.problem(at, format!("`{range}` is not inside of {whole}"));
    } else if net.prefix_len() > 28 {
        to.problem(at, format!("`{range}` is too small: a subnet has at least 16 addresses (/28)"));
    } else if let Some((_, other)) = taken.iter().find(|(other, _)| other.contains(&net) || net.contains(other)) {
        to.problem(at, format!("`{range}` overlaps `{other}`"));
    }
    taken.push((net, range.to_owned()));
}

/// Two networks of one stack with the same addresses can never be joined.
fn overlapping_networks(whole: Ipv4Net, to: &mut Expansion<'_>) {
    let others = to.around.of_kind(super::Networking::KIND).filter(|peer| peer.id < *to.id);
    let clash = others.filter_map(|peer| {
        let cidr = peer.spec.pointer("/managed/cidr")?.as_str()?.parse::<Ipv4Net>().ok()?;
        (cidr.contains(&whole) || whole.contains(&cidr)).then(|| (peer.id.clone(), cidr))
    });
    if let Some((id, cidr)) = clash.into_iter().next() {
        to.problem("/managed/cidr", format!("{whole} overlaps {cidr} of {id}: give each network its own addresses"));
    }
}
