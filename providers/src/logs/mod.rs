//! CloudWatch Logs.

mod log_group;

use deployer_engine::facts::Rate;

pub use log_group::{LogGroup, LogGroupSpec};

/// Creating and deleting groups: ten a second.
const RATE: Rate = Rate { class: "logs", in_flight: 6 };
