"""Load balancers, their listeners and rules, and groups of targets."""

from mutators.common import Cannot, client, kind, listed, pairs, several

# What attributes are if nothing is said.
ATTRIBUTES = {
    "idle_timeout.timeout_seconds": "60", "deletion_protection.enabled": "false", "routing.http2.enabled": "true",
    "routing.http.drop_invalid_header_fields.enabled": "false", "access_logs.s3.enabled": "false",
    "deregistration_delay.timeout_seconds": "300", "stickiness.enabled": "false", "stickiness.type": "lb_cookie",
    "stickiness.lb_cookie.duration_seconds": "86400", "slow_start.duration_seconds": "0", "load_balancing.algorithm.type": "round_robin",
}
HEALTH = {
    "HealthCheckIntervalSeconds": 30, "HealthCheckPath": "/", "HealthCheckPort": "traffic-port", "HealthCheckProtocol": "HTTP",
    "HealthCheckTimeoutSeconds": 5, "HealthyThresholdCount": 5, "UnhealthyThresholdCount": 2, "Matcher": {"HttpCode": "200"},
}


def elb():
    return client("elbv2")


def subnets(change):
    elb().set_subnets(LoadBalancerArn=change.id, Subnets=change.needed())


def groups(change):
    elb().set_security_groups(LoadBalancerArn=change.id, SecurityGroups=change.needed())


def addresses(change):
    elb().set_ip_address_type(LoadBalancerArn=change.id, IpAddressType=change.or_else("ipv4"))


def attributes(change):
    """What is named no more goes back to AWS's default."""
    before, after = pairs(change.before), pairs(change.value)
    wanted = {**{key: ATTRIBUTES[key] for key in before if key in ATTRIBUTES}, **after}
    modify, key = {
        "LoadBalancerAttributes": (elb().modify_load_balancer_attributes, "LoadBalancerArn"),
        "TargetGroupAttributes": (elb().modify_target_group_attributes, "TargetGroupArn"),
    }[change.property]
    modify(**{key: change.id}, Attributes=listed(wanted))


def balancer_again(change):
    if len(change.spec.get("SecurityGroups", [])) > 1:
        return elb().set_security_groups(LoadBalancerArn=change.id, SecurityGroups=several(change.spec["SecurityGroups"]))
    return elb().set_subnets(LoadBalancerArn=change.id, Subnets=several(change.spec.get("Subnets")))


def listener(change):
    elb().modify_listener(ListenerArn=change.id, **{change.property: change.needed()})


def protocol(change):
    """HTTPS needs its certificates in the same call."""
    certificates = change.spec.get("Certificates") if change.needed() == "HTTPS" else None
    elb().modify_listener(ListenerArn=change.id, Protocol=change.value, **({"Certificates": certificates} if certificates else {}))


# More than one value stands under a name of its own.
CONDITIONS = {
    "host-header": "HostHeaderConfig", "path-pattern": "PathPatternConfig", "http-request-method": "HttpRequestMethodConfig",
    "source-ip": "SourceIpConfig",
}


def conditions(all):
    return [{"Field": it["Field"], CONDITIONS[it["Field"]]: {"Values": it["Values"]}} for it in all]


def matches(change):
    elb().modify_rule(RuleArn=change.id, Conditions=conditions(change.needed()))


def actions(change):
    elb().modify_rule(RuleArn=change.id, Actions=change.needed())


def priority(change):
    elb().set_rule_priorities(RulePriorities=[{"RuleArn": change.id, "Priority": change.needed()}])


def rule_again(change):
    """Conditions all have to hold, and any of their values."""
    turned = [{**it, "Values": it["Values"][::-1]} for it in change.spec["Conditions"][::-1]]
    elb().modify_rule(RuleArn=change.id, Conditions=conditions(turned))


def health(change):
    elb().modify_target_group(TargetGroupArn=change.id, **{change.property: change.or_else(HEALTH[change.property])})


def target(change):
    """Who gets requests is not the group's setting."""
    if change.spec.get("TargetType") != "ip":
        raise Cannot("a target would have to be made first")
    elb().register_targets(TargetGroupArn=change.id, Targets=[{"Id": "10.0.0.99", "Port": 8099}])


def tag(change, tags):
    elb().add_tags(ResourceArns=[change.id], Tags=listed(tags))


def untag(change, keys):
    elb().remove_tags(ResourceArns=[change.id], TagKeys=keys)


KINDS = {
    "AWS::ElasticLoadBalancingV2::LoadBalancer": kind({
        "Subnets": subnets, "SecurityGroups": groups, "IpAddressType": addresses, "LoadBalancerAttributes": attributes,
    }, {"list_order": balancer_again}, tag, untag),
    "AWS::ElasticLoadBalancingV2::Listener": kind({
        "Port": listener, "Protocol": protocol, "Certificates": listener, "SslPolicy": listener, "DefaultActions": listener,
    }, {}, tag, untag),
    "AWS::ElasticLoadBalancingV2::ListenerRule": kind(
        {"Priority": priority, "Conditions": matches, "Actions": actions}, {"list_order": rule_again}, tag, untag),
    "AWS::ElasticLoadBalancingV2::TargetGroup": kind(
        {**dict.fromkeys(HEALTH, health), "TargetGroupAttributes": attributes}, {"contents": target}, tag, untag),
}
