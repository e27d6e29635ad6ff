"""The inventory's part for networks and what stands in them. AWS's own defaults are left out: the default VPC, default groups,
main route tables, local routes, default rules, addresses and hosts.
"""

import json

from botocore.exceptions import ClientError

from stable import Listing, called, some, tags

KINDS = (
    "vpcs", "subnets", "internet_gateways", "nat_gateways", "addresses", "route_tables", "endpoints", "security_groups",
    "clusters", "services", "task_definitions", "load_balancers", "target_groups", "listeners", "rules", "scalable_targets",
    "scaling_policies", "databases", "subnet_groups", "parameter_groups", "namespaces", "discovery_services", "secrets",
)


def inventory(client, others):
    """Maps by kind, and the other maps with names for what stands in them."""
    listing = Listing()
    for part in (network, gateways, groups, balancers, containers, scaling, databases, discovery, secrets):
        part(client, listing)
    return {**listing.maps(KINDS), **{kind: by_name(listing, it) for kind, it in others.items()}}


def by_name(listing, things):
    """Lists stay in their order: it means something in policies."""
    text = json.dumps(things, default=str)
    for found in sorted(listing.names, key=len, reverse=True):
        text = text.replace(json.dumps(found)[1:-1], listing.names[found])
    return json.loads(text)


def every(client, operation, key, **arguments):
    return [it for page in client.get_paginator(operation).paginate(**arguments) for it in page[key]]


def network(client, listing):
    ec2 = client("ec2")
    vpcs = {it["VpcId"]: it for it in every(ec2, "describe_vpcs", "Vpcs") if not it["IsDefault"]}
    for vpc, it in vpcs.items():
        switches = {name: ec2.describe_vpc_attribute(VpcId=vpc, Attribute=name)[name[0].upper() + name[1:]]["Value"] for name in ("enableDnsSupport", "enableDnsHostnames")}
        listing.add("vpcs", called(it.get("Tags"), it["CidrBlock"]), {**some(it, "CidrBlock", "State", "InstanceTenancy"), **switches, "tags": tags(it.get("Tags"))}, ("", vpc))
    for it in every(ec2, "describe_subnets", "Subnets"):
        if it["VpcId"] in vpcs:
            fields = {**some(it, "VpcId", "CidrBlock", "AvailabilityZone", "MapPublicIpOnLaunch"), "tags": tags(it.get("Tags"))}
            listing.add("subnets", called(it.get("Tags"), it["CidrBlock"]), fields, ("", it["SubnetId"]))
    for it in every(ec2, "describe_route_tables", "RouteTables"):
        if it["VpcId"] in vpcs and not any(one.get("Main") for one in it["Associations"]):
            targets = ("GatewayId", "NatGatewayId", "VpcPeeringConnectionId", "TransitGatewayId", "NetworkInterfaceId")
            routes = [some(one, "DestinationCidrBlock", "DestinationIpv6CidrBlock", *targets) for one in it["Routes"] if one.get("GatewayId") != "local" and not one.get("DestinationPrefixListId")]
            fields = {"VpcId": it["VpcId"], "routes": routes, "subnets": [one.get("SubnetId") for one in it["Associations"]], "tags": tags(it.get("Tags"))}
            listing.add("route_tables", called(it.get("Tags"), "route table"), fields, ("", it["RouteTableId"]))
    for it in every(ec2, "describe_vpc_endpoints", "VpcEndpoints"):
        if it["State"] != "deleted":
            fields = {**some(it, "VpcId", "ServiceName", "VpcEndpointType", "RouteTableIds", "SubnetIds", "PrivateDnsEnabled", "State"), "groups": [one["GroupId"] for one in it.get("Groups", [])], "tags": tags(it.get("Tags"))}
            listing.add("endpoints", called(it.get("Tags"), it["ServiceName"]), fields, ("", it["VpcEndpointId"]))


def gateways(client, listing):
    ec2 = client("ec2")
    for it in every(ec2, "describe_internet_gateways", "InternetGateways"):
        attached = [one["VpcId"] for one in it["Attachments"]]
        listing.add("internet_gateways", called(it.get("Tags"), "internet gateway"), {"vpcs": attached, "tags": tags(it.get("Tags"))}, ("", it["InternetGatewayId"]))
    for it in every(ec2, "describe_nat_gateways", "NatGateways"):
        if it["State"] != "deleted":
            used = [one.get("AllocationId") for one in it.get("NatGatewayAddresses", [])]
            fields = {**some(it, "SubnetId", "ConnectivityType", "State"), "addresses": used, "tags": tags(it.get("Tags"))}
            listing.add("nat_gateways", called(it.get("Tags"), "NAT gateway"), fields, ("", it["NatGatewayId"]))
    for it in ec2.describe_addresses()["Addresses"]:
        fields = {"used": bool(it.get("AssociationId")), "tags": tags(it.get("Tags"))}
        listing.add("addresses", called(it.get("Tags"), "address"), fields, ("", it["AllocationId"]), ("address", it["PublicIp"]))


