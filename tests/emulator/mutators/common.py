"""What all services' changes from outside have in common: clients, tags, policies in other words."""

import dataclasses
import functools
import json
import os
import time

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

config = Config(user_agent_appid="inventory", retries={"max_attempts": 5}, s3={"addressing_style": "path"})
region = os.environ.get("AWS_REGION", "eu-west-1")

PATIENCE = 20.0
BUSY = {
    "ConcurrentModificationException", "ConcurrentUpdateException", "ContinuousBackupsUnavailableException", "InvalidDBInstanceState",
    "LimitExceededException", "OperationAborted", "OperationAbortedException", "ResourceInUse", "ResourceInUseException",
}
BUSY_TEXT = "modified multiple times within a fixed interval"


class Cannot(Exception):
    """AWS has no call that would do this."""


@dataclasses.dataclass(frozen=True)
class Change:
    """What is asked for: a property's new value, or a change that means nothing."""

    kind: str
    id: str
    spec: dict
    outputs: dict
    property: str = ""
    before: object = None
    value: object = None
    silent: str = ""

    def after(self):
        """All properties as they shall be."""
        return {**self.spec, self.property: self.value} if self.property else self.spec

    def needed(self):
        """The value, which cannot be none."""
        if self.value is None:
            raise Cannot(f"no call takes {self.property} away")
        return self.value

    def or_else(self, default):
        """The value, or what AWS makes of none."""
        if self.value is None and self.before == default:
            raise Cannot(f"{self.property} is at its default already")
        return default if self.value is None else self.value

    def parts(self):
        return self.id.split("|")


class Patient:
    """A client that waits for a thing that is busy."""

    def __init__(self, client):
        self._client = client

    def __getattr__(self, name):
        return functools.partial(patiently, getattr(self._client, name))


def patiently(call, **arguments):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return call(**arguments)
        except ClientError as error:
            told = error.response["Error"]
            if time.monotonic() > end or told["Code"] not in BUSY and BUSY_TEXT not in told.get("Message", ""):
                raise
        time.sleep(0.2)


@functools.cache
def client(name):
    return Patient(boto3.client(name, region_name=region, config=config))


def maybe(call, *codes, **arguments):
    """The answer, or none where AWS says one of these codes."""
    try:
        return call(**arguments)
    except ClientError as error:
        if error.response["Error"]["Code"] not in codes:
            raise
        return None


def kind(properties, silent=None, put=None, drop=None):
    """A type's table; with `put` and `drop` it has tags."""
    properties, silent = dict(properties), dict(silent or {})
    if put:
        properties["Tags"] = functools.partial(retag, put, drop)
        silent["tags_order"] = functools.partial(tags_again, put, drop)
        silent["foreign_tag"] = lambda change: put(change, {"console:owner": "somebody"})
    return {"properties": properties, "silent": silent}


def pairs(tags):
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def listed(tags, key="Key", value="Value"):
    return [{key: name, value: text} for name, text in tags.items()]


def retag(put, drop, change):
    """The user's keys alone: the product's own stay."""
    before, after = pairs(change.before), pairs(change.value)
    gone = sorted(key for key in before.keys() - after.keys() if not key.startswith("deployer:"))
    if gone:
        drop(change, gone)
    if after:
        put(change, after)


def tags_again(put, drop, change):
    """Taken off and put on the other way round: they stand elsewhere among all tags."""
    tags = pairs(change.spec.get("Tags"))
    if not tags:
        raise Cannot("it has no tags")
    drop(change, sorted(tags))
    put(change, dict(reversed(tags.items())))


def text(value):
    """As AWS takes it in maps of texts."""
    return value if isinstance(value, str) else json.dumps(value)


def policy(document):
    return document if isinstance(document, str) else json.dumps(document)


def rewritten(document):
    """The same policy in other words: lists of one for single texts and the other way round, keys and actions in another order."""
    document = json.loads(policy(document))
    statements = document.get("Statement", [])
    statements = [reworded(it) for it in (statements if isinstance(statements, list) else [statements])]
    return json.dumps(dict(reversed({**document, "Statement": statements[0] if len(statements) == 1 else statements}.items())))


def reworded(statement):
    changed = {}
    for key, value in reversed(statement.items()):
        if key in ("Action", "NotAction", "Resource", "NotResource"):
            value = other_way(value)
        elif key == "Condition":
            value = {operator: {name: other_way(it) for name, it in reversed(names.items())} for operator, names in reversed(value.items())}
        elif key in ("Principal", "NotPrincipal") and isinstance(value, dict):
            value = {name: other_way(it) for name, it in reversed(value.items())}
        changed[key] = value
    return changed


def other_way(value):
    if not isinstance(value, list):
        return [value]
    return value[0] if len(value) == 1 else value[::-1]


def several(values):
    """The list in another order, if it has one."""
    if len(values or []) < 2:
        raise Cannot("a list of less than two has one order")
    return values[::-1]


def lower(value):
    """CloudFormation's names as ECS has them."""
    if isinstance(value, dict):
        return {name[:1].lower() + name[1:]: lower(it) for name, it in value.items()}
    return [lower(it) for it in value] if isinstance(value, list) else value
