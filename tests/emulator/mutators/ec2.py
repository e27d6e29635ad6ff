"""Networks, and what stands in them."""

from mutators.common import Cannot, client, kind, listed, policy, rewritten, several

EVERYTHING = [{"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}]
VPC_DEFAULTS = {"EnableDnsSupport": True, "EnableDnsHostnames": False}


def ec2():
    return client("ec2")


def switch(change):
    value = change.or_else(VPC_DEFAULTS[change.property])
    ec2().modify_vpc_attribute(VpcId=change.id, **{change.property: {"Value": value}})


def public(change):
    ec2().modify_subnet_attribute(SubnetId=change.id, MapPublicIpOnLaunch={"Value": change.or_else(False)})


def route(change):
    """Another gateway takes the place of the one before."""
    table, cidr = change.parts()
    ec2().replace_route(RouteTableId=table, DestinationCidrBlock=cidr, **{change.property: change.needed()})


def egress(change):
    """The rule that lets everything out, which AWS puts into each group."""
    if change.value is None:
        ec2().authorize_security_group_egress(GroupId=change.id, IpPermissions=EVERYTHING)
    elif change.value == []:
        ec2().revoke_security_group_egress(GroupId=change.id, IpPermissions=EVERYTHING)
    else:
        raise Cannot("a group's rules are things of their own")


SOURCES = {
    "CidrIp": "CidrIpv4", "CidrIpv6": "CidrIpv6", "SourceSecurityGroupId": "ReferencedGroupId", "DestinationSecurityGroupId": "ReferencedGroupId",
    "SourcePrefixListId": "PrefixListId", "DestinationPrefixListId": "PrefixListId",
}


def rule_description(change):
    """The rule is sent whole: what it lacks would go."""
    it = change.spec
    rule = {key: it[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in it}
    rule.update({SOURCES[key]: it[key] for key in it.keys() & SOURCES.keys()})
    sent = {**rule, "IpProtocol": str(it["IpProtocol"]), "Description": change.or_else("")}
    ec2().modify_security_group_rules(GroupId=it["GroupId"], SecurityGroupRules=[{"SecurityGroupRuleId": change.id, "SecurityGroupRule": sent}])


def endpoint(change, **arguments):
    ec2().modify_vpc_endpoint(VpcEndpointId=change.id, **arguments)


LISTS = ("RouteTableIds", "SubnetIds", "SecurityGroupIds")


def members(change):
    before, after = set(change.before or []), set(change.value or [])
    if change.property == "SecurityGroupIds":
        change.needed()
    wanted = {f"Add{change.property}": sorted(after - before), f"Remove{change.property}": sorted(before - after)}
    endpoint(change, **{key: it for key, it in wanted.items() if it})


def members_again(change):
    """Taken away and given again, the first one last."""
    for name in LISTS:
        if len(change.spec.get(name, [])) > 1:
            first = several(change.spec[name])[-1:]
            endpoint(change, **{f"Remove{name}": first})
            return endpoint(change, **{f"Add{name}": first})
    raise Cannot("a list of less than two has one order")


def endpoint_policy(change):
    if change.value is None:
        return endpoint(change, ResetPolicy=True)
    return endpoint(change, PolicyDocument=policy(change.value))


def endpoint_policy_again(change):
    if not change.spec.get("PolicyDocument"):
        raise Cannot("it has no policy of its own")
    endpoint(change, PolicyDocument=rewritten(change.spec["PolicyDocument"]))


def tag(change, tags):
    ec2().create_tags(Resources=[change.id], Tags=listed(tags))


def untag(change, keys):
    ec2().delete_tags(Resources=[change.id], Tags=[{"Key": key} for key in keys])


RULE = kind({"Description": rule_description}, {"foreign_tag": lambda change: tag(change, {"console:owner": "somebody"})})

KINDS = {
    "AWS::EC2::VPC": kind(dict.fromkeys(VPC_DEFAULTS, switch), {}, tag, untag),
    "AWS::EC2::Subnet": kind({"MapPublicIpOnLaunch": public}, {}, tag, untag),
    "AWS::EC2::SecurityGroup": kind({"SecurityGroupEgress": egress}, {}, tag, untag),
    "AWS::EC2::SecurityGroupIngress": RULE,
    "AWS::EC2::SecurityGroupEgress": RULE,
    "AWS::EC2::Route": kind({"GatewayId": route, "NatGatewayId": route}),
    "AWS::EC2::VPCEndpoint": kind({
        **dict.fromkeys(LISTS, members), "PolicyDocument": endpoint_policy,
        "PrivateDnsEnabled": lambda change: endpoint(change, PrivateDnsEnabled=change.or_else(False)),
    }, {"list_order": members_again, "policy_rewritten": endpoint_policy_again}, tag, untag),
    **{f"AWS::EC2::{name}": kind({}, {}, tag, untag) for name in ("EIP", "InternetGateway", "NatGateway", "RouteTable")},
}
