//! How long things usually take: as the records of earlier deployments say, else as AWS is known to.
//!
//! It is shown and added up, never waited for: what a step may take at most is a fact of its type.

use std::{collections::BTreeMap, time::Duration};

use deployer_engine::{address::Address, history::Deployment};

/// Seconds that AWS usually takes to create, change and delete what takes it longer than a few.
const TYPICAL: &[(&str, [u64; 3])] = &[
    ("AWS::RDS::DBInstance", [390, 300, 240]),
    ("AWS::ElasticLoadBalancingV2::LoadBalancer", [150, 30, 30]),
    ("AWS::EC2::NatGateway", [105, 5, 60]),
    ("AWS::EC2::VPCEndpoint", [60, 20, 60]),
    ("AWS::ECS::Service", [120, 180, 90]),
    ("AWS::ServiceDiscovery::PrivateDnsNamespace", [45, 10, 45]),
    ("AWS::DynamoDB::Table", [12, 15, 10]),
    // A network interface of something that was just deleted keeps it for a while.
    ("AWS::EC2::SecurityGroup", [3, 3, 30]),
    ("AWS::SQS::Queue", [3, 3, 20]),
];
/// What all else is taken to take.
const QUICK: Duration = Duration::from_secs(3);
/// What is over before a person has read it needs no such word.
const WORTH: Duration = Duration::from_secs(10);

/// What things usually take.
#[derive(Clone, Debug, Default)]
pub struct Usual(BTreeMap<(Address, String), Duration>);

impl Usual {
    /// As these records say: of each step the middle one of the times that it took.
    pub fn of_records<'a>(records: impl IntoIterator<Item = &'a Deployment>) -> Self {
        let mut all: BTreeMap<(Address, String), Vec<u64>> = BTreeMap::new();
        for step in records.into_iter().flat_map(|it| &it.steps).filter(|step| step.result == "done") {
            if let Some(millis) = step.millis {
                all.entry((step.address.clone(), step.verb.clone())).or_default().push(millis);
            }
        }
        let middle = |mut times: Vec<u64>| {
            times.sort_unstable();
            Duration::from_millis(times[times.len() / 2])
        };
        Self(all.into_iter().map(|(step, times)| (step, middle(times))).collect())
    }

    fn known(&self, address: &Address, kind: &str, verb: &str) -> Option<Duration> {
        let recorded = self.0.get(&(address.clone(), verb.to_owned())).copied();
        recorded.or_else(|| {
            let (_, times) = TYPICAL.iter().find(|(typical, _)| *typical == kind)?;
            let place = ["create", "update", "delete"].iter().position(|it| *it == verb)?;
            Some(Duration::from_secs(times[place]))
        })
    }

    /// What a person is told, if it is worth a word.
    pub fn of(&self, address: &Address, kind: &str, verb: &str) -> Option<Duration> {
        self.known(address, kind, verb).filter(|it| *it >= WORTH)
    }

    /// What is counted on.
    pub fn guess(&self, address: &Address, kind: &str, verb: &str) -> Duration {
        self.known(address, kind, verb).unwrap_or(QUICK)
    }
}

#[cfg(test)]
mod tests {
    use deployer_engine::history::StepRecord;

    use super::*;

    #[test]
    fn records_say_it_and_where_they_do_not_the_type_does() {
        let instance = Address::new("RDS", "orders", "Instance");
        let step = |result: &str, millis| StepRecord {
            address: instance.clone(),
            verb: "create".to_owned(),
            result: result.to_owned(),
            millis: Some(millis),
            why: None,
        };
        let steps = vec![step("done", 300_000), step("done", 200_000), step("done", 900_000), step("failed", 1)];
        let usual = Usual::of_records([&Deployment { steps, ..Deployment::default() }]);
        let kind = "AWS::RDS::DBInstance";
        assert_eq!(usual.of(&instance, kind, "create"), Some(Duration::from_secs(300)));
        assert_eq!(usual.of(&instance, kind, "delete"), Some(Duration::from_secs(240)));
        assert_eq!(usual.of(&instance, "AWS::SSM::Parameter", "delete"), None);
        assert_eq!(usual.guess(&instance, "AWS::SSM::Parameter", "delete"), QUICK);
    }
}
