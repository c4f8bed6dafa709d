"""Failure: every request leaves memory behind, and the garbage collector pays for it."""

import gc
import threading
import time

from services.common.ballast import Ballast, drop_ballast, make_ballast
from services.common.call import Call
from services.common.memory import MB
from services.common.params import Param
from services.common.switches import Failure, Host

# A managed runtime collects more and more often as its live heap nears the limit: the cost of an allocation follows
# live / (limit - live) (Jones, Hosking, Moss, "The Garbage Collection Handbook"). Here: 450 ms for 20 MB at 200 of 512.
PAUSE_SECONDS_PER_MB = 0.450 / 20 * (512 - 200) / 200
MAX_COLLECTIONS = 8
NO_LIMIT_BYTES = 512 * MB


class MemoryLeak(Failure):
    """Retains real objects and runs real full collections, whose pauses stop every thread of the process.

    How long the pauses are is measured, not set; how many there are follows the model above, as CPython itself knows
    no heap limit. A collection is run when at least half of what it costs is owed, at most eight in a request.
    """

    name = "memory_leak"
    story = "Every request leaves memory behind; collections get longer as the limit comes near."
    params = (Param("mb_per_request", "memory that each request leaves behind", 20.0, "MB", 0.01, 200),)
    per_request = True

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._leaked: list[Ballast] = []
        self._limit_bytes = host.memory.limit_bytes or NO_LIMIT_BYTES
        self._owed_seconds = 0.0
        self._seconds_per_byte = 0.0
        self.leaked_bytes = 0

    def before_request(self, call: Call) -> None:
        mb = self.values.mb_per_request
        ballast = make_ballast(mb)
        if not self._keep(ballast, mb):
            drop_ballast([ballast])  # a reset came meanwhile
            return
        for _ in range(MAX_COLLECTIONS):
            if not self._collect_if_owed():
                return
        self._owed_seconds = 0.0

    def _keep(self, ballast: Ballast, mb: float) -> bool:
        with self._lock:
            if not self.active:
                return False
            self._leaked.append(ballast)
            live_bytes = self.leaked_bytes + mb * MB / 2  # on average, while this request allocated
            self.leaked_bytes += int(mb * MB)
            room_bytes = max(MB, self._limit_bytes - live_bytes)
            self._owed_seconds += PAUSE_SECONDS_PER_MB * mb * live_bytes / room_bytes
            return True

    def _collect_if_owed(self) -> bool:
        with self._lock:
            expected_seconds = self._seconds_per_byte * self.leaked_bytes
            if not self.active or self._owed_seconds <= expected_seconds / 2:
                return False
            self._owed_seconds -= expected_seconds
        began = time.perf_counter()
        gc.collect()
        seconds = time.perf_counter() - began
        with self._lock:
            # A collection that the machine held up does not buy long freedom from the next ones.
            self._owed_seconds = max(-expected_seconds, self._owed_seconds - (seconds - expected_seconds))
            self._seconds_per_byte = seconds / max(1, self.leaked_bytes)
        return True

    def on_reset(self) -> None:
        with self._lock:
            leaked, self._leaked = self._leaked, []
            self.leaked_bytes = 0
            self._owed_seconds = 0.0
        if leaked:
            drop_ballast(leaked)
