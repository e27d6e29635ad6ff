"""Log groups."""

import time

from mutators.common import client, kind, region


def logs():
    return client("logs")


def retention(change):
    if change.value is None:
        return logs().delete_retention_policy(logGroupName=change.id)
    return logs().put_retention_policy(logGroupName=change.id, retentionInDays=change.value)


def key(change):
    if change.value is None:
        return logs().disassociate_kms_key(logGroupName=change.id)
    return logs().associate_kms_key(logGroupName=change.id, kmsKeyId=change.value)


def protection(change):
    logs().put_log_group_deletion_protection(logGroupIdentifier=change.id, deletionProtectionEnabled=change.or_else(False))


def arn(change):
    return (change.outputs.get("Arn") or f"arn:aws:logs:{region}:{account()}:log-group:{change.id}").removesuffix(":*")


def account():
    return client("sts").get_caller_identity()["Account"]


def tag(change, tags):
    logs().tag_resource(resourceArn=arn(change), tags=tags)


def untag(change, keys):
    logs().untag_resource(resourceArn=arn(change), tagKeys=keys)


def events(change):
    logs().create_log_stream(logGroupName=change.id, logStreamName="console")
    event = {"timestamp": int(time.time() * 1000), "message": "from the console"}
    logs().put_log_events(logGroupName=change.id, logStreamName="console", logEvents=[event])


KINDS = {
    "AWS::Logs::LogGroup": kind(
        {"RetentionInDays": retention, "KmsKeyId": key, "DeletionProtectionEnabled": protection}, {"contents": events}, tag, untag),
}
