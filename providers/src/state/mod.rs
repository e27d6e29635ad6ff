//! Where teams keep state and locks: a bucket and a table.
//!
//! Both do nothing but move bytes under compare-and-swap, as `engine::store` asks; what is in them, and what is done when an
//! answer is lost, is the engine's matter.

pub mod bootstrap;
mod locks;
mod objects;

use deployer_engine::{
    error::{Class, Error},
    store::StoreError,
};

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

/// What a call's failure means for `key`: refused for its version, not answered, not done, or a place that cannot be used.
fn trouble(action: &'static str, key: &str, place: &str, permission: &str, error: Error) -> StoreError {
    let unusable =
        |why: String, help: &str| StoreError::Unusable { place: place.to_owned(), why, help: help.to_owned() };
    let key = key.to_owned();
    match (code(&error), error.class()) {
        ("PreconditionFailed" | "ConditionalCheckFailedException", _) => StoreError::Stale { key },
        // Two writers at the same moment: neither is known to have won.
        ("ConditionalRequestConflict" | "TransactionConflictException" | "TransactionInProgressException", _) => {
            StoreError::Unanswered { action, key, source: error.into() }
        }
        ("NoSuchBucket" | "ResourceNotFoundException", _) => unusable(
            "it does not exist".to_owned(),
            "`deployer init --bootstrap` creates the state's bucket and table; if they are elsewhere, name them in the Stack's `state` or with --state",
        ),
        ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _) => unusable(
            format!("it is in another region ({})", error.chain()),
            "say its region in the Stack's `state: {region: ..}` or as --state s3://BUCKET/PREFIX?region=REGION",
        ),
        ("ValidationException", _) if error.to_string().contains("key") => unusable(
            format!("it is no table of locks: its key is not `{KEY}` of type S ({})", error.chain()),
            "name another table in the Stack's `state: {table: ..}`; `deployer init --bootstrap` creates one that is right",
        ),
        (_, Class::Denied) => unusable(
            format!("{permission} is refused: there is no permission for it, or it belongs to another account"),
            "`deployer iam-policy` prints what a role needs; nothing was changed by this call",
        ),
        (_, Class::Ambiguous) => StoreError::Unanswered { action, key, source: error.into() },
        _ => StoreError::Failed { action, key, source: error.into() },
    }
}
