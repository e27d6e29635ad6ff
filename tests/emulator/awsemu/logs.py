"""Logs: deletion protection, which moto does not know."""

import json

from awsemu.wire import error

OK = 200, [("Content-Type", "application/x-amz-json-1.1")], b"{}"


def group(call):
    from moto.logs.models import logs_backends

    return logs_backends[call.account][call.region].groups.get(call.target)


def before(call, world):
    if call.name == "PutLogGroupDeletionProtection":
        if group(call) is None:
            return error(call, "ResourceNotFoundException", "The specified log group does not exist.")
        group(call)._protected = bool(call.data.get("deletionProtectionEnabled"))
        return OK
    if call.name in ("AssociateKmsKey", "DisassociateKmsKey"):
        if group(call) is None:
            return error(call, "ResourceNotFoundException", "The specified log group does not exist.")
        group(call).kms_key_id = call.data.get("kmsKeyId")
        return OK
    # Fact: a protected group is not deleted until the protection is off.
    if call.name == "DeleteLogGroup" and getattr(group(call), "_protected", False):
        return error(call, "ValidationException", "Log group is protected from deletion.")
    return None


def after(call, world, answer):
    if call.name == "CreateLogGroup":
        group(call)._protected = bool(call.data.get("deletionProtectionEnabled"))
        # Fact: a group's class is chosen at its create and never changes; moto forgets it.
        group(call)._class = call.data.get("logGroupClass") or "STANDARD"
    if call.name == "DescribeLogGroups":
        from moto.logs.models import logs_backends

        status, headers, body = answer
        data = json.loads(body)
        groups = logs_backends[call.account][call.region].groups
        for it in data.get("logGroups", []):
            it["deletionProtectionEnabled"] = getattr(groups.get(it["logGroupName"]), "_protected", False)
            it["logGroupClass"] = getattr(groups.get(it["logGroupName"]), "_class", "STANDARD")
        return status, headers, json.dumps(data).encode()
    return answer
