"""ECS tasks: those of services, which their rollouts make, and those that are run once. moto makes none for a service, and needs
more of a network than AWS does.
"""

import json
import uuid

from moto.ecs.models import ecs_backends

from awsemu import fate, logs
from awsemu.wire import error

# A migration of twenty seconds is played.
LASTING = 20.0
# Fact: a stopped task is told of for an hour.
KEPT = 3600.0
# Fact: a container that does not listen to SIGTERM ends with this.
TERMINATED = {"exitCode": 143}


def before(call, world):
    answer = ANSWERS.get(call.name)
    return answer(call, ecs_backends[call.account][call.region], world) if answer else None


def told(answer):
    return 200, [("Content-Type", "application/x-amz-json-1.1")], json.dumps(answer).encode()


def plain(it):
    """A task as it is told: without what only we know."""
    return {key: value for key, value in it.items() if not key.startswith("_")}


def cluster(call):
    return str(call.data.get("cluster", "default")).rsplit("/", 1)[-1]


def make(world, ecs, cluster, key, definition, group, started_by, launch, address):
    """A task that starts; `key` is a text that makes its id, the same one each time."""
    number = uuid.uuid5(uuid.NAMESPACE_OID, key).hex
    place = f"{ecs.region_name}:{ecs.account_id}"
    arn = f"arn:aws:ecs:{place}:task/{cluster}/{number}"
    health = "UNKNOWN"
    interface = {"attachmentId": str(uuid.uuid5(uuid.NAMESPACE_URL, key)), "privateIpv4Address": address}
    containers = [{
        "containerArn": f"arn:aws:ecs:{place}:container/{cluster}/{number}/{uuid.uuid5(uuid.NAMESPACE_OID, key + it['name'])}", "taskArn": arn,
        "name": it["name"], "image": it["image"], "lastStatus": "PENDING", "healthStatus": health, "networkInterfaces": [interface],
    } for it in definition.container_definitions]
    it = {
        "taskArn": arn, "clusterArn": f"arn:aws:ecs:{place}:cluster/{cluster}", "taskDefinitionArn": definition.arn,
        "lastStatus": "PROVISIONING", "desiredStatus": "RUNNING", "healthStatus": health, "group": group, "startedBy": started_by,
        "launchType": launch or "FARGATE", "containers": containers, "createdAt": world.wall(), "_definition": definition, "_address": address,
    }
    ecs.__dict__.setdefault("_tasks", {})[arn] = it
    return it


def become(world, it, status):
    if it["lastStatus"] == "STOPPED":
        return
    it["lastStatus"] = status
    if status == "RUNNING":
        it["startedAt"] = world.wall()
        for number, container in enumerate(it["containers"]):
            container.update(lastStatus="RUNNING", imageDigest=fate.digest(container["image"]), runtimeId=f"{it['taskArn'].rsplit('/', 1)[-1]}-{number:010d}")


def stop(world, it, code, why, failed=None, tells=None):
    """It stops, with what its `failed` container tells; the others are ended by ECS."""
    if it["lastStatus"] == "STOPPED":
        return
    ran = "startedAt" in it
    it.update(lastStatus="STOPPED", desiredStatus="STOPPED", stopCode=code, stoppedReason=why, stoppingAt=world.wall(), stoppedAt=world.wall())
    for container in it["containers"]:
        container["lastStatus"] = "STOPPED"
        container.update(tells if container["name"] == failed else TERMINATED if ran else {})


def check(it, well):
    """Fact: only a container with a health check of its own has a health."""
    checked = {one["name"] for one in it["_definition"].container_definitions if one.get("healthCheck")}
    for container in it["containers"]:
        if container["name"] in checked:
            container["healthStatus"] = it["healthStatus"] = "HEALTHY" if well else "UNHEALTHY"
    return bool(checked)


def write(world, it, kind, failed, lines):
    """What its containers log: the one that fails in its own words."""
    for one in it["_definition"].container_definitions:
        said = lines(kind if failed in (None, one["name"]) else None, one)
        logs.write(world, it, one, said)


