"""Clusters, and services in them."""

from mutators.common import Cannot, client, kind, listed, lower

DEPLOYMENT = {"MaximumPercent": 200, "MinimumHealthyPercent": 100, "DeploymentCircuitBreaker": {"Enable": False, "Rollback": False}}
DEFAULTS = {
    "PlatformVersion": "LATEST", "LoadBalancers": [], "ServiceRegistries": [], "HealthCheckGracePeriodSeconds": 0,
    "DeploymentConfiguration": DEPLOYMENT, "EnableExecuteCommand": False, "EnableECSManagedTags": False, "PropagateTags": "NONE",
}


def ecs():
    return client("ecs")


def settings(change):
    """A setting that is not named any more goes back to AWS's default."""
    wanted = {it["Name"]: "disabled" for it in change.before or []}
    wanted.update({it["Name"]: it["Value"] for it in change.value or []})
    ecs().update_cluster(cluster=change.id, settings=listed(wanted, "name", "value"))


def update(change, **arguments):
    cluster, service = change.parts()
    ecs().update_service(cluster=cluster, service=service, **arguments)


def field(change):
    value = change.or_else(DEFAULTS[change.property]) if change.property in DEFAULTS else change.needed()
    if change.property == "DeploymentConfiguration":
        value = {**DEPLOYMENT, **value}
    update(change, **{change.property[:1].lower() + change.property[1:]: lower(value)})


def reordered(change):
    network = change.spec.get("NetworkConfiguration", {}).get("AwsvpcConfiguration", {})
    lists = {name: it[::-1] for name, it in network.items() if isinstance(it, list) and len(it) > 1}
    if not lists:
        raise Cannot("a list of less than two has one order")
    update(change, networkConfiguration=lower({"AwsvpcConfiguration": {**network, **lists}}))


def autoscaled(change):
    """One task more, of a service whose count is not the spec's to say."""
    if change.spec.get("DesiredCount") is not None:
        raise Cannot("its spec says how many tasks there are")
    cluster, service = change.parts()
    live = ecs().describe_services(cluster=cluster, services=[service])["services"][0]
    update(change, desiredCount=live["desiredCount"] + 1)


def cluster_arn(change):
    return change.outputs.get("Arn") or ecs().describe_clusters(clusters=[change.id])["clusters"][0]["clusterArn"]


def service_arn(change):
    cluster, service = change.parts()
    return change.outputs.get("ServiceArn") or ecs().describe_services(cluster=cluster, services=[service])["services"][0]["serviceArn"]


def tagging(arn):
    def tag(change, tags):
        ecs().tag_resource(resourceArn=arn(change), tags=listed(tags, "key", "value"))

    def untag(change, keys):
        ecs().untag_resource(resourceArn=arn(change), tagKeys=keys)

    return tag, untag


KINDS = {
    "AWS::ECS::TaskDefinition": kind({}, {}, *tagging(lambda change: change.id)),
    "AWS::ECS::Cluster": kind({"ClusterSettings": settings}, {}, *tagging(cluster_arn)),
    "AWS::ECS::Service": kind(
        dict.fromkeys([*DEFAULTS, "TaskDefinition", "DesiredCount", "NetworkConfiguration"], field),
        {"list_order": reordered, "autoscaled": autoscaled}, *tagging(service_arn)),
}
