"""A service's deployments in time: its tasks start, turn healthy or fail, and those of the deployment before stay until then."""

import math
import uuid
from datetime import datetime, timezone

from awsemu import fate, targets, tasks

# Fact: a deployment goes back to the last one that completed with all of this.
KEPT = ("task_definition", "load_balancers", "network_configuration", "service_registries", "platform_version")
# Fact: a service tells its last hundred events.
EVENTS = 100


def clock(world):
    return datetime.fromtimestamp(world.wall(), timezone.utc)


def say(world, service, message):
    service._said = getattr(service, "_said", 0) + 1
    number = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{service.arn} {service._said}"))
    service.events.insert(0, {"id": number, "createdAt": clock(world), "message": f"(service {service.name}) {message}"})
    del service.events[EVENTS:]


def start(world, service, back=None):
    """A new deployment of a service, as it is now set; `back` is the completed one that ECS goes back to."""
    before = service.__dict__.setdefault("_rollouts", [])
    mine = Rollout(world, service, back)
    for it in before:
        # moto gives the first one another name when a deployment is forced.
        it.told.update(status="ACTIVE", id=it.id, createdAt=it.created, updatedAt=clock(world))
    service._rollouts = [mine, *before]
    for it in before:
        it.halt()
    mine.fill()
    count(service)
    world.at(fate.RUNNING + fate.HEALTHY[None], mine.look)


def count(service):
    """What is told of how many tasks there are; deployments without any are no longer told of."""
    if not service._rollouts:
        # Deleted, and its last tasks stop.
        return
    first = service._rollouts[0]
    service._rollouts = [it for it in service._rollouts if it is first or it.alive() or it.told["rolloutState"] == "FAILED"]
    for it in service._rollouts:
        running = sum(one["lastStatus"] == "RUNNING" for one in it.tasks)
        pending = len(it.wanted()) - sum(one["lastStatus"] == "RUNNING" for one in it.wanted())
        now = {"runningCount": running, "pendingCount": pending, "desiredCount": service.desired_count if it is first else len(it.wanted())}
        if any(it.told[key] != number for key, number in now.items()):
            it.told.update(now, updatedAt=clock(it.world))
    service.deployments = [it.told for it in service._rollouts]
    service.running_count = sum(it["runningCount"] for it in service.deployments)
    service.pending_count = sum(it["pendingCount"] for it in service.deployments)


def scale(service):
    """Fact: another number of tasks is no deployment."""
    mine = service._rollouts[0]
    mine.fill()
    mine.send_away(mine.wanted()[service.desired_count:])
    mine.look()


def end(world, service):
    """Fact: a deleted service drains until its tasks have stopped."""
    for it in getattr(service, "_rollouts", []):
        it.send_away(it.wanted())
    service._rollouts, service.deployments = [], []
    service.status, service.desired_count, service.running_count, service.pending_count = "DRAINING", 0, 0, 0


def threshold(desired):
    """Fact: the circuit breaker needs half as many failed tasks as are wanted, at least 3 and at most 200."""
    return min(max(math.ceil(0.5 * desired), 3), 200)


def listed(batch):
    return " ".join(f"(task {it['taskArn'].rsplit('/', 1)[-1]})" for it in batch)


