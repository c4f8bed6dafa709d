"""Sliding windows over the last ten minutes: what the status, the KPIs and the scenes' expectations are read from."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable

from services.common.telemetry.state import Answers, Users

KEEP_SECONDS = 600
RECENT_SECONDS = 5  # whether anything comes back at all is judged over these


def quantile(ordered: list[float], q: float) -> float | None:
    """The q-quantile (nearest rank) of values in ascending order; None of none."""
    return ordered[min(len(ordered) - 1, int(q * len(ordered)))] if ordered else None


class Bucket:
    """The sums of a quarter of a second; `began` is the moment of its first event."""

    def __init__(self, began: float, columns: int) -> None:
        self.began = began
        self.sums = [0.0] * columns


class SumWindow:
    """Sums over things that happen, to a quarter of a second. Moments are of a clock that nobody sets."""

    def __init__(self, columns: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._columns = columns
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: deque[Bucket] = deque()

    def add(self, *values: float, to: Bucket | None = None) -> Bucket:
        """Add a value to each column, now, or at the moment of an earlier event: `to` is what that one returned."""
        now = self._clock()
        with self._lock:
            bucket = to or self._newest(now)
            for column, value in enumerate(values):
                bucket.sums[column] += value
        return bucket

    def _newest(self, now: float) -> Bucket:
        if not self._buckets or now - self._buckets[-1].began >= 0.25:
            self._buckets.append(Bucket(now, self._columns))
            while self._buckets[0].began < now - KEEP_SECONDS:
                self._buckets.popleft()
        return self._buckets[-1]

    def since(self, moment: float) -> list[float]:
        """The sum of each column since the moment."""
        sums = [0.0] * self._columns
        with self._lock:
            for bucket in reversed(self._buckets):
                if bucket.began < moment:
                    break
                for column, value in enumerate(bucket.sums):
                    sums[column] += value
        return sums

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._buckets.clear()


class CountWindow:
    """Counts things that happen (arrivals, attempts), to a quarter of a second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._sums = SumWindow(1, clock)

    def add(self) -> None:
        """One more, now."""
        self._sums.add(1)

    def since(self, moment: float) -> int:
        """How many since the moment (time.monotonic)."""
        return int(self._sums.since(moment)[0])

    def clear(self) -> None:
        """Forget everything."""
        self._sums.clear()


class AttemptWindow:
    """Calls and their attempts, each attempt counted at the moment of its call's first one.

    So attempts and calls are always of the same calls: their ratio never leaves 1 to the attempts that a call may make.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._sums = SumWindow(2, clock)

    def call(self) -> CountedCall:
        """A call, which counts from its first attempt on."""
        return CountedCall(self._sums)

    def since(self, moment: float) -> tuple[int, int]:
        """Calls that were begun since the moment (time.monotonic), and the attempts that they have made so far."""
        begun, attempts = self._sums.since(moment)
        return int(begun), int(attempts)

    def clear(self) -> None:
        """Forget everything."""
        self._sums.clear()


class CountedCall:
    """One call of an `AttemptWindow`."""

    def __init__(self, sums: SumWindow) -> None:
        self._sums = sums
        self._begun: Bucket | None = None

    def attempt(self) -> None:
        """The call sends an attempt, now."""
        if self._begun is None:
            self._begun = self._sums.add(1, 1)
        else:
            self._sums.add(0, 1, to=self._begun)


class WaitWindow:
    """How long things waited, each noted when its wait ended: the last 4,096 of them, which bounds a look's work."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ended: deque[tuple[float, float]] = deque(maxlen=4096)

    def add(self, seconds: float) -> None:
        """A wait of so many seconds ended now."""
        self._ended.append((self._clock(), seconds))

    def median(self, moment: float, waiting: Iterable[float] = ()) -> float | None:
        """Seconds that half of those waited who ended since the moment, or wait still (`waiting`: their ages)."""
        ended = [seconds for ended_at, seconds in list(self._ended) if ended_at >= moment]
        return quantile(sorted([*ended, *waiting]), 0.5)

    def clear(self) -> None:
        """Forget everything."""
        self._ended.clear()


class AnswerWindow:
    """Answers of a service: how many, how many of them errors, and what they took."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._sums = SumWindow(3, clock)

    def add(self, is_error: bool, seconds: float) -> None:
        """One answer, now, after so many seconds in the handler."""
        self._sums.add(1, is_error, seconds)

    def since(self, moment: float, now: float) -> Answers:
        """What was answered since the moment (time.monotonic)."""
        count, errors, seconds = self._sums.since(moment)
        last, _, _ = self._sums.since(max(moment, now - RECENT_SECONDS))
        return Answers(int(count), int(errors), seconds / count if count else None, int(last))

    def clear(self) -> None:
        """Forget everything."""
        self._sums.clear()


class UserWindow:
    """User requests that ended: when, how, and after how many seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
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

    def since(self, moment: float, waiting: Iterable[float] = ()) -> Users:
        """What ended since the moment, and with `waiting` (ages in seconds) what has not: p95 rises before it ends."""
        ended = [entry for entry in list(self._ended) if entry[0] >= moment]
        seconds = sorted(entry[2] for entry in ended)
        successes = sorted(entry[2] for entry in ended if entry[1] == "success")
        return Users(
            ended=len(ended),
            succeeded=len(successes),
            success_ratio=len(successes) / len(ended) if ended else None,
            p50_seconds=quantile(seconds, 0.5),
            p95_seconds=quantile(sorted([*seconds, *waiting]), 0.95) if ended or any(waiting) else None,
            p99_seconds=quantile(seconds, 0.99),
            success_p50_seconds=quantile(successes, 0.5),
            slowest_seconds=seconds[-1] if seconds else None,
        )
