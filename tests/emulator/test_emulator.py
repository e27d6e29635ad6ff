"""Each behaviour of the emulator, alone, seen by boto3.

One server for all; every test has an account of its own. Time is AWS's, and is moved by the test.
"""

import itertools
import json
import os
import subprocess
import sys
import threading
import unittest
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError, EndpointConnectionError, HTTPClientError

NUMBERS = itertools.count(700000000001)
TRUST = json.dumps({"Version": "2012-10-17", "Statement": []})


def setUpModule():
    global SERVER, ENDPOINT
    environment = {**os.environ, "DEPLOYER_TIME_SCALE": "1"}
    SERVER = subprocess.Popen([sys.executable, "-m", "awsemu", "--until-stdin-closes"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              cwd=os.path.dirname(os.path.abspath(__file__)), env=environment)
    ENDPOINT = json.loads(SERVER.stdout.readline())["endpoint"]


def tearDownModule():
    SERVER.stdin.close()
    SERVER.wait(10)
    SERVER.stdout.close()


def control(what, **data):
    request = urllib.request.Request(f"{ENDPOINT}/_emulator/{what}", json.dumps(data).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


class Case(unittest.TestCase):
    def setUp(self):
        self.account = str(next(NUMBERS))

    def client(self, service, region="eu-west-1", account=None):
        config = Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, read_timeout=20)
        key = f"AKIA{account or self.account}TEST"
        return boto3.client(service, region_name=region, endpoint_url=ENDPOINT, aws_access_key_id=key, aws_secret_access_key="x", config=config)

    def refused(self, code, call, **arguments):
        with self.assertRaises(ClientError) as caught:
            call(**arguments)
        self.assertEqual(caught.exception.response["Error"]["Code"], code)


def place(region="eu-west-1"):
    return {"CreateBucketConfiguration": {"LocationConstraint": region}}


def policy_for(role_arn):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": role_arn}, "Action": "*", "Resource": "*"}]})


class Accounts(Case):
    def test_the_access_key_says_whose_account_it_is(self):
        self.assertEqual(self.client("sts").get_caller_identity()["Account"], self.account)
        self.client("sqs").create_queue(QueueName="mine")
        self.assertNotIn("QueueUrls", self.client("sqs", account=str(next(NUMBERS))).list_queues())


    def test_a_reset_account_is_as_new(self):
        sqs = self.client("sqs")
        sqs.delete_queue(QueueUrl=sqs.create_queue(QueueName="q")["QueueUrl"])
        control("reset", account=self.account)
        sqs.create_queue(QueueName="q")


class Queues(Case):
    def test_a_deleted_name_is_refused_for_a_minute(self):
        sqs = self.client("sqs")
        sqs.delete_queue(QueueUrl=sqs.create_queue(QueueName="q")["QueueUrl"])
        self.refused("AWS.SimpleQueueService.QueueDeletedRecently", sqs.create_queue, QueueName="q")
        control("advance", seconds=61)
        sqs.create_queue(QueueName="q")

    def test_a_deleted_queue_answers_for_a_while(self):
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        sqs.delete_queue(QueueUrl=url)
        sqs.get_queue_attributes(QueueUrl=url)
        control("advance", seconds=11)
        self.refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_attributes, QueueUrl=url)

    def test_an_equal_create_adopts_and_another_is_refused(self):
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName="q", Attributes={"DelaySeconds": "5"})["QueueUrl"]
        self.assertEqual(sqs.create_queue(QueueName="q", Attributes={"DelaySeconds": "5"})["QueueUrl"], url)
        self.refused("QueueAlreadyExists", sqs.create_queue, QueueName="q", Attributes={"DelaySeconds": "6"})

    def test_a_policy_that_names_a_young_role_is_refused(self):
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        arn = self.client("iam").create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        attributes = {"Policy": policy_for(arn)}
        self.refused("InvalidAttributeValue", sqs.set_queue_attributes, QueueUrl=url, Attributes=attributes)
        control("advance", seconds=11)
        sqs.set_queue_attributes(QueueUrl=url, Attributes=attributes)

    def test_what_moto_forgets_is_remembered(self):
        sqs = self.client("sqs")
        url = sqs.create_queue(QueueName="q", Attributes={"RedriveAllowPolicy": '{"redrivePermission": "denyAll"}'})["QueueUrl"]
        self.assertIn("denyAll", sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]["RedriveAllowPolicy"])


