"""Logs: deletion protection and metric filters as they are, which moto does not know, and what the containers of tasks write."""

import json

from awsemu.wire import error

OK = 200, [("Content-Type", "application/x-amz-json-1.1")], b"{}"


def group(call):
    from moto.logs.models import logs_backends

    return logs_backends[call.account][call.region].groups.get(call.target)


def filters(call):
    from moto.logs.models import logs_backends

    return logs_backends[call.account][call.region].filters


def filter_of(call):
    """Changes a metric filter: moto keeps several of one name, and lets one stand without its group."""
    place = (call.data.get("logGroupName"), call.data.get("filterName"))
    there = [it for it in filters(call).metric_filters if (it["logGroupName"], it["filterName"]) == place]
    # Fact: a filter belongs to a group that is there; what is put again is written over.
    if group(call) is None or (call.name == "DeleteMetricFilter" and not there):
        return error(call, "ResourceNotFoundException", "The specified resource does not exist.")
    for it in there:
        filters(call).metric_filters.remove(it)
    return None if call.name == "PutMetricFilter" else OK


def before(call, world):
    if call.name in ("PutMetricFilter", "DeleteMetricFilter"):
        return filter_of(call)
    if call.name == "DescribeMetricFilters" and call.data.get("logGroupName") and group(call) is None:
        return error(call, "ResourceNotFoundException", "The specified log group does not exist.")
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
    # Fact: a group's filters go with it.
    if call.name == "DeleteLogGroup" and group(call) is None:
        from moto.logs.models import logs_backends

        # Fact: tags go with what they are on; moto keeps them for the next of that name.
        tagger = logs_backends[call.account][call.region].tagger
        tagger.delete_all_tags_for_resource(f"arn:aws:logs:{call.region}:{call.account}:log-group:{call.target}")
        filters(call).metric_filters = [it for it in filters(call).metric_filters if it["logGroupName"] != call.target]
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


def write(world, task, container, lines):
    """What a container of a task says, where its log driver takes it to, if that is there."""
    from moto.logs.models import logs_backends

    config = container.get("logConfiguration") or {}
    options = config.get("options") or {}
    region, account = task["taskArn"].split(":")[3:5]
    there = logs_backends[account][options.get("awslogs-region") or region].groups.get(options.get("awslogs-group"))
    if config.get("logDriver") != "awslogs" or there is None or not lines:
        return
    # Fact: a task's stream is named by prefix, container and task.
    number = task["taskArn"].rsplit("/", 1)[-1]
    stream = "/".join([options["awslogs-stream-prefix"], container["name"], number] if options.get("awslogs-stream-prefix") else [number])
    if stream not in there.streams:
        there.create_log_stream(stream)
    now = int(world.wall() * 1000)
    there.put_log_events(stream, [{"timestamp": now + place, "message": text} for place, text in enumerate(lines)])
