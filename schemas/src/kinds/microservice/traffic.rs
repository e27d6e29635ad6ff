//! How requests reach a service: its target group, its rules on the load balancer's listeners, and the two security-group
//! rules that let them through.

use deployer_engine::{address::Address, expr};
use serde_json::{Value, json};

use super::{
    MicroService, port,
    spec::{Codes, Ingress, MicroServiceSpec, Port, TargetCheck},
};
use crate::{
    around::{Around, Peer},
    kinds::{
        Expansion, Kind, Problem,
        ingress::{Ingress as IngressKind, IngressSpec},
        networking::Net,
    },
};

/// The Ingress that a service stands behind: the one named, or the only one.
fn via<'a>(it: &Ingress, around: &Around<'a>) -> Option<&'a Peer> {
    match &it.via {
        Some(name) => around.peer(name).ok().filter(|peer| peer.id.kind == IngressKind::KIND),
        None => around.of_kind(IngressKind::KIND).next().filter(|_| around.count(IngressKind::KIND) == 1),
    }
}

/// Where clients find it from outside; none if it has no ingress.
pub(super) fn url(spec: &MicroServiceSpec, around: &Around<'_>) -> Option<Value> {
    let it = spec.ingress.as_ref()?;
    let peer = via(it, around)?;
    match &it.host {
        Some(host) => {
            let (scheme, port) = peer.decode::<IngressSpec>()?.address()?;
            Some(json!(format!("{scheme}{host}{port}")))
        }
        None => around.output(peer, "url"),
    }
}

/// How long failed health checks of a new task do not count.
pub(super) fn grace(spec: &MicroServiceSpec) -> Option<i64> {
    spec.ingress.as_ref().map(|it| it.grace_period.map_or(60, |it| it.0))
}

/// What its requests are counted by: load balancer and target group.
pub(super) fn label(spec: &MicroServiceSpec, to: &Expansion<'_>) -> Option<Value> {
    let peer = via(spec.ingress.as_ref()?, to.around)?;
    let balancer = expr::reference(&peer.id.at("LoadBalancer"), "LoadBalancerFullName");
    Some(expr::join(vec![balancer, json!("/"), to.sibling("TargetGroup", "TargetGroupFullName")]))
}

/// The service's `LoadBalancers`; what has to stand before it goes to `first`.
pub(super) fn add(
    spec: &MicroServiceSpec,
    net: &Net,
    to: &mut Expansion<'_>,
    first: &mut Vec<Address>,
) -> Option<Value> {
    let it = spec.ingress.as_ref()?;
    let (peer, ingress) = find(it, to)?;
    check(it, to);
    let port = match port(spec, it.port.as_ref()) {
        Ok(port) => port,
        Err(message) => {
            to.problem(if it.port.is_some() { "/ingress/port" } else { "/ingress" }, message);
            return None;
        }
    };
    target_group(it, peer, port, net, to);
    for listener in ingress.serving() {
        first.push(rule(it, peer, listener.port, to));
    }
    let (balancer, own) =
        (expr::reference(&peer.id.at("SecurityGroup"), "GroupId"), to.sibling("SecurityGroup", "GroupId"));
    let description = format!("requests from {} to {}", peer.id, to.id);
    let rule = |group: &Value| json!({"GroupId": group, "IpProtocol": "tcp", "FromPort": port.port, "ToPort": port.port, "Description": description});
    let mut lets_in = rule(&own);
    lets_in["SourceSecurityGroupId"] = balancer.clone();
    to.add("FromIngress", "AWS::EC2::SecurityGroupIngress", lets_in);
    let mut lets_out = rule(&balancer);
    lets_out["DestinationSecurityGroupId"] = own;
    to.add("IngressOut", "AWS::EC2::SecurityGroupEgress", lets_out);
    first.extend([to.id.at("FromIngress"), to.id.at("IngressOut")]);
    let group = to.sibling("TargetGroup", "TargetGroupArn");
    Some(json!([{"TargetGroupArn": group, "ContainerName": to.id.name, "ContainerPort": port.port}]))
}

