"""The place where a team keeps state, made and looked at by boto3: `place.py make|other_table|locks BUCKET TABLE`.

`make` and `other_table` (a table with another key) answer with nothing; `locks` with every item of the table, by key.
"""

import json
import os
import sys

import boto3
from botocore.config import Config

region = os.environ.get("AWS_REGION", "eu-west-1")
s3 = boto3.client("s3", region_name=region, config=Config(user_agent_appid="inventory", s3={"addressing_style": "path"}))
dynamodb = boto3.client("dynamodb", region_name=region, config=Config(user_agent_appid="inventory"))


def make(bucket, table):
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": region})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    make_table(table, "lockKey")


def other_table(_, table):
    make_table(table, "id")


def make_table(table, name):
    key = {"AttributeName": name}
    dynamodb.create_table(TableName=table, BillingMode="PAY_PER_REQUEST", KeySchema=[{**key, "KeyType": "HASH"}], AttributeDefinitions=[{**key, "AttributeType": "S"}])
    # Items of a table that is not ACTIVE yet are not found.
    dynamodb.get_waiter("table_exists").wait(TableName=table, WaiterConfig={"Delay": 0.2, "MaxAttempts": 300})


def locks(_, table):
    return {it["lockKey"]["S"]: it.get("holder", {}).get("S") for it in dynamodb.scan(TableName=table, ConsistentRead=True)["Items"]}


print(json.dumps({"make": make, "other_table": other_table, "locks": locks}[sys.argv[1]](*sys.argv[2:])))
