"""Slots: a bounded number of places, and a bounded first-in-first-out queue before them."""

from __future__ import annotations

import threading
from collections import deque

from services.common.problems import PoolTimeout, QueueFull, Reset


class _Waiter:
    """One thread in the queue. `event` is set when it has a slot, or is sent away."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.has_slot = False


class Slots:
    """A first-in-first-out semaphore that can be resized and drained while threads wait in it.

    It is the database's connection slots with their queue, and the api's connection pool with its wait.
    """

    def __init__(self, capacity: int, queue_limit: int | None = None) -> None:
        """`queue_limit` is how many may wait; None is no limit."""
        self._lock = threading.Lock()
        self._waiters: deque[_Waiter] = deque()
        self._queue_limit = queue_limit
        self.capacity = capacity
        self.in_use = 0

    @property
    def queued(self) -> int:
        """How many threads wait."""
        return len(self._waiters)

    def acquire(self, wait_seconds: float | None = None) -> None:
        """Take a slot, waiting in line for at most `wait_seconds` (None: as long as it takes).

        Raises:
            QueueFull: the queue is at its limit.
            PoolTimeout: no slot came free in time.
            Reset: the queue was drained.
        """
        with self._lock:
            if self.in_use < self.capacity and not self._waiters:
                self.in_use += 1
                return
            if self._queue_limit is not None and len(self._waiters) >= self._queue_limit:
                raise QueueFull(f"all {self.capacity} connections are busy and {self._queue_limit} requests wait")
            waiter = _Waiter()
            self._waiters.append(waiter)
        waiter.event.wait(wait_seconds)
        with self._lock:
            if waiter.has_slot:  # perhaps in the very last moment
                return
            if waiter.event.is_set():
                raise Reset("the queue was drained by a reset")
            self._waiters.remove(waiter)
        raise PoolTimeout(f"none of {self.capacity} connections came free within {wait_seconds:g} s")

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
