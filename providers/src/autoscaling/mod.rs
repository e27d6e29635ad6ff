//! Application Auto Scaling.
//!
//! Both types are known by what they scale, and both are written by a call that creates or replaces: what stands there is looked
//! at first. A target outlives the service that it scales.

mod scalable_target;
mod scaling_policy;

use deployer_engine::facts::Rate;

pub use scalable_target::{ScalableTarget, ScalableTargetSpec};
pub use scaling_policy::{ScalingPolicy, ScalingPolicySpec};

/// About ten a second.
const RATE: Rate = Rate { class: "autoscaling", in_flight: 4 };
/// What a describe call takes.
const PAGE: usize = 50;
