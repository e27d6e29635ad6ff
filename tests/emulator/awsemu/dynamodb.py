"""DynamoDB: tables that take a while, one change at a time, and settings whose changes are limited."""

import json

from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table

from awsemu.wire import error

# Fact: a table is CREATING for some ten seconds, and DELETING for a while before its name is free.
CREATING, DELETING = 10.0, 8.0
# Fact: after UpdateTable it is UPDATING for some seconds; an index that comes or goes takes longer than its table.
UPDATING, INDEXING, ENCRYPTING = 5.0, 20.0, 30.0
# Fact: a new table's backups are not there for a while after it is ACTIVE.
BACKUPS = 15.0
# Fact: a second change of the time to live is refused for up to an hour after the first, and it is ENABLING or DISABLING for a part
# of that; played faster.
LIMITED, TURNING = 900.0, 60.0
DATA = ("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan")

# `after` schedules the rest of a table's life: until then it is what it is born as.
Table._status, Table._class, Table._switched, Table._encrypting = "CREATING", None, False, None
Table._going, Table._turned, Table._active_since = (), -1e9, 1e18


def backend(call):
    return dynamodb_backends[call.account][call.region]


def table(call):
    return backend(call).tables.get(call.data.get("TableName", "").rsplit("/", 1)[-1])


def in_use(call, what):
    return error(call, "ResourceInUseException", f"Attempt to change a resource which is still in use: {what}: {call.data['TableName']}")


def invalid(call, what):
    return error(call, "ValidationException", what)


def retag(call):
    """Fact: a key has one value; moto keeps the old one beside the new."""

    new = {tag["Key"] for tag in call.data.get("Tags", [])}
    for it in backend(call).tables.values():
        if it.table_arn == call.data.get("ResourceArn"):
            it.tags = [tag for tag in it.tags if tag["Key"] not in new]


def before(call, world):
    if call.name == "TagResource":
        retag(call)
    there = table(call)
    # moto has a code of its own for these two.
    if there is None and call.name in ("DescribeTimeToLive", "UpdateTimeToLive"):
        return error(call, "ResourceNotFoundException", f"Requested resource not found: Table: {call.data.get('TableName')} not found")
    if there is None:
        return None
    if call.name in DATA and there._status in ("CREATING", "DELETING"):
        # Fact: items of a table that is not there yet, or not any more, are not found.
        return error(call, "ResourceNotFoundException", "Requested resource not found")
    if call.name == "CreateTable" and there._status == "DELETING":
        return in_use(call, "Table is being deleted")
    if call.name == "UpdateTable":
        return refused(call, there) or prepare(there, call.data)
    if call.name == "DeleteTable":
        return delete(call, there, world)
    if call.name == "UpdateTimeToLive":
        return expire(call, there, world)
    if call.name == "UpdateContinuousBackups" and world.now() < there._active_since + BACKUPS:
        return error(call, "ContinuousBackupsUnavailableException", "Backups are being enabled for the table: try again later.")
    return None


