//! Identity and Access Management: global, and seen by other services seconds later.

mod role;
mod role_policy;

use aws_sdk_iam::Client;
use deployer_engine::facts::Rate;

pub use role::{Role, RoleSpec};
pub use role_policy::{RolePolicy, RolePolicySpec};

use crate::Aws;

/// All regions share IAM's limits.
const RATE: Rate = Rate { class: "iam", in_flight: 6 };

fn client(aws: &Aws) -> Client {
    Client::new(aws.config())
}
