"""Application Auto Scaling: what is not there is told in AWS's own words."""

from awsemu.wire import error


def before(call, world):
    return None


def after(call, world, answer):
    return answer


def refusal(call, answer):
    # Fact: taking away what is not there is an error of its own; moto calls it invalid.
    if b"No scalable target found" in answer[2] or b"No scaling policy found" in answer[2]:
        return error(call, "ObjectNotFoundException", "No scalable target or policy found")
    return answer
