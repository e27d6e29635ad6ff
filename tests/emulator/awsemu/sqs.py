"""SQS: names that are refused for a minute, and queues that can be read after they were deleted."""

import json

from awsemu.iam import unknown_principal
from awsemu.wire import error

# Fact: a queue's name cannot be used again for 60 seconds.
COOL_DOWN = 60.0
# Fact: a deleted queue may answer for up to a minute; ten seconds are played.
LINGER = 10.0


def key(call):
    return ("queue", call.account, call.region, call.target)


def before(call, world):
    deleted = world.deleted.get(key(call))
    if call.name == "CreateQueue" and deleted is not None and world.now() - deleted < COOL_DOWN:
        return error(call, "AWS.SimpleQueueService.QueueDeletedRecently", "You must wait 60 seconds after deleting a queue before you can create another with the same name.")
    if call.name in ("CreateQueue", "SetQueueAttributes") and unknown_principal(call, world, call.data.get("Attributes", {}).get("Policy")):
        return error(call, "InvalidAttributeValue", "Invalid value for the parameter Policy.")
    if call.name == "DeleteQueue":
        return delete(call, world, deleted)
    return None


def delete(call, world, deleted):
    from moto.sqs.models import sqs_backends

    backend = sqs_backends[call.account][call.region]
    ok = 200, [("Content-Type", "application/x-amz-json-1.0")], b"{}"
    if deleted is not None and world.now() - deleted < LINGER:
        return ok
    if call.target not in backend.queues:
        return None
    world.deleted[key(call)] = world.now()
    world.at(LINGER, lambda: backend.queues.pop(call.target, None))
    return ok


def after(call, world, answer):
    if call.name == "CreateQueue":
        world.deleted.pop(key(call), None)
    if call.name in ("CreateQueue", "SetQueueAttributes"):
        remember(call)
    if call.name == "GetQueueAttributes":
        return recall(call, answer)
    return answer


# What moto takes and forgets.
FORGOTTEN = ("RedriveAllowPolicy",)


def remember(call):
    from moto.sqs.models import sqs_backends

    queue = sqs_backends[call.account][call.region].queues.get(call.target)
    kept = getattr(queue, "_kept", {})
    kept.update({name: text for name, text in call.data.get("Attributes", {}).items() if name in FORGOTTEN})
    queue._kept = kept


def recall(call, answer):
    from moto.sqs.models import sqs_backends

    status, headers, body = answer
    kept = getattr(sqs_backends[call.account][call.region].queues.get(call.target), "_kept", {})
    asked = call.data.get("AttributeNames", [])
    found = {name: text for name, text in kept.items() if text and ("All" in asked or name in asked)}
    if not found:
        return answer
    data = json.loads(body)
    data.setdefault("Attributes", {}).update(found)
    return status, headers, json.dumps(data).encode()
