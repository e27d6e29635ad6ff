"""What runs, and how it does, read by boto3: for judging a verdict by something that shares no code with it.

Prints one JSON document: each service with the image, the number and the health of its tasks and targets.
"""

import json
import os

import boto3
from botocore.config import Config

config = Config(user_agent_appid="inventory", retries={"max_attempts": 5})


def client(name):
    return boto3.client(name, region_name=os.environ.get("AWS_REGION", "eu-west-1"), config=config)


def service(ecs, elb, cluster, it):
    primary = next(one for one in it["deployments"] if one["status"] == "PRIMARY")
    definition = ecs.describe_task_definition(taskDefinition=primary["taskDefinition"])["taskDefinition"]
    arns = ecs.list_tasks(cluster=cluster, serviceName=it["serviceName"], desiredStatus="RUNNING")["taskArns"]
    tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
    running = [one for one in tasks if one["lastStatus"] == "RUNNING" and one["taskDefinitionArn"] == primary["taskDefinition"]]
    groups = [one["targetGroupArn"] for one in it["loadBalancers"]]
    targets = [one["TargetHealth"]["State"] for arn in groups for one in elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]]
    return {
        "images": [one["image"] for one in definition["containerDefinitions"]],
        "rollout": primary["rolloutState"], "deployments": len(it["deployments"]), "wanted": it["desiredCount"], "running": len(running),
        "targets": sorted(one for one in targets if one != "draining"),
    }


def everything():
    ecs, elb, found = client("ecs"), client("elbv2"), {}
    for cluster in ecs.list_clusters()["clusterArns"]:
        names = ecs.list_services(cluster=cluster)["serviceArns"]
        for it in ecs.describe_services(cluster=cluster, services=names)["services"] if names else []:
            if it["status"] == "ACTIVE":
                found[it["serviceName"]] = service(ecs, elb, cluster, it)
    return found


print(json.dumps(everything(), sort_keys=True))
