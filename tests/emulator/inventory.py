"""Everything in one account and region, read by boto3: an oracle that shares no code with the product.

Prints one sorted JSON document. What differs between two equal worlds (times, counters, ids that AWS makes) is left out.
"""

import functools
import json
import os

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

from webapp import inventory

config = Config(user_agent_appid="inventory", retries={"max_attempts": 5}, s3={"addressing_style": "path"})
region = os.environ.get("AWS_REGION", "eu-west-1")


@functools.cache
def client(name):
    return boto3.client(name, region_name=region, config=config)


def maybe(call, *keys, **arguments):
    """The answer's part, or none where it is not set."""
    try:
        answer = call(**arguments)
    except ClientError:
        return None
    for key in keys:
        answer = answer.get(key) if isinstance(answer, dict) else None
    return answer


def tags(listed):
    return dict(sorted((tag["Key"], tag["Value"]) for tag in listed or []))


def document(text):
    return json.loads(text) if isinstance(text, str) and text else text


def queues():
    sqs, found = client("sqs"), {}
    for url in sqs.list_queues(MaxResults=1000).get("QueueUrls", []):
        attributes = maybe(sqs.get_queue_attributes, "Attributes", QueueUrl=url, AttributeNames=["All"])
        if attributes is None:
            continue
        kept = {key: value for key, value in attributes.items() if "Timestamp" not in key and "NumberOfMessages" not in key}
        for key in ("Policy", "RedrivePolicy"):
            kept[key] = document(kept.get(key))
        found[url.rsplit("/", 1)[-1]] = {"attributes": kept, "tags": maybe(sqs.list_queue_tags, "Tags", QueueUrl=url)}
    return found


def notices(answer):
    """Who is told what; ids are AWS's own."""
    kinds = {key: found for key, found in answer.items() if key.endswith(("Configurations", "Configuration"))}
    return {key: [{name: text for name, text in one.items() if name != "Id"} for one in found] if isinstance(found, list) else True for key, found in kinds.items()}


def buckets():
    s3, found = client("s3"), {}
    for name in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        versions = s3.list_object_versions(Bucket=name)
        found[name] = {
            "versioning": maybe(s3.get_bucket_versioning, "Status", Bucket=name),
            "encryption": maybe(s3.get_bucket_encryption, "ServerSideEncryptionConfiguration", Bucket=name),
            "lifecycle": maybe(s3.get_bucket_lifecycle_configuration, "Rules", Bucket=name),
            "cors": maybe(s3.get_bucket_cors, "CORSRules", Bucket=name),
            "notices": notices(s3.get_bucket_notification_configuration(Bucket=name)),
            "access": maybe(s3.get_public_access_block, "PublicAccessBlockConfiguration", Bucket=name),
            "policy": document(maybe(s3.get_bucket_policy, "Policy", Bucket=name)),
            "tags": tags(maybe(s3.get_bucket_tagging, "TagSet", Bucket=name)),
            "objects": sorted(it["Key"] for it in versions.get("Versions", []) + versions.get("DeleteMarkers", [])),
        }
    return found


def roles():
    iam, found = client("iam"), {}
    for role in iam.list_roles(MaxItems=1000)["Roles"]:
        name = role["RoleName"]
        inline = iam.list_role_policies(RoleName=name)["PolicyNames"]
        found[name] = {
            "trust": role["AssumeRolePolicyDocument"], "path": role["Path"], "description": role.get("Description"),
            "session": role.get("MaxSessionDuration"),
            "tags": tags(maybe(iam.list_role_tags, "Tags", RoleName=name)),
            "attached": sorted(it["PolicyArn"] for it in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]),
            "inline": {it: iam.get_role_policy(RoleName=name, PolicyName=it)["PolicyDocument"] for it in inline},
        }
    return found


def log_groups():
    logs, found = client("logs"), {}
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            arn = group["arn"].removesuffix(":*")
            found[group["logGroupName"]] = {
                "retention": group.get("retentionInDays"), "class": group.get("logGroupClass"), "key": group.get("kmsKeyId"),
                "tags": maybe(logs.list_tags_for_resource, "tags", resourceArn=arn),
            }
    return found


def parameters():
    ssm, found = client("ssm"), {}
    for page in ssm.get_paginator("describe_parameters").paginate():
        for it in page["Parameters"]:
            name = it["Name"]
            value = ssm.get_parameter(Name=name)["Parameter"]["Value"]
            listed = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=name)["TagList"]
            found[name] = {"type": it["Type"], "value": value, "description": it.get("Description"), "tags": tags(listed)}
    return found


def tables():
    dynamodb, found = client("dynamodb"), {}
    kept = ("TableStatus", "KeySchema", "AttributeDefinitions", "BillingModeSummary", "StreamSpecification", "DeletionProtectionEnabled", "TableClassSummary")
    for name in [name for page in dynamodb.get_paginator("list_tables").paginate() for name in page["TableNames"]]:
        it = maybe(dynamodb.describe_table, "Table", TableName=name)
        if it is None:
            continue
        units = ("ReadCapacityUnits", "WriteCapacityUnits")
        capacity = {key: it["ProvisionedThroughput"][key] for key in units}
        indexes = {
            one["IndexName"]: {
                **{key: one.get(key) for key in ("IndexStatus", "KeySchema", "Projection")},
                "capacity": {key: one["ProvisionedThroughput"][key] for key in units if "ProvisionedThroughput" in one},
            }
            for one in it.get("GlobalSecondaryIndexes", []) + it.get("LocalSecondaryIndexes", [])
        }
        found[name] = {
            **{key: it[key] for key in kept if key in it}, "capacity": capacity, "indexes": indexes,
            "key": key_of(it.get("SSEDescription", {}).get("KMSMasterKeyArn")),
            "expires": expires(maybe(dynamodb.describe_time_to_live, "TimeToLiveDescription", TableName=name) or {}),
            "recovery": recovery(maybe(dynamodb.describe_continuous_backups, "ContinuousBackupsDescription", "PointInTimeRecoveryDescription", TableName=name) or {}),
            "tags": tags([tag for page in dynamodb.get_paginator("list_tags_of_resource").paginate(ResourceArn=it["TableArn"]) for tag in page["Tags"]]),
        }
    return found


def key_of(arn):
    """AWS's own key is other in each account: what it is for says which it is."""
    return arn and (maybe(client("kms").describe_key, "KeyMetadata", "Description", KeyId=arn) or arn)


def expires(told):
    """Whether a change has come through yet is a matter of time."""
    return told.get("AttributeName") if told.get("TimeToLiveStatus", "").startswith("EN") else None


def recovery(told):
    return {key: told.get(key) for key in ("PointInTimeRecoveryStatus", "RecoveryPeriodInDays")}


def oidc_providers():
    iam, found = client("iam"), {}
    for arn in [it["Arn"] for it in iam.list_open_id_connect_providers()["OpenIDConnectProviderList"]]:
        it = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        found[it["Url"]] = {"clients": sorted(it["ClientIDList"]), "thumbprints": sorted(it["ThumbprintList"]), "tags": tags(it.get("Tags"))}
    return found


def everything():
    mine = {
        "queues": queues(), "buckets": buckets(), "roles": roles(), "log_groups": log_groups(), "parameters": parameters(),
        "tables": tables(), "oidc_providers": oidc_providers(),
    }
    return inventory(client, mine)


print(json.dumps(everything(), indent=1, sort_keys=True, default=str))