fn find<'a>(it: &Ingress, to: &mut Expansion<'a>) -> Option<(&'a Peer, IngressSpec)> {
    if let Some(name) = &it.via {
        return to.peer_of::<IngressKind>("/ingress/via", name);
    }
    let all: Vec<&Peer> = to.around.of_kind(IngressKind::KIND).collect();
    match (all.as_slice(), to.around.count(IngressKind::KIND)) {
        ([one], 1) => return Some((one, one.decode()?)),
        ([], 0) => to.problem("/ingress", "there is no load balancer: add a component of `kind: Ingress`"),
        (_, 1) => {}
        (all, _) => {
            let names: Vec<&str> = all.iter().map(|peer| peer.id.name.as_str()).collect();
            to.problem("/ingress", format!("say through which load balancer with `via`: {}", names.join(", ")));
        }
    }
    None
}

fn target_group(it: &Ingress, peer: &Peer, port: &Port, net: &Net, to: &mut Expansion<'_>) {
    let check = it.health_check.clone().unwrap_or_default();
    let attribute = |key: &str, value: String| json!({"Key": key, "Value": value});
    let mut attributes = vec![attribute(
        "deregistration_delay.timeout_seconds",
        it.deregistration_delay.map_or(30, |it| it.0).to_string(),
    )];
    if let Some(time) = it.stickiness {
        attributes.push(attribute("stickiness.enabled", "true".to_owned()));
        attributes.push(attribute("stickiness.type", "lb_cookie".to_owned()));
        attributes.push(attribute("stickiness.lb_cookie.duration_seconds", time.0.to_string()));
    }
    let codes = match &check.codes {
        None => "200".to_owned(),
        Some(Codes::One(code)) => code.to_string(),
        Some(Codes::Several(codes)) => codes.clone(),
    };
    let properties = json!({
        "Port": port.port,
        "Protocol": "HTTP",
        "TargetType": "ip",
        "VpcId": net.vpc,
        "LoadBalancerArns": [expr::reference(&peer.id.at("LoadBalancer"), "LoadBalancerArn")],
        "HealthCheckPath": check.path.clone().unwrap_or_else(|| "/".to_owned()),
        "HealthCheckIntervalSeconds": check.interval.map_or(15, |it| it.0),
        "HealthCheckTimeoutSeconds": check.timeout.map_or(5, |it| it.0),
        "HealthyThresholdCount": check.healthy.unwrap_or(2),
        "UnhealthyThresholdCount": check.unhealthy.unwrap_or(3),
        "Matcher": {"HttpCode": codes},
        "TargetGroupAttributes": attributes,
        "Tags": to.tag_list(),
    });
    to.add("TargetGroup", "AWS::ElasticLoadBalancingV2::TargetGroup", properties);
}

fn rule(it: &Ingress, peer: &Peer, port: i64, to: &mut Expansion<'_>) -> Address {
    let mut conditions = Vec::new();
    conditions.extend(it.host.as_ref().map(|host| json!({"Field": "host-header", "Values": [host]})));
    conditions.extend(it.paths.as_ref().map(|paths| json!({"Field": "path-pattern", "Values": paths})));
    if conditions.is_empty() {
        conditions.push(json!({"Field": "path-pattern", "Values": ["/*"]}));
    }
    let properties = json!({
        "ListenerArn": expr::reference(&peer.id.at(format!("Listener{port}")), "ListenerArn"),
        "Priority": it.priority.unwrap_or_else(|| priority(it, to)),
        "Conditions": conditions,
        "Actions": [{"Type": "forward", "TargetGroupArn": to.sibling("TargetGroup", "TargetGroupArn")}],
        "Tags": to.tag_list(),
    });
    let role = format!("Rule{port}");
    let chosen = Some("/Priority".to_owned()).filter(|_| it.priority.is_none());
    to.add(&role, "AWS::ElasticLoadBalancingV2::ListenerRule", properties).chosen = chosen;
    to.id.at(role)
}

