"""Slots: a bounded number of places, and a bounded first-in-first-out queue before them."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from services.common.http.problems import PoolTimeout, QueueFull, Reset


class _Waiter:
    """One thread in the queue since a moment. `event` is set when it has a slot, or is sent away."""

    def __init__(self, since: float) -> None:
        self.since = since
        self.event = threading.Event()
        self.has_slot = False


def _ignore(seconds: float) -> None:
    """Nobody wants to know."""


class Slots:
    """A first-in-first-out semaphore that can be resized and drained while threads wait in it.

    It is the database's connection slots with their queue, and the api's connection pool with its wait.
    """

    def __init__(
        self,
        capacity: int,
        queue_limit: int | None = None,
        waited: Callable[[float], None] = _ignore,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`queue_limit` is how many may wait; None is no limit. `waited` is told the seconds of each wait at its end.

        A slot that is free is a wait of 0 s; who is turned away at once, or drained, has not waited.
        """
        self._lock = threading.Lock()
        self._waiters: deque[_Waiter] = deque()
        self._queue_limit = queue_limit
        self._waited = waited
        self._clock = clock
        self.capacity = capacity
        self.in_use = 0

    @property
    def queued(self) -> int:
        """How many threads wait."""
        return len(self._waiters)

    def ages(self) -> list[float]:
        """Seconds that each thread has waited that waits now."""
        now = self._clock()
        return [now - waiter.since for waiter in list(self._waiters)]

    def acquire(self, wait_seconds: float | None = None) -> None:
        """Take a slot, waiting in line for at most `wait_seconds` (None: as long as it takes).

        Raises:
            QueueFull: the queue is at its limit.
            PoolTimeout: no slot came free in time.
            Reset: the queue was drained.
        """
        waiter = self._take_or_queue()
        if waiter is None:
            self._waited(0.0)
            return
        waiter.event.wait(wait_seconds)
        with self._lock:
            has_slot = waiter.has_slot  # perhaps in the very last moment
            if not has_slot:
                if waiter.event.is_set():
                    raise Reset("the queue was drained by a reset")
                self._waiters.remove(waiter)
        self._waited(self._clock() - waiter.since)
        if not has_slot:
            raise PoolTimeout(f"none of {self.capacity} connections came free within {wait_seconds:g} s")

    def _take_or_queue(self) -> _Waiter | None:
        """A place in the queue; None where a slot was free and is taken."""
        with self._lock:
            if self.in_use < self.capacity and not self._waiters:
                self.in_use += 1
                return None
            if self._queue_limit is not None and len(self._waiters) >= self._queue_limit:
                raise QueueFull(f"all {self.capacity} connections are busy and {self._queue_limit} requests wait")
            waiter = _Waiter(self._clock())
            self._waiters.append(waiter)
            return waiter

    def release(self) -> None:
        """Give a slot back; the thread that has waited longest gets it."""
        with self._lock:
            self.in_use -= 1
            self._hand_out()

    def resize(self, capacity: int, queue_limit: int | None = None) -> None:
        """Change the sizes. Slots in use stay in use; a shorter queue sends nobody away."""
        with self._lock:
            self.capacity = capacity
            self._queue_limit = queue_limit
            self._hand_out()

    def drain(self) -> None:
        """Send every waiting thread away with `Reset`."""
        with self._lock:
            for waiter in self._waiters:
                waiter.event.set()
            self._waiters.clear()

    def _hand_out(self) -> None:
        while self._waiters and self.in_use < self.capacity:
            waiter = self._waiters.popleft()
            waiter.has_slot = True
            self.in_use += 1
            waiter.event.set()
