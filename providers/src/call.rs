//! What a failed call means: from the SDK's errors to the engine's classes, by one table.
//!
//! Services name the same refusal differently; what is not in the table and was answered is surely not executed.

use aws_smithy_runtime_api::client::{orchestrator::HttpResponse, result::SdkError};
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use deployer_engine::error::{Class, Error, Result};

/// Codes and what they mean. A code with a trailing `*` is a prefix, with a leading one an ending.
const CODES: &[(&str, Class)] = &[
    ("AccessDenied*", Class::Denied),
    ("AuthorizationError", Class::Denied),
    ("UnauthorizedOperation", Class::Denied),
    ("InvalidClientTokenId", Class::Denied),
    ("UnrecognizedClientException", Class::Denied),
    ("SignatureDoesNotMatch", Class::Denied),
    ("ExpiredToken*", Class::Denied),
    ("Throttl*", Class::Throttled),
    ("RequestThrottled*", Class::Throttled),
    ("RequestLimitExceeded", Class::Throttled),
    ("TooManyRequests*", Class::Throttled),
    ("SlowDown", Class::Throttled),
    ("PriorRequestNotComplete", Class::Throttled),
    // EC2 spells them in many ways: `InvalidVpcID.NotFound`, `InvalidSubnetId.NotFound`.
    ("*.NotFound", Class::NotFound),
    ("NatGatewayNotFound", Class::NotFound),
    ("Gateway.NotAttached", Class::NotFound),
    ("DependencyViolation", Class::Conflict),
    ("*.InUse", Class::Conflict),
    ("*.Duplicate", Class::AlreadyExists),
    ("InvalidSubnet.Conflict", Class::AlreadyExists),
    ("RouteAlreadyExists", Class::AlreadyExists),
    ("Resource.AlreadyAssociated", Class::AlreadyExists),
    // ELBv2's have no ending; a certificate or group that was made a moment ago may not be known yet.
    ("LoadBalancerNotFound", Class::NotFound),
    ("TargetGroupNotFound", Class::NotFound),
    ("ListenerNotFound", Class::NotFound),
    ("RuleNotFound", Class::NotFound),
    ("DuplicateLoadBalancerName", Class::AlreadyExists),
    ("DuplicateTargetGroupName", Class::AlreadyExists),
    ("DuplicateListener", Class::AlreadyExists),
    ("PriorityInUse", Class::AlreadyExists),
    ("CertificateNotFound", Class::Propagating),
    ("ResourceInUse*", Class::Conflict),
    // ECS and Application Auto Scaling.
    ("ClusterNotFoundException", Class::NotFound),
    ("ServiceNotFoundException", Class::NotFound),
    ("ServiceNotActiveException", Class::NotFound),
    ("ObjectNotFoundException", Class::NotFound),
    ("ClusterContains*", Class::Conflict),
    ("UpdateInProgressException", Class::Conflict),
    ("ConcurrentUpdateException", Class::Conflict),
    ("FailedResourceAccessException", Class::Propagating),
    // RDS has no rule for its endings; Cloud Map.
    ("DBInstanceNotFound*", Class::NotFound),
    ("DBSubnetGroupNotFound*", Class::NotFound),
    ("DBParameterGroupNotFound*", Class::NotFound),
    ("DBInstanceAlreadyExists*", Class::AlreadyExists),
    ("DBSubnetGroupAlreadyExists*", Class::AlreadyExists),
    ("DBParameterGroupAlreadyExists*", Class::AlreadyExists),
    ("InvalidDBInstanceState*", Class::Conflict),
    ("InvalidDBSubnetGroupState*", Class::Conflict),
    ("InvalidDBParameterGroupState*", Class::Conflict),
    ("NamespaceNotFound", Class::NotFound),
    ("ServiceNotFound", Class::NotFound),
    ("NamespaceAlreadyExists", Class::AlreadyExists),
    ("DuplicateRequest", Class::AlreadyExists),
    ("ServiceAlreadyExists", Class::AlreadyExists),
    // SQS, by its query names and by its JSON names.
    ("AWS.SimpleQueueService.NonExistentQueue", Class::NotFound),
    ("QueueDoesNotExist", Class::NotFound),
    ("AWS.SimpleQueueService.QueueDeletedRecently", Class::Conflict),
    ("QueueDeletedRecently", Class::Conflict),
    ("QueueAlreadyExists", Class::AlreadyExists),
    ("QueueNameExists", Class::AlreadyExists),
    // S3. A bucket that is ours already is found, not made.
    ("NoSuchBucket", Class::NotFound),
    ("NotFound", Class::NotFound),
    ("NoSuchBucketPolicy", Class::NotFound),
    ("NoSuchTagSet", Class::NotFound),
    ("NoSuchLifecycleConfiguration", Class::NotFound),
    ("NoSuchCORSConfiguration", Class::NotFound),
    ("NoSuchPublicAccessBlockConfiguration", Class::NotFound),
    ("ServerSideEncryptionConfigurationNotFoundError", Class::NotFound),
    ("OwnershipControlsNotFoundError", Class::NotFound),
    ("BucketAlreadyExists", Class::AlreadyExists),
    ("BucketAlreadyOwnedByYou", Class::AlreadyExists),
    ("OperationAborted*", Class::Conflict),
    // IAM.
    ("NoSuchEntity*", Class::NotFound),
    ("EntityAlreadyExists*", Class::AlreadyExists),
    ("DeleteConflict*", Class::Conflict),
    ("ConcurrentModification*", Class::Conflict),
    // DynamoDB: a new table's backups are not there yet.
    ("TableNotFoundException", Class::NotFound),
    ("ContinuousBackupsUnavailable*", Class::Conflict),
    // Logs, SSM.
    ("ResourceNotFoundException", Class::NotFound),
    ("ResourceAlreadyExistsException", Class::AlreadyExists),
    ("ParameterNotFound", Class::NotFound),
    ("ParameterAlreadyExists", Class::AlreadyExists),
    ("Validation*", Class::Invalid),
    ("Invalid*", Class::Invalid),
    ("Malformed*", Class::Invalid),
    ("BucketNotEmpty", Class::Invalid),
];

/// Words in a refusal's message that say that something made a moment ago is not visible yet, whatever the code.
const PROPAGATING: &[&str] = &[
    "Invalid principal in policy",
    "Invalid value for the parameter Policy",
    "cannot be assumed by",
    "role being passed has the proper permissions",
    "does not have an associated load balancer",
    "Unable to assume the service linked role",
    "Unable to assume IAM role",
    "ECS service doesn't exist",
    "is still Draining",
    // A queue's policy or a function's permission that was made a moment ago.
    "Unable to validate the following destination configurations",
];

/// Words in a refusal's message that say more than its code.
const WORDS: &[(&str, Class)] = &[
    ("Creation of service was not idempotent", Class::AlreadyExists),
    // DynamoDB has one code for what exists and for what is busy, and one for limits that pass and limits that stay.
    ("Table already exists", Class::AlreadyExists),
    ("updated, or deleted simultaneously", Class::Conflict),
    ("tables that can be created simultaneously", Class::Conflict),
    ("Subscriber limit exceeded", Class::Conflict),
    // The second change within an hour.
    ("Time to live has been modified multiple times", Class::Conflict),
];

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
