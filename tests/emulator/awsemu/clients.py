"""What is asked for per client: faults, latency, freezing, counting. Tests of different clients do not meet.

Faults come before the operation runs, a lost answer after it. A frozen call never answers, and neither does any later one of
its client, until it is let go: that is how a test finds the moment to kill.
"""

import random
import threading

DEFAULTS = {
    "latency_ms": 0, "throttle": 0, "error_5xx": 0, "reset": 0, "lost_answer": 0, "stale_reads": 0, "seed": 0,
    "mutating_only": False, "rules": [], "late_reads": 0, "words": [],
}


class Client:
    def __init__(self):
        self.options = dict(DEFAULTS)
        self.random = random.Random(0)
        self.seen, self.late, self.said = {}, {}, {}
        self.freeze = None
        self.frozen = None
        self.account = None
        self.changed = threading.Condition()
        self.clear()

    def clear(self):
        self.log, self.by_operation, self.in_flight, self.max_in_flight = [], {}, 0, 0
        self.total, self.mutating, self.refused, self.beats, self.released, self.met = 0, 0, 0, 0, set(), 0

    def set(self, options):
        self.options = {**DEFAULTS, **self.options, **options}
        self.random = random.Random(self.options["seed"])
        self.seen, self.late, self.said = {}, {}, {}

    def count(self, call):
        self.total += 1
        self.account = call.account
        # A sign of life that comes in between makes a holder let go twice: that is the clock's doing too.
        call.mutating = call.mutating and call.released not in self.released
        self.released.add(call.released or "")
        self.mutating += call.mutating
        self.beats += call.beat
        # Its own number: others come in while it runs. One that was refused changed nothing, and how often something is tried
        # until it is not in use any more is the clock's doing.
        call.nth, call.nth_mutating, call.nth_beat = self.total, self.mutating - self.refused, self.beats
        self.by_operation[call.operation_name] = self.by_operation.get(call.operation_name, 0) + 1
        self.log.append([self.total, call.operation_name, call.target, call.mutating])
        self.in_flight += 1
        self.max_in_flight = max(self.max_in_flight, self.in_flight)

    def fault(self, call):
        """The fault that this call meets, if any. They are counted, with late reads and other words."""
        found = self.find_fault(call)
        self.met += found is not None
        return found

    def find_fault(self, call):
        for number, rule in enumerate(self.options["rules"]):
            match = rule.get("match", {})
            if match.get("operation", call.operation_name) != call.operation_name or match.get("mutating", call.mutating) != call.mutating:
                continue
            self.seen[number] = self.seen.get(number, 0) + 1
            if match.get("nth", self.seen[number]) == self.seen[number]:
                return rule["fault"]
        if self.options["mutating_only"] and not call.mutating:
            return None
        for name in ("throttle", "error_5xx", "reset", "lost_answer"):
            if self.random.random() < self.options[name]:
                return "500" if name == "error_5xx" else name
        return None

    def is_late(self, call):
        """Whether this is one of the reads that do not see this client's last change of the service yet."""
        left = self.late.get(call.service, 0)
        if call.mutating or not left:
            return False
        self.late[call.service] = left - 1
        self.met += 1
        return True

    def changed_something(self, call):
        self.late[call.service] = self.options["late_reads"]

    def reword(self, call, answer):
        """The answer with other words, if it is so wished: a status that it has for a while, or once more."""
        status, headers, body = answer
        for number, rule in enumerate(self.options["words"]):
            good = rule["from"].encode()
            if rule["operation"] != call.operation_name or good not in body:
                continue
            self.said[number] = self.said.get(number, 0) + 1
            if self.said[number] in rule.get("nth", [self.said[number]]):
                body = body.replace(good, rule["to"].encode())
                self.met += 1
        return status, headers, body

    def meets_freeze(self, call, when):
        """Whether this is the call to freeze at. A frozen client's later calls freeze before they run."""
        with self.changed:
            if self.frozen:
                return when == "before"
            rule = self.freeze
            hit = rule and rule["when"] == when and (
                (call.mutating and rule.get("nth_mutating") == call.nth_mutating)
                or (call.beat and rule.get("nth_beat") == call.nth_beat)
                or rule.get("nth") == call.nth)
            if hit:
                self.frozen = {"frozen": True, "operation": call.operation_name, "target": call.target}
                self.changed.notify_all()
            return bool(hit)

    def wait_frozen(self, seconds):
        with self.changed:
            self.changed.wait_for(lambda: self.frozen, seconds)
            return self.frozen or {"frozen": False}

    def hold(self):
        with self.changed:
            self.changed.wait_for(lambda: not self.frozen)

    def unfreeze(self):
        with self.changed:
            self.freeze, self.frozen = None, None
            self.changed.notify_all()
