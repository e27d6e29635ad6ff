//! `kind: Networking`: the VPC that everything stands in - one that deployer makes, or one that is there.
//!
//! Others see the same three tiers of subnets either way: public ones with a way in, private ones with a way out, and data ones
//! with neither.

mod existing;
mod managed;

use deployer_engine::address::Address;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Expansion, Kind, Outputs, Source, of as output};
use crate::around::{Around, Peer};

/// A network.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct NetworkingSpec {
    /// A VPC that deployer makes and keeps.
    managed: Option<managed::Managed>,
    /// A VPC that is there and that deployer leaves alone.
    existing: Option<existing::Existing>,
}

/// The network as others see it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Net {
    /// Its component's name.
    pub name: String,
    /// The VPC's id.
    pub vpc: Value,
    /// The VPC's address range.
    pub cidr: Value,
    /// Subnets that the internet reaches.
    pub public: Vec<Subnet>,
    /// Subnets that reach the internet.
    pub private: Vec<Subnet>,
    /// Subnets that do neither.
    pub data: Vec<Subnet>,
    /// What has to stand before something in a public subnet works.
    pub public_first: Vec<Address>,
    /// What has to stand before something in a private subnet works.
    pub private_first: Vec<Address>,
}

/// A subnet.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Subnet {
    /// Its id.
    pub id: Value,
    /// Its zone.
    pub zone: String,
}

impl Net {
    /// The ids of subnets.
    pub(crate) fn ids(subnets: &[Subnet]) -> Value {
        subnets.iter().map(|it| it.id.clone()).collect()
    }

    /// How many zones the subnets are in.
    pub(crate) fn zones(subnets: &[Subnet]) -> usize {
        subnets.iter().map(|it| &it.zone).collect::<std::collections::BTreeSet<_>>().len()
    }
}

/// The network that `name` means - the only one of the stack without it; a problem at `path` if there is none.
pub(crate) fn of(to: &mut Expansion<'_>, path: &str, name: Option<&str>) -> Option<Net> {
    let peer = match name {
        Some(name) => to.peer_of::<Networking>(path, name)?.0,
        None => only(to, path)?,
    };
    let spec = peer.decode::<NetworkingSpec>()?;
    Some(view(&spec, peer, to.around))
}

fn only<'a>(to: &mut Expansion<'a>, path: &str) -> Option<&'a Peer> {
    let all: Vec<&Peer> = to.around.of_kind(Networking::KIND).collect();
    match (all.as_slice(), to.around.count(Networking::KIND)) {
        ([one], 1) => return Some(one),
        ([], 0) => to.problem(path, "it needs a network: add a component of `kind: Networking`"),
        (_, 1) => {}
        (all, _) => {
            let names: Vec<&str> = all.iter().map(|peer| peer.id.name.as_str()).collect();
            to.problem(path, format!("say in which network with `networking`: {}", names.join(", ")));
        }
    }
    None
}

fn view(spec: &NetworkingSpec, peer: &Peer, around: &Around<'_>) -> Net {
    let net = match (&spec.managed, &spec.existing) {
        (Some(managed), _) => managed::view(managed, &peer.id, around),
        (None, Some(existing)) => existing::view(existing, &peer.id, around),
        (None, None) => Net::default(),
    };
    Net { name: peer.id.name.clone(), ..net }
}

/// The kind.
pub(crate) struct Networking;

impl Kind for Networking {
    const KIND: &'static str = "Networking";
    type Spec = NetworkingSpec;

    fn outputs(spec: &Value, around: &Around<'_>) -> Outputs {
        if spec.get("managed").is_some() {
            return Outputs::from([
                output("vpcId", "Vpc", "VpcId"),
                output("natIp", "NatIpA", "PublicIp"),
                output("publicRouteTableId", "PublicRouteTable", "RouteTableId"),
            ]);
        }
        // Which component's spec it is does not matter to the answer.
        let id = deployer_engine::address::ComponentId::new(Self::KIND, "");
        let existing = spec.get("existing").and_then(|it| existing::Existing::deserialize(it).ok());
        existing.map(|it| existing::outputs(&it, &id, around)).unwrap_or_default()
    }

    fn expand(spec: &NetworkingSpec, to: &mut Expansion<'_>) {
        match (&spec.managed, &spec.existing) {
            (Some(managed), None) => managed::expand(managed, to),
            (None, Some(existing)) => existing::check(existing, to),
            (Some(_), Some(_)) => to.problem("/existing", "a network is `managed` or `existing`, not both"),
            (None, None) => {
                to.problem("", "say whether the network is `managed` (deployer makes it) or `existing` (it is there)");
            }
        }
    }
}

/// A value that is known.
fn value(name: impl Into<String>, value: Value) -> (String, Source) {
    (name.into(), Source::Value(value))
}
