"""ECS: rollouts in time, names that drain, and clusters that are not deleted while something is in them."""

from datetime import datetime, timezone

from moto.ecs.models import Service, ecs_backends
from moto.elbv2.models import elbv2_backends

from awsemu import ec2, tasks
from awsemu.wire import error

# Fact: a Fargate task takes half a minute to run, its target some seconds to turn healthy.
RUNNING, HEALTHY = 30.0, 15.0
# Fact: a deleted service drains until its tasks have stopped, and then stays describable as inactive.
DRAINING = 40.0
# Fact: the circuit breaker needs at least three failed tasks; each takes a while to fail.
FAILS_BEFORE_BREAK, FAILING = 3, 20.0

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
    if call.name == "CreateService":
        for name, kept in KEPT.items():
            if name in call.data:
                setattr(there, kept, call.data[name])
        roll(call, world, there)
    if call.name == "UpdateService":
        for name, kept in KEPT.items():
            if name in call.data:
                setattr(there, kept, call.data[name])
        if any(name in call.data and plain(call.data[name]) != call.old.get(name) for name in ROLLING):
            roll(call, world, there)
        elif "desiredCount" in call.data:
            scale(call, world, there)
    if call.name == "DeleteService" and there is not None:
        there.status, there.desired_count, there.running_count, there.pending_count = "DRAINING", 0, 0, 0
        leave(call, there)
        there.deployments = []
        world.at(DRAINING, lambda: setattr(there, "status", "INACTIVE"))
    return answer


def crashes(call, service):
    """Whether its tasks can never run: an image whose tag contains `crash`."""
    definition = backend(call).describe_task_definition(service.task_definition)
    return any("crash" in it["image"].rsplit("/", 1)[-1] for it in definition.container_definitions)


def roll(call, world, service, back=False):
    now = datetime.now(timezone.utc)
    number = getattr(service, "_rollouts", 0) + 1
    service._rollouts = number
    old = [it for it in service.deployments if it["status"] == "PRIMARY" and it["rolloutState"] == "COMPLETED"] if number > 1 else []
    for it in old:
        it["status"] = "ACTIVE"
    name = f"ecs-svc/{number:019d}"
    mine = {
        "id": name, "status": "PRIMARY", "taskDefinition": service.task_definition, "desiredCount": service.desired_count,
        "runningCount": 0, "pendingCount": service.desired_count, "failedTasks": 0, "rolloutState": "IN_PROGRESS",
        "rolloutStateReason": f"ECS deployment {name} in progress.", "createdAt": now, "updatedAt": now, "launchType": service.launch_type,
    }
    service.deployments = [mine, *old[:1]]
    if number == 1:
        service.running_count, service.pending_count = 0, service.desired_count
    if crashes(call, service):
        world.at(FAILING, lambda: fail(call, world, service, mine, old))
    else:
        world.at(RUNNING, lambda: run(call, world, service, mine))


def current(service, mine):
    return service.status == "ACTIVE" and service.deployments and service.deployments[0] is mine


def run(call, world, service, mine):
    if not current(service, mine):
        return
    mine["runningCount"], mine["pendingCount"] = service.desired_count, 0
    service.running_count, service.pending_count = service.desired_count, 0
    leave(call, service)
    join(call, service)
    world.at(HEALTHY, lambda: complete(service, mine))


def complete(service, mine):
    if current(service, mine):
        service.deployments = [mine]
        mine["rolloutState"], mine["rolloutStateReason"] = "COMPLETED", f"ECS deployment {mine['id']} completed."
        say(service, f"(service {service.name}) has reached a steady state.")


def fail(call, world, service, mine, old):
    if not current(service, mine):
        return
    mine["failedTasks"] += 1
    say(service, f"(service {service.name}) deployment {mine['id']}: tasks failed to start.")
    breaker = (getattr(service, "deployment_configuration", None) or {}).get("deploymentCircuitBreaker") or {}
    if breaker.get("enable") and mine["failedTasks"] >= FAILS_BEFORE_BREAK:
        mine["rolloutState"], mine["rolloutStateReason"] = "FAILED", "ECS deployment circuit breaker: tasks failed to start."
        if breaker.get("rollback") and old:
            service.task_definition = old[0]["taskDefinition"]
            roll(call, world, service)
        return
    world.at(FAILING, lambda: fail(call, world, service, mine, old))


def say(service, message):
    service.events.insert(0, {"id": str(len(service.events)), "createdAt": datetime.now(timezone.utc), "message": message})


def scale(call, world, service):
    for it in service.deployments:
        it["desiredCount"] = service.desired_count
    leave(call, service)
    join(call, service)
    if service.deployments:
        service.deployments[0]["runningCount"] = service.desired_count


def join(call, service):
    """Its tasks become targets, each with an address of its own."""
    groups = elbv2_backends[call.account][call.region].target_groups
    service._targets = [f"10.255.{hash(service.name) % 200}.{number + 4}" for number in range(service.desired_count)]
    for it in service.load_balancers or []:
        group = groups.get(it.get("targetGroupArn"))
        if group is not None:
            group.register([{"Id": address, "Port": it.get("containerPort")} for address in service._targets])


def leave(call, service):
    groups = elbv2_backends[call.account][call.region].target_groups
    for it in service.load_balancers or []:
        group = groups.get(it.get("targetGroupArn"))
        if group is not None:
            group.deregister([{"Id": address} for address in getattr(service, "_targets", []) if address in group.targets])


def network(account, region):
    for it in ecs_backends[account][region].services.values():
        if it.status != "INACTIVE":
            yield it, (it.network_configuration or {}).get("awsvpcConfiguration", {})


ec2.SUBNET_USERS.append(lambda account, region, subnet: [it.name for it, of in network(account, region) if subnet in of.get("subnets", [])])
ec2.GROUP_USERS.append(lambda account, region, group: [it.name for it, of in network(account, region) if group in of.get("securityGroups", [])])
