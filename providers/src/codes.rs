//! What services call their refusals, and what each means: data that `call` decides by.

use deployer_engine::error::Class;

/// Codes and what they mean. A code with a trailing `*` is a prefix, with a leading one an ending.
pub(crate) const CODES: &[(&str, Class)] = &[
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
pub(crate) const PROPAGATING: &[&str] = &[
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
pub(crate) const WORDS: &[(&str, Class)] = &[
    ("Creation of service was not idempotent", Class::AlreadyExists),
    // DynamoDB has one code for what exists and for what is busy, and one for limits that pass and limits that stay.
    ("Table already exists", Class::AlreadyExists),
    ("updated, or deleted simultaneously", Class::Conflict),
    ("tables that can be created simultaneously", Class::Conflict),
    ("Subscriber limit exceeded", Class::Conflict),
    // The second change within an hour.
    ("Time to live has been modified multiple times", Class::Conflict),
];
