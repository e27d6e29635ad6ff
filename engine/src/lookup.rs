//! Look-ups: what only the cloud can tell and the files cannot be expanded without - zones, a VPC that is there already.
//!
//! Components ask as data, before expansion; the answers bind it and are kept in the shards of those that used them, so that
//! a plan can be made offline and the same question gets the same answer. Without an answer nothing is guessed.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{address::ComponentId, record::Record, state::Shard};

/// The zones of the region, by name: a list of texts. The order of the first answer is kept for ever.
pub const ZONES: &str = "zones";
/// A VPC and its subnets, by id or tags: `{VpcId, CidrBlock, Subnets: [{SubnetId, AvailabilityZone, CidrBlock, Tags}]}`.
pub const NETWORK: &str = "network";
/// A security group, by id, name or tags in a VPC: its id.
pub const GROUP: &str = "group";
/// A secret, by name or ARN: its ARN.
pub const SECRET: &str = "secret";
/// A parameter of Systems Manager, by name: its ARN.
pub const PARAMETER: &str = "parameter";
/// The versions of a database engine that can be ordered: a list of texts.
pub const ENGINE_VERSIONS: &str = "engine-versions";

/// One question.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Lookup {
    /// What is asked for: one of the words above.
    pub kind: String,
    /// What is known of it.
    pub ask: Value,
}

/// Answers, by question.
pub type Answers = BTreeMap<String, Value>;

impl Lookup {
    /// A question.
    pub fn new(kind: &str, ask: Value) -> Self {
        Self { kind: kind.to_owned(), ask }
    }

    /// The question as a text: what answers are kept by.
    pub fn key(&self) -> String {
        match &self.ask {
            Value::Null => self.kind.clone(),
            ask => format!("{} {ask}", self.kind),
        }
    }

    /// The answer that counts: what was assigned to a zone stays with it, whatever order the zones come in today.
    pub fn bind(&self, recorded: Option<&Value>, fresh: Value) -> Value {
        let (Some(recorded), Some(now)) = (recorded.and_then(Value::as_array), fresh.as_array()) else { return fresh };
        if self.kind != ZONES {
            return fresh;
        }
        recorded.iter().chain(now.iter().filter(|zone| !recorded.contains(zone))).cloned().collect()
    }
}

impl std::fmt::Display for Lookup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let parts = self.ask.as_object().into_iter().flatten().map(|(name, value)| format!("{name} {}", text(value)));
        let parts: Vec<String> = parts.collect();
        match (self.kind.as_str(), parts.as_slice()) {
            (ZONES, _) => f.write_str("the zones of the region"),
            (NETWORK, []) => f.write_str("the VPC"),
            (NETWORK, parts) => write!(f, "the VPC with {}", parts.join(", ")),
            (ENGINE_VERSIONS, parts) => write!(f, "the versions of {}", parts.join(", ")),
            (kind, parts) => write!(f, "the {kind} with {}", parts.join(", ")),
        }
    }
}

/// Answers that stay good until the files ask for more than they hold: zones do not move, and versions of engines are only
/// added. AWS is asked again once they do not fit.
pub fn lasting(answers: &Answers) -> Answers {
    let lasts = |key: &String| [ZONES, ENGINE_VERSIONS].iter().any(|kind| key.split(' ').next() == Some(kind));
    answers.iter().filter(|(key, _)| lasts(key)).map(|(key, answer)| (key.clone(), answer.clone())).collect()
}

/// All answers that are kept in the shards.
pub fn remembered<'a>(shards: impl IntoIterator<Item = (&'a ComponentId, &'a Record<Shard>)>) -> Answers {
    shards.into_iter().flat_map(|(_, shard)| shard.body.lookups.clone()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn zones_keep_their_places() {
        let zones = Lookup::new(ZONES, Value::Null);
        let bound = zones.bind(Some(&json!(["b", "a"])), json!(["a", "b", "c"]));
        assert_eq!(bound, json!(["b", "a", "c"]));
        let vpc = Lookup::new(NETWORK, json!({"vpcId": "vpc-1"}));
        assert_eq!(vpc.bind(Some(&json!({"VpcId": "x"})), json!({"VpcId": "y"})), json!({"VpcId": "y"}));
        let answers = Answers::from([(zones.key(), json!(["a"])), (vpc.key(), json!({}))]);
        assert_eq!(lasting(&answers).into_keys().collect::<Vec<_>>(), ["zones"]);
        assert_eq!(
            (vpc.key(), vpc.to_string()),
            (r#"network {"vpcId":"vpc-1"}"#.into(), "the VPC with vpcId vpc-1".into())
        );
    }
}