class Rollout:
    """A deployment of a service and its tasks."""

    def __init__(self, world, service, back):
        self.world, self.service, self.back = world, service, back
        ecs = service._backend
        ecs._numbers = getattr(ecs, "_numbers", 0) + 1
        self.id, self.created = f"ecs-svc/{ecs._numbers:019d}", clock(world)
        self.kept = {name: getattr(service, name, None) for name in KEPT}
        self.balancers = service.load_balancers or []
        # Fact: what is gone back to may be deregistered meanwhile.
        self.definition = back.definition if back else ecs.describe_task_definition(service.task_definition)
        self.fate = fate.Fate(self.definition)
        self.tasks, self.made, self.startless, self.taking_over = [], 0, 0, False
        why = f"ECS deployment circuit breaker: rolling back to deploymentId {back.id}." if back else f"ECS deployment {self.id} in progress."
        self.told = {
            "id": self.id, "status": "PRIMARY", "taskDefinition": service.task_definition, "desiredCount": service.desired_count,
            "runningCount": 0, "pendingCount": 0, "failedTasks": 0, "rolloutState": "IN_PROGRESS", "rolloutStateReason": why,
            "createdAt": self.created, "updatedAt": self.created, "launchType": service.launch_type,
            "platformVersion": service.platform_version, "networkConfiguration": service.network_configuration,
        }

    def wanted(self):
        return [it for it in self.tasks if it["desiredStatus"] == "RUNNING"]

    def alive(self):
        """With those that are on their way out."""
        self.tasks = [it for it in self.tasks if it["lastStatus"] != "STOPPED"]
        return self.tasks

    def first(self):
        """Whether it is its service's newest one, and the service is still there."""
        it = self.service
        there = it._backend.services.get(f"{it.cluster_name}:{it.name}") is it and it.status == "ACTIVE"
        return there and it._rollouts[0] is self

    def here(self, batch):
        """Those that are still wanted; none of a service that was forgotten."""
        it = self.service
        there = it._backend.services.get(f"{it.cluster_name}:{it.name}") is it
        return [one for one in batch if there and one["desiredStatus"] == "RUNNING"]

    def say(self, message):
        say(self.world, self.service, message)

    def becomes(self, state, reason):
        self.told.update(rolloutState=state, rolloutStateReason=reason, updatedAt=clock(self.world))

    def healthy_ones(self):
        return [it for it in self.wanted() if it.get("_healthy")]

    # What its tasks do.

    def fill(self):
        """Starts what is missing. Fact: a failed deployment starts no more tasks."""
        if not self.first() or self.told["rolloutState"] == "FAILED":
            return
        new = [self.make() for _ in range(self.service.desired_count - len(self.wanted()))]
        if new:
            self.say(f"has started {len(new)} tasks: {listed(new)}.")
        for kind in dict.fromkeys(it["_kind"] for it in new):
            self.play(kind, [it for it in new if it["_kind"] == kind])
        count(self.service)

    def make(self):
        service = self.service
        service._made = getattr(service, "_made", 0) + 1
        # A number of its own in the service, that no other one has at the same time.
        address = f"10.255.{sum(service.name.encode()) % 200}.{service._made % 250 + 4}"
        key, group = f"{service.arn} {self.id} {self.made}", f"service:{service.name}"
        it = tasks.make(self.world, service._backend, service.cluster_name, key, self.definition, group, self.id, service.launch_type, address)
        it["_rollout"], it["_kind"] = self, self.fate.of(self.made, service.desired_count)
        self.made += 1
        self.tasks.append(it)
        return it

    def play(self, kind, batch):
        self.world.at(fate.PENDING, lambda: [tasks.become(self.world, it, "PENDING") for it in self.here(batch)])
        if kind in fate.STARTLESS:
            self.world.at(fate.STARTLESS[kind], lambda: self.fails(kind, batch))
        else:
            self.world.at(fate.RUNNING, lambda: self.runs(kind, batch))

    def runs(self, kind, batch):
        batch = self.here(batch)
        for it in batch:
            tasks.become(self.world, it, "RUNNING")
            tasks.write(self.world, it, kind, self.fate.container, fate.first_words)
        addresses = [it["_address"] for it in batch]
        targets.register(self.world, self.service, self.balancers, addresses)
        for group, _ in targets.groups(self.service, self.balancers) if batch else []:
            self.say(f"registered {len(batch)} targets in (target-group {group.arn})")
        count(self.service)
        if kind in fate.ENDING:
            self.world.at(fate.ENDING[kind], lambda: self.fails(kind, batch))
        elif kind == "unhealthy":
            self.world.at(fate.HEALTHY[None], lambda: self.ails(batch))
        else:
            self.world.at(fate.HEALTHY.get(kind, fate.HEALTHY[None]), lambda: self.thrives(kind, batch))

    def thrives(self, kind, batch):
        batch = self.here(batch)
        if not batch:
            return
        for it in batch:
            it["_healthy"] = True
            tasks.check(it, True)
            tasks.write(self.world, it, kind, self.fate.container, fate.last_words)
        targets.turn(self.service, self.balancers, [it["_address"] for it in batch], targets.HEALTHY)
        # Fact: failures are counted in a row, from 0 again when a task runs and is healthy.
        self.told["failedTasks"] = self.startless = 0
        self.look()

    def ails(self, batch):
        """Fact: the service stops a task that fails the health checks of its target group, or its own, and starts another one."""
        batch = self.here(batch)
        groups = targets.groups(self.service, self.balancers)
        checked = [tasks.check(it, False) for it in batch]
        if not groups and not any(checked):
            # Nobody looks.
            self.thrives(None, batch)
            return
        targets.turn(self.service, self.balancers, [it["_address"] for it in batch], targets.MISMATCH)
        for group, balancer in groups if batch else []:
            self.say(f"(port {balancer.get('containerPort')}) is unhealthy in (target-group {group.arn}) due to "
                     f"(reason {targets.MISMATCH[2]}).")
        grace = getattr(self.service, "health_check_grace_period_seconds", None)
        self.world.at(targets.unhealthy_after(grace), lambda: self.fails("unhealthy", batch))

    # How tasks go.

    def fails(self, kind, batch):
        batch = self.here(batch)
        if not batch:
            return
        code, why, tells = self.ending(kind)
        for it in batch:
            if kind in fate.ENDING:
                tasks.write(self.world, it, kind, self.fate.container, fate.last_words)
            tasks.stop(self.world, it, code, why, self.fate.container, tells)
        self.tell_failure(kind, batch, why)
        if self.first() and self.told["rolloutState"] == "IN_PROGRESS" and "stuck" not in self.fate.words:
            self.told.update(failedTasks=self.told["failedTasks"] + len(batch), updatedAt=clock(self.world))
        self.lost(batch, self.pause(kind, batch))

    def ending(self, kind):
        if kind != "unhealthy":
            return self.fate.ending(kind, self.service._account_id)
        groups = targets.groups(self.service, self.balancers)
        where = f"ELB health checks in (target-group {groups[0][0].arn})" if groups else "container health checks"
        return "ServiceSchedulerInitiated", f"Task failed {where}", tasks.TERMINATED

    def tell_failure(self, kind, batch, why):
        if kind == "missing":
            self.say(f"was unable to place a task. Reason: {why}.")
        elif kind == "norole":
            self.say(f"failed to launch a task with (error {why}).")
        elif kind == "unhealthy":
            if not targets.groups(self.service, self.balancers):
                self.say(f"{listed(batch)} failed container health checks.")
            self.say(f"has stopped {len(batch)} running tasks: {listed(batch)}.")

    def pause(self, kind, batch):
        """Fact: where tasks never come to run, the service waits longer and longer before it starts another one."""
        if kind not in fate.STARTLESS:
            return 0
        self.startless += len(batch)
        too_many = self.startless - threshold(self.service.desired_count)
        if too_many <= 0:
            return 0
        self.say("is unable to consistently start tasks successfully. For more information, see the Troubleshooting section.")
        return min(10.0 * 2 ** min(too_many, 7), 900.0)

    def lost(self, batch, pause=0):
        """After some of its tasks have stopped: others come, or the circuit breaker breaks."""
        self.leave(batch)
        breaker = (getattr(self.service, "deployment_configuration", None) or {}).get("deploymentCircuitBreaker") or {}
        enough = self.told["failedTasks"] >= threshold(self.service.desired_count)
        if self.first() and self.told["rolloutState"] == "IN_PROGRESS" and breaker.get("enable") and enough:
            self.breaks(breaker)
        elif pause:
            self.world.at(pause, self.fill)
        else:
            self.fill()
        count(self.service)

    def leave(self, batch):
        for group, number in targets.leave(self.world, self.service, self.balancers, [it["_address"] for it in batch]):
            self.say(f"deregistered {number} targets in (target-group {group.arn})")

    def breaks(self, breaker):
        self.becomes("FAILED", "ECS deployment circuit breaker: tasks failed to start.")
        self.say(f"(deployment {self.id}) deployment failed: tasks failed to start.")
        self.halt()
        done = getattr(self.service, "_completed", None)
        # Fact: without a deployment that completed, or when going back fails too, nothing more is started.
        if breaker.get("rollback") and done and not self.back:
            for name, value in done.kept.items():
                setattr(self.service, name, value)
            self.say(f"rolling back to (deployment {done.id}).")
            start(self.world, self.service, done)

    def halt(self):
        """What does not run yet will not; what runs stays until others do."""
        for it in self.wanted():
            if it["lastStatus"] != "RUNNING":
                tasks.stop(self.world, it, "ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {self.id})")
        count(self.service)

    def send_away(self, batch):
        """Their targets drain, then they stop."""
        if not batch:
            return
        for it in batch:
            it["desiredStatus"], it["stoppingAt"] = "STOPPED", self.world.wall()
            tasks.become(self.world, it, "DEACTIVATING")
        if targets.groups(self.service, self.balancers):
            self.say(f"has begun draining connections on {len(batch)} tasks.")
        self.leave(batch)
        count(self.service)
        self.world.at(targets.DRAINING, lambda: self.gone(batch))

    def gone(self, batch):
        for it in batch:
            tasks.stop(self.world, it, "ServiceSchedulerInitiated", f"Scaling activity initiated by (deployment {self.id})")
        self.say(f"has stopped {len(batch)} running tasks: {listed(batch)}.")
        if self.service._rollouts:
            count(self.service)

    # How it ends.

    def look(self):
        """Once all of its tasks are healthy those of the deployments before go, and it is done."""
        if not self.first() or self.told["rolloutState"] != "IN_PROGRESS" or self.taking_over:
            return
        if len(self.healthy_ones()) < self.service.desired_count:
            return
        self.taking_over = True
        for it in self.service._rollouts[1:]:
            it.send_away(it.wanted())
        self.world.at(targets.DRAINING, self.completes)

    def completes(self):
        if not self.first() or self.told["rolloutState"] != "IN_PROGRESS":
            return
        self.becomes("COMPLETED", f"ECS deployment {self.id} completed.")
        self.service._completed = self
        self.service._rollouts = [self]
        count(self.service)
        self.say(f"(deployment {self.id}) deployment completed.")
        self.say("has reached a steady state.")
