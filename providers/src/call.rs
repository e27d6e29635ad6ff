//! What a failed call means: from the SDK's errors to the engine's classes, by one table.
//!
//! Services name the same refusal differently; what is not in the table and was answered is surely not executed.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use deployer_engine::error::{Class, Error, Result};

use crate::codes::{CODES, PROPAGATING, WORDS};

/// The engine's error for a failed call of `operation`. A code that the table does not know is judged by its HTTP status; a type
/// that knows better changes the `class` of what it gets.
pub fn failed<E>(operation: &'static str) -> impl FnOnce(SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    move |error| {
        let said = error
            .as_service_error()
            .map(|it| (it.code().unwrap_or_default().to_owned(), it.message().unwrap_or_default().to_owned()));
        let status = error.raw_response().map(|response| response.status().as_u16());
        let chain = chain(&error);
        let (class, code, message) = match said {
            Some((code, message)) => (class(&code, &message, status), named(&code, status), message),
            None if chain.contains("redential") => {
                (Class::Other, "NoCredentials".to_owned(), "no credentials for AWS were found".to_owned())
            }
            None => (silence(&error), "NoAnswer".to_owned(), chain),
        };
        Error::Call { operation, class, code, message, source: Some(Box::new(error)) }
    }
}

/// An error without an answer of the service: what was never sent surely did nothing.
fn silence<E, R>(error: &SdkError<E, R>) -> Class {
    match error {
        SdkError::ConstructionFailure(_) => Class::Invalid,
        _ => Class::Ambiguous,
    }
}

fn class(code: &str, message: &str, status: Option<u16>) -> Class {
    if PROPAGATING.iter().any(|words| message.contains(words)) {
        return Class::Propagating;
    }
    if let Some((_, class)) = WORDS.iter().find(|(words, _)| message.contains(words)) {
        return *class;
    }
    let fits = |pattern: &str| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
        (Some(start), _) => code.starts_with(start),
        (None, Some(end)) => code.ends_with(end),
        (None, None) => pattern == code,
    };
    let known = CODES.iter().find(|(pattern, _)| fits(pattern)).map(|(_, class)| *class);
    known.unwrap_or(match status {
        Some(404) => Class::NotFound,
        Some(403) => Class::Denied,
        Some(429) => Class::Throttled,
        // A success that cannot be read, or a fault of the service: it may have been executed.
        Some(200..300 | 500..) => Class::Ambiguous,
        _ => Class::Other,
    })
}

/// `HeadBucket` has no body: its status is its code.
fn named(code: &str, status: Option<u16>) -> String {
    if code.is_empty() { status.map_or_else(String::new, |status| format!("HTTP {status}")) } else { code.to_owned() }
}

fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text = format!("{text}: {cause}");
        next = cause.source();
    }
    text
}

/// Absence as a value.
pub fn found<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.class() == Class::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Absent is done.
pub fn gone<T>(answer: Result<T>) -> Result<()> {
    found(answer).map(drop)
}

/// A request that can never succeed, refused before it is sent.
#[allow(dead_code, reason = "not every service needs it")]
pub fn invalid(operation: &'static str, message: impl Into<String>) -> Error {
    unsent(operation, Class::Invalid, "InvalidProperties", message.into())
}

/// A request whose turn comes when something else is done: the engine comes back for it.
#[allow(dead_code, reason = "not every service needs it")]
pub fn not_yet(operation: &'static str, message: impl Into<String>) -> Error {
    unsent(operation, Class::Conflict, "UnderWay", message.into())
}

/// What a describe call tells of something that was made a moment ago: reads may not see it yet, and the engine comes back.
#[allow(dead_code, reason = "not every service needs it")]
pub fn known<T>(operation: &'static str, told: Option<T>) -> Result<T> {
    told.ok_or_else(|| unsent(operation, Class::Propagating, "NotVisible", "it cannot be seen yet".to_owned()))
}

fn unsent(operation: &'static str, class: Class, code: &str, message: String) -> Error {
    Error::Call { operation, class, code: code.to_owned(), message, source: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_decides() {
        assert_eq!(class("ThrottlingException", "Rate exceeded", Some(400)), Class::Throttled);
        assert_eq!(class("AWS.SimpleQueueService.NonExistentQueue", "", Some(400)), Class::NotFound);
        assert_eq!(class("MalformedPolicyDocument", "Invalid principal in policy: x", Some(400)), Class::Propagating);
        assert_eq!(class("MalformedPolicyDocument", "Syntax errors in policy.", Some(400)), Class::Invalid);
        assert_eq!(class("InvalidVpcID.NotFound", "", Some(400)), Class::NotFound);
        assert_eq!(class("ResourceInUseException", "Table already exists: x", Some(400)), Class::AlreadyExists);
        assert_eq!(class("ResourceInUseException", "Table is being deleted: x", Some(400)), Class::Conflict);
        assert_eq!(class("InternalError", "", Some(500)), Class::Ambiguous);
        assert_eq!(class("", "", Some(404)), Class::NotFound);
        assert_eq!(class("SomethingNew", "", Some(400)), Class::Other);
    }
}
