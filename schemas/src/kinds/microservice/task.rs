//! The task definition, and the roles and the log group that it needs.
//!
//! Two roles: one fetches the image, writes logs and reads secrets before the container runs; the other is what the container
//! acts as. Each may do what this service needs and nothing else.

use std::collections::BTreeMap;

use deployer_engine::{
    address::Address,
    expr::{self, Hole},
    lookup::{Lookup, PARAMETER, SECRET},
};
use serde_json::{Value, json};

use super::spec::{Architecture, HealthCheck, MicroServiceSpec, Plain, Port, Secret, Sidecar, Transport};
use crate::{input::Input, kinds::Expansion, uses::Used};

/// How many days CloudWatch can keep logs.
const RETENTIONS: [i64; 23] =
    [1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1_096, 1_827, 2_192, 2_557, 2_922, 3_288, 3_653, 0];

/// What ECS has to read before a container runs.
#[derive(Default)]
struct Reads {
    secrets: Vec<Value>,
    parameters: Vec<Value>,
    repositories: Vec<Value>,
}

/// Adds them; what has to stand before the service starts.
pub(super) fn add(spec: &MicroServiceSpec, used: &Used, to: &mut Expansion<'_>) -> Vec<Address> {
    logs(spec, to);
    let mut reads = Reads { secrets: used.reads.clone(), ..Reads::default() };
    let mut containers = vec![main(spec, used, &mut reads, to)];
    for (index, it) in spec.sidecars.iter().flatten().enumerate() {
        if it.name == to.id.name || spec.sidecars.iter().flatten().take(index).any(|other| other.name == it.name) {
            to.problem(&format!("/sidecars/{index}/name"), format!("two containers would be called `{}`", it.name));
        }
        containers.push(sidecar(index, it, &mut reads, to));
    }
    let mut first = roles(spec, &reads, to);
    let platform = match spec.architecture.unwrap_or_default() {
        Architecture::X86 => "X86_64",
        Architecture::Arm64 => "ARM64",
    };
    let properties = json!({
        "ContainerDefinitions": containers,
        "Cpu": spec.cpu.to_string(),
        "Memory": spec.memory.to_string(),
        "NetworkMode": "awsvpc",
        "RequiresCompatibilities": ["FARGATE"],
        "ExecutionRoleArn": to.sibling("ExecutionRole", "Arn"),
        "TaskRoleArn": to.sibling("TaskRole", "Arn"),
        "RuntimePlatform": {"CpuArchitecture": platform, "OperatingSystemFamily": "LINUX"},
        "EphemeralStorage": spec.scratch.map(|size| json!({"SizeInGiB": size})),
        "Tags": to.tag_list(),
    });
    to.add("TaskDefinition", "AWS::ECS::TaskDefinition", properties);
    first.push(to.id.at("LogGroup"));
    first
}

fn logs(spec: &MicroServiceSpec, to: &mut Expansion<'_>) {
    let days = spec.logs.as_ref().and_then(|it| it.retention);
    if let Some(days) = days.filter(|days| !RETENTIONS.contains(days) || *days == 0) {
        let near = RETENTIONS.iter().min_by_key(|it| (**it - days).abs()).copied().unwrap_or(30);
        to.problem("/logs/retention", format!("CloudWatch keeps logs for 1, 3, 5, 7, 14, 30, 60, 90 days and so on, not for {days}; the nearest is {near}"));
    }
    let tags = to.tag_list();
    to.add("LogGroup", "AWS::Logs::LogGroup", json!({"RetentionInDays": days, "Tags": tags}));
}