def everything(call, ecs, world):
    there = ecs.__dict__.setdefault("_tasks", {})
    for arn in [arn for arn, it in there.items() if it.get("stoppedAt", world.wall()) < world.wall() - KEPT]:
        del there[arn]
    return [it for it in there.values() if it["clusterArn"].endswith(f"/{cluster(call)}")]


def list_tasks(call, ecs, world):
    if cluster(call) not in ecs.clusters:
        return error(call, "ClusterNotFoundException", "Cluster not found.")
    data = call.data
    wanted = {"desiredStatus": data.get("desiredStatus", "RUNNING")}
    if data.get("serviceName"):
        wanted["group"] = f"service:{data['serviceName'].rsplit('/', 1)[-1]}"
    if data.get("startedBy"):
        wanted["startedBy"] = data["startedBy"]
    found = [it for it in everything(call, ecs, world) if all(it[key] == text for key, text in wanted.items())]
    if data.get("family"):
        found = [it for it in found if f"task-definition/{data['family']}:" in it["taskDefinitionArn"]]
    return told({"taskArns": [it["taskArn"] for it in found]})


def describe(call, ecs, world):
    there = {it["taskArn"].rsplit("/", 1)[-1]: it for it in everything(call, ecs, world)}
    asked = [(text, there.get(text.rsplit("/", 1)[-1])) for text in call.data.get("tasks", [])]
    failures = [{"arn": text, "reason": "MISSING"} for text, it in asked if it is None]
    return told({"tasks": [plain(it) for _, it in asked if it is not None], "failures": failures})


def run(call, ecs, world):
    if cluster(call) not in ecs.clusters:
        return error(call, "ClusterNotFoundException", "Cluster not found.")
    data, made = call.data, []
    try:
        definition = ecs.describe_task_definition(data.get("taskDefinition", ""))
    except Exception:
        return error(call, "ClientException", "TaskDefinition not found.")
    group = data.get("group") or f"family:{definition.family}"
    for number in range(int(data.get("count", 1))):
        address = f"10.254.0.{number % 250 + 4}"
        it = make(world, ecs, cluster(call), str(uuid.uuid4()), definition, group, data.get("startedBy", ""), data.get("launchType"), address)
        made.append(json.loads(json.dumps(plain(it))))
        once(world, it, fate.Fate(definition))
    return told({"tasks": made, "failures": []})


def once(world, it, mine):
    """The life of a task that is run once."""
    kind = mine.of(0, 1)
    account = it["taskArn"].split(":")[4]
    failed = mine.container or it["containers"][0]["name"]
    says = kind if kind in fate.ENDING else "once"

    def starts():
        if it["desiredStatus"] == "RUNNING":
            become(world, it, "RUNNING")
            write(world, it, says, mine.container, fate.first_words)

    def ends():
        if it["desiredStatus"] == "RUNNING":
            if "startedAt" in it:
                write(world, it, says, mine.container, fate.last_words)
            code, why, tells = mine.ending(kind, account)
            stop(world, it, code, why, failed, tells)

    world.at(fate.PENDING, lambda: it["desiredStatus"] == "RUNNING" and become(world, it, "PENDING"))
    if kind in fate.STARTLESS:
        world.at(fate.STARTLESS[kind], ends)
        return
    world.at(fate.RUNNING, starts)
    world.at(fate.RUNNING + (fate.HEALTHY["slow"] if kind == "slow" else LASTING), ends)


def stop_task(call, ecs, world):
    wanted = str(call.data.get("task", "")).rsplit("/", 1)[-1]
    it = next((it for it in everything(call, ecs, world) if it["taskArn"].endswith(f"/{wanted}")), None)
    if it is None:
        return error(call, "InvalidParameterException", "The referenced task was not found.")
    stop(world, it, "UserInitiated", call.data.get("reason", "Task stopped by user"))
    if "_rollout" in it:
        it["_rollout"].lost([it])
    return told({"task": plain(it)})


ANSWERS = {"ListTasks": list_tasks, "DescribeTasks": describe, "RunTask": run, "StopTask": stop_task}
