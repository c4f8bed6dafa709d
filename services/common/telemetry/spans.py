"""The requests of this moment, one by one: those that are here, and those that have just ended. What the stage draws.

A span is one request in one instance: when its caller sent it, when it came out of the last queue, when it ended, and
when its caller stops waiting. Nothing is made up: a request that the instance has not taken up yet is not here, but in
the caller's span.
"""

from __future__ import annotations

import time
import zlib
from collections import deque
from collections.abc import Callable

from services.common.calls.call import Call

COLUMNS = ("id", "sent_at", "turn_at", "ended_at", "gives_up_at", "ok")  # moments in seconds since 1970, or None
KEPT = 1000
KEEP_SECONDS = 3.0
Row = list[str | float | bool | None]


class Spans:
    """The user requests of one instance. What is sampled depends on the id, so that all instances pick the same."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._open: dict[int, Call] = {}
        self._ended: deque[tuple[float, Call]] = deque(maxlen=KEPT)

    def begin(self, call: Call) -> None:
        """A request was taken up."""
        self._open[id(call)] = call

    def end(self, call: Call) -> None:
        """A request has its answer; nothing if it never began here."""
        if self._open.pop(id(call), None) is not None:
            self._ended.append((self._clock(), call))

    def rows(self, one_in: int) -> list[Row]:
        """One of so many requests, in COLUMNS: those that ended in the last KEEP_SECONDS, then those that are here."""
        since = self._clock() - KEEP_SECONDS
        ended = [_row(call, at) for at, call in list(self._ended) if at > since and is_sampled(call, one_in)]
        return ended + [_row(call, None) for call in list(self._open.values()) if is_sampled(call, one_in)]


def is_sampled(call: Call, one_in: int) -> bool:
    """Whether this request is one of the sample."""
    return zlib.crc32(call.request_id.encode()) % one_in == 0


def _row(call: Call, ended_at: float | None) -> Row:
    moments = (call.sent_at, call.turn_at, ended_at, call.deadline)
    return [call.request_id[:8], *(None if moment is None else round(moment, 3) for moment in moments), call.is_good]