fn main(spec: &MicroServiceSpec, used: &Used, reads: &mut Reads, to: &mut Expansion<'_>) -> Value {
    let (mut env, mut secrets) = variables("", spec.env.as_ref(), spec.secrets.as_ref(), reads, to);
    for (name, value) in &used.env {
        // What the user states wins over what a use gives.
        if !secrets.contains_key(name) {
            env.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    for (name, from) in &used.secrets {
        if !env.contains_key(name) {
            secrets.entry(name.clone()).or_insert_with(|| from.clone());
        }
    }
    image("/image", &spec.image, reads, to);
    json!({
        "Name": to.id.name,
        "Image": spec.image.value,
        "Essential": true,
        "Command": spec.command,
        "EntryPoint": spec.entry_point,
        "Environment": list(&env, "Value"),
        "Secrets": list(&secrets, "ValueFrom"),
        "PortMappings": ports(spec.ports.as_deref()),
        "HealthCheck": spec.health_check.as_ref().map(|it| health("/healthCheck", it, to)),
        "LogConfiguration": log_driver(&to.id.name, to),
    })
}

fn sidecar(index: usize, it: &Sidecar, reads: &mut Reads, to: &mut Expansion<'_>) -> Value {
    let at = format!("/sidecars/{index}");
    let (env, secrets) = variables(&at, it.env.as_ref(), it.secrets.as_ref(), reads, to);
    image(&format!("{at}/image"), &it.image, reads, to);
    json!({
        "Name": it.name,
        "Image": it.image.value,
        "Essential": it.essential.unwrap_or(true),
        "Cpu": it.cpu,
        "Memory": it.memory,
        "Command": it.command,
        "EntryPoint": it.entry_point,
        "Environment": list(&env, "Value"),
        "Secrets": list(&secrets, "ValueFrom"),
        "PortMappings": ports(it.ports.as_deref()),
        "HealthCheck": it.health_check.as_ref().map(|check| health(&format!("{at}/healthCheck"), check, to)),
        "LogConfiguration": log_driver(&it.name, to),
    })
}

/// By name; none if there are none.
fn list(all: &BTreeMap<String, Value>, field: &str) -> Option<Vec<Value>> {
    let all: Vec<Value> = all.iter().map(|(name, value)| json!({"Name": name, field: value})).collect();
    Some(all).filter(|all| !all.is_empty())
}

fn ports(all: Option<&[Port]>) -> Option<Vec<Value>> {
    let protocol = |it: &Port| if it.protocol == Some(Transport::Udp) { "udp" } else { "tcp" };
    let port = |it: &Port| json!({"Name": it.name, "ContainerPort": it.port, "Protocol": protocol(it)});
    all.map(|all| all.iter().map(port).collect())
}

fn log_driver(container: &str, to: &Expansion<'_>) -> Value {
    json!({"LogDriver": "awslogs", "Options": {
        "awslogs-group": to.sibling("LogGroup", "LogGroupName"),
        "awslogs-region": to.scope.region,
        "awslogs-stream-prefix": container,
    }})
}

fn health(at: &str, it: &HealthCheck, to: &mut Expansion<'_>) -> Value {
    to.within(&format!("{at}/interval"), it.interval.map(|it| it.0), 5, 300);
    to.within(&format!("{at}/timeout"), it.timeout.map(|it| it.0), 2, 120);
    to.within(&format!("{at}/retries"), it.retries, 1, 10);
    to.within(&format!("{at}/startPeriod"), it.start_period.map(|it| it.0), 0, 300);
    if it.command.is_empty() {
        to.problem(&format!("{at}/command"), "no command is named");
    }
    // One word is a line for the shell; several are a program and its arguments.
    let start = if it.command.len() == 1 { "CMD-SHELL" } else { "CMD" };
    let command: Vec<&str> = if matches!(it.command.first().map(String::as_str), Some("CMD" | "CMD-SHELL" | "NONE")) {
        it.command.iter().map(String::as_str).collect()
    } else {
        std::iter::once(start).chain(it.command.iter().map(String::as_str)).collect()
    };
    json!({
        "Command": command,
        "Interval": it.interval.map(|it| it.0),
        "Timeout": it.timeout.map(|it| it.0),
        "Retries": it.retries,
        "StartPeriod": it.start_period.map(|it| it.0),
    })
}

type Variables = BTreeMap<String, Value>;

/// Plain variables, and those that ECS takes from elsewhere.
fn variables(
    at: &str,
    env: Option<&BTreeMap<String, Input<Plain>>>,
    secrets: Option<&BTreeMap<String, Secret>>,
    reads: &mut Reads,
    to: &mut Expansion<'_>,
) -> (Variables, Variables) {
    let (mut plain, mut taken) = (Variables::new(), Variables::new());
    for (name, it) in env.into_iter().flatten() {
        let at = format!("{at}/env/{}", deployer_engine::diff::escape(name));
        match expr::hole(&it.value) {
            Some(Hole::Secret(place)) => {
                let secret: Secret = serde_json::from_value(place.clone()).unwrap_or_default();
                taken.extend(from(&at, &secret, reads, to).map(|from| (name.clone(), from)));
            }
            Some(_) => drop(plain.insert(name.clone(), it.value.clone())),
            None => {
                let text = it.value.as_str().map_or_else(|| it.value.to_string(), str::to_owned);
                plain.insert(name.clone(), json!(text));
            }
        }
    }
    for (name, secret) in secrets.into_iter().flatten() {
        let at = format!("{at}/secrets/{}", deployer_engine::diff::escape(name));
        if plain.contains_key(name) || taken.contains_key(name) {
            to.problem(&at, format!("`{name}` stands in `env` too"));
        }
        taken.extend(from(&at, secret, reads, to).map(|from| (name.clone(), from)));
    }
    (plain, taken)
}

/// What ECS is told of a secret's place: an ARN, perhaps with a field. AWS is asked whether it is there.
fn from(at: &str, it: &Secret, reads: &mut Reads, to: &mut Expansion<'_>) -> Option<Value> {
    match (&it.secret, &it.ssm) {
        (Some(secret), None) => {
            let arn = match secret.value.as_str() {
                Some(name) => ask(at, SECRET, "secretsmanager", &format!("secret:{name}"), name, to),
                None => secret.value.clone(),
            };
            if !reads.secrets.contains(&arn) {
                reads.secrets.push(arn.clone());
            }
            Some(match &it.key {
                Some(key) => expr::join(vec![arn, json!(format!(":{key}::"))]),
                None => arn,
            })
        }
        (None, Some(name)) => {
            if it.key.is_some() {
                to.problem(&format!("{at}/key"), "only a secret of Secrets Manager has fields");
            }
            let arn = ask(at, PARAMETER, "ssm", &format!("parameter/{}", name.trim_start_matches('/')), name, to);
            reads.parameters.push(arn.clone());
            Some(arn)
        }
        _ => {
            to.problem(at, "a secret is {secret: NAME} or {ssm: NAME}");
            None
        }
    }
}

fn ask(at: &str, kind: &str, service: &str, rest: &str, name: &str, to: &Expansion<'_>) -> Value {
    let scope = to.scope;
    let stand_in = || json!(format!("arn:{}:{service}:{}:{}:{rest}", scope.partition, scope.region, scope.account));
    to.around.ask(to.id, at, Lookup::new(kind, json!({"name": name})), stand_in).value
}

/// An image without a tag may be another one tomorrow. One of ECR needs a permission.
fn image(at: &str, it: &Input<String>, reads: &mut Reads, to: &mut Expansion<'_>) {
    let Some(text) = it.value.as_str() else { return };
    let (host, path) = text.split_once('/').unwrap_or(("", text));
    let last = text.rsplit('/').next().unwrap_or(text);
    if text.is_empty() {
        return to.problem(at, "no image is named");
    }
    if !last.contains(':') && !last.contains('@') {
        to.warning(
            at,
            format!("`{text}` has no tag: `latest` is meant, and that may be another image at each start of a task"),
        );
    }
    if let [account, "dkr", "ecr", region, ..] = host.split('.').collect::<Vec<_>>().as_slice() {
        let repository = path.split(['@', ':']).next().unwrap_or(path);
        let arn = json!(format!("arn:{}:ecr:{region}:{account}:repository/{repository}", to.scope.partition));
        if !reads.repositories.contains(&arn) {
            reads.repositories.push(arn);
        }
    }
}

fn roles(spec: &MicroServiceSpec, reads: &Reads, to: &mut Expansion<'_>) -> Vec<Address> {
    role("ExecutionRole", "execution", "starts tasks", to);
    role("TaskRole", "task", "what its containers act as", to);
    let allow = |actions: &[&str], resource: Value| json!({"Effect": "Allow", "Action": actions, "Resource": resource});
    let streams = expr::join(vec![to.sibling("LogGroup", "Arn"), json!(":*")]);
    let mut statements = vec![allow(&["logs:CreateLogStream", "logs:PutLogEvents"], streams)];
    if !reads.repositories.is_empty() {
        statements.push(allow(&["ecr:GetAuthorizationToken"], json!("*")));
        let pull = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"];
        statements.push(allow(&pull, json!(reads.repositories)));
    }
    if !reads.secrets.is_empty() {
        statements.push(allow(&["secretsmanager:GetSecretValue"], json!(reads.secrets)));
    }
    if !reads.parameters.is_empty() {
        statements.push(allow(&["ssm:GetParameters"], json!(reads.parameters)));
    }
    let mut first = vec![policy("ExecutionPolicy", "ExecutionRole", "execution", statements, to)];
    let mut own = spec.permissions.as_ref().map(crate::input::Policy::statements).unwrap_or_default();
    if spec.exec == Some(true) {
        let channels = ["CreateControlChannel", "CreateDataChannel", "OpenControlChannel", "OpenDataChannel"];
        let actions: Vec<String> = channels.iter().map(|name| format!("ssmmessages:{name}")).collect();
        own.push(json!({"Effect": "Allow", "Action": actions, "Resource": "*"}));
    }
    if !own.is_empty() {
        first.push(policy("TaskPolicy", "TaskRole", "task", own, to));
    }
    first.extend([to.id.at("ExecutionRole"), to.id.at("TaskRole")]);
    first
}

fn role(role: &str, part: &str, what: &str, to: &mut Expansion<'_>) {
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow",
        "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        "Action": "sts:AssumeRole",
    }]});
    let (tags, description) = (to.tag_list(), format!("{}: {what}", to.id));
    let properties = json!({"AssumeRolePolicyDocument": trust, "Description": description, "Tags": tags});
    to.add(role, "AWS::IAM::Role", properties).name_part = Some(part.to_owned());
}

fn policy(role: &str, of: &str, name: &str, statements: Vec<Value>, to: &mut Expansion<'_>) -> Address {
    let properties = json!({
        "RoleName": to.sibling(of, "RoleName"),
        "PolicyName": name,
        "PolicyDocument": {"Version": "2012-10-17", "Statement": statements},
    });
    to.add(role, "AWS::IAM::RolePolicy", properties);
    to.id.at(role)
}
