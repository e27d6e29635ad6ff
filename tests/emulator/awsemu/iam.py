"""IAM: a new role is there at once, and other services see it seconds later."""

import json
import re

from awsemu.wire import error

# Fact: a new role or policy reaches other services after 2 to 15 seconds, sometimes a minute; ten is played.
PROPAGATION = 10.0


def unknown_principal(call, world, document):
    """A role in a policy's principals that others cannot see yet, if there is one."""
    for account, name in re.findall(r"arn:aws[a-z-]*:iam::(\d{12}):role/(?:[^\"]*/)?([\w+=,.@-]+)\"", document or ""):
        if world.age(("role", account, name.lower())) < PROPAGATION:
            return name
    return None


def before(call, world):
    if call.name in ("CreateRole", "UpdateAssumeRolePolicy"):
        # Fact: a trust that names a principal which is not visible yet is refused as malformed.
        if unknown_principal(call, world, call.data.get("AssumeRolePolicyDocument") or call.data.get("PolicyDocument")):
            return error(call, "MalformedPolicyDocument", "Invalid principal in policy", 400)
    if call.name == "CreateRole":
        # Fact: role names are unique whatever the case.
        from moto.iam.models import iam_backends

        names = {role.name.lower() for role in iam_backends[call.account]["aws"].roles.values()}
        if call.data.get("RoleName", "").lower() in names:
            return error(call, "EntityAlreadyExists", f"Role with name {call.data['RoleName']} already exists.", 409)
    return None


def after(call, world, answer):
    if call.name == "CreateRole":
        world.born[("role", call.account, call.data["RoleName"].lower())] = world.now()
    return answer


def policy_text(policy):
    return policy if isinstance(policy, str) else json.dumps(policy)