def groups(client, listing):
    ec2 = client("ec2")
    for it in every(ec2, "describe_security_groups", "SecurityGroups"):
        if it["GroupName"] == "default":
            continue
        listed = every(ec2, "describe_security_group_rules", "SecurityGroupRules", Filters=[{"Name": "group-id", "Values": [it["GroupId"]]}])
        parts = ("IsEgress", "IpProtocol", "FromPort", "ToPort", "CidrIpv4", "CidrIpv6", "PrefixListId", "Description")
        rules = [{**some(one, *parts), "group": one.get("ReferencedGroupInfo", {}).get("GroupId"), "tags": tags(one.get("Tags"))} for one in listed]
        fields = {**some(it, "VpcId", "Description"), "name": it["GroupName"], "rules": rules, "tags": tags(it.get("Tags"))}
        listing.add("security_groups", called(it.get("Tags"), it["GroupName"]), fields, ("", it["GroupId"]))


def containers(client, listing):
    ecs = client("ecs")
    arns = every(ecs, "list_clusters", "clusterArns")
    listed = [one for n in range(0, len(arns), 100) for one in ecs.describe_clusters(clusters=arns[n:n + 100], include=["TAGS", "SETTINGS"])["clusters"]]
    for cluster in listed:
        if cluster["status"] != "ACTIVE":
            continue
        name = cluster["clusterName"]
        listing.add("clusters", name, {**some(cluster, "settings"), "tags": tags(cluster.get("tags"))})
        for arn in every(ecs, "list_services", "serviceArns", cluster=name):
            for it in ecs.describe_services(cluster=name, services=[arn], include=["TAGS"])["services"]:
                if it["status"] != "INACTIVE":
                    parts = ("status", "desiredCount", "launchType", "platformVersion", "taskDefinition", "loadBalancers", "serviceRegistries", "deploymentConfiguration", "networkConfiguration", "healthCheckGracePeriodSeconds", "enableExecuteCommand", "enableECSManagedTags", "propagateTags")
                    listing.add("services", f"{name}/{it['serviceName']}", {**some(it, *parts), "tags": tags(it.get("tags"))})
    for arn in every(ecs, "list_task_definitions", "taskDefinitionArns", status="ACTIVE"):
        answer = ecs.describe_task_definition(taskDefinition=arn, include=["TAGS"])
        it = answer["taskDefinition"]
        parts = ("containerDefinitions", "cpu", "memory", "networkMode", "requiresCompatibilities", "taskRoleArn", "executionRoleArn", "volumes", "runtimePlatform")
        listing.add("task_definitions", it["family"], {**some(it, *parts), "tags": tags(answer.get("tags"))})


def balancers(client, listing):
    elb = client("elbv2")

    def told(arn):
        return tags(elb.describe_tags(ResourceArns=[arn])["TagDescriptions"][0]["Tags"])

    for it in every(elb, "describe_target_groups", "TargetGroups"):
        arn, name = it["TargetGroupArn"], it["TargetGroupName"]
        kept = {key: text for key, text in it.items() if key not in ("TargetGroupArn", "LoadBalancerArns", "TargetGroupName")}
        set_to = {one["Key"]: one["Value"] for one in elb.describe_target_group_attributes(TargetGroupArn=arn)["Attributes"]}
        listing.add("target_groups", name, {**kept, "attributes": set_to, "balancers": it.get("LoadBalancerArns"), "tags": told(arn)}, ("", arn), ("", arn.split(":")[-1]))
    for it in every(elb, "describe_load_balancers", "LoadBalancers"):
        arn, name = it["LoadBalancerArn"], it["LoadBalancerName"]
        set_to = {one["Key"]: one["Value"] for one in elb.describe_load_balancer_attributes(LoadBalancerArn=arn)["Attributes"]}
        fields = {**some(it, "Scheme", "VpcId", "Type", "IpAddressType", "SecurityGroups"), "state": it["State"]["Code"], "subnets": [one["SubnetId"] for one in it["AvailabilityZones"]], "attributes": set_to, "tags": told(arn)}
        listing.add("load_balancers", name, fields, ("", arn), ("", arn.split("loadbalancer/")[-1]), ("host", it["DNSName"]))
        for listener in every(elb, "describe_listeners", "Listeners", LoadBalancerArn=arn):
            at = f"{name}:{listener['Port']}"
            listing.add("listeners", at, {**some(listener, "Protocol", "Certificates", "SslPolicy", "DefaultActions"), "tags": told(listener["ListenerArn"])}, ("", listener["ListenerArn"]))
            for rule in elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]:
                if not rule["IsDefault"]:
                    listing.add("rules", f"{at} {rule['Priority']}", {**some(rule, "Conditions", "Actions"), "tags": told(rule["RuleArn"])}, ("", rule["RuleArn"]))


