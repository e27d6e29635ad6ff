"""Roles, policies and identity providers."""

from mutators.common import Cannot, client, kind, listed, policy, rewritten, several


def iam():
    return client("iam")


def trust(change):
    iam().update_assume_role_policy(RoleName=change.id, PolicyDocument=policy(change.needed()))


def described(change):
    """One call sets both."""
    after = change.after()
    iam().update_role(RoleName=change.id, Description=after.get("Description") or "", MaxSessionDuration=after.get("MaxSessionDuration") or 3600)


def boundary(change):
    if change.value is None:
        return iam().delete_role_permissions_boundary(RoleName=change.id)
    return iam().put_role_permissions_boundary(RoleName=change.id, PermissionsBoundary=change.value)


def attached(change):
    before, after = set(change.before or []), set(change.value or [])
    for arn in sorted(after - before):
        iam().attach_role_policy(RoleName=change.id, PolicyArn=arn)
    for arn in sorted(before - after):
        iam().detach_role_policy(RoleName=change.id, PolicyArn=arn)


def attached_again(change):
    arns = several(change.spec.get("ManagedPolicyArns"))
    for arn in arns:
        iam().detach_role_policy(RoleName=change.id, PolicyArn=arn)
    for arn in arns:
        iam().attach_role_policy(RoleName=change.id, PolicyArn=arn)


def version(change, document):
    """The oldest but one gives way: there are five at most."""
    versions = iam().list_policy_versions(PolicyArn=change.id)["Versions"]
    past = sorted((it["VersionId"] for it in versions if not it["IsDefaultVersion"]), key=lambda it: int(it[1:]))
    if len(versions) > 4:
        iam().delete_policy_version(PolicyArn=change.id, VersionId=past[0])
    iam().create_policy_version(PolicyArn=change.id, PolicyDocument=document, SetAsDefault=True)


def inline(change, document):
    role, name = change.parts()
    iam().put_role_policy(RoleName=role, PolicyName=name, PolicyDocument=document)


def inline_document(change):
    if change.value is None:
        raise Cannot("without its document the policy is gone")
    inline(change, policy(change.value))


def audiences(change):
    before, after = set(change.before or []), set(change.value or [])
    for one in sorted(after - before):
        iam().add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=change.id, ClientID=one)
    for one in sorted(before - after):
        iam().remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=change.id, ClientID=one)


def thumbprints(change):
    iam().update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=change.id, ThumbprintList=change.needed())


def provider_again(change):
    """Thumbprints the other way round, or audiences that go and come."""
    if len(change.spec.get("ThumbprintList", [])) > 1:
        found = several(change.spec["ThumbprintList"])
        return iam().update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=change.id, ThumbprintList=found)
    for one in several(change.spec.get("ClientIdList"))[1:]:
        iam().remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=change.id, ClientID=one)
        iam().add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=change.id, ClientID=one)
    return None


def tagging(noun, key):
    """IAM has calls of their own for each noun."""
    def tag(change, tags):
        getattr(iam(), f"tag_{noun}")(**{key: change.id}, Tags=listed(tags))

    def untag(change, keys):
        getattr(iam(), f"untag_{noun}")(**{key: change.id}, TagKeys=keys)

    return tag, untag


KINDS = {
    "AWS::IAM::Role": kind({
        "AssumeRolePolicyDocument": trust, "Description": described, "MaxSessionDuration": described, "PermissionsBoundary": boundary,
        "ManagedPolicyArns": attached,
    }, {
        "policy_rewritten": lambda change: iam().update_assume_role_policy(
            RoleName=change.id, PolicyDocument=rewritten(change.spec["AssumeRolePolicyDocument"])),
        "list_order": attached_again,
    }, *tagging("role", "RoleName")),
    "AWS::IAM::RolePolicy": kind({"PolicyDocument": inline_document}, {
        "policy_rewritten": lambda change: inline(change, rewritten(change.spec["PolicyDocument"])),
    }),
    "AWS::IAM::ManagedPolicy": kind({"PolicyDocument": lambda change: version(change, policy(change.needed()))}, {
        "policy_rewritten": lambda change: version(change, rewritten(change.spec["PolicyDocument"])),
    }, *tagging("policy", "PolicyArn")),
    "AWS::IAM::OIDCProvider": kind(
        {"ClientIdList": audiences, "ThumbprintList": thumbprints}, {"list_order": provider_again},
        *tagging("open_id_connect_provider", "OpenIDConnectProviderArn")),
}
