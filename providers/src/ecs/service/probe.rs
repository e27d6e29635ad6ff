//! Whether a service's tasks run what was deployed, and why not.
//!
//! A service that ECS took back looks like any healthy one: which revision its primary deployment runs tells. Why tasks stop stands
//! in the stopped ones, for an hour, and in the log of the container that failed.

use std::collections::BTreeSet;

use aws_sdk_cloudwatchlogs::Client as Logs;
use aws_sdk_ecs::{
    Client,
    types::{Container, Deployment, DeploymentRolloutState, DesiredStatus, LogDriver, Service as Live, Task},
};
use deployer_engine::{
    error::Result,
    health::{Health, Symptom},
};

use super::spec::ServiceSpec;
use crate::call::failed;

/// How many tasks a describe call takes.
const PAGE: usize = 100;
/// How many of each sort a person is told.
const TOLD: usize = 5;
/// How many lines of a log a person is told.
const LINES: i32 = 10;

/// Where a service is asked about.
pub(super) struct Probe<'a> {
    pub(super) ecs: &'a Client,
    pub(super) logs: &'a Logs,
    pub(super) cluster: &'a str,
    pub(super) name: &'a str,
}

impl Probe<'_> {
    pub(super) async fn health(&self, live: &Live, spec: &ServiceSpec) -> Result<Health> {
        let wanted = spec.task_definition.as_str();
        let primary = live.deployments().iter().find(|it| it.status.as_deref() == Some("PRIMARY"));
        let Some(primary) = primary else { return Ok(Health::NotYet(Symptom::of("it has no deployment yet"))) };
        let runs = primary.task_definition.as_deref().unwrap_or_default();
        if runs != wanted {
            return self.other(live, runs, wanted).await;
        }
        if primary.rollout_state == Some(DeploymentRolloutState::Failed) {
            let why = primary.rollout_state_reason.clone().unwrap_or_else(|| "the rollout failed".to_owned());
            return Ok(Health::Bad(self.symptom(why, live, wanted).await));
        }
        let tasks = self.tasks(DesiredStatus::Running).await?;
        let Some(why) = unwell(primary, &tasks, live.desired_count) else { return Ok(Health::Good) };
        // Tasks that stop one after another are told at once; whether it will pass, the rollout says.
        Ok(Health::NotYet(self.symptom(why, live, wanted).await))
    }

    /// Its primary deployment runs something else: a read that lags behind, or ECS went back by itself.
    async fn other(&self, live: &Live, runs: &str, wanted: &str) -> Result<Health> {
        let ours = |it: &&Deployment| it.task_definition.as_deref() == Some(wanted);
        let failed =
            live.deployments().iter().filter(ours).any(|it| it.rollout_state == Some(DeploymentRolloutState::Failed));
        let stopped = self.tasks(DesiredStatus::Stopped).await?;
        let why = format!("ECS went back to {}: tasks of {} do not stay up", short(runs), short(wanted));
        if failed || stopped.iter().any(|it| it.task_definition_arn.as_deref() == Some(wanted)) {
            return Ok(Health::Bad(self.symptom(why, live, wanted).await));
        }
        Ok(Health::NotYet(Symptom::of(format!("its tasks run {}, not {}", short(runs), short(wanted)))))
    }

    async fn tasks(&self, status: DesiredStatus) -> Result<Vec<Task>> {
        let call = self.ecs.list_tasks().cluster(self.cluster).service_name(self.name).desired_status(status);
        let mut pages = call.into_paginator().items().send();
        let mut arns = Vec::new();
        while let Some(arn) = pages.next().await {
            arns.push(arn.map_err(failed("ListTasks"))?);
        }
        let mut tasks = Vec::new();
        for chunk in arns.chunks(PAGE) {
            let call = self.ecs.describe_tasks().cluster(self.cluster).set_tasks(Some(chunk.to_vec()));
            tasks.extend(call.send().await.map_err(failed("DescribeTasks"))?.tasks.unwrap_or_default());
        }
        Ok(tasks)
    }

    /// What is known of why: stopped tasks, the log of one that failed, what the service said. What cannot be read is left out.
    async fn symptom(&self, why: String, live: &Live, wanted: &str) -> Symptom {
        let stopped = self.tasks(DesiredStatus::Stopped).await.unwrap_or_default();
        let mut ours: Vec<&Task> =
            stopped.iter().filter(|it| it.task_definition_arn.as_deref() == Some(wanted)).collect();
        ours.sort_by_key(|it| std::cmp::Reverse(it.stopped_at.map(|at| at.secs())));
        let mut details: Vec<String> = Vec::new();
        for line in ours.iter().map(|it| told(it)) {
            if !details.contains(&line) && details.len() < TOLD {
                details.push(line);
            }
        }
        if let Some((task, container)) = ours.iter().find_map(|it| Some((*it, culprit(it)?))) {
            details.extend(self.log(task, container, wanted).await);
        }
        let events = live.events().iter().filter_map(|it| it.message.as_deref()).filter(|it| is_bad_news(it));
        details.extend(events.take(TOLD).map(|it| format!("ECS said: {it}")));
        Symptom { why, details }
    }

    /// The last lines of the failed container's log, if it goes to CloudWatch and can be read.
    async fn log(&self, task: &Task, container: &str, wanted: &str) -> Vec<String> {
        let Ok(answer) = self.ecs.describe_task_definition().task_definition(wanted).send().await else {
            return Vec::new();
        };
        let definition =
            answer.task_definition.unwrap_or_else(|| aws_sdk_ecs::types::TaskDefinition::builder().build());
        let of = definition.container_definitions().iter().find(|it| it.name.as_deref() == Some(container));
        let Some(log) =
            of.and_then(|it| it.log_configuration.as_ref()).filter(|it| it.log_driver == LogDriver::Awslogs)
        else {
            return Vec::new();
        };
        let option = |name: &str| log.options.as_ref().and_then(|it| it.get(name)).cloned().unwrap_or_default();
        let stream = format!("{}/{container}/{}", option("awslogs-stream-prefix"), id(task));
        let call = self.logs.get_log_events().log_group_name(option("awslogs-group")).log_stream_name(stream);
        let Ok(answer) = call.limit(LINES).start_from_head(false).send().await else { return Vec::new() };
        let lines = answer.events.unwrap_or_default().into_iter().filter_map(|it| it.message);
        lines.map(|line| format!("{container} | {}", line.trim_end())).collect()
    }
}

