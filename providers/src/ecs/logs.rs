//! What the containers of tasks wrote: read from CloudWatch, never changed.
//!
//! A task's stream is named by prefix, container and task, so one question is about one container of all its tasks. Lines come in
//! late and in any order; who follows them asks again for the last while, and knows what it has seen by its id.

use aws_sdk_cloudwatchlogs::{Client, config::Region};
use deployer_engine::error::{Class, Result};
use serde_json::Value;

use crate::{Aws, call::failed};

/// Where the lines of a container are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The container.
    pub container: String,
    /// The log group.
    pub group: String,
    /// Its region.
    pub region: String,
    /// What the names of its streams begin with; the task's id is the rest.
    pub streams: String,
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// When it was written, in milliseconds since 1970 UTC.
    pub at_millis: i64,
    /// The task.
    pub task: String,
    /// The line.
    pub text: String,
    /// What tells it from all others.
    pub id: String,
}

/// Where a task definition with these properties has its containers write. Those that write elsewhere are left out.
pub fn places(definition: &Value, region: &str) -> Vec<Place> {
    let containers = definition["ContainerDefinitions"].as_array().into_iter().flatten();
    let place = |it: &Value| {
        let log = &it["LogConfiguration"];
        let option = |name: &str| log["Options"][name].as_str();
        let (container, prefix) = (it["Name"].as_str()?, option("awslogs-stream-prefix")?);
        (log["LogDriver"] == "awslogs").then_some(())?;
        Some(Place {
            container: container.to_owned(),
            group: option("awslogs-group")?.to_owned(),
            region: option("awslogs-region").unwrap_or(region).to_owned(),
            streams: format!("{prefix}/{container}/"),
        })
    };
    containers.filter_map(place).collect()
}

/// All lines of a container since then. A group that is not there has none.
pub async fn lines(aws: &Aws, place: &Place, since_millis: i64) -> Result<Vec<Line>> {
    let region = Region::new(place.region.clone());
    let config = aws_sdk_cloudwatchlogs::config::Builder::from(aws.config()).region(region).build();
    let call = Client::from_conf(config).filter_log_events().log_group_name(&place.group).start_time(since_millis);
    let mut pages = call.log_stream_name_prefix(&place.streams).into_paginator().send();
    let mut lines = Vec::new();
    while let Some(page) = pages.next().await {
        let page = match page.map_err(failed("FilterLogEvents")) {
            Err(error) if error.class() == Class::NotFound => return Ok(Vec::new()),
            page => page?,
        };
        let line = |it: aws_sdk_cloudwatchlogs::types::FilteredLogEvent| {
            Some(Line {
                at_millis: it.timestamp.unwrap_or_default(),
                task: it.log_stream_name?.strip_prefix(&place.streams)?.to_owned(),
                text: it.message.unwrap_or_default(),
                id: it.event_id.unwrap_or_default(),
            })
        };
        lines.extend(page.events.unwrap_or_default().into_iter().filter_map(line));
    }
    Ok(lines)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_those_of_the_driver_that_writes_to_cloudwatch() {
        let to = |driver: &str, options: Value| json!({"LogDriver": driver, "Options": options});
        let definition = json!({"ContainerDefinitions": [
            {"Name": "api", "LogConfiguration": to("awslogs", json!({"awslogs-group": "g", "awslogs-stream-prefix": "p"}))},
            {"Name": "proxy", "LogConfiguration": to("splunk", json!({"splunk-url": "https://x"}))},
            {"Name": "quiet"},
            {"Name": "later", "LogConfiguration": to("awslogs", json!({"awslogs-group": {"$ref": {}}, "awslogs-stream-prefix": "p"}))},
        ]});
        let api = Place {
            container: "api".to_owned(),
            group: "g".to_owned(),
            region: "eu-west-1".to_owned(),
            streams: "p/api/".to_owned(),
        };
        assert_eq!(places(&definition, "eu-west-1"), [api]);
        assert_eq!(places(&json!({}), "eu-west-1"), []);
    }
}
