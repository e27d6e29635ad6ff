"""ECS: services whose names drain, what starts a new deployment of one, and clusters that are not deleted while something is in them."""

import json
from datetime import datetime

from moto.ecs.models import Service, ecs_backends
from moto.elbv2.models import elbv2_backends

from awsemu import ec2, rollout, tasks
from awsemu.wire import error

# Fact: a deleted service drains until its tasks have stopped, and then stays describable as inactive.
DRAINING = 40.0

# Fields that moto's create drops, by the names that its serializer asks for.
KEPT = {
    "healthCheckGracePeriodSeconds": "health_check_grace_period_seconds", "deploymentConfiguration": "deployment_configuration",
    "enableExecuteCommand": "enable_execute_command", "enableECSManagedTags": "enable_ecs_managed_tags",
}
# A change of these starts a new deployment.
ROLLING = ("taskDefinition", "networkConfiguration", "loadBalancers", "serviceRegistries", "platformVersion", "enableExecuteCommand", "enableECSManagedTags", "propagateTags", "forceNewDeployment")


# Fact: without groups the default one of the VPC is taken; moto cannot do without.
_validate_network = Service._validate_network
Service._validate_network = lambda self, config: _validate_network(self, config and {
    key: {"securityGroups": [], **it} if key == "awsvpcConfiguration" else it for key, it in config.items()})


def backend(call):
    return ecs_backends[call.account][call.region]


def cluster_of(call):
    return str(call.data.get("cluster", "default")).rsplit("/", 1)[-1]


def service_of(call):
    name = str(call.data.get("serviceName") or call.data.get("service", "")).rsplit("/", 1)[-1]
    return backend(call).services.get(f"{cluster_of(call)}:{name}")


def before(call, world):
    answer = tasks.before(call, world)
    if answer:
        return answer
    if call.name == "CreateService":
        return create(call)
    if call.name == "UpdateService":
        there = service_of(call)
        call.old = {name: plain(getattr(there, attribute(name), None)) for name in ROLLING} if there else {}
    if call.name == "DeleteService":
        there = service_of(call)
        # Fact: a second delete of what is gone is an error of its own.
        if there is not None and there.status == "INACTIVE":
            return error(call, "ServiceNotActiveException", "Service was not ACTIVE.")
    if call.name == "DeleteCluster":
        name = cluster_of(call)
        if any(key.startswith(f"{name}:") and it.status != "INACTIVE" for key, it in backend(call).services.items()):
            return error(call, "ClusterContainsServicesException", "The Cluster cannot be deleted while Services are active.")
    return None


def create(call):
    there = service_of(call)
    if there is not None and there.status == "ACTIVE":
        return error(call, "InvalidParameterException", "Creation of service was not idempotent.")
    if there is not None and there.status == "DRAINING":
        return error(call, "InvalidParameterException", "Unable to Start a service that is still Draining.")
    groups = elbv2_backends[call.account][call.region].target_groups
    for it in call.data.get("loadBalancers") or []:
        group = groups.get(it.get("targetGroupArn"))
        # Fact: a target group serves a service only once a listener or rule leads to it.
        if group is not None and not group.load_balancer_arns:
            return error(call, "InvalidParameterException", f"The target group with targetGroupArn {group.arn} does not have an associated load balancer.")
    return None


def attribute(name):
    return KEPT.get(name) or "".join("_" + letter.lower() if letter.isupper() else letter for letter in name)


def plain(value):
    return value if value not in (None, [], {}, False) else None


def after(call, world, answer):
    there = service_of(call)
    if call.name in ("CreateService", "UpdateService"):
        for name, kept in KEPT.items():
            if name in call.data:
                setattr(there, kept, call.data[name])
        there.task_definition = definition_of(call, there.task_definition)
        if call.name == "CreateService":
            there.created_at = rollout.clock(world)
            rollout.start(world, there)
        elif changed(call):
            rollout.start(world, there)
        elif "desiredCount" in call.data:
            rollout.scale(there)
        return with_deployments(answer, there)
    if call.name == "DeleteService" and there is not None:
        rollout.end(world, there)
        world.at(DRAINING, lambda: setattr(there, "status", "INACTIVE"))
    return answer


def definition_of(call, text):
    """The whole ARN of a revision, which may be named by its family."""
    try:
        return backend(call).describe_task_definition(text).arn
    except Exception:
        return text


def changed(call):
    """Whether an update asks for something that starts a new deployment."""
    new = {name: definition_of(call, call.data[name]) if name == "taskDefinition" else call.data[name] for name in ROLLING if name in call.data}
    return any(plain(value) != call.old.get(name) for name, value in new.items())


def with_deployments(answer, service):
    """Fact: the answer already tells of the deployment that the call began."""
    status, headers, body = answer
    data = json.loads(body)

    def told(it):
        return {key: value.timestamp() if isinstance(value, datetime) else value for key, value in it.items() if value is not None}

    data["service"].update(
        deployments=[told(it) for it in service.deployments], events=[told(it) for it in service.events], taskDefinition=service.task_definition,
        runningCount=service.running_count, pendingCount=service.pending_count)
    return status, headers, json.dumps(data).encode()


def network(account, region):
    for it in ecs_backends[account][region].services.values():
        if it.status != "INACTIVE":
            yield it, (it.network_configuration or {}).get("awsvpcConfiguration", {})


ec2.SUBNET_USERS.append(lambda account, region, subnet: [it.name for it, of in network(account, region) if subnet in of.get("subnets", [])])
ec2.GROUP_USERS.append(lambda account, region, group: [it.name for it, of in network(account, region) if group in of.get("securityGroups", [])])