def scaling(client, listing):
    api = client("application-autoscaling")
    for it in every(api, "describe_scalable_targets", "ScalableTargets", ServiceNamespace="ecs"):
        listing.add("scalable_targets", f"{it['ResourceId']} {it['ScalableDimension']}", some(it, "MinCapacity", "MaxCapacity"))
    for it in every(api, "describe_scaling_policies", "ScalingPolicies", ServiceNamespace="ecs"):
        listing.add("scaling_policies", f"{it['ResourceId']} {it['PolicyName']}", some(it, "PolicyType", "TargetTrackingScalingPolicyConfiguration"))


def databases(client, listing):
    rds = client("rds")

    def told(arn):
        return tags(rds.list_tags_for_resource(ResourceName=arn)["TagList"])

    for it in every(rds, "describe_db_instances", "DBInstances"):
        parts = ("DBInstanceClass", "Engine", "EngineVersion", "DBInstanceStatus", "MasterUsername", "DBName", "AllocatedStorage", "MaxAllocatedStorage", "StorageType", "Iops", "StorageEncrypted", "BackupRetentionPeriod", "PreferredBackupWindow", "PreferredMaintenanceWindow", "MultiAZ", "DeletionProtection", "PubliclyAccessible", "AutoMinorVersionUpgrade", "CopyTagsToSnapshot", "ReadReplicaSourceDBInstanceIdentifier")
        name, secret = it["DBInstanceIdentifier"], it.get("MasterUserSecret", {}).get("SecretArn")
        fields = {**some(it, *parts), "port": it.get("Endpoint", {}).get("Port"), "groups": [one["VpcSecurityGroupId"] for one in it.get("VpcSecurityGroups", [])], "subnets": it.get("DBSubnetGroup", {}).get("DBSubnetGroupName"), "parameters": [one["DBParameterGroupName"] for one in it.get("DBParameterGroups", [])], "secret": bool(secret), "tags": tags(it.get("TagList"))}
        listing.add("databases", name, fields, ("resource", it.get("DbiResourceId")), ("host", it.get("Endpoint", {}).get("Address")), ("secret", secret))
    for it in every(rds, "describe_db_subnet_groups", "DBSubnetGroups"):
        if it["DBSubnetGroupName"] != "default":
            fields = {"description": it["DBSubnetGroupDescription"], "subnets": [one["SubnetIdentifier"] for one in it["Subnets"]], "tags": told(it["DBSubnetGroupArn"])}
            listing.add("subnet_groups", it["DBSubnetGroupName"], fields)
    for it in every(rds, "describe_db_parameter_groups", "DBParameterGroups"):
        name = it["DBParameterGroupName"]
        if not name.startswith("default."):
            set_to = {one["ParameterName"]: one.get("ParameterValue") for one in every(rds, "describe_db_parameters", "Parameters", DBParameterGroupName=name, Source="user")}
            listing.add("parameter_groups", name, {**some(it, "DBParameterGroupFamily", "Description"), "parameters": set_to, "tags": told(it["DBParameterGroupArn"])})


def discovery(client, listing):
    map, names = client("servicediscovery"), {}

    def told(arn):
        return tags(map.list_tags_for_resource(ResourceARN=arn)["Tags"])

    for it in every(map, "list_namespaces", "Namespaces"):
        names[it["Id"]] = it["Name"]
        listing.add("namespaces", it["Name"], {**some(it, "Type", "Description"), "tags": told(it["Arn"])}, ("", it["Id"]), ("", it["Arn"]))
    for it in every(map, "list_services", "Services"):
        full = map.get_service(Id=it["Id"])["Service"]
        name = f"{it['Name']}.{names.get(full.get('NamespaceId'), 'nowhere')}"
        config = some(full.get("DnsConfig") or {}, "DnsRecords", "RoutingPolicy")
        listing.add("discovery_services", name, {**some(full, "Description"), "dns": config, "tags": told(it["Arn"])}, ("", it["Id"]), ("", it["Arn"]))


def secrets(client, listing):
    api = client("secretsmanager")
    for it in every(api, "list_secrets", "SecretList"):
        if it.get("OwningService") == "rds" or it["Name"].startswith("rds!"):
            continue
        try:
            value = api.get_secret_value(SecretId=it["ARN"]).get("SecretString")
        except ClientError:
            value = None
        listing.add("secrets", it["Name"], {**some(it, "Description", "KmsKeyId"), "value": value is not None, "tags": tags(it.get("Tags"))}, ("", it["ARN"]))