/// What keeps it from being well, if anything.
fn unwell(primary: &Deployment, tasks: &[Task], wanted: i32) -> Option<String> {
    let ours: Vec<&Task> = tasks.iter().filter(|it| it.task_definition_arn == primary.task_definition).collect();
    let running = ours.iter().filter(|it| it.last_status.as_deref() == Some("RUNNING")).count();
    if i32::try_from(running).unwrap_or(i32::MAX) < wanted {
        return Some(format!(
            "{running} of {wanted} tasks run {}",
            short(primary.task_definition.as_deref().unwrap_or_default())
        ));
    }
    if primary.rollout_state.as_ref().is_some_and(|it| *it != DeploymentRolloutState::Completed) {
        return Some("the rollout has not completed".to_owned());
    }
    let containers = || ours.iter().flat_map(|it| it.containers());
    let unhealthy = |it: &&Container| it.health_status == Some(aws_sdk_ecs::types::HealthStatus::Unhealthy);
    if let Some(it) = containers().find(unhealthy) {
        return Some(format!("container {} is unhealthy", it.name.as_deref().unwrap_or_default()));
    }
    // One revision, one image: a tag that was moved between two starts is told by the digests.
    let names: BTreeSet<&str> = containers().filter_map(|it| it.name.as_deref()).collect();
    names.into_iter().find_map(|name| {
        let of: Vec<&Container> = containers().filter(|it| it.name.as_deref() == Some(name)).collect();
        let digests: BTreeSet<&str> = of.iter().filter_map(|it| it.image_digest.as_deref()).collect();
        let stated = of.iter().filter_map(|it| it.image.as_deref()?.split_once('@')).map(|(_, digest)| digest).next();
        match stated {
            Some(stated) if digests.iter().any(|it| *it != stated) => {
                Some(format!("container {name} does not run the image {stated}"))
            }
            None if digests.len() > 1 => {
                Some(format!("container {name} runs {} different images of one tag", digests.len()))
            }
            _ => None,
        }
    })
}

/// An event that tells of trouble: most of them tell of everyday things.
fn is_bad_news(event: &str) -> bool {
    ["unable", "failed", "unhealthy", "error", "circuit breaker", "rolling back", "was stopped"]
        .iter()
        .any(|word| event.contains(word))
}

/// A stopped task in one line.
fn told(task: &Task) -> String {
    let why = task.stopped_reason.as_deref().unwrap_or("stopped");
    let container = |it: &Container| match (it.exit_code, it.reason.as_deref()) {
        (None, None) => None,
        (code, reason) => {
            let code = code.map(|code| format!(" exited with {code}")).unwrap_or_default();
            let reason = reason.filter(|it| *it != why).map(|it| format!(" ({it})")).unwrap_or_default();
            Some(format!("container {}{code}{reason}", it.name.as_deref().unwrap_or_default()))
        }
    };
    let containers: Vec<String> = task.containers().iter().filter_map(container).collect();
    std::iter::once(format!("a task stopped: {why}")).chain(containers).collect::<Vec<_>>().join("; ")
}

/// The container that failed: with an exit code that is none of success.
fn culprit(task: &Task) -> Option<&str> {
    task.containers().iter().find(|it| it.exit_code.is_some_and(|code| code != 0))?.name.as_deref()
}

fn id(task: &Task) -> &str {
    task.task_arn.as_deref().and_then(|arn| arn.rsplit('/').next()).unwrap_or_default()
}

/// `family:revision`, from an ARN.
fn short(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
