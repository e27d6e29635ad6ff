//! What a CloudWatch alarm says: asked by checks, never changed.

use aws_sdk_cloudwatch::Client;
use deployer_engine::error::Result;

use crate::{Aws, call::failed};

/// An alarm's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// `OK`, `ALARM`, `INSUFFICIENT_DATA`.
    pub state: String,
    /// Why, in CloudWatch's words.
    pub reason: String,
}

/// The state of the alarm of this name, metric or composite; none if there is none.
pub async fn state(aws: &Aws, name: &str) -> Result<Option<Alarm>> {
    use aws_sdk_cloudwatch::types::AlarmType::{CompositeAlarm, MetricAlarm};
    let call = Client::new(aws.config()).describe_alarms().alarm_names(name);
    let answer =
        call.alarm_types(MetricAlarm).alarm_types(CompositeAlarm).send().await.map_err(failed("DescribeAlarms"))?;
    let metric = answer.metric_alarms().first().map(|it| (it.state_value.clone(), it.state_reason.clone()));
    let composite = || answer.composite_alarms().first().map(|it| (it.state_value.clone(), it.state_reason.clone()));
    Ok(metric.or_else(composite).map(|(state, reason)| Alarm {
        state: state.map(|it| it.as_str().to_owned()).unwrap_or_default(),
        reason: reason.unwrap_or_default(),
    }))
}
