"""Places: threads, connections and locks, and the queues before them; common/resources/slots.py has the real ones."""

from __future__ import annotations

from collections import OrderedDict

from services.common.http.problems import PoolTimeout, QueueFull

from .engine import Engine, Steps, Task


class _Waiter:
    """One task in the queue."""

    __slots__ = ("has_place", "task", "turn")

    def __init__(self, task: Task) -> None:
        self.task = task
        self.turn = task.turn
        self.has_place = False


class Places:
    """A first-in-first-out semaphore with a bounded or an unbounded queue."""

    def __init__(self, engine: Engine, capacity: int, queue_limit: int | None = None) -> None:
        self._engine = engine
        self._queue: OrderedDict[_Waiter, None] = OrderedDict()
        self._queue_limit = queue_limit
        self.capacity = capacity
        self.in_use = 0

    @property
    def queued(self) -> int:
        """How many wait."""
        return len(self._queue)

    def acquire(self, seconds: float | None = None) -> Steps:
        """Take a place, waiting at most so long.

        Raises:
            QueueFull, PoolTimeout: there is none.
        """
        if self.in_use < self.capacity and not self._queue:
            self.in_use += 1
            return
        if self._queue_limit is not None and len(self._queue) >= self._queue_limit:
            raise QueueFull("the queue is full")
        waiter = _Waiter(self._engine.current)
        self._queue[waiter] = None
        yield seconds
        if not waiter.has_place:
            del self._queue[waiter]
            raise PoolTimeout("no connection came free in time")

    def release(self) -> None:
        """Give a place back; who has waited longest gets it."""
        self.in_use -= 1
        self._hand_out()

    def resize(self, capacity: int, queue_limit: int | None = None) -> None:
        """Change the sizes. Places in use stay in use; a shorter queue sends nobody away."""
        self.capacity = capacity
        self._queue_limit = queue_limit
        self._hand_out()

    def _hand_out(self) -> None:
        while self._queue and self.in_use < self.capacity:
            waiter, _ = self._queue.popitem(last=False)
            waiter.has_place = True
            self.in_use += 1
            self._engine.wake(waiter.task, waiter.turn, None)
