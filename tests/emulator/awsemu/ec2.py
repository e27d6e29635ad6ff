"""EC2 networking: gateways that take minutes, and deletes that are refused while something is still in use."""

import re

from moto.ec2.models import ec2_backends
from moto.ec2.models.availability_zones_and_regions import Zone
from moto.ec2.models.nat_gateways import NatGatewayBackend
from moto.ec2.models.security_groups import SecurityGroupRule
from moto.ec2.models.vpcs import VPCEndPoint

from awsemu.wire import error

# Fact: a NAT gateway takes a minute or two to come, and about as long to go.
NAT_COMING, NAT_GOING = 60.0, 45.0
# Fact: an endpoint is pending for some seconds.
ENDPOINT_COMING = 10.0

# Fact: plain zones are every account's; moto says nothing of it.
Zone.opt_in_status = "opt-in-not-required"

# What uses subnets and groups beside EC2 itself: functions of (account, region), given by the services.
SUBNET_USERS, GROUP_USERS = [], []


def backend(call):
    return ec2_backends[call.account][call.region]


def refused(call, message):
    return error(call, "DependencyViolation", message)


def before(call, world):
    check = CHECKS.get(call.name)
    return check(call, backend(call), world) if check else None


def after(call, world, answer):
    status, headers, body = answer
    if call.name == "CreateNatGateway":
        gateway = list(backend(call).nat_gateways.values())[-1]
        coming(call, world, gateway)
        return status, headers, body.replace(b"<state>available</state>", b"<state>pending</state>")
    if call.name == "CreateVpcEndpoint":
        endpoint = list(backend(call).vpc_end_points.values())[-1]
        endpoint.state, endpoint.vpc_endpoint_type = "pending", endpoint.vpc_endpoint_type or "Gateway"
        world.at(ENDPOINT_COMING, lambda: endpoint.state == "pending" and setattr(endpoint, "state", "available"))
    if call.name == "ModifyVpcEndpoint" and call.data.get("PrivateDnsEnabled"):
        backend(call).vpc_end_points[call.data["VpcEndpointId"]].private_dns_enabled = call.data["PrivateDnsEnabled"] == "true"
    if call.name == "ModifyVpcEndpoint" and call.data.get("ResetPolicy") == "true":
        backend(call).vpc_end_points[call.data["VpcEndpointId"]].policy_document = None
    return answer


def coming(call, world, gateway):
    gateway.state = "pending"
    internet = [it for it in backend(call).internet_gateways.values() if it.vpc and it.vpc.id == gateway.vpc_id]

    def come():
        if gateway.state != "pending":
            return
        if gateway.connectivity_type != "private" and not internet:
            # Fact: without an internet gateway in its VPC it fails, and has to be deleted all the same.
            gateway.state, gateway.failure_code = "failed", "Gateway.NotAttached"
            gateway.failure_message = "Network vpc has no Internet gateway attached"
        else:
            gateway.state = "available"

    world.at(NAT_COMING, come)


def standing(gateways):
    return [it for it in gateways if it.state != "deleted"]


def delete_nat(call, ec2, world):
    gateway = ec2.nat_gateways.get(call.data.get("NatGatewayId"))
    if gateway is None:
        return error(call, "NatGatewayNotFound", "The Nat Gateway was not found")
    if gateway.state not in ("deleting", "deleted"):
        gateway.state = "deleting"

        def go():
            gateway.state = "deleted"
            for address in gateway.address_set:
                for eip in ec2.addresses:
                    if eip.allocation_id and eip.allocation_id == address.get("allocationId"):
                        eip.association_id = eip.eni = None
            ec2.enis.pop(gateway._eni.id, None)

        world.at(NAT_GOING, go)
    body = f'<DeleteNatGatewayResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><natGatewayId>{gateway.id}</natGatewayId></DeleteNatGatewayResponse>'
    return 200, [("Content-Type", "text/xml")], body.encode()


def create_nat(call, ec2, world):
    # Fact: an address that a gateway uses, even one that is going, serves no other.
    allocation = call.data.get("AllocationId")
    users = [it for it in standing(ec2.nat_gateways.values()) if any(a.get("allocationId") == allocation for a in it.address_set)]
    if allocation and users:
        return error(call, "Resource.AlreadyAssociated", f"Elastic IP address [{allocation}] is already associated")
    return None


def release(call, ec2, world):
    allocation = call.data.get("AllocationId")
    known = [it for it in ec2.addresses if it.allocation_id == allocation]
    if not known:
        return error(call, "InvalidAllocationID.NotFound", f"The allocation ID '{allocation}' does not exist")
    for gateway in standing(ec2.nat_gateways.values()):
        if any(address.get("allocationId") == allocation for address in gateway.address_set):
            return error(call, "InvalidIPAddress.InUse", f"The address with allocation id {allocation} is in use by {gateway.id}")
    return None


def attach_internet(call, ec2, world):
    # Fact: a VPC has one internet gateway, and a gateway one VPC; moto attaches any number.
    vpc, gateway = call.data.get("VpcId"), ec2.internet_gateways.get(call.data.get("InternetGatewayId"))
    taken = any(it.vpc and it.vpc.id == vpc for it in ec2.internet_gateways.values()) or (gateway is not None and gateway.vpc)
    return error(call, "Resource.AlreadyAssociated", f"Network {vpc} already has an internet gateway attached") if taken else None


def associate(call, ec2, world):
    # Fact: a subnet has one explicit table; moto gives it any number.
    subnet = call.data.get("SubnetId")
    taken = [it.id for it in ec2.route_tables.values() if subnet and subnet in it._associations.values()]
    words = f"the specified association for route table {call.data.get('RouteTableId')} conflicts with an existing association"
    return error(call, "Resource.AlreadyAssociated", words) if taken else None