def refused(call, there):
    # Fact: only an ACTIVE table takes a change, and one kind of change in a call.
    if there._status != "ACTIVE" or there._encrypting:
        return in_use(call, f"Table is being {'updated' if there._status == 'ACTIVE' else there._status.lower()}")
    updates = call.data.get("GlobalSecondaryIndexUpdates", [])
    moves = [update for update in updates if "Create" in update or "Delete" in update]
    alone = len(moves) + sum(key in call.data for key in ("TableClass", "SSESpecification"))
    others = any(key in call.data for key in ("BillingMode", "ProvisionedThroughput", "StreamSpecification", "DeletionProtectionEnabled"))
    if alone > 1 or alone and (others or len(updates) > len(moves)):
        return invalid(call, "One or more parameter values were invalid: Only one kind of change is supported in a call")
    # Fact: one index comes or goes at a time, and its table takes other changes meanwhile.
    if moves and (there._going or any(index.status != "ACTIVE" for index in there.global_indexes)):
        return error(call, "LimitExceededException", "Subscriber limit exceeded: Only 1 online index can be created or deleted simultaneously per table")
    names = {index.name for index in there.global_indexes}
    for update in updates:
        kind, it = next(iter(update.items()))
        if (it["IndexName"] in names) == (kind == "Create"):
            return invalid(call, f"One or more parameter values were invalid: Index {it['IndexName']} {'already exists' if kind == 'Create' else 'does not exist'}")
    for it in (update["Create"] for update in moves if "Create" in update):
        # Fact: the definitions of a call are exactly the keys of the table and its indexes.
        keys = set(there.attribute_keys) | {key["AttributeName"] for key in it["KeySchema"]}
        if keys != {one["AttributeName"] for one in call.data.get("AttributeDefinitions", [])}:
            return invalid(call, "One or more parameter values were invalid: Some AttributeDefinitions are not used, or some keys are not defined")
    billing = call.data.get("BillingMode", there.billing_mode)
    created = [update["Create"] for update in moves if "Create" in update]
    units = [call.data] * ("ProvisionedThroughput" in call.data or billing != there.billing_mode) + created
    # Fact: capacity belongs to provisioned tables alone, and there to each index too.
    if any(("ProvisionedThroughput" in it) != (billing == "PROVISIONED") for it in units):
        return invalid(call, f"One or more parameter values were invalid: capacity does not fit {billing}")
    if billing == "PROVISIONED" != there.billing_mode and names != {update["Update"]["IndexName"] for update in updates if "Update" in update}:
        return invalid(call, "One or more parameter values were invalid: ProvisionedThroughput must be specified for all indexes")
    if billing == "PROVISIONED" == there.billing_mode and unchanged(call, there, updates):
        # Fact: the capacity that is there already is refused.
        return invalid(call, f"The provisioned throughput for the {unchanged(call, there, updates)} will not change. The requested value equals the current value.")
    wanted = call.data.get("StreamSpecification")
    on = bool(there.stream_specification and there.stream_specification["StreamEnabled"])
    # Fact: a stream has to end before one of another view begins.
    if wanted and bool(wanted.get("StreamEnabled")) == on:
        return invalid(call, f"Table {'already has an enabled stream' if on else 'has no stream to disable'}: {there.name}")
    return None


def unchanged(call, there, updates):
    """What is to get the capacity that it has."""
    def same(had, wanted):
        return wanted is not None and all(int((had or {}).get(key, 0)) == int(wanted[key]) for key in ("ReadCapacityUnits", "WriteCapacityUnits"))

    if same(there.throughput, call.data.get("ProvisionedThroughput")):
        return "table"
    indexes = {index.name: index for index in there.global_indexes}
    changes = [update["Update"] for update in updates if "Update" in update]
    return next((f"index {it['IndexName']}" for it in changes if same(indexes[it["IndexName"]].throughput, it.get("ProvisionedThroughput"))), None)


def prepare(there, data):
    # moto takes a stream that has ended for one that is there.
    if data.get("StreamSpecification", {}).get("StreamEnabled"):
        there.latest_stream_label = None
    there._before = list(there.global_indexes)


def delete(call, there, world):
    if there.deletion_protection_enabled:
        return None
    # Fact: a table that is not ACTIVE is not deleted.
    if there._status != "ACTIVE":
        return in_use(call, f"Table is being {there._status.lower()}")
    there._status = "DELETING"
    tables = backend(call).tables
    # Another of that name, after a reset, is none of this event's.
    world.at(DELETING, lambda: tables.get(there.name) is there and tables.pop(there.name))
    body = json.dumps({"TableDescription": {"TableName": there.name, "TableStatus": "DELETING", "TableArn": there.table_arn}})
    return 200, [("Content-Type", "application/x-amz-json-1.0")], body.encode()


def expire(call, there, world):
    if there._status not in ("ACTIVE", "UPDATING"):
        return in_use(call, f"Table is being {there._status.lower()}")
    if world.now() < there._turned + LIMITED:
        # Fact: it is told as an invalid request.
        return invalid(call, "Time to live has been modified multiple times within a fixed interval")
    wanted, on = call.data["TimeToLiveSpecification"], there.ttl["TimeToLiveStatus"] == "ENABLED"
    if wanted["Enabled"] == on:
        return invalid(call, f"TimeToLive is already {'enabled' if on else 'disabled'}")
    # Fact: it is given up under the name of its attribute alone.
    if on and wanted["AttributeName"] != there.ttl.get("AttributeName"):
        return invalid(call, f"TimeToLive is active on a different AttributeName: current AttributeName is {there.ttl.get('AttributeName')}")
    return None


