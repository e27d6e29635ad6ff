"""Buckets: a call for each configuration, which it replaces as a whole."""

from mutators.common import Cannot, Change, client, kind, listed, maybe, pairs, policy, rewritten, several


ENCRYPTED = {"ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}


def s3():
    return client("s3")


def versioning(change):
    s3().put_bucket_versioning(Bucket=change.id, VersioningConfiguration=change.or_else({"Status": "Suspended"}))


def encryption(change):
    if change.or_else(ENCRYPTED) is ENCRYPTED:
        return s3().delete_bucket_encryption(Bucket=change.id)
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault", "BucketKeyEnabled": "BucketKeyEnabled"}
    rules = [{names[key]: it for key, it in rule.items()} for rule in change.value["ServerSideEncryptionConfiguration"]]
    return s3().put_bucket_encryption(Bucket=change.id, ServerSideEncryptionConfiguration={"Rules": rules})


def lifecycle(change):
    rules = [lifecycle_rule(it) for it in change.or_else({}).get("Rules") or []]
    if not rules:
        return s3().delete_bucket_lifecycle(Bucket=change.id)
    return s3().put_bucket_lifecycle_configuration(Bucket=change.id, LifecycleConfiguration={"Rules": rules})


def lifecycle_rule(it):
    rule = {"Status": it["Status"], "Filter": {"Prefix": it.get("Prefix", "")}}
    if "Id" in it:
        rule["ID"] = it["Id"]
    if "ExpirationInDays" in it:
        rule["Expiration"] = {"Days": it["ExpirationInDays"]}
    if "Transitions" in it:
        rule["Transitions"] = [{"Days": one["TransitionInDays"], "StorageClass": one["StorageClass"]} for one in it["Transitions"]]
    same = ("NoncurrentVersionExpiration", "AbortIncompleteMultipartUpload")
    return {**rule, **{key: it[key] for key in same if key in it}}


def access(change):
    if change.value is None:
        return s3().delete_public_access_block(Bucket=change.id)
    return s3().put_public_access_block(Bucket=change.id, PublicAccessBlockConfiguration=change.value)


def ownership(change):
    if change.value is None:
        return s3().delete_bucket_ownership_controls(Bucket=change.id)
    return s3().put_bucket_ownership_controls(Bucket=change.id, OwnershipControls=change.value)


def cors(change):
    names = {"Id": "ID", "ExposedHeaders": "ExposeHeaders", "MaxAge": "MaxAgeSeconds"}
    rules = [{names.get(key, key): it for key, it in rule.items()} for rule in change.or_else({}).get("CorsRules") or []]
    if not rules:
        return s3().delete_bucket_cors(Bucket=change.id)
    return s3().put_bucket_cors(Bucket=change.id, CORSConfiguration={"CORSRules": rules})


NOTICES = {
    "QueueConfigurations": ("QueueConfigurations", "Queue", "QueueArn"),
    "TopicConfigurations": ("TopicConfigurations", "Topic", "TopicArn"),
    "LambdaConfigurations": ("LambdaFunctionConfigurations", "Function", "LambdaFunctionArn"),
}


def notices(change):
    told = change.or_else({})
    wanted = {NOTICES[key][0]: [notice(it, *NOTICES[key][1:]) for it in told[key]] for key in NOTICES if told.get(key)}
    if told.get("EventBridgeConfiguration", {"EventBridgeEnabled": False}).get("EventBridgeEnabled", True):
        wanted["EventBridgeConfiguration"] = {}
    s3().put_bucket_notification_configuration(Bucket=change.id, NotificationConfiguration=wanted)


def notice(it, whom, arn):
    found = {arn: it[whom], "Events": [it["Event"]]}
    if "Filter" in it:
        found["Filter"] = {"Key": {"FilterRules": it["Filter"]["S3Key"]["Rules"]}}
    return found


def reordered(change):
    """Rules and notices the other way round: their order means nothing."""
    rules = change.spec.get("LifecycleConfiguration", {}).get("Rules", [])
    told = change.spec.get("NotificationConfiguration", {})
    if len(rules) > 1:
        return lifecycle(sent(change, "LifecycleConfiguration", {"Rules": several(rules)}))
    if any(len(told.get(key, [])) > 1 for key in NOTICES):
        return notices(sent(change, "NotificationConfiguration", {key: it[::-1] if key in NOTICES else it for key, it in told.items()}))
    raise Cannot("it has no list whose order means nothing")


def sent(change, name, value):
    return Change(change.kind, change.id, change.spec, change.outputs, name, change.spec[name], value)


def current(change):
    return pairs((maybe(s3().get_bucket_tagging, "NoSuchTagSet", Bucket=change.id) or {}).get("TagSet"))


def write_tags(change, tags):
    if not tags:
        return s3().delete_bucket_tagging(Bucket=change.id)
    return s3().put_bucket_tagging(Bucket=change.id, Tagging={"TagSet": listed(tags)})


def tag(change, tags):
    write_tags(change, {**current(change), **tags})


def untag(change, keys):
    write_tags(change, {key: it for key, it in current(change).items() if key not in keys})


def objects(change):
    s3().put_object(Bucket=change.id, Key="from/the/console", Body=b"something")


def document(change):
    if change.value is None:
        raise Cannot("without its document the policy is gone")
    s3().put_bucket_policy(Bucket=change.id, Policy=policy(change.value))


KINDS = {
    "AWS::S3::Bucket": kind({
        "VersioningConfiguration": versioning, "BucketEncryption": encryption, "LifecycleConfiguration": lifecycle,
        "PublicAccessBlockConfiguration": access, "OwnershipControls": ownership, "CorsConfiguration": cors, "NotificationConfiguration": notices,
    }, {"contents": objects, "list_order": reordered}, tag, untag),
    "AWS::S3::BucketPolicy": kind({"PolicyDocument": document}, {
        "policy_rewritten": lambda change: s3().put_bucket_policy(Bucket=change.id, Policy=rewritten(change.spec["PolicyDocument"])),
    }),
}
