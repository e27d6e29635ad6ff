//! Where teams keep state and locks: a bucket and a table.
//!
//! Both do nothing but move bytes under compare-and-swap, as `engine::store` asks; what is in them, and what is done when an
//! answer is lost, is the engine's matter.

pub mod bootstrap;
mod locks;
mod objects;
mod trouble;

use deployer_engine::error::Error;

pub use locks::TableLocks;
pub use objects::BucketStore;

/// The lock table's name where none is said.
pub const TABLE: &str = "deployer-state-locks";
/// The attribute that is the table's key.
pub const KEY: &str = "lockKey";
/// The attribute that the table's janitor goes by: seconds since 1970 UTC. It never decides who holds a lock.
pub const EXPIRES: &str = "expiresAt";

/// Where state is kept.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The bucket.
    pub bucket: String,
    /// What stands before every key: empty, or with a slash at its end.
    pub prefix: String,
    /// The table of the locks.
    pub table: String,
    /// The account that bucket and table have to belong to, if it is known.
    pub account: Option<String>,
}

/// The service's code of a failed call.
fn code(error: &Error) -> &str {
    match error {
        Error::Call { code, .. } => code,
        _ => "",
    }
}
