//! `kind: Networking`, as far as others see it.
//!
//! A stand-in: it makes nothing, and has as many zones as are asked for.

use deployer_engine::{address::ComponentId, expr};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Expansion, Kind, Outputs, Problem, of as output};
use crate::around::Around;

/// The network as others see it.
#[expect(dead_code, reason = "others will look at all of it")]
pub(crate) struct Net {
    /// Its VPC's id.
    pub vpc: Value,
    /// Its addresses.
    pub cidr: Value,
    /// Subnets with a way in from the internet.
    pub public: Vec<Subnet>,
    /// Subnets with a way out.
    pub private: Vec<Subnet>,
    /// Subnets with neither.
    pub data: Vec<Subnet>,
}

/// A subnet.
#[derive(Clone)]
pub(crate) struct Subnet {
    /// Its id.
    pub id: Value,
    /// Its zone.
    pub zone: String,
}

/// A network.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct NetworkingSpec {
    /// A network of our own.
    managed: Managed,
}

/// A network of our own.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Managed {
    /// Its addresses.
    cidr: String,
    /// How many zones it spans.
    availability_zones: Option<u8>,
}

/// The kind.
pub(super) struct Networking;

impl Kind for Networking {
    const KIND: &'static str = "Networking";
    type Spec = NetworkingSpec;

    fn outputs(_: &Value, _: &Around<'_>) -> Outputs {
        Outputs::from([output("vpcId", "Vpc", "VpcId")])
    }

    fn expand(_: &NetworkingSpec, _: &mut Expansion<'_>) {}
}

/// The network that `name` means - the only one of the stack without it; a problem at `path` if there is none.
pub(crate) fn of(to: &mut Expansion<'_>, path: &str, name: Option<&str>) -> Option<Net> {
    let only = || to.around.of_kind("Networking").next().map(|peer| peer.id.name.clone());
    let Some(name) = name.map(str::to_owned).or_else(only) else {
        let help = Some("add a document of `kind: Networking`".to_owned());
        let problem = Problem::error(path, "there is no network to stand in");
        to.problems.push(Problem { code: "no-network", help, ..problem });
        return None;
    };
    let (peer, spec) = to.peer_of::<Networking>(path, &name)?;
    let region = &to.scope.region;
    let zones = ('a'..='z').take(spec.managed.availability_zones.unwrap_or(2).into());
    let subnets = |layer: &str, id: &ComponentId| {
        let subnet = |zone: char| Subnet {
            id: expr::reference(&id.at(format!("{layer}Subnet{}", zone.to_ascii_uppercase())), "SubnetId"),
            zone: format!("{region}{zone}"),
        };
        zones.clone().map(subnet).collect()
    };
    Some(Net {
        vpc: expr::reference(&peer.id.at("Vpc"), "VpcId"),
        cidr: spec.managed.cidr.into(),
        public: subnets("Public", &peer.id),
        private: subnets("Private", &peer.id),
        data: subnets("Data", &peer.id),
    })
}
