//! DynamoDB.

mod table;

use deployer_engine::facts::Rate;

pub use table::{Table, TableSpec};

/// Tables and indexes that are made, changed or deleted at once are counted by account.
const RATE: Rate = Rate { class: "dynamodb", in_flight: 8 };
