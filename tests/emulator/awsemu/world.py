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
        self.start, self.began = time.monotonic(), time.time()
        self.offset = 0.0
        self.moment = None
        self.events = []
        self.numbers = itertools.count()
        self.born = {}
        self.deleted = {}

    def now(self):
        """Seconds of AWS's time; for an event that was due a while ago, when it was due: what follows from it comes in its time."""
        if self.moment is not None:
            return self.moment
        return (time.monotonic() - self.start) / self.scale + self.offset

    def wall(self):
        """AWS's clock: seconds since 1970."""
        return self.began + self.now()

    def at(self, delay, what):
        heapq.heappush(self.events, (self.now() + delay, next(self.numbers), what))

    def settle(self):
        now = self.now()
        while self.events and self.events[0][0] <= now:
            self.moment, _, what = heapq.heappop(self.events)
            try:
                what()
            finally:
                self.moment = None

    def forget(self, account):
        """What an account once had; keys are of (kind, account, ..)."""
        for known in (self.born, self.deleted):
            for key in [key for key in known if key[1] == account]:
                del known[key]

    def age(self, key):
        """How long something has been there; very long if we never saw it made."""
        return self.now() - self.born.get(key, -1e9)
