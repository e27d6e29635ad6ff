//! What a user writes of a service.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use crate::{
    input::{Input, Policy, Seconds},
    uses::Use,
};

/// A service of containers on Fargate.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct MicroServiceSpec {
    /// Its image, with a tag or a digest.
    pub(super) image: Input<String>,
    /// What is run in it, instead of what the image says.
    pub(super) command: Option<Vec<String>>,
    /// What runs the command, instead of what the image says.
    pub(super) entry_point: Option<Vec<String>>,
    /// CPU units of a task: 1,024 are one processor.
    pub(super) cpu: i64,
    /// Memory of a task, in MiB.
    pub(super) memory: i64,
    /// `x86_64` or `arm64`.
    pub(super) architecture: Option<Architecture>,
    /// Scratch space of a task, in GiB: 21 to 200; 20 if nothing is said.
    pub(super) scratch: Option<i64>,
    /// The ports that its main container opens.
    pub(super) ports: Option<Vec<Port>>,
    /// How many tasks run.
    pub(super) replicas: Option<Replicas>,
    /// Environment variables of the main container; one that comes from a secret is given to ECS as such.
    pub(super) env: Option<BTreeMap<String, Input<Plain>>>,
    /// Environment variables whose values ECS takes from secrets and parameters.
    pub(super) secrets: Option<BTreeMap<String, Secret>>,
    /// Containers beside the main one.
    pub(super) sidecars: Option<Vec<Sidecar>>,
    /// How the main container's health is asked.
    pub(super) health_check: Option<HealthCheck>,
    /// How requests reach it from outside.
    pub(super) ingress: Option<Ingress>,
    /// Other components that it uses: rules, permissions and connection details follow.
    pub(super) uses: Option<Vec<Use>>,
    /// It is found by name inside of the VPC: `NAME.STACK-ENV.internal`.
    pub(super) discovery: Option<bool>,
    /// Its logs.
    pub(super) logs: Option<Logs>,
    /// How a new version takes over.
    pub(super) deployment: Option<Deployment>,
    /// Commands may be run in its containers (`aws ecs execute-command`).
    pub(super) exec: Option<bool>,
    /// What its containers may do in AWS, beside what `uses` gives.
    pub(super) permissions: Option<Policy>,
    /// Its network, where there are several.
    pub(super) networking: Option<String>,
    /// Its tasks stand in public subnets with public addresses.
    pub(super) public: Option<bool>,
    /// More security groups of its tasks, by id.
    pub(super) security_groups: Option<Vec<Input<String>>>,
}

/// A text, a number or a flag: what an environment variable can be written as.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[expect(dead_code, reason = "the shape is checked, the value is taken as it is")]
pub(crate) enum Plain {
    /// A text.
    Text(String),
    /// A number.
    Number(f64),
    /// `true` or `false`.
    Flag(bool),
}

/// What a task runs on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Architecture {
    /// Intel and AMD.
    #[default]
    #[serde(rename = "x86_64")]
    X86,
    /// Graviton: cheaper; the image has to be built for it.
    Arm64,
}

/// A port that a container opens.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Port {
    /// Its name.
    pub(super) name: String,
    /// Its number: 1 to 65,535.
    pub(super) port: i64,
    /// `tcp` or `udp`.
    pub(super) protocol: Option<Transport>,
}

/// How a port is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

/// How many tasks run.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Replicas {
    /// So many.
    Fixed(i64),
    /// As many as the load needs.
    Scaled(Scaled),
}

/// As many tasks as the load needs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Scaled {
    /// At least so many.
    pub(super) min: i64,
    /// At most so many.
    pub(super) max: i64,
    /// The CPU load that is aimed at, in percent.
    pub(super) target_cpu: Option<i64>,
    /// The memory load that is aimed at, in percent.
    pub(super) target_memory: Option<i64>,
    /// The requests a minute and task that are aimed at.
    pub(super) target_requests: Option<i64>,
    /// How long it waits after taking tasks away.
    pub(super) scale_in_cooldown: Option<Seconds>,
    /// How long it waits after adding tasks.
    pub(super) scale_out_cooldown: Option<Seconds>,
}

/// Where a variable's value is kept.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Secret {
    /// A secret of Secrets Manager, by name or ARN.
    pub(super) secret: Option<Input<String>>,
    /// One field of a secret that is a JSON map.
    pub(super) key: Option<String>,
    /// A parameter of Systems Manager, by name.
    pub(super) ssm: Option<String>,
}

