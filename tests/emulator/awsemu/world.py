"""What all behaviours share: virtual time, events, and who exists since when.

Due events run in order of time at the start of each request, under the one lock: no background thread changes anything.
"""

import heapq
import itertools
import os
import time


class World:
    def __init__(self):
        self.scale = float(os.environ.get("DEPLOYER_TIME_SCALE", "1") or "1")
        self.start = time.monotonic()
        self.offset = 0.0
        self.events = []
        self.numbers = itertools.count()
        self.born = {}
        self.deleted = {}

    def now(self):
        """Seconds of AWS's time."""
        return (time.monotonic() - self.start) / self.scale + self.offset

    def at(self, delay, what):
        heapq.heappush(self.events, (self.now() + delay, next(self.numbers), what))

    def settle(self):
        now = self.now()
        while self.events and self.events[0][0] <= now:
            _, _, what = heapq.heappop(self.events)
            what()

    def forget(self, account):
        """What an account once had; keys are of (kind, account, ..)."""
        for known in (self.born, self.deleted):
            for key in [key for key in known if key[1] == account]:
                del known[key]

    def age(self, key):
        """How long something has been there; very long if we never saw it made."""
        return self.now() - self.born.get(key, -1e9)
