"""Failure: queries wait for one lock, and so for each other."""

import threading

from services.common.calls.call import Call
from services.common.switches.base import Failure, Host
from services.common.switches.params import Param


class LockContention(Failure):
    """Every query holds one lock for a while: however many connections there are, queries run one after another."""

    name = "lock_contention"
    brief = "one lock, {hold_seconds} each"
    simulated = True
    story = "Every query needs the same lock: queries run one after another."
    hold_seconds = Param(0.1, "how long a query holds the lock", "s", 0.001, 10)
    per_request = True

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()

    def during_query(self, call: Call) -> None:
        with self._lock:
            self.wait(self.hold_seconds)
