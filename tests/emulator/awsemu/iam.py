"""IAM: a new role is there at once, and other services see it seconds later."""

import hashlib
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


def providers(call):
    from moto.iam.models import iam_backends

    return iam_backends[call.account]["aws"].open_id_providers


def done(call):
    body = f"<{call.name}Response xmlns='https://iam.amazonaws.com/doc/2010-05-08/'><ResponseMetadata/></{call.name}Response>"
    return 200, [("Content-Type", "text/xml")], body.encode()


def open_id(call):
    there = providers(call).get(call.data.get("OpenIDConnectProviderArn"))
    if call.name == "CreateOpenIDConnectProvider":
        # Fact: there is one for each URL, in an account; a URL has its scheme.
        url = call.data.get("Url", "")
        if not url.startswith("https://"):
            return error(call, "ValidationError", "Invalid Open ID Connect Provider URL", 400)
        if any(it.url == url.removeprefix("https://") for it in providers(call).values()):
            return error(call, "EntityAlreadyExists", f"Provider with url {url} already exists.", 409)
        return None
    # Fact: what is not there is refused, by a delete as well.
    if there is None and "OpenIDConnectProviderArn" in call.data:
        return error(call, "NoSuchEntity", f"OpenIDConnect Provider not found for arn {call.data['OpenIDConnectProviderArn']}", 404)
    if call.name == "UpdateOpenIDConnectProviderThumbprint" and "ThumbprintList.member.1" not in call.data:
        return error(call, "ValidationError", "Value at 'thumbprintList' failed to satisfy constraint: Member must not be null", 400)
    # moto has neither of the two. Fact: one that is there already is added once, and one that is not is removed without a word.
    if call.name == "AddClientIDToOpenIDConnectProvider":
        there.client_id_list = sorted({*there.client_id_list, call.data["ClientID"]})
        return done(call)
    if call.name == "RemoveClientIDFromOpenIDConnectProvider":
        there.client_id_list = [it for it in there.client_id_list if it != call.data["ClientID"]]
        return done(call)
    return None


def before(call, world):
    if "OpenIDConnectProvider" in call.name:
        return open_id(call)
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
    if call.name == "CreateOpenIDConnectProvider":
        for it in providers(call).values():
            # Fact: without a thumbprint IAM fetches the one that it finds.
            it.thumbprint_list = it.thumbprint_list or [hashlib.sha1(it.url.encode()).hexdigest()]
    return answer


def policy_text(policy):
    return policy if isinstance(policy, str) else json.dumps(policy)
