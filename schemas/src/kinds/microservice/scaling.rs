//! How many tasks: a fixed number, or what the load asks for between two bounds.

use deployer_engine::{address::Address, expr};
use serde_json::{Value, json};

use super::{
    spec::{MicroServiceSpec, Replicas, Scaled},
    traffic,
};
use crate::kinds::Expansion;

const DIMENSION: &str = "ecs:service:DesiredCount";

/// The stated number; none under autoscaling, where it is AWS's to move, and if nothing is said: a new service starts with one
/// task, and one that is there keeps what it has.
pub(super) fn count(spec: &MicroServiceSpec) -> Option<i64> {
    match &spec.replicas {
        None | Some(Replicas::Scaled(_)) => None,
        Some(Replicas::Fixed(count)) => Some(*count),
    }
}

pub(super) fn add(spec: &MicroServiceSpec, cluster: &Address, to: &mut Expansion<'_>) {
    let it = match &spec.replicas {
        Some(Replicas::Scaled(it)) => it,
        Some(Replicas::Fixed(count)) => return to.within("/replicas", Some(*count), 0, 5_000),
        None => return,
    };
    check(it, to);
    let service = to.sibling("Service", "Name");
    let id = expr::join(vec![json!("service/"), expr::reference(cluster, "ClusterName"), json!("/"), service]);
    let target = json!({
        "ServiceNamespace": "ecs",
        "ResourceId": id,
        "ScalableDimension": DIMENSION,
        "MinCapacity": it.min,
        "MaxCapacity": it.max,
    });
    to.add("ScalableTarget", "AWS::ApplicationAutoScaling::ScalableTarget", target);
    let metric = |name: &str| json!({"PredefinedMetricType": name});
    if let Some(percent) = it.target_cpu {
        policy("Cpu", percent, metric("ECSServiceAverageCPUUtilization"), it, &id, to);
    }
    if let Some(percent) = it.target_memory {
        policy("Memory", percent, metric("ECSServiceAverageMemoryUtilization"), it, &id, to);
    }
    if let Some(requests) = it.target_requests {
        match traffic::label(spec, to) {
            Some(label) => {
                let metric = json!({"PredefinedMetricType": "ALBRequestCountPerTarget", "ResourceLabel": label});
                policy("Requests", requests, metric, it, &id, to);
            }
            None => {
                to.problem("/replicas/targetRequests", "requests are counted by a load balancer: it needs an `ingress`")
            }
        }
    }
}

fn policy(what: &str, target: i64, metric: Value, it: &Scaled, id: &Value, to: &mut Expansion<'_>) {
    let properties = json!({
        "PolicyName": what.to_lowercase(),
        "PolicyType": "TargetTrackingScaling",
        "ServiceNamespace": "ecs",
        "ResourceId": id,
        "ScalableDimension": DIMENSION,
        "TargetTrackingScalingPolicyConfiguration": {
            "TargetValue": target,
            "PredefinedMetricSpecification": metric,
            "ScaleInCooldown": it.scale_in_cooldown.map(|it| it.0),
            "ScaleOutCooldown": it.scale_out_cooldown.map(|it| it.0),
        },
    });
    let registered = to.id.at("ScalableTarget");
    to.add(&format!("{what}Scaling"), "AWS::ApplicationAutoScaling::ScalingPolicy", properties).after.push(registered);
}

fn check(it: &Scaled, to: &mut Expansion<'_>) {
    to.within("/replicas/min", Some(it.min), 0, 5_000);
    to.within("/replicas/max", Some(it.max), 1, 5_000);
    to.within("/replicas/targetCpu", it.target_cpu, 1, 100);
    to.within("/replicas/targetMemory", it.target_memory, 1, 100);
    to.within("/replicas/targetRequests", it.target_requests, 1, 1_000_000);
    to.within("/replicas/scaleInCooldown", it.scale_in_cooldown.map(|it| it.0), 0, 3_600);
    to.within("/replicas/scaleOutCooldown", it.scale_out_cooldown.map(|it| it.0), 0, 3_600);
    if it.min > it.max {
        to.problem(
            "/replicas/min",
            format!("`min` is {} and `max` is {}: the least is more than the most", it.min, it.max),
        );
    }
    if it.target_cpu.is_none() && it.target_memory.is_none() && it.target_requests.is_none() {
        to.problem(
            "/replicas",
            "say what it scales by: `targetCpu`, `targetMemory` or `targetRequests`; or write a plain number",
        );
    }
}
