"""S3: what every new bucket has by itself, and policies that name a role too early."""

import json
import re

from moto.s3.models import FakeBucket

from awsemu.iam import unknown_principal
from awsemu.wire import error

PRIVATE = {"BlockPublicAcls": "true", "IgnorePublicAcls": "true", "BlockPublicPolicy": "true", "RestrictPublicBuckets": "true"}
ENCRYPTED = {"Rule": {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}, "BucketKeyEnabled": "false"}}


def permission(it, action, resource):
    """Fact: a statement counts where its conditions hold. Whoever talks to the emulator counts as talking by TLS; moto knows no conditions."""
    from moto.iam.access_control import IAMPolicy, PermissionResult

    if it.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(it.policy)
    statements = policy.get("Statement", [])
    by_tls = {"Bool": {"aws:SecureTransport": "false"}}, {"Bool": {"aws:SecureTransport": False}}
    policy["Statement"] = [one for one in (statements if isinstance(statements, list) else [statements]) if one.get("Condition") not in by_tls]
    return IAMPolicy(json.dumps(policy)).is_action_permitted(action, resource)


FakeBucket.get_permission = permission


def bucket(call):
    from moto.s3.models import s3_backends

    return s3_backends[call.account]["aws"].buckets.get(call.target)


def lets_in(call, arn):
    """Whether a queue's policy names S3; what its conditions say is not played."""
    from moto.sqs.models import sqs_backends

    *_, region, account, name = arn.split(":")
    queue = sqs_backends[account][region].queues.get(name)
    return queue is not None and "s3.amazonaws.com" in json.dumps(queue.policy or "")


def notices(call, answer):
    # moto takes the switch for EventBridge, and does not tell it.
    status, headers, body = answer
    there = bucket(call).notification_configuration
    if there is None:
        # Fact: where nobody is told the document is empty; moto has none.
        return status, [("Content-Type", "application/xml")], b'<NotificationConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/"/>'
    return status, headers, re.sub(rb"/>$|</NotificationConfiguration>$", bridged, body.rstrip()) if there.event_bridge is not None else body


def bridged(end):
    """The end of a document with EventBridge's switch in it."""
    opened = b">" if end.group() == b"/>" else b""
    return opened + b"<EventBridgeConfiguration/></NotificationConfiguration>"


def before(call, world):
    if call.name == "PutBucketPolicy" and unknown_principal(call, world, call.body.decode("utf-8", "replace")):
        return error(call, "MalformedPolicy", "Invalid principal in policy", 400)
    if call.name == "PutBucketNotificationConfiguration" and any(not lets_in(call, arn) for arn in re.findall("<Queue>(.*?)</Queue>", call.body.decode("utf-8", "replace"))):
        # Fact: a queue that is not there, or whose policy does not let S3 in, is refused.
        return error(call, "InvalidArgument", "Unable to validate the following destination configurations")
    if call.name == "DeleteBucketEncryption" and bucket(call):
        # Fact: deleting the configuration brings back S3's own key.
        bucket(call).encryption = dict(ENCRYPTED)
        return 204, [], b""
    return None


def after(call, world, answer):
    if call.name == "GetBucketVersioning":
        # moto names the root after the operation; AWS and strict clients name it after the configuration.
        status, headers, body = answer
        return status, headers, body.replace(b"GetBucketVersioningResponse", b"VersioningConfiguration")
    if call.name == "GetBucketNotificationConfiguration":
        return notices(call, answer)
    if call.name == "DeleteBucket" and bucket(call) is None:
        from moto.s3.models import s3_backends

        # Fact: tags go with what they are on; moto keeps them for the next of that name.
        s3_backends[call.account]["aws"].tagger.delete_all_tags_for_resource(f"arn:aws:s3:::{call.target}")
    if call.name != "CreateBucket":
        return answer
    made = bucket(call)
    if made is not None and not getattr(made, "_awsemu", False):
        made._awsemu = True
        # Fact: since April 2023 new buckets are encrypted by S3's key, block public access and disable ACLs.
        made.public_access_block = made.public_access_block or _access()
        made.encryption = made.encryption or dict(ENCRYPTED)
        made.ownership_rule = made.ownership_rule or "BucketOwnerEnforced"
        tags = dict(re.findall(r"<Tag><Key>(.*?)</Key><Value>(.*?)</Value></Tag>", call.body.decode("utf-8", "replace")))
        if tags:
            # Fact: the newest API takes tags with the create.
            from moto.s3.models import s3_backends

            s3_backends[call.account]["aws"].put_bucket_tagging(call.target, tags)
    return answer


def _access():
    from moto.s3.models import PublicAccessBlock

    return PublicAccessBlock(True, True, True, True)
