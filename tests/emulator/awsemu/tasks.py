"""ECS tasks: those of services, told by their deployments, and those that are run once. moto makes none for a service, and
needs more of a network than AWS does.
"""

import json
import uuid
from datetime import datetime, timezone

from moto.ecs.models import ecs_backends

from awsemu.wire import error

# Fact: a Fargate task takes half a minute to run; a migration of twenty seconds is played.
STARTING, LASTING = 30.0, 20.0


def before(call, world):
    answer = ANSWERS.get(call.name)
    return answer(call, ecs_backends[call.account][call.region], world) if answer else None


def told(answer):
    return 200, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(answer).encode()


def cluster(call):
    return str(call.data.get("cluster", "default")).rsplit("/", 1)[-1]


def task(call, ecs, number, definition, status, group, started_by, launch):
    """A task as it is told; `number` is a text that makes its id, the same one each time."""
    there = ecs.describe_task_definition(definition)
    name = cluster(call)
    arn = f"arn:aws:ecs:{call.region}:{call.account}:task/{name}/{uuid.uuid5(uuid.NAMESPACE_OID, number).hex}"
    containers = [{"name": it["name"], "image": it["image"], "taskArn": arn, "lastStatus": status} for it in there.container_definitions]
    return {
        "taskArn": arn, "clusterArn": f"arn:aws:ecs:{call.region}:{call.account}:cluster/{name}", "taskDefinitionArn": there.arn,
        "lastStatus": status, "desiredStatus": "RUNNING", "group": group, "startedBy": started_by, "launchType": launch or "FARGATE",
        "containers": containers, "createdAt": datetime.now(timezone.utc).timestamp(),
    }


def of_services(call, ecs):
    for key, service in ecs.services.items():
        if not key.startswith(f"{cluster(call)}:") or service.status != "ACTIVE":
            continue
        for it in service.deployments:
            running = int(it["runningCount"])
            for number in range(running + int(it["pendingCount"])):
                status = "RUNNING" if number < running else "PROVISIONING"
                yield task(call, ecs, f"{service.arn} {it['id']} {number}", it["taskDefinition"], status, f"service:{service.name}", it["id"], service.launch_type)


def everything(call, ecs):
    once = [it for it in getattr(ecs, "_once", {}).values() if it["clusterArn"].endswith(f"/{cluster(call)}")]
    return [*of_services(call, ecs), *once]


def list_tasks(call, ecs, world):
    if cluster(call) not in ecs.clusters:
        return error(call, "ClusterNotFoundException", "Cluster not found.")
    data = call.data
    wanted = {"desiredStatus": data.get("desiredStatus", "RUNNING")}
    if data.get("serviceName"):
        wanted["group"] = f"service:{data['serviceName'].rsplit('/', 1)[-1]}"
    if data.get("startedBy"):
        wanted["startedBy"] = data["startedBy"]
    found = [it for it in everything(call, ecs) if all(it[key] == text for key, text in wanted.items())]
    if data.get("family"):
        found = [it for it in found if f"task-definition/{data['family']}:" in it["taskDefinitionArn"]]
    return told({"taskArns": [it["taskArn"] for it in found]})


def describe(call, ecs, world):
    there = {it["taskArn"].rsplit("/", 1)[-1]: it for it in everything(call, ecs)}
    asked = [(text, there.get(text.rsplit("/", 1)[-1])) for text in call.data.get("tasks", [])]
    failures = [{"arn": text, "reason": "MISSING"} for text, it in asked if it is None]
    return told({"tasks": [it for _, it in asked if it is not None], "failures": failures})


def run(call, ecs, world):
    if cluster(call) not in ecs.clusters:
        return error(call, "ClusterNotFoundException", "Cluster not found.")
    data, made = call.data, []
    once = ecs.__dict__.setdefault("_once", {})
    try:
        definition = ecs.describe_task_definition(data.get("taskDefinition", ""))
    except Exception:
        return error(call, "ClientException", "TaskDefinition not found.")
    for _ in range(int(data.get("count", 1))):
        it = task(call, ecs, str(uuid.uuid4()), definition.arn, "PROVISIONING", data.get("group") or f"family:{definition.family}", data.get("startedBy", ""), data.get("launchType"))
        once[it["taskArn"]] = it
        made.append(dict(it))
        world.at(STARTING, lambda it=it: become(it, "RUNNING"))
        world.at(STARTING + LASTING, lambda it=it: stop(it, "Essential container in task exited"))
    return told({"tasks": made, "failures": []})


def become(it, status):
    if it["lastStatus"] != "STOPPED":
        it["lastStatus"] = status
        for container in it["containers"]:
            container["lastStatus"] = status


def stop(it, why):
    if it["lastStatus"] == "STOPPED":
        return
    become(it, "STOPPED")
    it["desiredStatus"], it["stoppedReason"], it["stopCode"] = "STOPPED", why, "EssentialContainerExited"
    for container in it["containers"]:
        # An image whose tag contains `crash` fails.
        container["exitCode"] = int("crash" in container["image"].rsplit("/", 1)[-1])


def stop_task(call, ecs, world):
    wanted = str(call.data.get("task", "")).rsplit("/", 1)[-1]
    it = next((it for it in everything(call, ecs) if it["taskArn"].endswith(f"/{wanted}")), None)
    if it is None:
        return error(call, "InvalidParameterException", "The referenced task was not found.")
    stop(it, call.data.get("reason", "Task stopped by user"))
    return told({"task": it})


ANSWERS = {"ListTasks": list_tasks, "DescribeTasks": describe, "RunTask": run, "StopTask": stop_task}
