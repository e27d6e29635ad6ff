"""Tables: one kind of change in a call, one call at a time."""

import time

from mutators.common import PATIENCE, Cannot, client, kind, listed


def dynamodb():
    return client("dynamodb")


def table(change):
    return dynamodb().describe_table(TableName=change.id)["Table"]


def update(change, **arguments):
    return dynamodb().update_table(TableName=change.id, **arguments)


def billing(change):
    mode = change.or_else("PROVISIONED")
    if mode != "PROVISIONED":
        return update(change, BillingMode=mode)
    units = change.spec.get("ProvisionedThroughput") or {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
    indexes = [it["IndexName"] for it in table(change).get("GlobalSecondaryIndexes", [])]
    more = {"GlobalSecondaryIndexUpdates": [{"Update": {"IndexName": it, "ProvisionedThroughput": units}} for it in indexes]} if indexes else {}
    return update(change, BillingMode=mode, ProvisionedThroughput=units, **more)


def capacity(change):
    update(change, ProvisionedThroughput=change.needed())


def stream(change):
    """One has to end before another begins."""
    if table(change).get("StreamSpecification", {}).get("StreamEnabled"):
        update(change, StreamSpecification={"StreamEnabled": False})
    if change.value:
        update(change, StreamSpecification={"StreamEnabled": True, **change.value})


def encryption(change):
    value = change.or_else({"SSEEnabled": False})
    wanted = {"Enabled": value["SSEEnabled"], **{key: it for key, it in value.items() if key != "SSEEnabled"}}
    update(change, SSESpecification=wanted)


def expiry(change):
    """It is given up for one attribute before it begins for another."""
    told = dynamodb().describe_time_to_live(TableName=change.id)["TimeToLiveDescription"]
    wanted = change.or_else({"Enabled": False})
    name = wanted.get("AttributeName") or told.get("AttributeName")
    if told.get("TimeToLiveStatus", "").startswith("ENABL"):
        if wanted["Enabled"] and told["AttributeName"] == name:
            return
        expire(change, False, told["AttributeName"])
    if wanted["Enabled"]:
        expire(change, True, name)


def expire(change, enabled, name):
    dynamodb().update_time_to_live(TableName=change.id, TimeToLiveSpecification={"Enabled": enabled, "AttributeName": name})


def recovery(change):
    wanted = change.or_else({"PointInTimeRecoveryEnabled": False})
    dynamodb().update_continuous_backups(TableName=change.id, PointInTimeRecoverySpecification=wanted)


def protection(change):
    update(change, DeletionProtectionEnabled=change.or_else(False))


def storage(change):
    update(change, TableClass=change.or_else("STANDARD"))


def indexes(change):
    """Those that are otherwise go and come anew; capacity changes in place."""
    before, after = ({it["IndexName"]: it for it in all or []} for all in (change.before, change.value))
    for name in before.keys() - after.keys():
        drop(change, name)
    for name, it in after.items():
        was = before.get(name)
        if was and shape(was) == shape(it):
            if was.get("ProvisionedThroughput") != it.get("ProvisionedThroughput") and it.get("ProvisionedThroughput"):
                units = {"IndexName": name, "ProvisionedThroughput": it["ProvisionedThroughput"]}
                update(change, GlobalSecondaryIndexUpdates=[{"Update": units}])
            continue
        if was:
            drop(change, name)
        update(change, GlobalSecondaryIndexUpdates=[{"Create": it}], AttributeDefinitions=keys(change, it))


def shape(index):
    """What never changes of an index; the order of its attributes means nothing."""
    projection = index["Projection"]
    return index["KeySchema"], projection["ProjectionType"], sorted(projection.get("NonKeyAttributes") or [])


def drop(change, name):
    update(change, GlobalSecondaryIndexUpdates=[{"Delete": {"IndexName": name}}])
    end = time.monotonic() + PATIENCE
    while any(it["IndexName"] == name for it in table(change).get("GlobalSecondaryIndexes", [])) and time.monotonic() < end:
        time.sleep(0.2)


def keys(change, new):
    """The definitions of all attributes that are keys, then."""
    live = table(change)
    all = [live, new, *live.get("GlobalSecondaryIndexes", []), *live.get("LocalSecondaryIndexes", [])]
    used = {key["AttributeName"] for it in all for key in it["KeySchema"]}
    told = {it["AttributeName"]: it for it in [*change.spec["AttributeDefinitions"], *live["AttributeDefinitions"]]}
    if used - told.keys():
        raise Cannot(f"nothing says what {', '.join(sorted(used - told.keys()))} is")
    return [told[name] for name in sorted(used)]


def item(change):
    types = {it["AttributeName"]: it["AttributeType"] for it in change.spec["AttributeDefinitions"]}
    values = {"S": "console", "N": "1", "B": b"console"}
    dynamodb().put_item(TableName=change.id, Item={name: {kind: values[kind]} for name, kind in types.items()})


def arn(change):
    return change.outputs.get("Arn") or table(change)["TableArn"]


def tag(change, tags):
    """Taken off before: the emulator keeps a key's old value beside the new one."""
    untag(change, sorted(tags))
    dynamodb().tag_resource(ResourceArn=arn(change), Tags=listed(tags))


def untag(change, keys):
    dynamodb().untag_resource(ResourceArn=arn(change), TagKeys=keys)


def attributes(change):
    raise Cannot("they come and go with the indexes that use them")


KINDS = {
    "AWS::DynamoDB::Table": kind({
        "AttributeDefinitions": attributes,
        "BillingMode": billing, "ProvisionedThroughput": capacity, "GlobalSecondaryIndexes": indexes, "StreamSpecification": stream,
        "SSESpecification": encryption, "TimeToLiveSpecification": expiry, "PointInTimeRecoverySpecification": recovery,
        "DeletionProtectionEnabled": protection, "TableClass": storage,
    }, {"contents": item}, tag, untag),
}
