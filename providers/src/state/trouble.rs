//! What a failed call means for the place of a state: refused for its version, not answered, not done, or a place that cannot be
//! used. What cannot be used is not tried again, so it is told with AWS's own words and with the way on.

use deployer_engine::{
    error::{Class, Error},
    store::StoreError,
};

use super::{KEY, Place, code};

/// What `call` names it when there is nobody to call as.
const NONE: &str = "NoCredentials";

/// Refusals that are about who calls, and not about what may be done: their codes, what they mean, and the way on.
const CALLERS: &[(&[&str], &str, &str)] = &[
    (
        &[NONE],
        "no credentials were found",
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, then run the same command again",
    ),
    (
        &["ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"],
        "the credentials have expired",
        "renew them (`aws sso login`, or take the role again), then run the same command again",
    ),
    (
        &[
            "InvalidAccessKeyId",
            "InvalidClientTokenId",
            "InvalidToken",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "UnrecognizedClientException",
        ],
        "AWS does not know these credentials",
        "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY - and AWS_SESSION_TOKEN where they are a role's - to some that it knows",
    ),
    (
        &["IncompleteSignature", "InvalidSignatureException", "SignatureDoesNotMatch"],
        "the signature is refused",
        "AWS_SECRET_ACCESS_KEY has to be that of AWS_ACCESS_KEY_ID, and this machine's clock has to be right",
    ),
    (
        &["RequestExpired", "RequestTimeTooSkewed"],
        "this machine's clock is wrong",
        "set the machine's clock, then run the same command again",
    ),
];

/// A bucket or table that is asked.
#[derive(Clone, Debug)]
pub(super) struct Site {
    /// What it is called, for people.
    pub(super) name: String,
    region: String,
    /// The account that it has to belong to, if it is known.
    account: Option<String>,
}

impl Site {
    pub(super) fn new(name: String, region: &str, place: &Place) -> Self {
        Self { name, region: region.to_owned(), account: place.account.clone() }
    }

    /// What the failure of a call that needs `permission` means for `key`.
    pub(super) fn trouble(&self, action: &'static str, key: &str, permission: &str, error: Error) -> StoreError {
        let key = key.to_owned();
        if let Some((why, help)) = self.unusable(permission, &error) {
            return StoreError::Unusable { place: self.name.clone(), why, help };
        }
        match (code(&error), error.class()) {
            ("PreconditionFailed" | "ConditionalCheckFailedException", _) => StoreError::Stale { key },
            // Two writers at the same moment: neither is known to have won.
            ("ConditionalRequestConflict" | "TransactionConflictException" | "TransactionInProgressException", _)
            | (_, Class::Ambiguous) => StoreError::Unanswered { action, key, source: error.into() },
            _ => StoreError::Failed { action, key, source: error.into() },
        }
    }

    /// Why the place cannot be used, and the way on, if the failure says so.
    fn unusable(&self, permission: &str, error: &Error) -> Option<(String, String)> {
        // An answer has AWS's words in it, and its causes say them once more; why there are no credentials only the causes know.
        let words = if code(error) == NONE { error.chain() } else { error.to_string() };
        let caller = CALLERS.iter().find(|(codes, ..)| codes.contains(&code(error)));
        let (why, help) = match (code(error), error.class()) {
            _ if let Some((_, why, help)) = caller => (format!("{why} ({words})"), (*help).to_owned()),
            ("NoSuchBucket" | "ResourceNotFoundException", _) => (
                format!("it does not exist in {}", self.region),
                "if it is elsewhere, say its region and name in the Stack's `state` or as --state s3://BUCKET/PREFIX?region=REGION&table=TABLE; if it was never made, `deployer init --bootstrap` makes bucket and table".to_owned(),
            ),
            ("PermanentRedirect" | "AuthorizationHeaderMalformed" | "IllegalLocationConstraintException", _) => (
                format!("it is in another region than {} ({words})", self.region),
                "say its region in the Stack's `state: {region: ..}` or as --state s3://BUCKET/PREFIX?region=REGION".to_owned(),
            ),
            ("ValidationException", _) if words.contains("key") => (
                format!("it is no table of locks: its key is not `{KEY}` of type S ({words})"),
                "name another table in the Stack's `state: {table: ..}`; `deployer init --bootstrap` creates one that is right".to_owned(),
            ),
            (_, Class::Denied) => (
                format!("{permission} is refused: there is no permission for it, or {} ({words})", self.foreign()),
                "`deployer iam-policy` prints what a role needs; nothing was changed by this call".to_owned(),
            ),
            _ => return None,
        };
        Some((why, help))
    }

