"""Namespaces, and names in them."""

from mutators.common import client, kind, listed


def cloudmap():
    return client("servicediscovery")


def namespace(change):
    """The product keeps its name."""
    found = cloudmap().list_namespaces(Filters=[{"Name": "TYPE", "Values": ["DNS_PRIVATE"], "Condition": "EQ"}])["Namespaces"]
    return next(it for it in found if it["Name"] == change.id)


def namespace_arn(change):
    return change.outputs.get("Arn") or namespace(change)["Arn"]


def service_arn(change):
    return change.outputs.get("Arn") or cloudmap().get_service(Id=change.id)["Service"]["Arn"]


def describe_namespace(change):
    cloudmap().update_private_dns_namespace(Id=namespace(change)["Id"], Namespace={"Description": change.or_else("")})


def service(change):
    """One call takes the records and the description; records that it lacks would go."""
    if change.property == "DnsConfig":
        change.needed()
    after = change.after()
    records = {"DnsConfig": {"DnsRecords": after["DnsConfig"]["DnsRecords"]}} if after.get("DnsConfig") else {}
    cloudmap().update_service(Id=change.id, Service={"Description": after.get("Description") or "", **records})


def instance(change):
    """Who is found by the name is not its setting."""
    cloudmap().register_instance(ServiceId=change.id, InstanceId="console", Attributes={"AWS_INSTANCE_IPV4": "10.0.0.99"})


def tagging(arn):
    def tag(change, tags):
        cloudmap().tag_resource(ResourceARN=arn(change), Tags=listed(tags))

    def untag(change, keys):
        cloudmap().untag_resource(ResourceARN=arn(change), TagKeys=keys)

    return tag, untag


KINDS = {
    "AWS::ServiceDiscovery::PrivateDnsNamespace": kind({"Description": describe_namespace}, {}, *tagging(namespace_arn)),
    "AWS::ServiceDiscovery::Service": kind({"Description": service, "DnsConfig": service}, {"contents": instance}, *tagging(service_arn)),
}
