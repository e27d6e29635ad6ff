"""Parameters: one call writes all of one but its tags, and what it lacks goes back to the default."""

from mutators.common import Cannot, client, kind, listed


def put(change):
    it = change.after()
    more = {key: it[key] for key in ("Tier", "DataType") if it.get(key)}
    client("ssm").put_parameter(
        Name=change.id, Type=it["Type"], Value=it["Value"], Description=it.get("Description") or "",
        AllowedPattern=it.get("AllowedPattern") or "", Overwrite=True, **more)


def needed(change):
    change.needed()
    put(change)


def tier(change):
    if change.before in ("Advanced", "Intelligent-Tiering") and change.value in (None, "Standard"):
        raise Cannot("AWS never takes an advanced parameter back to standard")
    needed(change)


def tag(change, tags):
    client("ssm").add_tags_to_resource(ResourceType="Parameter", ResourceId=change.id, Tags=listed(tags))


def untag(change, keys):
    client("ssm").remove_tags_from_resource(ResourceType="Parameter", ResourceId=change.id, TagKeys=keys)


KINDS = {
    "AWS::SSM::Parameter": kind(
        {"Type": needed, "Value": needed, "Description": put, "AllowedPattern": put, "Tier": tier}, {"contents": put}, tag, untag),
}
