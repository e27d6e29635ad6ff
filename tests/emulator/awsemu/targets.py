"""The targets of services' tasks: new, healthy or not, draining, gone. Those that somebody registers by hand are moto's."""

from moto.elbv2.models import FakeHealthStatus, FakeTargetGroup, elbv2_backends

from awsemu import fate

# Fact: a target is registered first, then looked at for the first time.
REGISTERING = 3.0
# Fact: a target drains for its group's deregistration delay, 300 seconds where nothing is set; here it is short.
DRAINING = 5.0

REGISTRATION = "initial", "Elb.RegistrationInProgress", "Target registration is in progress"
CHECKING = "initial", "Elb.InitialHealthChecking", "Initial health checks in progress"
HEALTHY = "healthy", None, None
MISMATCH = "unhealthy", "Target.ResponseCodeMismatch", "Health checks failed with these codes: [503]"
LEAVING = "draining", "Target.DeregistrationInProgress", "Target deregistration is in progress"

_health_for = FakeTargetGroup.health_for


def health_for(self, target, ec2_backend):
    known = self.targets.get(target["Id"], {})
    if "health" not in known:
        return _health_for(self, target, ec2_backend)
    return FakeHealthStatus(known["Id"], known["Port"], self.health_check_port, *known["health"])


FakeTargetGroup.health_for = health_for


def groups(service, balancers):
    there = elbv2_backends[service._account_id][service.region_name].target_groups
    return [(there[it["targetGroupArn"]], it) for it in balancers if it.get("targetGroupArn") in there]


def register(world, service, balancers, addresses):
    for group, it in groups(service, balancers):
        group.register([{"Id": address, "Port": it.get("containerPort") or group.port} for address in addresses])
        mine = [group.targets[address] for address in addresses]
        for one in mine:
            one["health"] = REGISTRATION
        world.at(REGISTERING, lambda mine=mine: [one.update(health=CHECKING) for one in mine if one["health"] == REGISTRATION])


def turn(service, balancers, addresses, health):
    for group, _ in groups(service, balancers):
        for address in addresses:
            if address in group.targets:
                group.targets[address]["health"] = health


def leave(world, service, balancers, addresses):
    """Whether there were any: they drain, and then they are gone."""
    left = []
    for group, _ in groups(service, balancers):
        mine = [group.targets[address] for address in addresses if address in group.targets]
        for one in mine:
            one["health"] = LEAVING
            world.at(DRAINING, lambda group=group, one=one: group.targets.get(one["Id"]) is one and group.targets.pop(one["Id"]))
        if mine:
            left.append((group, len(mine)))
    return left


def unhealthy_after(grace):
    """Fact: in its grace period a service does not look at its targets' health."""
    return max(30.0, (grace or 0) - fate.HEALTHY[None])