def detach_internet(call, ec2, world):
    # Fact: an internet gateway stays while public addresses are mapped in its VPC.
    vpc = call.data.get("VpcId")
    if any(it.vpc_id == vpc for it in standing(ec2.nat_gateways.values())):
        return refused(call, f"Network {vpc} has some mapped public address(es). Please unmap those public address(es) before detaching the gateway.")
    gateway = ec2.internet_gateways.get(call.data.get("InternetGatewayId"))
    if gateway is None:
        return error(call, "InvalidInternetGatewayID.NotFound", "The internetGateway ID does not exist")
    if gateway.vpc is None or gateway.vpc.id != vpc:
        return error(call, "Gateway.NotAttached", f"resource {gateway.id} is not attached to network {vpc}")
    return None


def delete_subnet(call, ec2, world):
    subnet = call.data.get("SubnetId")
    gateways = [it.id for it in standing(ec2.nat_gateways.values()) if it.subnet_id == subnet]
    endpoints = [it.id for it in ec2.vpc_end_points.values() if it.state != "deleted" and subnet in (it.subnet_ids or [])]
    users = gateways + endpoints + [user for of in SUBNET_USERS for user in of(call.account, call.region, subnet)]
    return refused(call, f"The subnet '{subnet}' has dependencies and cannot be deleted: {users[0]}") if users else None


def delete_group(call, ec2, world):
    group = call.data.get("GroupId")
    others = [it for groups in ec2.groups.values() for it in groups.values() if it.id != group]
    # Fact: a group that another group's rule names is not deleted.
    naming = [it.id for it in others for rule in it.ingress_rules + it.egress_rules if (rule.source_group or {}).get("GroupId") == group]
    endpoints = [it.id for it in ec2.vpc_end_points.values() if it.state != "deleted" and group in (it.security_group_ids or [])]
    users = naming + endpoints + [user for of in GROUP_USERS for user in of(call.account, call.region, group)]
    return refused(call, f"resource {group} has a dependent object: {users[0]}") if users else None


def delete_vpc(call, ec2, world):
    vpc = call.data.get("VpcId")
    users = [it.id for it in ec2.internet_gateways.values() if it.vpc and it.vpc.id == vpc]
    users += [it.id for it in standing(ec2.nat_gateways.values()) if it.vpc_id == vpc]
    users += [it.id for it in ec2.vpc_end_points.values() if it.vpc_id == vpc and it.state != "deleted"]
    users += [it.id for it in ec2.groups.get(vpc, {}).values() if it.name != "default"]
    return refused(call, f"The vpc '{vpc}' has dependencies and cannot be deleted: {users[0]}") if users else None


def delete_endpoint(call, ec2, world):
    # Fact: refusals of this call stand inside a success.
    name = call.data.get("VpcEndpointId.1")
    endpoint = ec2.vpc_end_points.get(name)
    if endpoint is not None and endpoint.state != "deleted":
        return None
    refusal = f"<item><error><code>InvalidVpcEndpoint.NotFound</code><message>The Vpc Endpoint Id '{name}' does not exist</message></error><resourceId>{name}</resourceId></item>"
    body = f'<DeleteVpcEndpointsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><unsuccessful>{refusal}</unsuccessful></DeleteVpcEndpointsResponse>'
    return 200, [("Content-Type", "text/xml")], body.encode()


CHECKS = {
    "DeleteVpcEndpoints": delete_endpoint,
    "CreateNatGateway": create_nat, "DeleteNatGateway": delete_nat, "ReleaseAddress": release,
    "AssociateRouteTable": associate, "AttachInternetGateway": attach_internet, "DetachInternetGateway": detach_internet,
    "DeleteSubnet": delete_subnet, "DeleteSecurityGroup": delete_group,
    "DeleteVpc": delete_vpc,
}


def tagged(it, filters):
    """Whether something carries the tags that filters ask for: moto asks some types for a part of their filters only."""
    tags = {tag["key"]: tag["value"] for tag in it.get_tags()}
    asked = {re.sub("^tag:", "", name): values for name, values in (filters or {}).items() if name.startswith("tag:")}
    return all(tags.get(name) in values for name, values in asked.items())


# moto leaves routes as they are when an endpoint's tables change, and misses them when it goes.
_modify_endpoint = VPCEndPoint.modify


def modify_endpoint(self, *changes):
    before, services = set(self.route_table_ids or []), self.destination_prefix_list_id
    _modify_endpoint(self, *changes)
    for table in set(self.route_table_ids or []) ^ before if services else ():
        if table in before:
            self.ec2_backend.delete_route(table, None, destination_prefix_list_id=services)
        else:
            self.ec2_backend.create_route(table, None, gateway_id=self.id, destination_prefix_list_id=services)


VPCEndPoint.modify = modify_endpoint

_describe_nat_gateways = NatGatewayBackend.describe_nat_gateways
NatGatewayBackend.describe_nat_gateways = lambda self, filters, ids: [
    it for it in _describe_nat_gateways(self, filters, ids) if tagged(it, filters)]

# A rule's words stand beside its range or its group.
SecurityGroupRule.description = property(
    lambda self: self.ip_range.get("Description") or (None if self.ip_range else self.source_group.get("Description")))

_endpoint_value = VPCEndPoint.get_filter_value
VPCEndPoint.get_filter_value = lambda self, name, method=None: (
    self.id if name == "vpc-endpoint-id" else _endpoint_value(self, name, method))
