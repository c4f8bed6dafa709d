"""One look at the requests of this moment, for everybody who watches the stage."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from services.common.calls.admin_client import AdminClient
from services.common.http import problems
from services.common.telemetry.spans import COLUMNS, KEEP_SECONDS
from services.common.topology import CHAIN, instances
from services.control_room.lab import Lab

SHARED_SECONDS = 0.5  # a look is the answer to everybody who asks within this time
MOST_USERS = 30  # that come in a second and are shown each; of more, one in so many is
TIMEOUT_SECONDS = 0.3
NAMES = [instance.name for instance in instances(CHAIN)]


class SpanLook:
    """Asks every instance only while somebody watches, and once for all of them."""

    def __init__(self, lab: Lab, clock: Callable[[], float] = time.monotonic) -> None:
        self._lab = lab
        self._clock = clock
        self._lock = threading.Lock()
        self._looked_at = -math.inf
        self._last: dict[str, Any] = {}

    def get(self) -> dict[str, Any]:
        """`spans` has rows of `columns` for each instance that answers; `one_in` is the sample, 1 is all requests."""
        with self._lock:
            if self._clock() - self._looked_at >= SHARED_SECONDS:
                self._last = self._look()
                self._looked_at = self._clock()
            return self._last

    def _look(self) -> dict[str, Any]:
        one_in = max(1, math.ceil(self._users() / MOST_USERS))
        answers = self._lab.peers.each(NAMES, partial(_rows, one_in=one_in))
        spans = {name: rows for name, rows in answers.items() if not isinstance(rows, problems.Problem)}
        return {"now": time.time(), "kept_seconds": KEEP_SECONDS, "one_in": one_in, "columns": COLUMNS, "spans": spans}

    def _users(self) -> float:
        latest = self._lab.latest
        return latest.traffic.rps if latest and latest.traffic else 0.0


def _rows(client: AdminClient, one_in: int) -> Any:
    return client.get(f"/admin/spans?one_in={one_in}", TIMEOUT_SECONDS)["rows"]
