"""Cloud Map: names that are unique where they are, repeated requests that are told, and namespaces that stay while used."""

from moto.servicediscovery.models import ServiceDiscoveryBackend, servicediscovery_backends

from awsemu.wire import error


def backend(call):
    return servicediscovery_backends[call.account][call.region]


def before(call, world):
    map, data = backend(call), call.data
    if call.name == "CreatePrivateDnsNamespace":
        # Fact: a repeated token is refused with an error of its own: the first request made the namespace.
        if any(it.creator_request_id == data.get("CreatorRequestId") for it in map.namespaces.values()):
            return error(call, "DuplicateRequest", "The operation is already in progress.")
        # Fact: a VPC has one namespace of a name. moto lets it have one at all.
        if any(it.name == data.get("Name") and it._vpc == data.get("Vpc") for it in map.namespaces.values()):
            return error(call, "NamespaceAlreadyExists", f"Namespace already exists: {data.get('Name')}")
    if call.name == "CreateService" and any(it.namespace_id == data.get("NamespaceId") and it.name.lower() == data.get("Name", "").lower() for it in map.services.values()):
        # Fact: a name is unique in its namespace, whatever the case.
        return error(call, "ServiceAlreadyExists", f"Service already exists: {data['Name']}")
    if call.name == "DeleteNamespace" and any(it.namespace_id == data.get("Id") for it in map.services.values()):
        # Fact: a namespace with services stays.
        return error(call, "ResourceInUse", "Namespace has associated services")
    if call.name == "DeleteService" and data.get("Id") not in map.services:
        return error(call, "ServiceNotFound", f"Service not found: {data.get('Id')}")
    if call.name == "ListServices":
        map._asked = [it["Values"] for it in data.get("Filters") or [] if it["Name"] == "NAMESPACE_ID"]
    return None


def after(call, world, answer):
    if call.name == "CreatePrivateDnsNamespace":
        made = list(backend(call).namespaces.values())[-1]
        made._vpc, made.vpc = made.vpc, None
    return answer


# moto lists the services of all namespaces.
_list_services = ServiceDiscoveryBackend.list_services
ServiceDiscoveryBackend.list_services = lambda self: [
    it for it in _list_services(self) if all(it.namespace_id in values for values in getattr(self, "_asked", []))]