class Buckets(Case):
    def test_a_new_bucket_is_private_encrypted_and_owned(self):
        s3, name = self.client("s3"), f"new-{self.account}"
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "eu-west-1", "Tags": [{"Key": "k", "Value": "v"}]})
        rules = s3.get_bucket_encryption(Bucket=name)["ServerSideEncryptionConfiguration"]["Rules"]
        self.assertEqual(rules[0]["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"], "AES256")
        self.assertTrue(all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values()))
        self.assertEqual(s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]["Rules"][0]["ObjectOwnership"], "BucketOwnerEnforced")
        self.assertEqual(s3.get_bucket_tagging(Bucket=name)["TagSet"], [{"Key": "k", "Value": "v"}])

    def test_a_second_create_is_refused_but_in_us_east_1(self):
        s3, name = self.client("s3"), f"twice-{self.account}"
        s3.create_bucket(Bucket=name, **place())
        self.refused("BucketAlreadyOwnedByYou", s3.create_bucket, Bucket=name, **place())
        east = self.client("s3", "us-east-1")
        east.create_bucket(Bucket=f"{name}-east")
        east.create_bucket(Bucket=f"{name}-east")

    def test_names_are_shared_with_other_accounts(self):
        name = f"shared-{self.account}"
        self.client("s3").create_bucket(Bucket=name, **place())
        self.refused("BucketAlreadyExists", self.client("s3", account=str(next(NUMBERS))).create_bucket, Bucket=name, **place())

    def test_tags_go_with_their_bucket(self):
        s3, name = self.client("s3"), f"tagged-{self.account}"
        s3.create_bucket(Bucket=name, **place())
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
        s3.delete_bucket(Bucket=name)
        s3.create_bucket(Bucket=name, **place())
        self.refused("NoSuchTagSet", s3.get_bucket_tagging, Bucket=name)

    def test_a_bucket_with_objects_is_not_deleted(self):
        s3, name = self.client("s3"), f"full-{self.account}"
        s3.create_bucket(Bucket=name, **place())
        s3.put_object(Bucket=name, Key="k", Body=b"x")
        self.refused("BucketNotEmpty", s3.delete_bucket, Bucket=name)


    def test_a_queue_that_lets_s3_not_in_is_refused(self):
        # Fact: a queue that is not there, or whose policy does not let S3 in, is refused.
        s3, sqs, name = self.client("s3"), self.client("sqs"), f"told-{self.account}"
        s3.create_bucket(Bucket=name, **place())
        url = sqs.create_queue(QueueName="q")["QueueUrl"]
        notices = {"QueueConfigurations": [{"QueueArn": f"arn:aws:sqs:eu-west-1:{self.account}:q", "Events": ["s3:ObjectCreated:*"]}]}
        self.refused("InvalidArgument", s3.put_bucket_notification_configuration, Bucket=name, NotificationConfiguration=notices)
        policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "sqs:SendMessage", "Resource": "*"}]}
        sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": json.dumps(policy)})
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration=notices)
        self.assertEqual(len(s3.get_bucket_notification_configuration(Bucket=name)["QueueConfigurations"]), 1)
        # Fact: one document holds all destinations and the switch for EventBridge, and is replaced as a whole.
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={"EventBridgeConfiguration": {}})
        told = s3.get_bucket_notification_configuration(Bucket=name)
        self.assertEqual((told.get("EventBridgeConfiguration"), told.get("QueueConfigurations")), ({}, None))
        # Fact: there is no delete; an empty document takes all of it away.
        s3.put_bucket_notification_configuration(Bucket=name, NotificationConfiguration={})
        self.assertNotIn("QueueConfigurations", s3.get_bucket_notification_configuration(Bucket=name))


    def test_a_policy_that_asks_for_tls_lets_its_callers_in(self):
        s3 = self.client("s3")
        s3.create_bucket(Bucket="tls", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
        denied = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": ["arn:aws:s3:::tls", "arn:aws:s3:::tls/*"]}
        s3.put_bucket_policy(Bucket="tls", Policy=json.dumps({"Version": "2012-10-17", "Statement": [{**denied, "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]}))
        s3.put_object(Bucket="tls", Key="a", Body=b"1")
        self.assertEqual(s3.get_object(Bucket="tls", Key="a")["Body"].read(), b"1")
        s3.put_bucket_policy(Bucket="tls", Policy=json.dumps({"Version": "2012-10-17", "Statement": [denied]}))
        self.refused("403", s3.get_object, Bucket="tls", Key="a")


class Roles(Case):
    def test_names_are_unique_whatever_the_case(self):
        iam = self.client("iam")
        iam.create_role(RoleName="Worker", AssumeRolePolicyDocument=TRUST)
        self.refused("EntityAlreadyExists", iam.create_role, RoleName="worker", AssumeRolePolicyDocument=TRUST)

    def test_a_role_with_a_policy_is_not_deleted(self):
        iam = self.client("iam")
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        iam.put_role_policy(RoleName="r", PolicyName="p", PolicyDocument=policy_for("*"))
        self.refused("DeleteConflict", iam.delete_role, RoleName="r")

    def test_a_trust_that_names_a_young_role_is_refused(self):
        iam = self.client("iam")
        arn = iam.create_role(RoleName="young", AssumeRolePolicyDocument=TRUST)["Role"]["Arn"]
        self.refused("MalformedPolicyDocument", iam.create_role, RoleName="other", AssumeRolePolicyDocument=policy_for(arn))


class Networks(Case):
    def setUp(self):
        super().setUp()
        self.ec2 = self.client("ec2")
        self.vpc = self.ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.subnet = self.ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]

    def gateway(self, **more):
        allocation = self.ec2.allocate_address(Domain="vpc")["AllocationId"]
        made = self.ec2.create_nat_gateway(SubnetId=self.subnet, AllocationId=allocation, **more)["NatGateway"]
        return made["NatGatewayId"], made["State"], allocation

    def attached(self):
        gateway = self.ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
        self.ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=self.vpc)
        return gateway

    def test_a_vpc_has_one_internet_gateway(self):
        self.attached()
        self.refused("Resource.AlreadyAssociated", self.attached)

    def test_a_subnet_has_one_explicit_table(self):
        one, two = (self.ec2.create_route_table(VpcId=self.vpc)["RouteTable"]["RouteTableId"] for _ in "ab")
        self.ec2.associate_route_table(RouteTableId=one, SubnetId=self.subnet)
        self.refused("Resource.AlreadyAssociated", self.ec2.associate_route_table, RouteTableId=two, SubnetId=self.subnet)

    def state(self, gateway):
        return self.ec2.describe_nat_gateways(NatGatewayIds=[gateway])["NatGateways"][0]["State"]

    def test_a_nat_gateway_takes_its_time_and_holds_what_it_uses(self):
        internet = self.attached()
        gateway, state, allocation = self.gateway()
        self.assertEqual(state, "pending")
        control("advance", seconds=61)
        self.assertEqual(self.state(gateway), "available")
        self.refused("DependencyViolation", self.ec2.detach_internet_gateway, InternetGatewayId=internet, VpcId=self.vpc)
        self.ec2.delete_nat_gateway(NatGatewayId=gateway)
        self.assertEqual(self.state(gateway), "deleting")
        self.refused("InvalidIPAddress.InUse", self.ec2.release_address, AllocationId=allocation)
        self.refused("DependencyViolation", self.ec2.delete_subnet, SubnetId=self.subnet)
        control("advance", seconds=46)
        self.assertEqual(self.state(gateway), "deleted")
        self.ec2.release_address(AllocationId=allocation)
        self.ec2.detach_internet_gateway(InternetGatewayId=internet, VpcId=self.vpc)

    def test_without_an_internet_gateway_it_fails(self):
        gateway, _, _ = self.gateway()
        control("advance", seconds=61)
        self.assertEqual(self.state(gateway), "failed")

    def test_a_token_answers_once_more(self):
        self.assertEqual(self.gateway(ClientToken="t")[0], self.gateway(ClientToken="t")[0])

    def test_a_group_that_a_rule_names_stays(self):
        one, two = (self.ec2.create_security_group(GroupName=name, Description=name, VpcId=self.vpc)["GroupId"] for name in "ab")
        rule = {"IpProtocol": "tcp", "FromPort": 1, "ToPort": 1, "UserIdGroupPairs": [{"GroupId": one, "Description": "words"}]}
        made = self.ec2.authorize_security_group_ingress(GroupId=two, IpPermissions=[rule])["SecurityGroupRules"][0]
        told = self.ec2.describe_security_group_rules(SecurityGroupRuleIds=[made["SecurityGroupRuleId"]])["SecurityGroupRules"][0]
        self.assertEqual(told["Description"], "words")
        self.refused("DependencyViolation", self.ec2.delete_security_group, GroupId=one)
        self.refused("DependencyViolation", self.ec2.delete_vpc, VpcId=self.vpc)
        self.ec2.delete_security_group(GroupId=two)
        self.ec2.delete_security_group(GroupId=one)

    def test_an_endpoint_is_pending_and_its_second_delete_is_refused_in_a_success(self):
        made = self.ec2.create_vpc_endpoint(VpcId=self.vpc, ServiceName="com.amazonaws.eu-west-1.s3")["VpcEndpoint"]["VpcEndpointId"]
        def state():
            return self.ec2.describe_vpc_endpoints(Filters=[{"Name": "vpc-endpoint-id", "Values": [made]}])["VpcEndpoints"][0]["State"]

        self.assertEqual(state(), "pending")
        control("advance", seconds=11)
        self.assertEqual(state(), "available")
        self.assertEqual(self.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])["Unsuccessful"], [])
        self.assertEqual(self.ec2.delete_vpc_endpoints(VpcEndpointIds=[made])["Unsuccessful"][0]["Error"]["Code"], "InvalidVpcEndpoint.NotFound")


class Placed(Case):
    """Things that stand in two zones."""

    def setUp(self):
        super().setUp()
        ec2 = self.client("ec2")
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        made = [ec2.create_subnet(VpcId=self.vpc, CidrBlock=f"10.0.{n}.0/24", AvailabilityZone=f"eu-west-1{zone}") for n, zone in enumerate("ab")]
        self.subnets = [it["Subnet"]["SubnetId"] for it in made]


class Balancers(Placed):
    def test_a_listener_changes_its_certificate_and_loses_it_with_https(self):
        elb = self.client("elbv2")
        balancer = elb.create_load_balancer(Name="b", Subnets=self.subnets)["LoadBalancers"][0]["LoadBalancerArn"]
        one, two = ([{"CertificateArn": f"arn:aws:acm:eu-west-1:{self.account}:certificate/{n}"}] for n in "12")
        actions = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        listener = elb.create_listener(LoadBalancerArn=balancer, Port=443, Protocol="HTTPS", Certificates=one, DefaultActions=actions)["Listeners"][0]["ListenerArn"]

        def told():
            return elb.describe_listeners(ListenerArns=[listener])["Listeners"][0]

        elb.modify_listener(ListenerArn=listener, Certificates=two)
        self.assertEqual(told()["Certificates"][0]["CertificateArn"], two[0]["CertificateArn"])
        elsewhere = [{"CertificateArn": f"arn:aws:acm:us-east-1:{self.account}:certificate/1"}]
        self.refused("CertificateNotFound", elb.modify_listener, ListenerArn=listener, Certificates=elsewhere)
        # Fact: from HTTPS to HTTP the certificates and the policy are dropped.
        elb.modify_listener(ListenerArn=listener, Protocol="HTTP", DefaultActions=actions)
        self.assertEqual((told().get("Certificates", []), told().get("SslPolicy")), ([], None))


    def test_a_target_group_serves_one_load_balancer(self):
        elb = self.client("elbv2")
        group = elb.create_target_group(Name="g", Protocol="HTTP", Port=80, VpcId=self.vpc, TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
        away = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}]
        one, two = (elb.create_load_balancer(Name=name, Subnets=self.subnets)["LoadBalancers"][0]["LoadBalancerArn"] for name in "ab")
        first, second = (elb.create_listener(LoadBalancerArn=arn, Port=80, Protocol="HTTP", DefaultActions=away)["Listeners"][0]["ListenerArn"] for arn in (one, two))
        rule = {"Conditions": [{"Field": "path-pattern", "Values": ["/*"]}], "Priority": 1, "Actions": [{"Type": "forward", "TargetGroupArn": group}]}
        made = elb.create_rule(ListenerArn=first, **rule)["Rules"][0]["RuleArn"]
        self.refused("TargetGroupAssociationLimit", elb.create_rule, ListenerArn=second, **rule)
        self.refused("TargetGroupAssociationLimit", elb.modify_listener, ListenerArn=second, DefaultActions=rule["Actions"])

        def serving():
            return elb.describe_target_groups(TargetGroupArns=[group])["TargetGroups"][0]["LoadBalancerArns"]

        # Fact: a group tells those that it serves now, each once.
        self.assertEqual(serving(), [one])
        elb.delete_rule(RuleArn=made)
        self.assertEqual(serving(), [])
        elb.create_rule(ListenerArn=second, **rule)
        self.assertEqual(serving(), [two])


class Tasks(Placed):
    def setUp(self):
        super().setUp()
        self.ecs = self.client("ecs")
        self.ecs.create_cluster(clusterName="c")
        self.definition = self.ecs.register_task_definition(family="f", networkMode="awsvpc", requiresCompatibilities=["FARGATE"], cpu="256", memory="512", containerDefinitions=[{"name": "api", "image": "example/api:1"}])["taskDefinition"]["taskDefinitionArn"]
        self.network = {"awsvpcConfiguration": {"subnets": self.subnets}}

    def states(self, arns):
        return [(it["lastStatus"], it["taskDefinitionArn"]) for it in self.ecs.describe_tasks(cluster="c", tasks=arns)["tasks"]]

    def test_a_service_that_goes_while_its_tasks_come_is_told_as_draining(self):
        self.ecs.create_service(cluster="c", serviceName="s", taskDefinition="f", desiredCount=2, launchType="FARGATE", networkConfiguration=self.network)
        self.ecs.delete_service(cluster="c", service="s", force=True)
        told = []
        for seconds in (1, 5, 10, 30, 60):
            control("advance", seconds=seconds)
            told.append(self.ecs.describe_services(cluster="c", services=["s"])["services"][0]["status"])
        self.assertEqual((told[0], told[-1]), ("DRAINING", "INACTIVE"))

    def test_a_service_has_tasks_which_take_half_a_minute_to_run(self):
        self.ecs.create_service(cluster="c", serviceName="s", taskDefinition="f", desiredCount=2, launchType="FARGATE", networkConfiguration=self.network)
        arns = self.ecs.list_tasks(cluster="c", serviceName="s")["taskArns"]
        self.assertEqual(self.states(arns), [("PROVISIONING", self.definition)] * 2)
        # Fact: a Fargate task takes half a minute to run.
        control("advance", seconds=31)
        self.assertEqual(self.states(arns), [("RUNNING", self.definition)] * 2)
        self.assertEqual(self.ecs.list_tasks(cluster="c", serviceName="other")["taskArns"], [])
        # Fact: a cluster with services is not deleted.
        self.refused("ClusterContainsServicesException", self.ecs.delete_cluster, cluster="c")

    def test_a_task_that_is_run_once_ends(self):
        arn = self.ecs.run_task(cluster="c", taskDefinition="f", launchType="FARGATE", networkConfiguration=self.network)["tasks"][0]["taskArn"]
        control("advance", seconds=31)
        self.assertEqual(self.states([arn]), [("RUNNING", self.definition)])
        control("advance", seconds=20)
        it = self.ecs.describe_tasks(cluster="c", tasks=[arn])["tasks"][0]
        self.assertEqual((it["lastStatus"], it["containers"][0]["exitCode"]), ("STOPPED", 0))
        self.assertEqual(self.ecs.list_tasks(cluster="c")["taskArns"], [])
        self.refused("ClientException", self.ecs.run_task, cluster="c", taskDefinition="none")
        self.refused("InvalidParameterException", self.ecs.stop_task, cluster="c", task="none")
        self.assertEqual(self.ecs.describe_tasks(cluster="c", tasks=["none"])["failures"][0]["reason"], "MISSING")


class Databases(Placed):
    def setUp(self):
        super().setUp()
        self.rds = self.client("rds")

    def group(self, name="s"):
        self.rds.create_db_subnet_group(DBSubnetGroupName=name, DBSubnetGroupDescription="one", SubnetIds=self.subnets)

    def test_a_subnet_group_that_was_changed_is_still_there(self):
        self.group()
        self.rds.modify_db_subnet_group(DBSubnetGroupName="s", DBSubnetGroupDescription="two", SubnetIds=self.subnets)
        self.assertEqual(self.rds.describe_db_subnet_groups(DBSubnetGroupName="s")["DBSubnetGroups"][0]["DBSubnetGroupDescription"], "two")

    def test_a_subnet_groups_name_is_taken_once(self):
        self.group()
        self.refused("DBSubnetGroupAlreadyExists", self.group)

    def test_a_subnet_group_stays_while_an_instance_uses_it(self):
        # Fact: a group goes only when no instance uses it, not even one that is going.
        self.group()
        self.rds.create_db_instance(DBInstanceIdentifier="d", DBInstanceClass="db.t4g.micro", Engine="postgres", MasterUsername="m", MasterUserPassword="password", AllocatedStorage=20, DBSubnetGroupName="s")
        self.refused("InvalidDBSubnetGroupStateFault", self.rds.delete_db_subnet_group, DBSubnetGroupName="s")
        control("advance", seconds=300)
        self.rds.delete_db_instance(DBInstanceIdentifier="d", SkipFinalSnapshot=True)
        self.refused("InvalidDBSubnetGroupStateFault", self.rds.delete_db_subnet_group, DBSubnetGroupName="s")
        control("advance", seconds=121)
        self.rds.delete_db_subnet_group(DBSubnetGroupName="s")

    def test_a_parameter_that_is_reset_is_no_longer_the_users(self):
        # Fact: removing a parameter is resetting it.
        self.rds.create_db_parameter_group(DBParameterGroupName="p", DBParameterGroupFamily="postgres16", Description="d")
        one, two = ({"ParameterName": name, "ParameterValue": "1", "ApplyMethod": "pending-reboot"} for name in ("log_connections", "log_disconnections"))
        self.rds.modify_db_parameter_group(DBParameterGroupName="p", Parameters=[one, two])
        self.rds.reset_db_parameter_group(DBParameterGroupName="p", Parameters=[{"ParameterName": "log_connections", "ApplyMethod": "pending-reboot"}])
        told = self.rds.describe_db_parameters(DBParameterGroupName="p", Source="user")["Parameters"]
        self.assertEqual([it["ParameterName"] for it in told], ["log_disconnections"])
        self.refused("DBParameterGroupNotFound", self.rds.reset_db_parameter_group, DBParameterGroupName="q", ResetAllParameters=True)

    def test_versions_are_listed_by_engine(self):
        versions = self.rds.describe_db_engine_versions(Engine="postgres")["DBEngineVersions"]
        self.assertIn("16.3", [it["EngineVersion"] for it in versions])
        self.assertEqual({it["Engine"] for it in versions}, {"postgres"})
        self.assertEqual(self.rds.describe_db_engine_versions(Engine="none")["DBEngineVersions"], [])


class Namespaces(Placed):
    def test_names_are_unique_where_they_are_and_requests_are_told_apart(self):
        map = self.client("servicediscovery")
        map.create_private_dns_namespace(Name="a.internal", Vpc=self.vpc, CreatorRequestId="t")
        # Fact: a repeated token is refused with an error of its own.
        self.refused("DuplicateRequest", map.create_private_dns_namespace, Name="a.internal", Vpc=self.vpc, CreatorRequestId="t")
        # Fact: a VPC has one namespace of a name, and several of different names.
        self.refused("NamespaceAlreadyExists", map.create_private_dns_namespace, Name="a.internal", Vpc=self.vpc, CreatorRequestId="u")
        map.create_private_dns_namespace(Name="b.internal", Vpc=self.vpc, CreatorRequestId="v")
        one, two = (it["Id"] for it in map.list_namespaces()["Namespaces"])
        service = map.create_service(Name="api", NamespaceId=one)["Service"]["Id"]
        # Fact: a name is unique in its namespace, whatever the case.
        self.refused("ServiceAlreadyExists", map.create_service, Name="API", NamespaceId=one)
        map.create_service(Name="api", NamespaceId=two)
        filters = [{"Name": "NAMESPACE_ID", "Values": [one], "Condition": "EQ"}]
        self.assertEqual([it["Id"] for it in map.list_services(Filters=filters)["Services"]], [service])
        # Fact: a namespace with services stays.
        self.refused("ResourceInUse", map.delete_namespace, Id=one)
        map.delete_service(Id=service)
        map.delete_namespace(Id=one)


class Zones(Case):
    def test_plain_zones_need_no_opt_in(self):
        # Fact: plain zones are every account's.
        zones = self.client("ec2").describe_availability_zones()["AvailabilityZones"]
        self.assertEqual({(it["ZoneType"], it["OptInStatus"], it["State"]) for it in zones}, {("availability-zone", "opt-in-not-required", "available")})


class LogGroups(Case):
    def test_class_key_and_protection_are_kept(self):
        logs = self.client("logs")
        logs.create_log_group(logGroupName="g", logGroupClass="INFREQUENT_ACCESS", deletionProtectionEnabled=True)
        logs.associate_kms_key(logGroupName="g", kmsKeyId="arn:aws:kms:eu-west-1:1:key/k")
        group = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"][0]
        self.assertEqual((group["logGroupClass"], group["kmsKeyId"]), ("INFREQUENT_ACCESS", "arn:aws:kms:eu-west-1:1:key/k"))
        self.assertTrue(group["arn"].endswith(":*"))
        self.refused("ValidationException", logs.delete_log_group, logGroupName="g")
        logs.put_log_group_deletion_protection(logGroupIdentifier="g", deletionProtectionEnabled=False)
        logs.delete_log_group(logGroupName="g")

    def test_tags_go_with_their_group(self):
        logs = self.client("logs")
        for tags in ({"a": "1"}, {}):
            logs.create_log_group(logGroupName="g", tags=tags)
            arn = logs.describe_log_groups(logGroupNamePrefix="g")["logGroups"][0]["logGroupArn"]
            self.assertEqual(logs.list_tags_for_resource(resourceArn=arn)["tags"], tags)
            logs.delete_log_group(logGroupName="g")

    def test_a_metric_filter_is_written_over_and_goes_with_its_group(self):
        logs = self.client("logs")
        metric = {"metricName": "m", "metricNamespace": "n", "metricValue": "1"}
        put = {"logGroupName": "g", "filterName": "f", "metricTransformations": [metric]}
        self.refused("ResourceNotFoundException", logs.put_metric_filter, filterPattern="a", **put)
        logs.create_log_group(logGroupName="g")
        logs.put_metric_filter(filterPattern="a", **put)
        logs.put_metric_filter(filterPattern="b", **put)
        found = logs.describe_metric_filters(logGroupName="g")["metricFilters"]
        self.assertEqual([(it["filterName"], it["filterPattern"]) for it in found], [("f", "b")])
        logs.delete_metric_filter(logGroupName="g", filterName="f")
        self.refused("ResourceNotFoundException", logs.delete_metric_filter, logGroupName="g", filterName="f")
        logs.put_metric_filter(filterPattern="a", **put)
        logs.delete_log_group(logGroupName="g")
        self.refused("ResourceNotFoundException", logs.describe_metric_filters, logGroupName="g")
        self.assertEqual(logs.describe_metric_filters()["metricFilters"], [])


class Tables(Case):
    KEY = {"KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}], "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}]}
    BY_B = {"IndexName": "by-b", "KeySchema": [{"AttributeName": "b", "KeyType": "HASH"}], "Projection": {"ProjectionType": "ALL"}}
    DEFINED = [*KEY["AttributeDefinitions"], {"AttributeName": "b", "AttributeType": "S"}]

    def made(self, wait=60, **more):
        dynamodb = self.client("dynamodb")
        billing = {} if "ProvisionedThroughput" in more else {"BillingMode": "PAY_PER_REQUEST"}
        dynamodb.create_table(**{**self.KEY, **billing, "TableName": "t", **more})
        control("advance", seconds=wait)
        return dynamodb

    def told(self, dynamodb):
        return dynamodb.describe_table(TableName="t")["Table"]

    def change(self, dynamodb, wait=60, **what):
        dynamodb.update_table(TableName="t", **what)
        control("advance", seconds=wait)

    def test_a_table_takes_a_while_to_come_and_to_go(self):
        dynamodb = self.made(wait=0)
        self.assertEqual(self.told(dynamodb)["TableStatus"], "CREATING")
        self.refused("ResourceNotFoundException", dynamodb.put_item, TableName="t", Item={"a": {"S": "x"}})
        self.refused("ResourceInUseException", dynamodb.create_table, TableName="t", BillingMode="PAY_PER_REQUEST", **self.KEY)
        self.refused("ResourceInUseException", dynamodb.delete_table, TableName="t")
        control("advance", seconds=11)
        self.assertEqual(self.told(dynamodb)["TableStatus"], "ACTIVE")
        dynamodb.put_item(TableName="t", Item={"a": {"S": "x"}})
        dynamodb.delete_table(TableName="t")
        self.assertEqual(self.told(dynamodb)["TableStatus"], "DELETING")
        self.refused("ResourceInUseException", dynamodb.create_table, TableName="t", BillingMode="PAY_PER_REQUEST", **self.KEY)
        self.refused("ResourceInUseException", dynamodb.delete_table, TableName="t")
        control("advance", seconds=9)
        self.refused("ResourceNotFoundException", dynamodb.describe_table, TableName="t")

    def test_a_protected_table_is_not_deleted(self):
        dynamodb = self.made(DeletionProtectionEnabled=True)
        self.refused("ValidationException", dynamodb.delete_table, TableName="t")
        self.change(dynamodb, wait=0, DeletionProtectionEnabled=False)
        self.refused("ResourceInUseException", dynamodb.delete_table, TableName="t")
        control("advance", seconds=6)
        dynamodb.delete_table(TableName="t")

    def test_changes_are_made_one_at_a_time(self):
        dynamodb = self.made()
        self.refused("ValidationException", dynamodb.update_table, TableName="t", TableClass="STANDARD_INFREQUENT_ACCESS", DeletionProtectionEnabled=True)
        self.change(dynamodb, wait=0, TableClass="STANDARD_INFREQUENT_ACCESS")
        self.assertEqual(self.told(dynamodb)["TableStatus"], "UPDATING")
        self.refused("ResourceInUseException", dynamodb.update_table, TableName="t", DeletionProtectionEnabled=True)
        control("advance", seconds=6)
        self.assertEqual(self.told(dynamodb)["TableClassSummary"]["TableClass"], "STANDARD_INFREQUENT_ACCESS")
        self.change(dynamodb, DeletionProtectionEnabled=True)
        self.assertTrue(self.told(dynamodb)["DeletionProtectionEnabled"])

    def test_an_index_comes_and_goes_slowly_and_alone(self):
        dynamodb = self.made()
        new = {"GlobalSecondaryIndexUpdates": [{"Create": self.BY_B}]}
        self.refused("ValidationException", dynamodb.update_table, TableName="t", AttributeDefinitions=self.KEY["AttributeDefinitions"], **new)
        self.change(dynamodb, wait=6, AttributeDefinitions=self.DEFINED, **new)
        self.assertEqual(self.told(dynamodb)["GlobalSecondaryIndexes"][0]["IndexStatus"], "CREATING")
        gone = {"GlobalSecondaryIndexUpdates": [{"Delete": {"IndexName": "by-b"}}]}
        self.refused("LimitExceededException", dynamodb.update_table, TableName="t", **gone)
        control("advance", seconds=20)
        self.assertEqual(self.told(dynamodb)["GlobalSecondaryIndexes"][0]["IndexStatus"], "ACTIVE")
        self.change(dynamodb, wait=6, **gone)
        self.assertEqual(self.told(dynamodb)["GlobalSecondaryIndexes"][0]["IndexStatus"], "DELETING")
        control("advance", seconds=20)
        self.assertNotIn("GlobalSecondaryIndexes", self.told(dynamodb))
        self.assertEqual(self.told(dynamodb)["AttributeDefinitions"], self.KEY["AttributeDefinitions"])

    def test_capacity_belongs_to_provisioned_billing(self):
        units = {"ReadCapacityUnits": 5, "WriteCapacityUnits": 5}
        dynamodb = self.made(ProvisionedThroughput=units)
        self.assertNotIn("BillingModeSummary", self.told(dynamodb))
        # Fact: the capacity that is there already is refused.
        self.refused("ValidationException", dynamodb.update_table, TableName="t", ProvisionedThroughput=units)
        self.refused("ValidationException", dynamodb.update_table, TableName="t", BillingMode="PAY_PER_REQUEST", ProvisionedThroughput=units)
        self.change(dynamodb, BillingMode="PAY_PER_REQUEST")
        self.assertEqual(self.told(dynamodb)["BillingModeSummary"]["BillingMode"], "PAY_PER_REQUEST")
        self.assertEqual(self.told(dynamodb)["ProvisionedThroughput"]["ReadCapacityUnits"], 0)
        self.refused("ValidationException", dynamodb.update_table, TableName="t", BillingMode="PROVISIONED")
        self.change(dynamodb, BillingMode="PROVISIONED", ProvisionedThroughput=units)
        self.assertEqual(self.told(dynamodb)["ProvisionedThroughput"]["ReadCapacityUnits"], 5)

    def test_another_stream_needs_the_end_of_the_first(self):
        dynamodb = self.made(StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"})
        first, other = self.told(dynamodb)["LatestStreamArn"], {"StreamEnabled": True, "StreamViewType": "KEYS_ONLY"}
        self.refused("ValidationException", dynamodb.update_table, TableName="t", StreamSpecification=other)
        self.change(dynamodb, StreamSpecification={"StreamEnabled": False})
        self.assertNotIn("StreamSpecification", self.told(dynamodb))
        self.change(dynamodb, StreamSpecification=other)
        self.assertNotEqual(self.told(dynamodb)["LatestStreamArn"], first)

    def test_encryption_takes_a_while_and_tells_an_arn(self):
        dynamodb = self.made()
        self.assertNotIn("SSEDescription", self.told(dynamodb))
        self.change(dynamodb, wait=6, SSESpecification={"Enabled": True, "SSEType": "KMS", "KMSMasterKeyId": "k"})
        self.assertEqual(self.told(dynamodb)["SSEDescription"]["Status"], "UPDATING")
        control("advance", seconds=30)
        told = self.told(dynamodb)["SSEDescription"]
        self.assertEqual((told["Status"], told["KMSMasterKeyArn"].rsplit(":", 1)[-1]), ("ENABLED", "key/k"))

    def test_time_to_live_changes_once_in_a_while(self):
        dynamodb = self.made()
        one, two = ({"Enabled": True, "AttributeName": name} for name in ("one", "two"))
        status = lambda: dynamodb.describe_time_to_live(TableName="t")["TimeToLiveDescription"]
        dynamodb.update_time_to_live(TableName="t", TimeToLiveSpecification=one)
        self.assertEqual(status(), {"TimeToLiveStatus": "ENABLING", "AttributeName": "one"})
        off = {**one, "Enabled": False}
        self.refused("ValidationException", dynamodb.update_time_to_live, TableName="t", TimeToLiveSpecification=off)
        control("advance", seconds=901)
        self.refused("ValidationException", dynamodb.update_time_to_live, TableName="t", TimeToLiveSpecification=two)
        dynamodb.update_time_to_live(TableName="t", TimeToLiveSpecification=off)
        self.assertEqual(status()["TimeToLiveStatus"], "DISABLING")
        control("advance", seconds=61)
        self.assertEqual(status(), {"TimeToLiveStatus": "DISABLED"})
        self.refused("ResourceNotFoundException", dynamodb.describe_time_to_live, TableName="none")

    def test_backups_of_a_new_table_are_not_there_yet(self):
        dynamodb = self.made(wait=11)
        on = {"PointInTimeRecoverySpecification": {"PointInTimeRecoveryEnabled": True}}
        self.refused("ContinuousBackupsUnavailableException", dynamodb.update_continuous_backups, TableName="t", **on)
        control("advance", seconds=16)
        told = dynamodb.update_continuous_backups(TableName="t", **on)["ContinuousBackupsDescription"]["PointInTimeRecoveryDescription"]
        self.assertEqual((told["PointInTimeRecoveryStatus"], told["RecoveryPeriodInDays"]), ("ENABLED", 35))


class OpenIdProviders(Case):
    def test_there_is_one_for_each_url(self):
        iam = self.client("iam")
        arn = iam.create_open_id_connect_provider(Url="https://o.example.com/kit", ClientIDList=["one"])["OpenIDConnectProviderArn"]
        self.assertTrue(arn.endswith(":oidc-provider/o.example.com/kit"))
        self.refused("EntityAlreadyExists", iam.create_open_id_connect_provider, Url="https://o.example.com/kit")
        told = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        self.assertEqual((told["Url"], len(told["ThumbprintList"])), ("o.example.com/kit", 1))
        iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        self.refused("NoSuchEntity", iam.delete_open_id_connect_provider, OpenIDConnectProviderArn=arn)
        self.refused("NoSuchEntity", iam.get_open_id_connect_provider, OpenIDConnectProviderArn=arn)

    def test_client_ids_come_and_go(self):
        iam = self.client("iam")
        arn = iam.create_open_id_connect_provider(Url="https://o.example.com", ClientIDList=["one"], Tags=[{"Key": "k", "Value": "v"}])["OpenIDConnectProviderArn"]
        iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="two")
        iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="one")
        told = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
        self.assertEqual((told["ClientIDList"], told["Tags"]), (["two"], [{"Key": "k", "Value": "v"}]))


class ManagedPolicies(Case):
    def setUp(self):
        super().setUp()
        self.iam = self.client("iam")
        self.arn = self.iam.create_policy(PolicyName="Readers", Path="/kit/", PolicyDocument=self.document("s3:GetObject"))["Policy"]["Arn"]

    def document(self, action):
        return json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]})

    def test_names_are_unique_whatever_the_case_and_the_path(self):
        self.assertTrue(self.arn.endswith(":policy/kit/Readers"))
        for path in ("/kit/", "/other/"):
            self.refused("EntityAlreadyExists", self.iam.create_policy, PolicyName="readers", Path=path, PolicyDocument=self.document("s3:GetObject"))
        self.iam.create_policy(PolicyName="ReadOnlyAccess", PolicyDocument=self.document("s3:GetObject"))
        self.assertEqual([it["PolicyName"] for it in self.iam.list_policies(Scope="Local")["Policies"]], ["ReadOnlyAccess", "Readers"])

    def test_there_are_five_versions_and_the_default_one_stays(self):
        for _ in range(4):
            self.iam.create_policy_version(PolicyArn=self.arn, PolicyDocument=self.document("s3:PutObject"), SetAsDefault=True)
        another = {"PolicyArn": self.arn, "PolicyDocument": self.document("s3:*"), "SetAsDefault": True}
        self.refused("LimitExceeded", self.iam.create_policy_version, **another)
        self.refused("DeleteConflict", self.iam.delete_policy_version, PolicyArn=self.arn, VersionId="v5")
        self.iam.delete_policy_version(PolicyArn=self.arn, VersionId="v1")
        self.iam.create_policy_version(**another)
        self.assertEqual(self.iam.get_policy(PolicyArn=self.arn)["Policy"]["DefaultVersionId"], "v6")
        told = self.iam.get_policy_version(PolicyArn=self.arn, VersionId="v6")["PolicyVersion"]
        self.assertEqual(told["Document"], json.loads(self.document("s3:*")))
        self.refused("NoSuchEntity", self.iam.get_policy_version, PolicyArn=self.arn, VersionId="v1")

    def test_a_document_comes_percent_encoded(self):
        bodies = []
        self.iam.meta.events.register("before-parse.iam.GetPolicyVersion", lambda response_dict, **_: bodies.append(response_dict["body"]))
        told = self.iam.get_policy_version(PolicyArn=self.arn, VersionId="v1")["PolicyVersion"]["Document"]
        self.assertEqual(told, json.loads(self.document("s3:GetObject")))
        self.assertIn(b"<Document>%7B%22Version%22%3A%20%222012-10-17%22", bodies[0])

    def test_what_is_attached_or_has_past_versions_is_not_deleted(self):
        self.iam.create_policy_version(PolicyArn=self.arn, PolicyDocument=self.document("s3:PutObject"), SetAsDefault=True)
        self.refused("DeleteConflict", self.iam.delete_policy, PolicyArn=self.arn)
        self.iam.delete_policy_version(PolicyArn=self.arn, VersionId="v1")
        self.iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        for _ in range(2):
            self.iam.attach_role_policy(RoleName="r", PolicyArn=self.arn)
        self.refused("DeleteConflict", self.iam.delete_policy, PolicyArn=self.arn)
        self.iam.detach_role_policy(RoleName="r", PolicyArn=self.arn)
        self.iam.delete_policy(PolicyArn=self.arn)
        for gone in (self.iam.delete_policy, self.iam.get_policy, self.iam.list_policy_versions):
            self.refused("NoSuchEntity", gone, PolicyArn=self.arn)


class Faults(Case):
    def rule(self, fault, **match):
        control("options", client=self.account, rules=[{"match": match, "fault": fault}])

    def test_refusals_come_before_the_call(self):
        sqs = self.client("sqs")
        for fault, code in (("throttle", "ThrottlingException"), ("500", "InternalError"), ("denied", "AccessDeniedException")):
            self.rule(fault, operation="sqs:CreateQueue")
            self.refused(code, sqs.create_queue, QueueName="q")
        self.assertNotIn("QueueUrls", sqs.list_queues())

    def test_a_lost_answer_comes_after_it(self):
        sqs = self.client("sqs")
        self.rule("lost_answer", mutating=True, nth=1)
        with self.assertRaises((ConnectionClosedError, EndpointConnectionError, HTTPClientError)):
            sqs.create_queue(QueueName="q")
        self.assertEqual(len(sqs.list_queues()["QueueUrls"]), 1)

    def test_stale_reads_answer_as_before(self):
        sqs = self.client("sqs")
        control("options", client=self.account, stale_reads=2)
        sqs.create_queue(QueueName="q")
        for _ in range(2):
            self.refused("AWS.SimpleQueueService.NonExistentQueue", sqs.get_queue_url, QueueName="q")
        sqs.get_queue_url(QueueName="q")

    def test_late_reads_find_nothing_and_then_what_was(self):
        ec2 = self.client("ec2")
        control("options", client=self.account, late_reads=2)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]

        def told():
            found = ec2.describe_vpcs(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["Vpcs"]
            return found and [tag["Value"] for tag in found[0].get("Tags", [])]

        self.assertEqual([told() for _ in range(3)], [[], [], []])
        self.assertIn(vpc, [it["VpcId"] for it in ec2.describe_vpcs()["Vpcs"]])
        ec2.create_tags(Resources=[vpc], Tags=[{"Key": "a", "Value": "1"}])
        self.assertEqual([told() for _ in range(3)], [[], [], ["1"]])
        ec2.create_tags(Resources=[vpc], Tags=[{"Key": "a", "Value": "2"}])
        # Other services see theirs at once.
        self.client("sqs").list_queues()
        self.assertEqual([told() for _ in range(3)], [["1"], ["1"], ["2"]])

    def test_late_reads_refuse_what_is_asked_for_by_its_id(self):
        ec2, elb, iam = self.client("ec2"), self.client("elbv2"), self.client("iam")
        control("options", client=self.account, late_reads=1)
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        self.refused("InvalidVpcID.NotFound", ec2.describe_vpc_attribute, VpcId=vpc, Attribute="enableDnsSupport")
        group = elb.create_target_group(Name="g", Protocol="HTTP", Port=80, VpcId=vpc, TargetType="ip")["TargetGroups"][0]["TargetGroupArn"]
        self.refused("TargetGroupNotFound", elb.describe_target_groups, TargetGroupArns=[group])
        iam.create_role(RoleName="r", AssumeRolePolicyDocument=TRUST)
        self.refused("NoSuchEntity", iam.get_role, RoleName="r")
        iam.get_role(RoleName="r")

    def test_a_status_is_told_in_other_words_for_a_while(self):
        # Fact: after a change it stays as it was for some reads, is under way, and is ready again (aws-facts 24.7).
        ec2 = self.client("ec2")
        control("options", client=self.account, words=[{"operation": "ec2:DescribeVpcs", "from": ">available<", "to": ">pending<", "nth": [2, 3]}])
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        told = lambda: ec2.describe_vpcs(VpcIds=[vpc])["Vpcs"][0]["State"]
        self.assertEqual([told() for _ in range(4)], ["available", "pending", "pending", "available"])

    def test_faults_are_counted_as_they_are_met(self):
        sqs = self.client("sqs")
        self.rule("throttle", operation="sqs:CreateQueue", nth=2)
        sqs.create_queue(QueueName="q")
        self.assertEqual(control("calls", client=self.account)["faults"], 0)
        self.refused("ThrottlingException", sqs.create_queue, QueueName="q")
        self.assertEqual(control("calls", client=self.account)["faults"], 1)

    def test_calls_are_counted_by_operation(self):
        sqs = self.client("sqs")
        sqs.create_queue(QueueName="q")
        sqs.list_queues()
        calls = control("calls", client=self.account)
        self.assertEqual((calls["total"], calls["mutating"], calls["by_operation"]), (2, 1, {"sqs:CreateQueue": 1, "sqs:ListQueues": 1}))

    def test_a_frozen_client_gets_no_answer_and_others_do(self):
        sqs = self.client("sqs")
        control("freeze", client=self.account, nth_mutating=1, when="after")
        failed = []

        def create():
            try:
                sqs.create_queue(QueueName="q")
            except Exception as error:
                failed.append(error)

        thread = threading.Thread(target=create)
        thread.start()
        with urllib.request.urlopen(f"{ENDPOINT}/_emulator/frozen?client={self.account}&wait_ms=5000") as answer:
            self.assertEqual(json.load(answer)["operation"], "sqs:CreateQueue")
        self.client("sqs", account=str(next(NUMBERS))).list_queues()
        control("unfreeze", client=self.account)
        thread.join(10)
        self.assertEqual(len(failed), 1)
        self.assertEqual(len(sqs.list_queues()["QueueUrls"]), 1)


class ZNothingWasMissing(Case):
    def test_no_operation_was_unsupported(self):
        with urllib.request.urlopen(f"{ENDPOINT}/_emulator/unsupported") as answer:
            self.assertEqual(json.load(answer)["operations"], [])


if __name__ == "__main__":
    unittest.main()
