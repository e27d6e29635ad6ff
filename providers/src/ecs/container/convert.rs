//! Containers as the calls take and tell them, and without what ECS fills in.

use aws_sdk_ecs::types::{
    ContainerCondition, ContainerDefinition, ContainerDependency, HealthCheck, KeyValuePair, LogConfiguration,
    LogDriver, PortMapping, Secret, TransportProtocol,
};
use deployer_engine::error::{Error, Result};
use serde_json::{Value, json};

use super::{Container, Dependency, Health, Logs, Port, SecretVariable, Variable};

/// What ECS fills into a container, a port and a health check.
const FILLED: [(&str, &str); 7] = [
    ("Essential", "true"),
    ("Cpu", "0"),
    ("Protocol", "\"tcp\""),
    ("Interval", "30"),
    ("Timeout", "5"),
    ("Retries", "3"),
    ("StartPeriod", "0"),
];

/// Containers without what ECS fills in, each list by name.
pub(in crate::ecs) fn plain_containers(value: &Value) -> Value {
    let mut all: Vec<Value> = value.as_array().into_iter().flatten().map(plain).collect();
    all.sort_by_key(|it| it["Name"].to_string());
    all.into()
}

fn plain(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let filled = |key: &str, item: &Value| {
                let told = item.to_string();
                FILLED.iter().any(|(name, text)| key == *name && told == *text)
            };
            let same_port = |key: &str, item: &Value| {
                key == "HostPort" && (map.get("ContainerPort") == Some(item) || *item == json!(0))
            };
            let empty = |item: &Value| item.as_array().is_some_and(Vec::is_empty) || item.is_null();
            let kept = map.iter().filter(|(key, item)| !filled(key, item) && !same_port(key, item) && !empty(item));
            kept.map(|(key, item)| (key.clone(), if key == "Options" { item.clone() } else { plain(item) }))
                .collect::<serde_json::Map<_, _>>()
                .into()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(plain).collect();
            if items.iter().all(Value::is_object) {
                items.sort_by_key(ToString::to_string);
            }
            items.into()
        }
        other => other.clone(),
    }
}

fn incomplete(error: impl std::fmt::Display) -> Error {
    Error::Missing(error.to_string())
}

pub(in crate::ecs) fn to_container(it: &Container) -> Result<ContainerDefinition> {
    let variable = |it: &Variable| KeyValuePair::builder().name(&it.name).value(&it.value).build();
    let secret =
        |it: &SecretVariable| Secret::builder().name(&it.name).value_from(&it.value_from).build().map_err(incomplete);
    let port = |it: &Port| {
        PortMapping::builder()
            .set_name(it.name.clone())
            .container_port(it.container_port)
            .set_host_port(it.host_port)
            .set_protocol(it.protocol.as_deref().map(TransportProtocol::from))
            .build()
    };
    let logs = |it: &Logs| {
        LogConfiguration::builder()
            .log_driver(LogDriver::from(it.log_driver.as_str()))
            .set_options(it.options.clone().map(|all| all.into_iter().collect()))
            .build()
            .map_err(incomplete)
    };
    let health = |it: &Health| {
        HealthCheck::builder()
            .set_command(Some(it.command.clone()))
            .set_interval(it.interval)
            .set_timeout(it.timeout)
            .set_retries(it.retries)
            .set_start_period(it.start_period)
            .build()
            .map_err(incomplete)
    };
    let dependency = |it: &Dependency| {
        ContainerDependency::builder()
            .container_name(&it.container_name)
            .condition(ContainerCondition::from(it.condition.as_str()))
            .build()
            .map_err(incomplete)
    };
    let secrets = it.secrets.as_ref().map(|all| all.iter().map(secret).collect::<Result<Vec<_>>>()).transpose()?;
    let depends =
        it.depends_on.as_ref().map(|all| all.iter().map(dependency).collect::<Result<Vec<_>>>()).transpose()?;
    Ok(ContainerDefinition::builder()
        .name(&it.name)
        .image(&it.image)
        .set_essential(it.essential)
        .set_cpu(it.cpu)
        .set_memory(it.memory)
        .set_memory_reservation(it.memory_reservation)
        .set_command(it.command.clone())
        .set_entry_point(it.entry_point.clone())
        .set_environment(it.environment.as_ref().map(|all| all.iter().map(variable).collect()))
        .set_secrets(secrets)
        .set_port_mappings(it.port_mappings.as_ref().map(|all| all.iter().map(port).collect()))
        .set_log_configuration(it.log_configuration.as_ref().map(logs).transpose()?)
        .set_health_check(it.health_check.as_ref().map(health).transpose()?)
        .set_depends_on(depends)
        .set_readonly_root_filesystem(it.readonly_root_filesystem)
        .set_user(it.user.clone())
        .set_stop_timeout(it.stop_timeout)
        .build())
}

pub(in crate::ecs) fn from_container(it: ContainerDefinition) -> Container {
    let list = |all: Option<Vec<String>>| all.filter(|all| !all.is_empty());
    let variable = |it: KeyValuePair| Some(Variable { name: it.name?, value: it.value.unwrap_or_default() });
    let port = |it: PortMapping| Port {
        name: it.name,
        container_port: it.container_port.unwrap_or_default(),
        host_port: it.host_port,
        protocol: it.protocol.map(|it| it.as_str().to_owned()),
    };
    let logs = |it: LogConfiguration| Logs {
        log_driver: it.log_driver.as_str().to_owned(),
        options: it.options.map(|all| all.into_iter().collect()),
    };
    let health = |it: HealthCheck| Health {
        command: it.command,
        interval: it.interval,
        timeout: it.timeout,
        retries: it.retries,
        start_period: it.start_period,
    };
    let secret = |it: Secret| SecretVariable { name: it.name, value_from: it.value_from };
    let dependency = |it: ContainerDependency| Dependency {
        container_name: it.container_name,
        condition: it.condition.as_str().to_owned(),
    };
    Container {
        name: it.name.unwrap_or_default(),
        image: it.image.unwrap_or_default(),
        essential: it.essential,
        cpu: Some(it.cpu),
        memory: it.memory,
        memory_reservation: it.memory_reservation,
        command: list(it.command),
        entry_point: list(it.entry_point),
        environment: it.environment.map(|all| all.into_iter().filter_map(variable).collect()),
        secrets: it.secrets.map(|all| all.into_iter().map(secret).collect()),
        port_mappings: it.port_mappings.map(|all| all.into_iter().map(port).collect()),
        log_configuration: it.log_configuration.map(logs),
        health_check: it.health_check.map(health),
        depends_on: it.depends_on.map(|all| all.into_iter().map(dependency).collect()),
        readonly_root_filesystem: it.readonly_root_filesystem,
        user: it.user,
        stop_timeout: it.stop_timeout,
    }
}
