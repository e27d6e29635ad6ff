"""How a task fares, told by words in the tag of its image: in what stands after the last `/`. Without one of them it runs and is healthy.

`slow` takes five minutes. `crash` and `oom` end soon after their start. `missing` and `norole` never start; `norole-once` does after
two tries. `unhealthy` runs and fails its health checks. Of `half` the first half of the tasks run and the others crash, which does
not count with `half-stuck`.
"""

import hashlib
import re

KINDS = ("slow", "crash", "oom", "missing", "norole", "unhealthy", "half")
# Fact: a Fargate task takes half a minute to run, its target some seconds to turn healthy.
PENDING, RUNNING = 10.0, 30.0
HEALTHY = {"slow": 265.0, None: 10.0}
# Seconds from the task's start, and from when it runs.
STARTLESS = {"missing": 20.0, "norole": 10.0}
ENDING = {"crash": 5.0, "oom": 20.0}
KILLED = "OutOfMemoryError: Container killed due to memory usage"


class Fate:
    """What the tasks of a definition come to."""

    def __init__(self, definition):
        self.definition, self.kind, self.container, self.words = definition, None, None, set()
        for it in definition.container_definitions:
            words = set(re.split(r"[^a-z0-9]+", it["image"].rsplit("/", 1)[-1].lower()))
            found = next((kind for kind in KINDS if kind in words), None)
            # Only an essential container ends its task; any has to be pulled.
            if found and (it.get("essential", True) or found == "missing"):
                self.kind, self.container, self.words = found, it["name"], words
                break

    def of(self, number, wanted):
        """The kind of a deployment's task, which are counted from 0."""
        if self.kind == "half":
            return None if wanted >= 2 and number < wanted // 2 else "crash"
        if self.kind == "norole" and "once" in self.words and number >= 2:
            return None
        return self.kind

    def image(self):
        return next((it["image"] for it in self.definition.container_definitions if it["name"] == self.container), "")

    def ending(self, kind, account):
        """Why a task stops by itself: stop code, reason, and what its container tells."""
        if kind == "oom":
            return "EssentialContainerExited", KILLED, {"exitCode": 137, "reason": KILLED}
        if kind == "missing":
            image = self.image()
            image = image if "/" in image else f"docker.io/library/{image}"
            why = f"CannotPullContainerError: pull image manifest has been retried 1 time(s): failed to resolve ref {image}: {image}: not found"
            return "TaskFailedToStart", why, {"reason": why}
        if kind == "norole":
            role = self.definition.task_role_arn or f"arn:aws:iam::{account}:role/task"
            why = (f"ECS was unable to assume the role '{role}' that was provided for this task. Please verify that the role being passed has the "
                   "proper trust relationship and permissions and that your IAM user has permissions to pass this role.")
            return "TaskFailedToStart", why, {}
        return "EssentialContainerExited", "Essential container in task exited", {"exitCode": 1 if kind == "crash" else 0}


def digest(image):
    return "sha256:" + (image.rsplit("@sha256:", 1)[1] if "@sha256:" in image else hashlib.sha256(image.encode()).hexdigest())


def port(container):
    return next((it["containerPort"] for it in container.get("portMappings") or [] if it.get("containerPort")), 8080)


def first_words(kind, container):
    """What a container writes as it starts."""
    listening = f"listening on :{port(container)}"
    return {
        "crash": ["starting", "connecting to db"], "oom": ["starting", "allocating 128 MiB"], "slow": ["starting"],
        "unhealthy": ["starting", listening, "GET / 503"], "once": ["starting"],
    }.get(kind, ["starting", listening])


def last_words(kind, container):
    """What it writes before its end, or once it is ready."""
    return {
        "crash": [f"panic: crash in image {container['image']}"], "oom": ["allocating 512 MiB"], "slow": [f"listening on :{port(container)}"],
        "once": ["done"],
    }.get(kind, [])
