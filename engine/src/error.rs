//! What can go wrong, as data.
//!
//! What a caller may *branch* on is the small `Class`; everything else is for reading. Messages are lower-case fragments.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::address::Address;

/// The engine's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Any error as a source.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// What a caller may decide on when a call to the cloud failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Class {
    /// The thing is not there.
    NotFound,
    /// The name is taken.
    AlreadyExists,
    /// Something else is going on with it; the same call may succeed later.
    Conflict,
    /// Something that it needs was made a moment ago and is not visible yet; the same call may succeed later.
    Propagating,
    /// Refused because of the rate; surely not executed.
    Throttled,
    /// No permission.
    Denied,
    /// The request can never succeed as it is.
    Invalid,
    /// No answer, or one that does not tell whether the call was executed.
    Ambiguous,
    /// Anything else; surely not executed.
    Other,
}

/// What can go wrong in the engine or below it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A call to the cloud was refused, or its answer never came.
    #[error("{operation} failed: {code}: {message}")]
    Call {
        /// The API operation.
        operation: &'static str,
        /// What may be decided on.
        class: Class,
        /// The service's own code.
        code: String,
        /// The service's own words.
        message: String,
        /// The SDK's error.
        #[source]
        source: Option<BoxError>,
    },
    /// Waiting took longer than its budget.
    #[error("{waiting_for} took longer than {budget:?}; the last status was {last}")]
    Timeout {
        /// What was waited for.
        waiting_for: String,
        /// The budget, in the cloud's time.
        budget: Duration,
        /// The last status that was seen.
        last: String,
    },
    /// The thing reached a state that it cannot leave by itself.
    #[error("it failed: {reason}")]
    Failed {
        /// The cloud's own reason.
        reason: String,
    },
    /// Something that is not ours is in the way.
    #[error(
        "`{id}` exists already and is not ours ({why}); `deployer state import {address} {id}` takes it over, or choose another name"
    )]
    NotOurs {
        /// What we wanted to create.
        address: Address,
        /// The id of what is there.
        id: String,
        /// How we know.
        why: String,
    },
    /// The place is taken, by something that does not tell its id and is not surely ours.
    #[error(
        "{source}; nothing that is surely ours was found there: `deployer state import {address} ID` takes it over, by the id that AWS has for it"
    )]
    Taken {
        /// What we wanted to create.
        address: Address,
        /// The refusal.
        source: Box<Error>,
    },
    /// A document does not have the shape that its type needs.
    #[error("the properties of {kind} do not fit: {source}")]
    Shape {
        /// The resource type.
        kind: &'static str,
        /// What does not fit.
        #[source]
        source: serde_json::Error,
    },
    /// The state's store failed.
    #[error(transparent)]
    Store(#[from] crate::store::StoreError),
    /// A record is not what it should be.
    #[error(transparent)]
    Record(#[from] crate::record::RecordError),
    /// The lock is someone else's.
    #[error(transparent)]
    Lock(#[from] crate::lock::LockError),
    /// Something that should be there is not: a type, an output.
    #[error("{0}")]
    Missing(String),
}

impl Error {
    /// What may be decided on.
    pub fn class(&self) -> Class {
        match self {
            Self::Call { class, .. } => *class,
            Self::NotOurs { .. } | Self::Taken { .. } => Class::AlreadyExists,
            Self::Shape { .. } => Class::Invalid,
            _ => Class::Other,
        }
    }

    /// The same for another who shared the call; causes are told once.
    #[must_use]
    pub fn without_source(&self) -> Self {
        match self {
            Self::Call { operation, class, code, message, .. } => {
                Self::Call { operation, class: *class, code: code.clone(), message: message.clone(), source: None }
            }
            other => Self::Missing(other.chain()),
        }
    }

    /// The error with its causes, as one line.
    pub fn chain(&self) -> String {
        let mut text = self.to_string();
        let mut next = std::error::Error::source(self);
        while let Some(cause) = next {
            let words = cause.to_string();
            if !text.contains(&words) {
                text.push_str(": ");
                text.push_str(&words);
            }
            next = cause.source();
        }
        text
    }
}
