//! `kind: MicroService`: a service on Fargate with all that it needs - roles, logs, group, target group, rules, scaling.
//!
//! Every part of it that another component has to do with is a resource of its own on this side, so two services can use each
//! other, and one can go without the other.

mod fargate;
mod scaling;
mod spec;
mod task;
mod traffic;

use deployer_engine::{address::ComponentId, expr};
use serde_json::{Value, json};

pub(crate) use spec::MicroServiceSpec;
use spec::{Port, PortName};

use super::{Expansion, Kind, Outputs, Source, group, networking, of, pascal};
use crate::{
    around::{Around, Peer},
    uses::{Access, Connection, User},
};

/// The kind.
pub(crate) struct MicroService;

impl Kind for MicroService {
    const KIND: &'static str = "MicroService";
    const MERGE_KEYS: &'static [(&'static str, &'static str)] =
        &[("ports", "name"), ("sidecars", "name"), ("sidecars.*.ports", "name")];
    const SHOWN: &'static [&'static str] = &["url", "internalUrl"];
    type Spec = MicroServiceSpec;

    fn defaults() -> Value {
        json!({
            "architecture": "x86_64",
            "logs": {"retention": 30},
            "deployment": {"minHealthy": 100, "maxPercent": 200, "circuitBreaker": true, "circuitBreakerRollback": true},
        })
    }

    fn outputs(spec: &Value, around: &Around<'_>) -> Outputs {
        let mut outputs = Outputs::from([
            of("arn", "Service", "ServiceArn"),
            of("name", "Service", "Name"),
            of("taskDefinitionArn", "TaskDefinition", "TaskDefinitionArn"),
            of("taskRoleArn", "TaskRole", "Arn"),
            of("logGroup", "LogGroup", "LogGroupName"),
            of("securityGroupId", "SecurityGroup", "GroupId"),
        ]);
        if let Ok(spec) = serde_json::from_value::<MicroServiceSpec>(spec.clone()) {
            let url = traffic::url(&spec, around);
            outputs.extend(url.map(|url| ("url".to_owned(), Source::Value(url))));
        }
        outputs
    }

    fn connect(spec: &MicroServiceSpec, peer: &Peer, _: Access, around: &Around<'_>) -> Option<Connection> {
        let mut connection = Connection::default();
        if spec.discovery == Some(true) {
            let Some(port) = spec.ports.iter().flatten().next() else {
                connection.problem = Some(format!("{} opens no port: there is nothing to connect to", peer.id));
                return Some(connection);
            };
            let host = host(&peer.id, around);
            connection.env = vec![
                ("URL", json!(format!("http://{host}:{}", port.port))),
                ("HOST", json!(host)),
                ("PORT", json!(port.port.to_string())),
            ];
            connection.ports = vec![(expr::reference(&peer.id.at("SecurityGroup"), "GroupId"), port.port)];
        } else if let Some(url) = traffic::url(spec, around) {
            connection.env = vec![("URL", url)];
        } else {
            let message = "cannot be reached: give it `discovery: true` (a name inside of the VPC), or an `ingress`";
            connection.problem = Some(format!("{} {message}", peer.id));
        }
        Some(connection)
    }

    fn expand(spec: &MicroServiceSpec, to: &mut Expansion<'_>) {
        check(spec, to);
        let Some(net) = networking::of(to, "/networking", spec.networking.as_deref()) else { return };
        let tags = to.tag_list();
        group::add("SecurityGroup", &format!("tasks of {}", to.id), &net.vpc, to);
        group::open_out("Egress", "SecurityGroup", "images, logs, AWS and what it uses", to);
        let cluster = to.scope.stack.clone() + "-" + &to.scope.env;
        let cluster = to.share("Cluster", "AWS::ECS::Cluster", json!({"ClusterName": cluster}));
        let user =
            User { role_name: to.sibling("TaskRole", "RoleName"), group: to.sibling("SecurityGroup", "GroupId") };
        let used = crate::uses::expand(spec.uses.as_deref().unwrap_or_default(), &user, to);
        let mut first: Vec<_> = used.first.iter().map(|role| to.id.at(role)).collect();
        first.push(to.id.at("Egress"));
        first.extend(task::add(spec, &used, to));
        let balancers = traffic::add(spec, &net, to, &mut first);
        let registries = discovery(spec, &net, to);
        let (subnets, tier, ready) = if spec.public == Some(true) {
            (&net.public, "public", &net.public_first)
        } else {
            (&net.private, "private", &net.private_first)
        };
        if subnets.is_empty() {
            to.problem("", format!("{} has no {tier} subnets, and its tasks stand in them", net.name));
        }
        first.extend(ready.iter().cloned());
        let own = [to.sibling("SecurityGroup", "GroupId")].into_iter();
        let groups: Vec<Value> = own.chain(spec.security_groups.iter().flatten().map(|it| it.value.clone())).collect();
        let network = json!({"AwsvpcConfiguration": {
            "Subnets": networking::Net::ids(subnets),
            "SecurityGroups": groups,
            "AssignPublicIp": if spec.public == Some(true) { "ENABLED" } else { "DISABLED" },
        }});
        let properties = json!({
            "Cluster": expr::reference(&cluster, "ClusterName"),
            "TaskDefinition": to.sibling("TaskDefinition", "TaskDefinitionArn"),
            "DesiredCount": scaling::count(spec),
            "LaunchType": "FARGATE",
            "NetworkConfiguration": network,
            "LoadBalancers": balancers,
            "HealthCheckGracePeriodSeconds": traffic::grace(spec),
            "DeploymentConfiguration": deployment(spec),
            "EnableExecuteCommand": spec.exec.unwrap_or(false),
            "EnableECSManagedTags": true,
            "PropagateTags": "SERVICE",
            "ServiceRegistries": registries,
            "Tags": tags,
        });
        to.add("Service", "AWS::ECS::Service", properties).after.extend(first);
        scaling::add(spec, &cluster, to);
    }
}

