"""Failure: every request leaves memory behind, and the garbage collector pays for it."""

import gc
import threading
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

from services.common.calls.call import Call
from services.common.process.memory import MB
from services.common.switches.base import NO_MEMORY, Failure, Host
from services.common.switches.failures.ballast import Ballast, drop_ballast, make_ballast
from services.common.switches.params import Param

# A managed runtime collects more and more often as its live heap nears the limit: the cost of an allocation follows
# live / (limit - live) (Jones, Hosking, Moss, "The Garbage Collection Handbook"). Here: 450 ms for 20 MB at 200 of 512.
PAUSE_SECONDS_PER_MB = 0.450 / 20 * (512 - 200) / 200
MAX_COLLECTIONS = 8
GAP_SECONDS = 0.02  # between two collections, in which every other thread gets its turn: the admin plane needs several
WORTH_ONE, WORTH_TWO = 0.4, 1.0  # collections: what a debt has to be worth for one of them at once, and for two
NO_LIMIT_BYTES = 512 * MB
SMALL_LEAK_MB = 1.0


class MemoryLeak(Failure):
    """Retains real objects and runs real full collections, whose pauses stop every thread of the process.

    How long the pauses are is measured, not set; how many there are follows the model above, as CPython itself knows
    no heap limit. What a request owes is paid at once, to the nearest collection and with eight at the most; more than
    one with two, else a request were quicker than the one before it. A debt too small for one is saved up. What a
    collection costs is the median of the last three: any one may be held up by other processes.
    """

    name = "memory_leak"
    brief = "leaks {mb_per_request} each"
    simulated = NO_MEMORY
    story = "Every request leaves memory behind; collections get longer as the limit comes near."
    mb_per_request = Param(20.0, "memory that each request leaves behind", "MB", 0.01, 200)
    per_request = True

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._leaked: list[Ballast] = []
        self._limit_bytes = host.memory.limit_bytes or NO_LIMIT_BYTES
        self._collecting = threading.Lock()
        self._collected_at = 0.0
        self._saved_seconds = 0.0
        self._costs: deque[float] = deque(maxlen=3)  # of the last collections, in seconds per leaked byte
        self.leaked_bytes = 0

    @classmethod
    def why_not_simulated(cls, params: Mapping[str, Any]) -> str | None:
        """A request that leaves little behind is played as if it left nothing."""
        is_small = params.get("mb_per_request", cls.mb_per_request.default) < SMALL_LEAK_MB
        return None if is_small else NO_MEMORY

    def before_request(self, call: Call) -> None:
        gc.disable()  # how often it runs is this class's model; by itself it would visit half-made ballast many times
        try:
            self._leak(self.mb_per_request)
        finally:
            gc.enable()

    def _leak(self, mb: float) -> None:
        ballast = make_ballast(mb)
        with self._lock:
            kept = self.active
            if kept:
                self._leaked.append(ballast)
                self.leaked_bytes += int(mb * MB)
            due = self._collections_due(mb) if kept else 0
        if not kept:
            drop_ballast([ballast])  # a reset came meanwhile
        for _ in range(due):
            self._collect()

    def _collections_due(self, mb: float) -> int:
        """How many collections a request that left `mb` behind has to run; the lock is held."""
        room_bytes = max(MB, self._limit_bytes - self.leaked_bytes)
        owed_seconds = PAUSE_SECONDS_PER_MB * mb * self.leaked_bytes / room_bytes
        if not self._costs:
            return 1  # which is timed
        one_seconds = sorted(self._costs)[(len(self._costs) - 1) // 2] * self.leaked_bytes
        owed = owed_seconds / one_seconds
        if owed >= WORTH_ONE:
            return min(MAX_COLLECTIONS, max(int(owed + 1 - WORTH_ONE), 2 if owed >= WORTH_TWO else 1))
        self._saved_seconds += owed_seconds
        if self._saved_seconds < one_seconds:
            return 0
        self._saved_seconds -= one_seconds
        return 1

    def _collect(self) -> None:
        with self._collecting:
            self.wait(max(0.0, self._collected_at + GAP_SECONDS - time.perf_counter()))
            if not self.active:
                return
            began = time.perf_counter()
            gc.collect()
            self._collected_at = time.perf_counter()
            with self._lock:
                if self.leaked_bytes:  # else a reset came meanwhile
                    self._costs.append((self._collected_at - began) / self.leaked_bytes)

    def on_reset(self) -> None:
        with self._lock:
            leaked, self._leaked = self._leaked, []
            self.leaked_bytes = 0
            self._saved_seconds = 0.0
            self._costs.clear()  # timed again by the first leak after this
        if leaked:
            drop_ballast(leaked)