/// What is more particular comes first: a host before none, long paths before short ones; the rest is a matter of the name.
fn priority(it: &Ingress, to: &Expansion<'_>) -> i64 {
    let plain = |path: &String| path.chars().take_while(|c| *c != '*' && *c != '?').count();
    let length = it.paths.iter().flatten().map(plain).min().unwrap_or(0).min(40);
    let length = i64::try_from(length).unwrap_or(0);
    let spread = to.id.to_string().bytes().fold(7_i64, |sum, byte| (sum * 31 + i64::from(byte)) % 400);
    let host = if it.host.is_some() { 0 } else { 20_000 };
    1 + host + (40 - length) * 400 + spread
}

fn check(it: &Ingress, to: &mut Expansion<'_>) {
    to.within("/ingress/priority", it.priority, 1, 50_000);
    to.within("/ingress/stickiness", it.stickiness.map(|it| it.0), 1, 604_800);
    to.within("/ingress/deregistrationDelay", it.deregistration_delay.map(|it| it.0), 0, 3_600);
    to.within("/ingress/gracePeriod", it.grace_period.map(|it| it.0), 0, 2_147_483_647);
    check_target(&it.health_check.clone().unwrap_or_default(), to);
    let values = it.paths.as_ref().map_or(0, Vec::len) + usize::from(it.host.is_some());
    if values > 5 {
        to.problem("/ingress/paths", format!("a rule compares with five values at most, and these are {values}"));
    }
    if it.paths.as_ref().is_some_and(Vec::is_empty) {
        to.problem("/ingress/paths", "no path is named: leave `paths` out for all of them");
    }
    for (index, path) in it.paths.iter().flatten().enumerate() {
        if !path.starts_with('/') && !path.starts_with('*') {
            to.problem(&format!("/ingress/paths/{index}"), format!("a path starts with a slash: `/{path}`"));
        }
    }
    claimed_twice(it, to);
}

fn check_target(it: &TargetCheck, to: &mut Expansion<'_>) {
    let at = |field: &str| format!("/ingress/healthCheck/{field}");
    to.within(&at("interval"), it.interval.map(|it| it.0), 5, 300);
    to.within(&at("timeout"), it.timeout.map(|it| it.0), 2, 120);
    to.within(&at("healthy"), it.healthy, 2, 10);
    to.within(&at("unhealthy"), it.unhealthy, 2, 10);
    let (interval, timeout) = (it.interval.map_or(15, |it| it.0), it.timeout.map_or(5, |it| it.0));
    if timeout >= interval {
        to.problem(
            &at("timeout"),
            format!(
                "an answer may take {timeout} s and is asked for every {interval} s: the timeout has to be shorter"
            ),
        );
    }
    if let Some(path) = it.path.as_ref().filter(|path| !path.starts_with('/')) {
        to.problem(&at("path"), format!("a path starts with a slash: `/{path}`"));
    }
}

/// Two services that claim the same host and path: the second would never be asked.
fn claimed_twice(it: &Ingress, to: &mut Expansion<'_>) {
    let Some(mine) = via(it, to.around).map(|peer| peer.id.clone()) else { return };
    let paths = |it: &Ingress| it.paths.clone().unwrap_or_else(|| vec!["/*".to_owned()]);
    let wanted = paths(it);
    for other in to.around.of_kind(MicroService::KIND).filter(|peer| peer.id < *to.id) {
        let Some(theirs) = other.decode::<MicroServiceSpec>().and_then(|spec| spec.ingress) else { continue };
        let same = via(&theirs, to.around).is_some_and(|peer| peer.id == mine) && theirs.host == it.host;
        let Some(place) = wanted.iter().position(|path| same && paths(&theirs).contains(path)) else { continue };
        let host = it.host.as_ref().map(|host| format!("{host} ")).unwrap_or_default();
        let message =
            format!("{host}{} is claimed by {} too: one of them would never be asked", wanted[place], other.id);
        let at = if it.paths.is_some() { format!("/ingress/paths/{place}") } else { "/ingress".to_owned() };
        let related = Some((other.id.clone(), "/ingress".to_owned(), format!("the claim of {}", other.id)));
        to.problems.push(Problem { code: "claimed-twice", related, ..Problem::error(&at, message) });
    }
}
