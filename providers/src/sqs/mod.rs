//! Simple Queue Service.

mod queue;
mod queue_policy;

use aws_sdk_sqs::Client;
use deployer_engine::facts::Rate;

pub use queue::{Queue, QueueSpec};
pub use queue_policy::{QueuePolicy, QueuePolicySpec};

use crate::Aws;

/// All of SQS's control plane.
const RATE: Rate = Rate { class: "sqs", in_flight: 8 };

fn client(aws: &Aws) -> Client {
    Client::new(aws.config())
}