/// A container beside the main one.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Sidecar {
    /// Its name.
    pub(super) name: String,
    /// Its image.
    pub(super) image: Input<String>,
    /// What is run in it.
    pub(super) command: Option<Vec<String>>,
    /// What runs the command.
    pub(super) entry_point: Option<Vec<String>>,
    /// Its share of the task's CPU units.
    pub(super) cpu: Option<i64>,
    /// The most memory that it may take, in MiB.
    pub(super) memory: Option<i64>,
    /// The ports that it opens.
    pub(super) ports: Option<Vec<Port>>,
    /// Environment variables.
    pub(super) env: Option<BTreeMap<String, Input<Plain>>>,
    /// Environment variables whose values ECS takes from secrets and parameters.
    pub(super) secrets: Option<BTreeMap<String, Secret>>,
    /// The task ends when it ends.
    pub(super) essential: Option<bool>,
    /// How its health is asked.
    pub(super) health_check: Option<HealthCheck>,
}

/// How a container's health is asked.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct HealthCheck {
    /// A command in the container; it ends with 0 while all is well.
    pub(super) command: Vec<String>,
    /// How often: 5 s to 300 s.
    pub(super) interval: Option<Seconds>,
    /// How long it may take: 2 s to 120 s.
    pub(super) timeout: Option<Seconds>,
    /// After how many failures it is unhealthy: 1 to 10.
    pub(super) retries: Option<i64>,
    /// In which time after its start failures do not count: up to 300 s.
    pub(super) start_period: Option<Seconds>,
}

/// How requests reach it from outside.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Ingress {
    /// A component of `kind: Ingress`; may be left out where there is only one.
    pub(super) via: Option<String>,
    /// Requests to this host.
    pub(super) host: Option<String>,
    /// Requests to these paths, with `*` and `?`; all if nothing is said.
    pub(super) paths: Option<Vec<String>>,
    /// The port that they go to, by name or number; may be left out where there is only one.
    pub(super) port: Option<PortName>,
    /// The place of its rule among others, 1 to 50,000, the lowest first; chosen and kept if nothing is said.
    pub(super) priority: Option<i64>,
    /// How the load balancer asks for its health.
    pub(super) health_check: Option<TargetCheck>,
    /// For how long a client comes back to the same task.
    pub(super) stickiness: Option<Seconds>,
    /// How long a task that goes may finish what it is at: up to 1 hour; 30 s if nothing is said.
    pub(super) deregistration_delay: Option<Seconds>,
    /// In which time after a task's start failed health checks do not count; 60 s if nothing is said.
    pub(super) grace_period: Option<Seconds>,
}

/// A port by name or number.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum PortName {
    /// By name.
    Name(String),
    /// By number.
    Number(i64),
}

/// How the load balancer asks for a task's health.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct TargetCheck {
    /// The path that is asked: `/` if nothing is said.
    pub(super) path: Option<String>,
    /// How often: 5 s to 300 s; 15 s if nothing is said.
    pub(super) interval: Option<Seconds>,
    /// How long an answer may take: 2 s to 120 s; 5 s if nothing is said.
    pub(super) timeout: Option<Seconds>,
    /// After how many good answers it is healthy: 2 to 10.
    pub(super) healthy: Option<i64>,
    /// After how many bad answers it is not: 2 to 10.
    pub(super) unhealthy: Option<i64>,
    /// Good answers: `200`, `200-299`, `200,204`.
    pub(super) codes: Option<Codes>,
}

/// Good answers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Codes {
    /// One.
    One(i64),
    /// Several.
    Several(String),
}

/// Its logs.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Logs {
    /// For how many days they are kept.
    pub(super) retention: Option<i64>,
}

/// How a new version takes over.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Deployment {
    /// The least healthy tasks meanwhile, in percent of those wanted.
    pub(super) min_healthy: Option<i64>,
    /// The most tasks meanwhile, in percent of those wanted.
    pub(super) max_percent: Option<i64>,
    /// ECS gives up when tasks keep failing.
    pub(super) circuit_breaker: Option<bool>,
    /// When ECS gives up, it goes back to what ran before.
    pub(super) circuit_breaker_rollback: Option<bool>,
}
