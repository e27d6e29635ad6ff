//! A place for state in S3 and DynamoDB, made by boto3: what the product does with it, it does not do for the product.

use deployer_providers::state::Place;
use serde_json::Value;

use crate::{Result, emulator::Client};

/// The bucket's name; the account's number is in it, as bucket names are everybody's.
pub fn bucket(client: &Client) -> String {
    format!("state-{}", client.account())
}

/// True for the name of such a bucket.
pub fn is_bucket(name: &str) -> bool {
    name.strip_prefix("state-").is_some_and(|account| account.len() == 12)
}

/// The lock table's name.
pub const TABLE: &str = "locks";

/// Makes bucket and table in the client's account.
pub fn make(client: &Client) -> Result<()> {
    client.boto3("place.py", &["make", &bucket(client), TABLE]).map(drop)
}

/// Every item of the lock table: key and holder.
pub fn locks(client: &Client) -> Result<Value> {
    client.boto3("place.py", &["locks", &bucket(client), TABLE])
}

/// The place as the stores take it.
pub fn of(client: &Client, prefix: &str) -> Place {
    Place { bucket: bucket(client), prefix: prefix.to_owned(), table: TABLE.to_owned(), account: None }
}
