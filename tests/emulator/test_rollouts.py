"""How deployments of services go in time, well or badly, seen by boto3: each way alone, told by the image's tag."""

import unittest

import test_emulator
from test_emulator import control

setUpModule, tearDownModule = test_emulator.setUpModule, test_emulator.tearDownModule
BREAKER = {"deploymentCircuitBreaker": {"enable": True, "rollback": True}}


def later(seconds):
    control("advance", seconds=seconds)


class Rollouts(test_emulator.Placed):
    """A service behind a load balancer, which logs."""

    def setUp(self):
        super().setUp()
        self.ecs, self.elb, self.logs = self.client("ecs"), self.client("elbv2"), self.client("logs")
        self.ecs.create_cluster(clusterName="c")
        self.logs.create_log_group(logGroupName="/g")
        self.balancer = self.elb.create_load_balancer(Name="b", Subnets=self.subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        self.group = self.serving("one", 80)

    def serving(self, name, port):
        made = self.elb.create_target_group(Name=name, Protocol="HTTP", Port=8080, VpcId=self.vpc, TargetType="ip")
        group = made["TargetGroups"][0]["TargetGroupArn"]
        self.elb.create_listener(LoadBalancerArn=self.balancer, Port=port, Protocol="HTTP", DefaultActions=[{"Type": "forward", "TargetGroupArn": group}])
        return group

    def definition(self, tag, **more):
        options = {"awslogs-group": "/g", "awslogs-region": "eu-west-1", "awslogs-stream-prefix": "p"}
        logs = {"logDriver": "awslogs", "options": options}
        container = {"name": "api", "image": f"example/api:{tag}", "portMappings": [{"containerPort": 8080}], "logConfiguration": logs, **more}
        return self.ecs.register_task_definition(
            family="f", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512",
            taskRoleArn=f"arn:aws:iam::{self.account}:role/worker", containerDefinitions=[container])["taskDefinition"]["taskDefinitionArn"]

    def balanced(self, group=None):
        return [{"targetGroupArn": group or self.group, "containerName": "api", "containerPort": 8080}]

    def create(self, tag="1", desired=1, **more):
        settings = {"loadBalancers": self.balanced(), "deploymentConfiguration": BREAKER, **more}
        return self.ecs.create_service(
            cluster="c", serviceName="s", taskDefinition=self.definition(tag), desiredCount=desired, launchType="FARGATE",
            networkConfiguration={"awsvpcConfiguration": {"subnets": self.subnets}}, **settings)["service"]

    def update(self, tag, **more):
        return self.ecs.update_service(cluster="c", service="s", taskDefinition=self.definition(tag), **more)["service"]

    def running(self, tag="1", desired=1, **more):
        self.create(tag, desired, **more)
        later(60)

    def service(self):
        return self.ecs.describe_services(cluster="c", services=["s"])["services"][0]

    def deployments(self):
        return [(it["status"], it["rolloutState"], it["runningCount"], it["failedTasks"]) for it in self.service()["deployments"]]

    def tasks(self, status="RUNNING"):
        arns = self.ecs.list_tasks(cluster="c", serviceName="s", desiredStatus=status)["taskArns"]
        return self.ecs.describe_tasks(cluster="c", tasks=arns)["tasks"] if arns else []

    def health(self, group=None):
        told = self.elb.describe_target_health(TargetGroupArn=group or self.group)["TargetHealthDescriptions"]
        return sorted((it["TargetHealth"]["State"], it["TargetHealth"].get("Reason")) for it in told)

    def said(self, words):
        return [it["message"] for it in self.service()["events"] if words in it["message"]]

    def lines(self):
        return [it["message"] for it in self.logs.filter_log_events(logGroupName="/g")["events"]]


class Well(Rollouts):
    def test_tasks_run_then_turn_healthy_then_the_deployment_is_completed(self):
        made = self.create(desired=2)
        self.assertEqual(made["deployments"][0]["rolloutState"], "IN_PROGRESS")
        self.assertEqual((self.deployments(), self.service()["pendingCount"], self.health()), ([("PRIMARY", "IN_PROGRESS", 0, 0)], 2, []))
        # Fact: a Fargate task takes half a minute to run, its target some seconds to turn healthy.
        later(31)
        self.assertEqual((self.deployments(), self.health()), ([("PRIMARY", "IN_PROGRESS", 2, 0)], [("initial", "Elb.RegistrationInProgress")] * 2))
        later(5)
        self.assertEqual(self.health(), [("initial", "Elb.InitialHealthChecking")] * 2)
        later(5)
        self.assertEqual((self.deployments(), self.health()), ([("PRIMARY", "IN_PROGRESS", 2, 0)], [("healthy", None)] * 2))
        later(5)
        self.assertEqual(self.deployments(), [("PRIMARY", "COMPLETED", 2, 0)])
        told = self.service()["deployments"][0]
        self.assertGreaterEqual((told["updatedAt"] - told["createdAt"]).total_seconds(), 45)
        self.assertEqual(told["id"], made["deployments"][0]["id"])

    def test_a_task_tells_what_it_runs(self):
        made = self.create(tag="7")
        later(31)
        (it,) = self.tasks()
        (container,) = it["containers"]
        self.assertEqual((it["startedBy"], it["taskDefinitionArn"], it["healthStatus"]), (made["deployments"][0]["id"], made["taskDefinition"], "UNKNOWN"))
        self.assertRegex(container["imageDigest"], "^sha256:[0-9a-f]{64}$")
        self.assertTrue(container["runtimeId"])
        self.assertEqual(round((it["startedAt"] - it["createdAt"]).total_seconds()), 30)
        # Its address is that of its target.
        (target,) = self.elb.describe_target_health(TargetGroupArn=self.group)["TargetHealthDescriptions"]
        self.assertEqual(container["networkInterfaces"][0]["privateIpv4Address"], target["Target"]["Id"])
        (again,) = self.elb.describe_target_health(TargetGroupArn=self.group, Targets=[target["Target"]])["TargetHealthDescriptions"]
        self.assertEqual(again["TargetHealth"]["State"], "initial")

    def test_those_of_before_stay_until_the_new_ones_are_healthy(self):
        self.running(desired=2)
        old = {it["taskArn"] for it in self.tasks()}
        new = self.update("2")["deployments"]
        self.assertEqual([(it["status"], it["runningCount"]) for it in new], [("PRIMARY", 0), ("ACTIVE", 2)])
        later(36)
        self.assertEqual(self.deployments(), [("PRIMARY", "IN_PROGRESS", 2, 0), ("ACTIVE", "COMPLETED", 2, 0)])
        self.assertEqual(self.service()["runningCount"], 4)
        self.assertEqual(self.health(), [("healthy", None)] * 2 + [("initial", "Elb.InitialHealthChecking")] * 2)
        later(5)
        # Fact: a target drains before its task is stopped.
        self.assertEqual(self.health(), [("draining", "Target.DeregistrationInProgress")] * 2 + [("healthy", None)] * 2)
        self.assertEqual({it["lastStatus"] for it in self.tasks("STOPPED")}, {"DEACTIVATING"})
        later(5)
        self.assertEqual((self.deployments(), self.health()), ([("PRIMARY", "COMPLETED", 2, 0)], [("healthy", None)] * 2))
        gone = self.tasks("STOPPED")
        self.assertEqual(({it["taskArn"] for it in gone}, {it["stopCode"] for it in gone}), (old, {"ServiceSchedulerInitiated"}))
        self.assertIn("Scaling activity initiated by (deployment ecs-svc/", gone[0]["stoppedReason"])
        # Fact: a stopped task is told of for an hour.
        later(3601)
        self.assertEqual(self.tasks("STOPPED"), [])
        self.assertEqual(self.ecs.describe_tasks(cluster="c", tasks=list(old))["failures"][0]["reason"], "MISSING")

    def test_two_target_groups_have_their_own_targets(self):
        self.running()
        two = self.serving("two", 81)
        self.update("2", loadBalancers=self.balanced(two))
        later(36)
        self.assertEqual((self.health(), self.health(two)), ([("healthy", None)], [("initial", "Elb.InitialHealthChecking")]))
        later(10)
        self.assertEqual((self.health(), self.health(two)), ([], [("healthy", None)]))

    def test_events_tell_what_happened(self):
        self.running()
        self.update("2")
        later(60)
        texts = [it["message"].split(") ", 1)[1].split(" (")[0].split(":")[0] for it in reversed(self.service()["events"])]
        begun = ["has started 1 tasks", "registered 1 targets in", "(deployment ecs-svc/", "has reached a steady state."]
        texts = [text if not text.startswith("(deployment") else "(deployment ecs-svc/" for text in texts]
        self.assertEqual(texts[:4], begun)
        between = ["has begun draining connections on 1 tasks.", "deregistered 1 targets in", "has stopped 1 running tasks"]
        self.assertEqual(texts[4:], begun[:2] + between + begun[2:])
        self.assertEqual(len(self.said("deployment completed.")), 2)

    def test_another_number_of_tasks_is_no_deployment(self):
        self.running()
        self.ecs.update_service(cluster="c", service="s", desiredCount=3)
        self.assertEqual((self.deployments(), self.service()["pendingCount"]), ([("PRIMARY", "COMPLETED", 1, 0)], 2))
        later(41)
        self.assertEqual((self.deployments(), self.health()), ([("PRIMARY", "COMPLETED", 3, 0)], [("healthy", None)] * 3))
        self.ecs.update_service(cluster="c", service="s", desiredCount=1)
        later(6)
        self.assertEqual((self.service()["runningCount"], self.health()), (1, [("healthy", None)]))

    def test_none_is_a_number_too(self):
        self.create(desired=0)
        later(46)
        self.assertEqual(self.deployments(), [("PRIMARY", "COMPLETED", 0, 0)])

    def test_a_slow_one_takes_five_minutes(self):
        self.running()
        self.update("slow")
        later(290)
        self.assertEqual(self.deployments(), [("PRIMARY", "IN_PROGRESS", 1, 0), ("ACTIVE", "COMPLETED", 1, 0)])
        self.assertEqual(self.health(), [("healthy", None), ("initial", "Elb.InitialHealthChecking")])
        later(11)
        self.assertEqual(self.deployments(), [("PRIMARY", "COMPLETED", 1, 0)])

    def test_one_that_is_overtaken_ends_with_the_new_one(self):
        self.running()
        self.update("2")
        later(35)
        self.update("3")
        # What ran stays, what did not is stopped.
        self.assertEqual(self.deployments(), [("PRIMARY", "IN_PROGRESS", 0, 0), ("ACTIVE", "IN_PROGRESS", 1, 0), ("ACTIVE", "COMPLETED", 1, 0)])
        later(60)
        self.assertEqual(self.deployments(), [("PRIMARY", "COMPLETED", 1, 0)])

    def test_a_task_that_somebody_stops_is_replaced(self):
        self.running()
        (it,) = self.tasks()
        self.ecs.stop_task(cluster="c", task=it["taskArn"], reason="why not")
        (gone,) = self.tasks("STOPPED")
        self.assertEqual((gone["stopCode"], gone["stoppedReason"], self.service()["pendingCount"]), ("UserInitiated", "why not", 1))
        later(41)
        self.assertEqual((self.service()["runningCount"], self.health()), (1, [("healthy", None)]))

    def test_a_deleted_service_has_no_tasks(self):
        self.running()
        self.ecs.delete_service(cluster="c", service="s", force=True)
        self.assertEqual((self.service()["status"], self.tasks(), self.health()[0][0]), ("DRAINING", [], "draining"))
        later(41)
        self.assertEqual((self.service()["status"], self.health(), len(self.tasks("STOPPED"))), ("INACTIVE", [], 1))
        self.running()
        self.assertEqual(len({it["taskArn"] for it in self.tasks() + self.tasks("STOPPED")}), 2)


class Badly(Rollouts):
    def stopped(self):
        it = self.tasks("STOPPED")[-1]
        (container,) = it["containers"]
        return it["stopCode"], it["stoppedReason"], container.get("exitCode"), container.get("reason")

    def breaks_and_goes_back(self, tag, until, desired=1):
        """The circuit breaker breaks between `until` and a little earlier."""
        self.running(desired=desired)
        before = self.service()
        failed = self.update(tag)["deployments"][0]["id"]
        later(until - 8)
        self.assertEqual(self.service()["deployments"][0]["rolloutState"], "IN_PROGRESS")
        self.assertEqual(self.service()["deployments"][1]["runningCount"], desired)
        later(9)
        now = self.service()
        old = before["deployments"][0]["id"]
        self.assertEqual(now["taskDefinition"], before["taskDefinition"])
        new, broken, first = now["deployments"]
        self.assertEqual((broken["id"], broken["rolloutState"], first["id"]), (failed, "FAILED", old))
        self.assertEqual(broken["rolloutStateReason"], "ECS deployment circuit breaker: tasks failed to start.")
        self.assertGreaterEqual(broken["failedTasks"], 3)
        self.assertEqual((new["rolloutState"], new["taskDefinition"]), ("IN_PROGRESS", before["taskDefinition"]))
        self.assertEqual(new["rolloutStateReason"], f"ECS deployment circuit breaker: rolling back to deploymentId {old}.")
        self.assertEqual(len(self.said(f"(deployment {failed}) deployment failed: tasks failed to start.")), 1)
        later(46)
        self.assertEqual(self.deployments(), [("PRIMARY", "COMPLETED", desired, 0)])
        self.assertEqual(self.health(), [("healthy", None)] * desired)

    def test_one_that_crashes(self):
        self.breaks_and_goes_back("crash", 3 * 35)
        self.assertEqual(self.stopped(), ("EssentialContainerExited", "Essential container in task exited", 1, None))
        said = [it for it in self.lines() if it != "listening on :8080"][1:4]
        self.assertEqual(said, ["starting", "connecting to db", "panic: crash in image example/api:crash"])
        # Three failed ones, that of before.
        self.assertEqual(len(self.tasks("STOPPED")), 4)

    def test_two_that_crash_at_a_time_break_sooner(self):
        self.breaks_and_goes_back("crash", 2 * 35, desired=2)

    def test_the_breaker_waits_for_half_of_many(self):
        self.create("crash", desired=8)
        later(36)
        # Fact: half of what is wanted, at least 3.
        self.assertEqual(self.deployments(), [("PRIMARY", "FAILED", 0, 8)])

    def test_one_that_needs_too_much_memory(self):
        self.breaks_and_goes_back("oom", 3 * 50)
        killed = "OutOfMemoryError: Container killed due to memory usage"
        self.assertEqual(self.stopped(), ("EssentialContainerExited", killed, 137, killed))
        self.assertIn("allocating 512 MiB", self.lines())

    def test_an_image_that_is_missing(self):
        self.breaks_and_goes_back("missing", 3 * 20)
        code, why, exited, reason = self.stopped()
        self.assertEqual((code, exited), ("TaskFailedToStart", None))
        self.assertRegex(why, "^CannotPullContainerError: .*example/api:missing: not found$")
        self.assertEqual(why, reason)
        self.assertEqual(len(self.said("was unable to place a task. Reason: CannotPullContainerError: ")), 3)

    def test_a_role_that_cannot_be_used(self):
        self.breaks_and_goes_back("norole", 3 * 10)
        code, why, exited, _ = self.stopped()
        self.assertEqual((code, exited), ("TaskFailedToStart", None))
        self.assertTrue(why.startswith(f"ECS was unable to assume the role 'arn:aws:iam::{self.account}:role/worker' that was provided for this task."))
        self.assertEqual(len(self.said("failed to launch a task with (error ECS was unable to assume the role")), 3)

    def test_a_role_that_can_be_used_a_little_later(self):
        self.create("norole-once")
        later(21)
        self.assertEqual(self.deployments(), [("PRIMARY", "IN_PROGRESS", 0, 2)])
        later(46)
        # Fact: the count is 0 again when a task runs.
        self.assertEqual(self.deployments(), [("PRIMARY", "COMPLETED", 1, 0)])

    def test_one_that_fails_its_health_checks(self):
        self.running()
        self.update("unhealthy")
        later(41)
        self.assertEqual(self.health(), [("healthy", None), ("unhealthy", "Target.ResponseCodeMismatch")])
        self.assertEqual(self.deployments()[0], ("PRIMARY", "IN_PROGRESS", 1, 0))
        why = "(reason Health checks failed with these codes: [503])."
        self.assertEqual(self.said("is unhealthy"), [f"(service s) (port 8080) is unhealthy in (target-group {self.group}) due to {why}"])
        later(30)
        self.assertEqual(self.stopped()[:2], ("ServiceSchedulerInitiated", f"Task failed ELB health checks in (target-group {self.group})"))
        self.assertEqual(self.deployments()[0], ("PRIMARY", "IN_PROGRESS", 0, 1))
        self.assertEqual(self.health(), [("draining", "Target.DeregistrationInProgress"), ("healthy", None)])
        self.assertIn("GET / 503", self.lines())

    def test_a_failed_health_check_breaks_too(self):
        self.breaks_and_goes_back("unhealthy", 3 * 70)

    def test_in_the_grace_period_health_does_not_count(self):
        self.create("unhealthy", healthCheckGracePeriodSeconds=300)
        later(320)
        self.assertEqual((self.deployments(), self.health()[0][0]), ([("PRIMARY", "IN_PROGRESS", 1, 0)], "unhealthy"))
        later(15)
        self.assertEqual(self.deployments(), [("PRIMARY", "IN_PROGRESS", 0, 1)])

    def test_a_check_of_the_container_itself(self):
        check = {"healthCheck": {"command": ["CMD", "true"]}}
        definition = self.definition("unhealthy", **check)
        network = {"awsvpcConfiguration": {"subnets": self.subnets}}
        self.ecs.create_service(cluster="c", serviceName="s", taskDefinition=definition, desiredCount=1, launchType="FARGATE", networkConfiguration=network)
        later(41)
        self.assertEqual(self.tasks()[0]["healthStatus"], "UNHEALTHY")
        later(30)
        self.assertEqual(self.stopped()[1], "Task failed container health checks")
        self.ecs.update_service(cluster="c", service="s", taskDefinition=self.definition("1", **check))
        later(41)
        self.assertEqual({it["healthStatus"] for it in self.tasks() if it["taskDefinitionArn"] != definition}, {"HEALTHY"})

    def test_half_of_the_tasks_run(self):
        self.running(desired=4)
        self.update("half")
        later(41)
        self.assertEqual((self.deployments()[:1], self.health().count(("healthy", None))), ([("PRIMARY", "IN_PROGRESS", 2, 0)], 6))
        later(50)
        self.assertEqual(self.deployments()[0], ("PRIMARY", "IN_PROGRESS", 2, 2))
        later(20)
        self.assertEqual(self.service()["deployments"][1]["rolloutState"], "FAILED")
        later(46)
        self.assertEqual((self.deployments(), self.health()), ([("PRIMARY", "COMPLETED", 4, 0)], [("healthy", None)] * 4))

    def test_half_of_the_tasks_run_and_the_breaker_does_not_see_it(self):
        self.create("half-stuck", desired=2)
        later(1800)
        self.assertEqual([it[1::2] for it in self.deployments()], [("IN_PROGRESS", 0)])
        self.assertGreater(len(self.tasks("STOPPED")), 40)

    def test_without_a_breaker_it_goes_on_for_ever(self):
        self.running(deploymentConfiguration={})
        self.update("crash")
        later(20 * 35 + 1)
        self.assertEqual((self.deployments()[0][1], self.deployments()[0][3]), ("IN_PROGRESS", 20))
        # That of before is still there.
        self.assertEqual((self.deployments()[1], self.health().count(("healthy", None))), (("ACTIVE", "COMPLETED", 1, 0), 1))
        self.update("2")
        later(46)
        self.assertEqual(self.deployments(), [("PRIMARY", "COMPLETED", 1, 0)])

    def test_what_never_starts_is_tried_more_and_more_seldom(self):
        self.create("missing", deploymentConfiguration={})
        later(3000)
        self.assertLess(self.deployments()[0][3], 15)
        self.assertTrue(self.said("is unable to consistently start tasks successfully."))

    def test_the_first_deployment_has_nothing_to_go_back_to(self):
        self.create("crash")
        later(200)
        self.assertEqual((self.deployments(), self.tasks()), ([("PRIMARY", "FAILED", 0, 3)], []))
        later(200)
        self.assertEqual(len(self.tasks("STOPPED")), 3)

    def test_without_rollback_the_old_tasks_stay(self):
        self.running(deploymentConfiguration={"deploymentCircuitBreaker": {"enable": True, "rollback": False}})
        self.update("crash")
        later(200)
        self.assertEqual(self.deployments(), [("PRIMARY", "FAILED", 0, 3), ("ACTIVE", "COMPLETED", 1, 0)])
        self.assertEqual(self.health(), [("healthy", None)])
        self.update("2")
        later(46)
        self.assertEqual(self.deployments(), [("PRIMARY", "COMPLETED", 1, 0)])

    def test_going_back_takes_the_old_target_group_too(self):
        self.running()
        two = self.serving("two", 81)
        self.update("crash", loadBalancers=self.balanced(two))
        later(3 * 35 + 50)
        self.assertEqual(self.service()["loadBalancers"][0]["targetGroupArn"], self.group)
        self.assertEqual((self.health(), self.health(two)), ([("healthy", None)], []))


class Logs(Rollouts):
    def test_what_a_container_writes_is_in_its_stream(self):
        self.running()
        (it,) = self.tasks()
        stream = f"p/api/{it['taskArn'].rsplit('/', 1)[-1]}"
        told = self.logs.get_log_events(logGroupName="/g", logStreamName=stream, startFromHead=True)["events"]
        self.assertEqual([it["message"] for it in told], ["starting", "listening on :8080"])
        self.assertGreaterEqual(told[0]["timestamp"], int(it["startedAt"].timestamp() * 1000) - 1)
        self.logs.delete_log_group(logGroupName="/g")
        self.assertEqual(self.logs.describe_log_groups()["logGroups"], [])

    def test_without_a_group_nothing_is_written(self):
        self.logs.delete_log_group(logGroupName="/g")
        self.running()
        self.assertEqual(self.logs.describe_log_groups()["logGroups"], [])

    def test_tasks_that_are_run_once_fail_alike(self):
        arns, ended = {}, {}
        network = {"awsvpcConfiguration": {"subnets": self.subnets}}
        for tag in ("1", "crash", "oom", "missing", "norole"):
            made = self.ecs.run_task(cluster="c", taskDefinition=self.definition(tag), launchType="FARGATE", networkConfiguration=network)
            arns[tag] = made["tasks"][0]["taskArn"]
        later(60)
        for tag, arn in arns.items():
            (it,) = self.ecs.describe_tasks(cluster="c", tasks=[arn])["tasks"]
            ended[tag] = (it["stopCode"], it["containers"][0].get("exitCode"))
        exited, startless = "EssentialContainerExited", ("TaskFailedToStart", None)
        self.assertEqual(ended, {"1": (exited, 0), "crash": (exited, 1), "oom": (exited, 137), "missing": startless, "norole": startless})
        crashed = ["starting", "connecting to db", "panic: crash in image example/api:crash"]
        killed = ["starting", "allocating 128 MiB", "allocating 512 MiB"]
        self.assertEqual(sorted(self.lines()), sorted(["starting", "done", *crashed, *killed]))


class Alarms(test_emulator.Case):
    def setUp(self):
        super().setUp()
        self.alarms = self.client("cloudwatch")
        self.put(self.alarms, "a")

    def put(self, alarms, name, **more):
        alarms.put_metric_alarm(**{
            "AlarmName": name, "Namespace": "n", "MetricName": "m", "Statistic": "Sum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 1.5,
            "ComparisonOperator": "GreaterThanThreshold", "Dimensions": [{"Name": "d", "Value": "v"}], **more})

    def state(self, alarms=None, name="a"):
        return [it["StateValue"] for it in (alarms or self.alarms).describe_alarms(AlarmNames=[name])["MetricAlarms"]]

    def test_an_alarm_is_told_as_it_was_set(self):
        it = self.alarms.describe_alarms()["MetricAlarms"][0]
        self.assertEqual((it["AlarmName"], it["Threshold"], it["Period"], it["Dimensions"]), ("a", 1.5, 60, [{"Name": "d", "Value": "v"}]))
        # Fact: a new alarm has no data yet.
        self.assertEqual(it["StateValue"], "INSUFFICIENT_DATA")
        self.assertIn(f":eu-west-1:{self.account}:alarm:a", it["AlarmArn"])
        self.alarms.delete_alarms(AlarmNames=["a"])
        self.assertEqual(self.state(), [])

    def test_a_state_that_is_set_stays_when_the_alarm_is_set_anew(self):
        self.alarms.set_alarm_state(AlarmName="a", StateValue="ALARM", StateReason="r")
        self.put(self.alarms, "a", Threshold=2)
        told = self.alarms.describe_alarms(AlarmNames=["a"])["MetricAlarms"][0]
        self.assertEqual((told["StateValue"], told["StateReason"], told["Threshold"]), ("ALARM", "r", 2))
        self.assertIn("StateUpdatedTimestamp", told)
        self.refused("ResourceNotFound", self.alarms.set_alarm_state, AlarmName="none", StateValue="OK", StateReason="r")

    def test_alarms_belong_to_an_account_and_a_region(self):
        self.assertEqual(self.state(self.client("cloudwatch", "us-east-1")), [])
        self.assertEqual(self.state(self.client("cloudwatch", account=str(next(test_emulator.NUMBERS)))), [])

    def test_what_is_asked_for_holds_together(self):
        self.put(self.alarms, "b")
        self.alarms.set_alarm_state(AlarmName="b", StateValue="ALARM", StateReason="r")
        names = lambda **asked: [it["AlarmName"] for it in self.alarms.describe_alarms(**asked)["MetricAlarms"]]
        self.assertEqual(names(AlarmNames=["a", "b"], StateValue="ALARM", AlarmTypes=["MetricAlarm"]), ["b"])
        self.assertEqual((names(AlarmNamePrefix="a"), names(AlarmTypes=["CompositeAlarm"])), (["a"], []))

    def test_an_alarm_fires_later(self):
        control("alarm", account=self.account, region="eu-west-1", name="a", after=60)
        control("alarm", client=self.account, name="a", after=120, state="OK")
        later(59)
        self.assertEqual(self.state(), ["INSUFFICIENT_DATA"])
        later(2)
        self.assertEqual(self.state(), ["ALARM"])
        self.assertEqual(len(self.alarms.describe_alarms(StateValue="ALARM")["MetricAlarms"]), 1)
        later(60)
        self.assertEqual(self.state(), ["OK"])

    def test_calls_to_it_are_counted_and_meet_faults(self):
        self.assertEqual(control("calls", client=self.account)["by_operation"], {"monitoring:PutMetricAlarm": 1})
        control("options", client=self.account, rules=[{"match": {"operation": "monitoring:DescribeAlarms"}, "fault": "throttle"}])
        self.refused("ThrottlingException", self.alarms.describe_alarms)


class Snapshots(Rollouts):
    def test_a_rollout_goes_on_after_a_restore(self):
        self.running()
        self.update("2")
        later(20)
        control("snapshot")
        for _ in range(2):
            later(30)
            self.assertEqual(self.deployments(), [("PRIMARY", "COMPLETED", 1, 0)])
            control("restore")
            self.assertEqual(self.deployments(), [("PRIMARY", "IN_PROGRESS", 0, 0), ("ACTIVE", "COMPLETED", 1, 0)])


    def test_an_open_connection_is_answered_by_what_was_restored(self):
        queues = self.client("sqs")
        control("snapshot")
        for _ in range(30):
            queues.create_queue(QueueName="late")
            self.assertEqual(len(queues.list_queues()["QueueUrls"]), 1)
            control("restore")
            self.assertNotIn("QueueUrls", queues.list_queues())


class ZNothingWasMissing(test_emulator.Case):
    def test_no_operation_was_unsupported(self):
        self.assertEqual(control("unsupported")["operations"], [])


if __name__ == "__main__":
    unittest.main()
