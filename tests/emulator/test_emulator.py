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

    def test_a_bucket_with_objects_is_not_deleted(self):
        s3, name = self.client("s3"), f"full-{self.account}"
        s3.create_bucket(Bucket=name, **place())
        s3.put_object(Bucket=name, Key="k", Body=b"x")
        self.refused("BucketNotEmpty", s3.delete_bucket, Bucket=name)


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
