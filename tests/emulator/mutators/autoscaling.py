"""What is scaled, and when."""

from mutators.common import Cannot, client, kind


def place(change):
    resource, dimension, namespace = change.parts()[:3]
    return {"ResourceId": resource, "ScalableDimension": dimension, "ServiceNamespace": namespace}


def capacity(change):
    client("application-autoscaling").register_scalable_target(**place(change), **{change.property: change.needed()})


def tracking(change):
    if change.value is None:
        raise Cannot("a policy without its configuration is none")
    name = change.parts()[3]
    client("application-autoscaling").put_scaling_policy(
        PolicyName=name, PolicyType=change.spec["PolicyType"], TargetTrackingScalingPolicyConfiguration=change.value, **place(change))


KINDS = {
    "AWS::ApplicationAutoScaling::ScalableTarget": kind({"MinCapacity": capacity, "MaxCapacity": capacity}),
    "AWS::ApplicationAutoScaling::ScalingPolicy": kind({"TargetTrackingScalingPolicyConfiguration": tracking}),
}
