//! Whether targets get traffic, and why not.

use aws_sdk_elasticloadbalancingv2::types::{TargetHealthDescription, TargetHealthStateEnum as State};
use deployer_engine::health::{Health, Symptom};

/// All that are meant to get traffic are healthy; those that leave, and a group that nobody leads to, do not count.
pub(super) fn of(targets: &[TargetHealthDescription]) -> Health {
    let sick: Vec<String> = targets.iter().filter_map(sickness).collect();
    match sick.len() {
        0 => Health::Good,
        count => {
            let why = format!("{count} of {} targets are not healthy", targets.len());
            Health::NotYet(Symptom { why, details: sick })
        }
    }
}

/// A target that gets no traffic though it should, in one line.
fn sickness(it: &TargetHealthDescription) -> Option<String> {
    let health = it.target_health.as_ref()?;
    if matches!(health.state, Some(State::Healthy | State::Draining | State::Unused) | None) {
        return None;
    }
    let place = it
        .target
        .as_ref()
        .map(|it| format!("{}:{}", it.id.as_deref().unwrap_or_default(), it.port.unwrap_or_default()));
    let state = health.state.as_ref().map(State::as_str).unwrap_or_default();
    let reason = health.reason.as_ref().map(|it| format!(", {}", it.as_str())).unwrap_or_default();
    let said = health.description.as_ref().map(|it| format!(": {it}")).unwrap_or_default();
    Some(format!("target {} is {state}{reason}{said}", place.unwrap_or_default()))
}
