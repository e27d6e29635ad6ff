//! How a run ends: exit codes that scripts rely on, and failures that tell a person how to go on.

use deployer_engine::{
    error::{Class, Error},
    lock::LockError,
    record::RecordError,
    store::StoreError,
};
use deployer_schemas::Problems;

use crate::duration;

/// Exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Done, or nothing to do.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// Changes are present, under `--detailed-exitcode`.
    Changes = 2,
    /// The configuration is invalid.
    Invalid = 3,
    /// Refused.
    Refused = 4,
    /// Locked by someone else.
    Locked = 5,
    /// It failed and was taken back, which reads confirm.
    RolledBack = 6,
    /// It failed, and taking it back did too.
    RollbackFailed = 7,
    /// Wrong usage.
    Usage = 64,
    /// Interrupted; everything in flight was recorded.
    Interrupted = 130,
}

/// Why a command did not do what it was asked for.
#[derive(Debug)]
pub enum Failure {
    /// The files are at fault.
    Problems(Box<Problems>),
    /// Something went wrong: what, and the way on.
    Said {
        /// How the process ends.
        code: Code,
        /// What happened.
        message: String,
        /// The way on.
        help: Option<String>,
    },
}

impl Failure {
    /// A failure in words.
    pub fn said(code: Code, message: impl Into<String>) -> Self {
        Self::Said { code, message: message.into(), help: None }
    }

    /// The same with the way on.
    #[must_use]
    pub fn help(self, way: impl Into<String>) -> Self {
        match self {
            Self::Said { code, message, .. } => Self::Said { code, message, help: Some(way.into()) },
            other => other,
        }
    }

    /// A person said no.
    pub fn declined() -> Self {
        Self::said(Code::Refused, "not approved; nothing was changed")
    }

    /// There is no terminal to ask at.
    pub fn unasked() -> Self {
        Self::said(Code::Refused, "nobody can be asked here, and --auto-approve was not given; nothing was changed")
    }

    /// How the process ends.
    pub fn code(&self) -> Code {
        match self {
            Self::Problems(_) => Code::Invalid,
            Self::Said { code, .. } => *code,
        }
    }
}

/// The way on with a record that cannot be used.
fn mending(error: &RecordError) -> &'static str {
    match error {
        RecordError::Newer { .. } => "the other runs of this stack use a newer deployer: use that one",
        RecordError::Lineage { .. } => {
            "two states share one place: give each its own folder, prefix or bucket; `deployer state verify` names the records that are of the other"
        }
        broken if broken.key().contains("/journal/") => {
            "`deployer unlock --force` settles what can be read of that deployment and goes on; `deployer state verify` checks every record"
        }
        _ => "`deployer state verify` checks every record, and says for each that is broken how it is mended",
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let code = match &error {
            Error::Lock(LockError::Held { .. }) => Code::Locked,
            _ => Code::Failed,
        };
        let since = match &error {
            Error::Lock(LockError::Held { since_millis, .. }) => {
                format!(" (held since {})", duration::date(*since_millis))
            }
            _ => String::new(),
        };
        let failure = Self::said(code, format!("{}{since}", error.chain()));
        match (&error, error.class()) {
            (Error::Call { code, .. }, _) if code == "NoCredentials" => failure.help(
                "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; `deployer validate` and `plan --offline` need none",
            ),
            (_, Class::Denied) => failure.help("nothing was changed by this call; give the role that permission, then run the same command again"),
            (Error::Record(error), _) => failure.help(mending(error)),
            (Error::Store(StoreError::Unusable { help, .. }), _) => {
                let way = help.clone();
                failure.help(way)
            }
            (Error::Store(_), _) => failure.help("check that the state's place can be written, then run the same command again: it goes on from what was recorded"),
            _ => failure,
        }
    }
}
