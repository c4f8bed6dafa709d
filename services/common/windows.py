"""Sliding windows over the last ten minutes: what the status, the KPIs and the scenes' expectations are read from."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

KEEP_SECONDS = 600


def quantile(ordered: list[float], q: float) -> float | None:
    """The q-quantile (nearest rank) of values in ascending order; None of none."""
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None


class CountWindow:
    """Counts things that happen (arrivals, attempts), to a quarter of a second. Times are seconds since 1970."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._quarters: deque[list[float]] = deque()  # [moment of the first, count]

    def add(self) -> None:
        """One more, now."""
        now = self._clock()
        with self._lock:
            if self._quarters and now - self._quarters[-1][0] < 0.25:
                self._quarters[-1][1] += 1
                return
            self._quarters.append([now, 1])
            while self._quarters[0][0] < now - KEEP_SECONDS:
                self._quarters.popleft()

    def since(self, moment: float) -> int:
        """How many since the moment."""
        with self._lock:
            return int(sum(count for began, count in self._quarters if began >= moment))

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._quarters.clear()


class UserWindow:
    """User requests that ended: when, how, and after how many seconds."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._ended: deque[tuple[float, str, float]] = deque()

    def add(self, outcome: str, seconds: float) -> None:
        """One request ended now."""
        now = self._clock()
        self._ended.append((now, outcome, seconds))
        while self._ended[0][0] < now - KEEP_SECONDS:
            self._ended.popleft()

    def clear(self) -> None:
        """Forget everything."""
        self._ended.clear()

    def since(self, moment: float, waiting: Iterable[float] = ()) -> dict[str, Any]:
        """What ended since the moment, and with `waiting` (ages in seconds) what has not.

        `p95_seconds` counts those who still wait with their age so far, so that it rises before anything ends;
        `p50_seconds` and `success_p5_seconds` are of those that ended.
        """
        ended = [entry for entry in list(self._ended) if entry[0] >= moment]
        seconds = sorted(entry[2] for entry in ended)
        successes = sorted(entry[2] for entry in ended if entry[1] == "success")
        return {
            "since": moment,
            "ended": len(ended),
            "succeeded": len(successes),
            "success_ratio": len(successes) / len(ended) if ended else None,
            "p50_seconds": quantile(seconds, 0.5),
            "p95_seconds": quantile(sorted([*seconds, *waiting]), 0.95) if ended or any(waiting) else None,
            "success_p5_seconds": quantile(successes, 0.05),
            "success_p50_seconds": quantile(successes, 0.5),
            "slowest_seconds": seconds[-1] if seconds else None,
        }
