"""Load balancers: minutes until they are active, equal creates that adopt, and protection that is meant."""

from moto.elbv2 import models as elbv2_models
from moto.elbv2.models import ELBv2Backend, FakeLoadBalancer, elbv2_backends

from awsemu import ec2
from awsemu.wire import error

# Fact: an application load balancer is provisioning for two to three minutes.
COMING = 90.0
# moto activates all of them at each look.
FakeLoadBalancer.activate = lambda self: None


elbv2_models.register_certificate = lambda **_: None
# Fact: a certificate has to be of the listener's own region; whether it exists is not played.
ELBv2Backend._certificate_exists = lambda self, certificate_arn: f":{self.region_name}:" in certificate_arn


def backend(call):
    return elbv2_backends[call.account][call.region]


def before(call, world):
    elb = backend(call)
    if call.name == "DescribeTargetGroups":
        # Fact: a group tells those that it serves now; moto tells all that it ever served.
        for arn, group in elb.target_groups.items():
            group.load_balancer_arns = sorted(serving(elb, arn))
    if call.name == "DeleteLoadBalancer":
        there = elb.load_balancers.get(call.data.get("LoadBalancerArn"))
        # Fact: a protected one is not deleted.
        if there is not None and there.attrs.get("deletion_protection.enabled") == "true":
            return error(call, "OperationNotPermitted", f"Load balancer '{there.arn}' cannot be deleted because deletion protection is enabled")
    if call.name == "CreateListener":
        there = elb.load_balancers.get(call.data.get("LoadBalancerArn"))
        # Fact: a load balancer has one listener a port.
        if there is not None and any(str(it.port) == call.data.get("Port") for it in there.listeners.values()):
            return error(call, "DuplicateListener", "A listener already exists on this port for this load balancer")
    if call.name == "SetSubnets":
        there = elb.load_balancers.get(call.data.get("LoadBalancerArn"))
        wanted = {elb.ec2_backend.get_subnet(text).vpc_id for key, text in call.data.items() if key.startswith("Subnets.member")}
        # Fact: a load balancer never leaves its VPC.
        if there is not None and wanted - {there.vpc_id}:
            return error(call, "InvalidConfigurationRequest", "The subnets are not in the load balancer's VPC")
    if call.name in ("CreateRule", "ModifyRule", "CreateListener", "ModifyListener"):
        mine = balancer_of(elb, call)
        for group in groups_named(call):
            # Fact: a target group serves one load balancer at a time.
            if mine and serving(elb, group) - {mine}:
                return error(call, "TargetGroupAssociationLimit", f"The following target groups cannot be associated with more than one load balancer: {group}")
    if call.name == "CreateLoadBalancer":
        there = next((it for it in elb.load_balancers.values() if it.name == call.data.get("Name")), None)
        if there is not None:
            # Fact: an equal create answers with what is there, another one is refused.
            if there._asked == asked(call):
                return there._answer
            return error(call, "DuplicateLoadBalancerName", f"A load balancer with the name '{there.name}' already exists")
        zones = {elb.ec2_backend.get_subnet(text).availability_zone for key, text in call.data.items() if key.startswith("Subnets.member")}
        # Fact: it stands in two zones at least.
        if len(zones) < 2:
            return error(call, "ValidationError", "At least two subnets in two different Availability Zones must be specified")
    return None


def after(call, world, answer):
    if call.name == "CreateLoadBalancer":
        made = list(backend(call).load_balancers.values())[-1]
        made._asked, made._answer = asked(call), answer
        # Fact: every attribute is told, set or not; of those that are set in tests moto knows this one not before.
        made.attrs.setdefault("routing.http.drop_invalid_header_fields.enabled", "false")
        world.at(COMING, lambda: setattr(made, "state", "active"))
    if call.name in ("CreateListener", "ModifyListener") and call.data.get("Protocol") == "HTTP":
        # Fact: what speaks HTTP has neither certificates nor a policy, and drops them when it comes from HTTPS.
        for balancer in backend(call).load_balancers.values():
            for listener in balancer.listeners.values():
                if listener.protocol == "HTTP":
                    listener.certificate, listener.certificates, listener.ssl_policy = None, [], None
    return answer


def balancer_of(elb, call):
    """The load balancer that a listener's or a rule's call is about."""
    named = call.data.get("LoadBalancerArn")
    for arn, balancer in elb.load_balancers.items():
        for listener in balancer.listeners.values():
            if call.data.get("ListenerArn") == listener.arn or call.data.get("RuleArn") in listener._non_default_rules:
                return arn
    return named


def groups_named(call):
    return {text for key, text in call.data.items() if "Actions." in key and key.endswith("TargetGroupArn")}


def serving(elb, group):
    """The load balancers whose listeners or rules lead to this target group."""
    return {
        arn
        for arn, balancer in elb.load_balancers.items()
        for listener in balancer.listeners.values()
        for actions in (listener.default_actions, *(it.actions for it in listener._non_default_rules.values()))
        for action in actions
        if group in elb._get_target_group_arns_from(action_data=action.data)
    }


def asked(call):
    return {key: text for key, text in call.data.items() if not key.startswith("Tags")}


def in_subnet(account, region, subnet):
    return [it.name for it in elbv2_backends[account][region].load_balancers.values() if any(one.id == subnet for one in it.subnets)]


def in_group(account, region, group):
    return [it.name for it in elbv2_backends[account][region].load_balancers.values() if group in (it.security_groups or [])]


ec2.SUBNET_USERS.append(in_subnet)
ec2.GROUP_USERS.append(in_group)
