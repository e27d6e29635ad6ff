"""A thing's tags, read and written by boto3: what others put beside ours.

Arguments: type, id, outputs as JSON, then `KEY=VALUE` for each tag to put. Prints all of its tags afterwards, and which of those to put were
refused: some services keep `aws:` for themselves.
"""

import json
import os
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

kind, name, outputs, *put = sys.argv[1:]
outputs = json.loads(outputs)
config = Config(user_agent_appid="tagging", retries={"max_attempts": 5}, s3={"addressing_style": "path"})
service = kind.split("::")[1]
arn = name if name.startswith("arn:") else next((text for key, text in sorted(outputs.items()) if key.endswith("Arn")), name)


def client(of):
    return boto3.client(of, region_name=os.environ.get("AWS_REGION", "eu-west-1"), config=config)


def pairs(tags, key="Key", value="Value"):
    return [{key: it, value: text} for it, text in tags.items()]


def table(listed, key="Key", value="Value"):
    return {it[key]: it[value] for it in listed or []}


def bucket():
    s3 = client("s3")

    def told():
        try:
            return table(s3.get_bucket_tagging(Bucket=name)["TagSet"])
        except ClientError:
            return {}

    # One document holds them all.
    return told, lambda tags: s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": pairs({**told(), **tags})})


def iam():
    api, (words, argument, value) = client("iam"), {
        "Role": ("role", "RoleName", name), "ManagedPolicy": ("policy", "PolicyArn", arn),
        "OIDCProvider": ("open_id_connect_provider", "OpenIDConnectProviderArn", arn),
    }[kind.split("::")[2]]
    return lambda: table(getattr(api, f"list_{words}_tags")(**{argument: value})["Tags"]), lambda tags: getattr(api, f"tag_{words}")(**{argument: value}, Tags=pairs(tags))


def plain(of, show, key, write, **more):
    """Most services: one call lists them, one adds to them."""
    api = client(of)

    def told():
        found = getattr(api, show)(**more)[key]
        return found if isinstance(found, dict) else table(found, *(("key", "value") if of == "ecs" else ("Key", "Value")))

    def add(tags):
        given = {"sqs": {"Tags": tags}, "logs": {"tags": tags}, "ecs": {"tags": pairs(tags, "key", "value")}}.get(of, {"Tags": pairs(tags)})
        getattr(api, write)(**more, **given)

    return told, add


def elb():
    api = client("elbv2")
    return lambda: table(api.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"]), lambda tags: api.add_tags(ResourceArns=[arn], Tags=pairs(tags))


def ec2():
    api = client("ec2")
    return lambda: table(api.describe_tags(Filters=[{"Name": "resource-id", "Values": [name]}])["Tags"]), lambda tags: api.create_tags(Resources=[name], Tags=pairs(tags))


WAYS = {
    "S3": bucket, "IAM": iam, "ElasticLoadBalancingV2": elb, "EC2": ec2,
    "SQS": lambda: plain("sqs", "list_queue_tags", "Tags", "tag_queue", QueueUrl=name),
    "Logs": lambda: plain("logs", "list_tags_for_resource", "tags", "tag_resource", resourceArn=arn.removesuffix(":*")),
    "SSM": lambda: plain("ssm", "list_tags_for_resource", "TagList", "add_tags_to_resource", ResourceType="Parameter", ResourceId=name),
    "ECS": lambda: plain("ecs", "list_tags_for_resource", "tags", "tag_resource", resourceArn=arn),
    "RDS": lambda: plain("rds", "list_tags_for_resource", "TagList", "add_tags_to_resource", ResourceName=arn),
    "DynamoDB": lambda: plain("dynamodb", "list_tags_of_resource", "Tags", "tag_resource", ResourceArn=arn),
    "ServiceDiscovery": lambda: plain("servicediscovery", "list_tags_for_resource", "Tags", "tag_resource", ResourceARN=arn),
}

told, add = WAYS[service]()
refused = []
for tag in put:
    key, _, text = tag.partition("=")
    try:
        add({key: text})
    except ClientError:
        refused.append(key)
print(json.dumps({"tags": told(), "refused": refused}))