    /// Whose it may be. S3 refuses another owner than the one that it is told to expect in the words of a missing permission.
    fn foreign(&self) -> String {
        match &self.account {
            Some(account) => format!("it does not belong to account {account} as it has to"),
            None => "it belongs to another account".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(code: &str, class: Class) -> StoreError {
        let site = Site::new("table locks".to_owned(), "eu-west-1", &Place::default());
        let message = "AWS's own words".to_owned();
        site.trouble(
            "write",
            "1",
            "dynamodb:PutItem",
            Error::Call { operation: "PutItem", class, code: code.to_owned(), message, source: None },
        )
    }

    fn unusable(code: &str, class: Class) -> (String, String) {
        match told(code, class) {
            StoreError::Unusable { why, help, .. } => (why, help),
            other => panic!("{code}: {other:?}"),
        }
    }

    #[test]
    fn credentials_are_no_missing_permission() {
        for (code, class, what, way) in [
            ("NoCredentials", Class::Other, "no credentials were found", "AWS_PROFILE"),
            ("ExpiredToken", Class::Denied, "the credentials have expired", "aws sso login"),
            ("ExpiredTokenException", Class::Denied, "the credentials have expired", "aws sso login"),
            ("InvalidClientTokenId", Class::Denied, "AWS does not know", "AWS_PROFILE"),
            ("UnrecognizedClientException", Class::Denied, "AWS does not know", "AWS_PROFILE"),
            ("InvalidAccessKeyId", Class::Invalid, "AWS does not know", "AWS_PROFILE"),
            ("SignatureDoesNotMatch", Class::Denied, "the signature is refused", "AWS_SECRET_ACCESS_KEY"),
            ("RequestTimeTooSkewed", Class::Denied, "this machine's clock is wrong", "set the machine's clock"),
        ] {
            let (why, help) = unusable(code, class);
            assert!(why.starts_with(what) && why.contains("AWS's own words"), "{code}: {why}");
            assert!(help.contains(way), "{code}: {help}");
            assert!(!why.contains("permission") && !help.contains("iam-policy"), "{code}: {why}: {help}");
        }
    }

    #[test]
    fn a_refusal_keeps_aws_s_words() {
        let (why, help) = unusable("AccessDeniedException", Class::Denied);
        assert!(why.contains("there is no permission for it") && why.contains("AWS's own words"), "{why}");
        assert!(help.contains("deployer iam-policy"), "{help}");
    }

    #[test]
    fn what_is_missing_is_missing_in_a_region() {
        let (why, help) = unusable("ResourceNotFoundException", Class::NotFound);
        assert_eq!(why, "it does not exist in eu-west-1");
        assert!(help.starts_with("if it is elsewhere, say its region"), "{help}");
    }

    #[test]
    fn what_may_pass_is_tried_again() {
        assert!(matches!(told("ConditionalCheckFailedException", Class::Other), StoreError::Stale { .. }));
        assert!(matches!(told("TransactionConflictException", Class::Other), StoreError::Unanswered { .. }));
        assert!(matches!(told("NoAnswer", Class::Ambiguous), StoreError::Unanswered { .. }));
        assert!(matches!(told("ThrottlingException", Class::Throttled), StoreError::Failed { .. }));
    }
}
