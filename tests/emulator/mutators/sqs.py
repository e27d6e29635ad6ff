"""Queues: every setting is a text in one map."""

from mutators.common import Cannot, client, kind, policy, rewritten, text

DEFAULTS = {
    "ContentBasedDeduplication": False, "DeduplicationScope": "queue", "FifoThroughputLimit": "perQueue", "DelaySeconds": 0,
    "MaximumMessageSize": 1048576, "MessageRetentionPeriod": 345600, "ReceiveMessageWaitTimeSeconds": 0, "VisibilityTimeout": 30,
    "SqsManagedSseEnabled": True, "KmsMasterKeyId": "", "KmsDataKeyReusePeriodSeconds": 300, "RedrivePolicy": "", "RedriveAllowPolicy": "",
}


def put(change, **attributes):
    client("sqs").set_queue_attributes(QueueUrl=change.id, Attributes=attributes)


def attribute(change):
    put(change, **{change.property: text(change.or_else(DEFAULTS[change.property]))})


def tag(change, tags):
    client("sqs").tag_queue(QueueUrl=change.id, Tags=tags)


def untag(change, keys):
    client("sqs").untag_queue(QueueUrl=change.id, TagKeys=keys)


def messages(change):
    fifo = {"MessageGroupId": "console", "MessageDeduplicationId": "console"} if change.id.endswith(".fifo") else {}
    client("sqs").send_message(QueueUrl=change.id, MessageBody="from the console", **fifo)


def document(change):
    if change.value is None:
        raise Cannot("without its document the policy is gone")
    put(change, Policy=policy(change.value))


KINDS = {
    "AWS::SQS::Queue": kind(dict.fromkeys(DEFAULTS, attribute), {"contents": messages}, tag, untag),
    "AWS::SQS::QueuePolicy": kind({"PolicyDocument": document}, {
        "policy_rewritten": lambda change: put(change, Policy=rewritten(change.spec["PolicyDocument"])),
    }),
}