def after(call, world, answer):
    there = table(call)
    if there is None:
        return answer
    if call.name == "CreateTable":
        there._class = call.data.get("TableClass")

        def born():
            there._status, there._active_since = "ACTIVE", world.now()

        world.at(CREATING, born)
    if call.name == "UpdateTable":
        return update(call, there, world, answer)
    if call.name == "UpdateTimeToLive":
        on = there.ttl["TimeToLiveStatus"] == "ENABLED"
        there._turned, there.ttl["TimeToLiveStatus"] = world.now(), "ENABLING" if on else "DISABLING"
        # Fact: the attribute is told no more once it is given up.
        world.at(TURNING, lambda: there.ttl.update(TimeToLiveStatus="ENABLED") if on else (there.ttl.clear(), there.ttl.update(TimeToLiveStatus="DISABLED")))
    return answer


def update(call, there, world, answer):
    there._status = "UPDATING"
    world.at(UPDATING, lambda: there._status == "UPDATING" and setattr(there, "_status", "ACTIVE"))
    there._class = call.data.get("TableClass") or there._class
    there._switched = there._switched or "BillingMode" in call.data
    if there.billing_mode == "PAY_PER_REQUEST":
        # Fact: under on-demand billing zeros are told.
        for it in [there, *there.global_indexes]:
            it.throughput = {"ReadCapacityUnits": 0, "WriteCapacityUnits": 0}
    wanted = call.data.get("SSESpecification")
    if wanted:
        # moto knows it from a create alone.
        default = wanted["Enabled"] and there._get_default_encryption_key(call.account, call.region)
        there.sse_specification = {**wanted, "KMSMasterKeyId": wanted.get("KMSMasterKeyId") or default}
        there._encrypting = "UPDATING"
        world.at(ENCRYPTING, lambda: setattr(there, "_encrypting", None))
    names = {index.name for index in there._before}
    for index in (it for it in there.global_indexes if it.name not in names):
        index.status = "CREATING"
        world.at(INDEXING, lambda index=index: setattr(index, "status", "ACTIVE"))
    left = {index.name for index in there.global_indexes}
    there._going = tuple(it for it in there._before if it.name not in left)

    def gone():
        there._going = ()
        # Fact: what is no key any more is not defined any more.
        there.attr = [it for it in there.attr if it["AttributeName"] in there.attribute_keys]

    if there._going:
        world.at(INDEXING, gone)
    return 200, [("Content-Type", "application/x-amz-json-1.0")], answer[2].replace(b'"ACTIVE"', b'"UPDATING"', 1)


_describe = Table.describe


def describe(self, base_key="TableDescription"):
    told = _describe(self, base_key)
    it = told[base_key]
    it["TableStatus"] = self._status
    # Fact: what was never switched from provisioned billing, and what is of the standard class, is not told.
    if self.billing_mode == "PROVISIONED" and not self._switched:
        del it["BillingModeSummary"]
    if self._class:
        it["TableClassSummary"] = {"TableClass": self._class}
    if self._encrypting and "SSEDescription" in it:
        it["SSEDescription"]["Status"] = self._encrypting
    # Fact: a key is told by its ARN, whatever it was named by.
    key = it.get("SSEDescription", {}).get("KMSMasterKeyArn")
    if key and not key.startswith("arn:"):
        it["SSEDescription"]["KMSMasterKeyArn"] = f"arn:aws:kms:{self.region_name}:{self.account_id}:key/{key}"
    it["GlobalSecondaryIndexes"] = [*it["GlobalSecondaryIndexes"], *({**index.describe(), "IndexStatus": "DELETING"} for index in self._going)]
    # Fact: the indexes of a table come with it.
    if self._status == "CREATING":
        it["GlobalSecondaryIndexes"] = [{**index, "IndexStatus": "CREATING"} for index in it["GlobalSecondaryIndexes"]]
    # Fact: an empty list is not told.
    for name in ("GlobalSecondaryIndexes", "LocalSecondaryIndexes"):
        if not it[name]:
            del it[name]
    return told


Table.describe = describe