/// `api` in the stack `shop` of `dev` is found as `api.shop-dev.internal`.
fn host(id: &ComponentId, around: &Around<'_>) -> String {
    format!("{}.{}", id.name, namespace(around))
}

fn namespace(around: &Around<'_>) -> String {
    format!("{}-{}.internal", around.scope.stack, around.scope.env)
}

fn discovery(spec: &MicroServiceSpec, net: &networking::Net, to: &mut Expansion<'_>) -> Option<Value> {
    spec.discovery.filter(|on| *on)?;
    let several = to.around.count("Networking") > 1;
    let role = if several { format!("Namespace{}", pascal(&net.name)) } else { "Namespace".to_owned() };
    let name = namespace(to.around);
    let namespace = json!({"Name": name, "Vpc": net.vpc});
    let namespace = to.share(&role, "AWS::ServiceDiscovery::PrivateDnsNamespace", namespace);
    let (name, tags) = (to.id.name.clone(), to.tag_list());
    let properties = json!({
        "Name": name,
        "NamespaceId": expr::reference(&namespace, "Id"),
        "DnsConfig": {"DnsRecords": [{"Type": "A", "TTL": 10}], "RoutingPolicy": "MULTIVALUE"},
        "Tags": tags,
    });
    to.add("Discovery", "AWS::ServiceDiscovery::Service", properties);
    Some(json!([{"RegistryArn": to.sibling("Discovery", "Arn")}]))
}

fn deployment(spec: &MicroServiceSpec) -> Value {
    let it = spec.deployment.clone().unwrap_or_default();
    let enable = it.circuit_breaker.unwrap_or(false);
    json!({
        "MinimumHealthyPercent": it.min_healthy,
        "MaximumPercent": it.max_percent,
        "DeploymentCircuitBreaker": {"Enable": enable, "Rollback": enable && it.circuit_breaker_rollback.unwrap_or(false)},
    })
}

/// The port that a name or number means among those that the main container opens.
fn port<'s>(spec: &'s MicroServiceSpec, name: Option<&PortName>) -> Result<&'s Port, String> {
    let all = spec.ports.as_deref().unwrap_or_default();
    let list = || all.iter().map(|it| format!("{} ({})", it.name, it.port)).collect::<Vec<_>>().join(", ");
    let found = match name {
        None if all.len() == 1 => all.first(),
        None if all.is_empty() => return Err("it opens no port: add `ports: [{name: http, port: 8080}]`".to_owned()),
        None => return Err(format!("say which port: {}", list())),
        Some(PortName::Name(name)) => all.iter().find(|it| it.name == *name),
        Some(PortName::Number(number)) => all.iter().find(|it| it.port == *number),
    };
    let opened = || if all.is_empty() { "it opens none".to_owned() } else { format!("it opens {}", list()) };
    found.ok_or_else(|| format!("no container opens this port; {}", opened()))
}

fn check(spec: &MicroServiceSpec, to: &mut Expansion<'_>) {
    if let Some((field, message)) = fargate::misfit(spec.cpu, spec.memory) {
        to.problem(field, message);
    }
    to.within("/scratch", spec.scratch, 21, 200);
    for (index, it) in spec.ports.iter().flatten().enumerate() {
        to.within(&format!("/ports/{index}/port"), Some(it.port), 1, 65_535);
        if spec.ports.iter().flatten().take(index).any(|other| other.port == it.port) {
            to.problem(&format!("/ports/{index}/port"), format!("port {} is opened twice", it.port));
        }
    }
    let it = spec.deployment.clone().unwrap_or_default();
    to.within("/deployment/minHealthy", it.min_healthy, 0, 100);
    to.within("/deployment/maxPercent", it.max_percent, 100, 400);
    if it.min_healthy == Some(100) && it.max_percent == Some(100) {
        to.problem(
            "/deployment",
            "with 100% at least and 100% at most no task can be replaced: raise `maxPercent` or lower `minHealthy`",
        );
    }
}
