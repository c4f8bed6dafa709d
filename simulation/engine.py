"""The engine: simulated time, and tasks that live in it."""

from __future__ import annotations

import heapq
import itertools
import threading
from collections import deque
from collections.abc import Generator
from typing import Any

# What a task is made of: it yields how many seconds it sleeps at most (None: until it is woken), and gets back what
# it was woken with, or None when its time was up.
Steps = Generator[float | None, Any, Any]


class Task:
    """A thread of the simulation. `turn` counts its awakenings, so that what comes too late for one is noticed."""

    __slots__ = ("notes", "steps", "turn")

    def __init__(self, steps: Steps) -> None:
        self.steps = steps
        self.turn = 0
        self.notes: dict[tuple[int, str], Any] = {}


def _nothing() -> Steps:
    """The steps of the task that is current before there is one."""
    yield from ()


class Engine:
    """Runs tasks in the order of simulated time; `now` is in seconds since the start."""

    def __init__(self) -> None:
        self.now = 0.0
        self.current = Task(_nothing())
        self.owed: list[Steps] = []
        self._ready: deque[tuple[Task, int, Any]] = deque()
        self._calendar: list[tuple[float, int, Task, int]] = []
        self._numbers = itertools.count()

    def spawn(self, steps: Steps) -> None:
        """Start a task, as soon as the current one sleeps."""
        self._ready.append((Task(steps), 0, None))

    def wake(self, task: Task, turn: int, value: Any) -> None:
        """Wake a task from the sleep that it began in that turn; one that woke before is left alone."""
        self._ready.append((task, turn, value))

    def run(self, until: float) -> None:
        """Let time pass."""
        ready, calendar, numbers = self._ready, self._calendar, self._numbers
        while True:
            if ready:
                task, turn, value = ready.popleft()
            elif calendar and calendar[0][0] <= until:
                self.now, _, task, turn = heapq.heappop(calendar)
                value = None
            else:
                break
            if task.turn != turn:
                continue
            task.turn = turn + 1
            self.current = task
            try:
                seconds = task.steps.send(value)
            except StopIteration:
                continue
            if seconds is not None:
                heapq.heappush(calendar, (self.now + seconds, next(numbers), task, task.turn))
        self.now = until

    def spend(self) -> Steps:
        """Sleep through the waits that a switch's hook has asked for."""
        owed, self.owed = self.owed, []
        for steps in owed:
            yield from steps


class Mailbox:
    """What several tasks send to one that waits for it."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._sent: deque[Any] = deque()
        self._waiting: tuple[Task, int] | None = None

    def put(self, message: Any) -> None:
        """Send it."""
        self._sent.append(message)
        if self._waiting is not None:
            self._engine.wake(*self._waiting, None)

    def get(self, seconds: float | None) -> Steps:
        """The first one, waiting at most so long; None where there is none."""
        if not self._sent:
            self._waiting = (self._engine.current, self._engine.current.turn)
            yield seconds
            self._waiting = None
        return self._sent.popleft() if self._sent else None


class Ended(threading.Event):
    """What a switch waits on here: its `wait` is noted, and spent when the hook has returned."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._sleeping: dict[Task, int] = {}

    def wait(self, timeout: float | None = None) -> bool:
        """Owe the wait."""
        self._engine.owed.append(self.sleep(timeout))
        return False

    def sleep(self, seconds: float | None) -> Steps:
        """Sleep, but no longer than until it is set."""
        if not self.is_set():
            task = self._engine.current
            self._sleeping[task] = task.turn
            yield seconds
            self._sleeping.pop(task, None)

    def set(self) -> None:
        """Wake all."""
        super().set()
        for task, turn in self._sleeping.items():
            self._engine.wake(task, turn, None)


class TaskLocal:
    """What `threading.local` is to threads, to tasks."""

    def __init__(self, engine: Engine) -> None:
        object.__setattr__(self, "_engine", engine)

    def __getattr__(self, name: str) -> Any:
        try:
            return self._engine.current.notes[id(self), name]
        except KeyError:
            raise AttributeError(name) from None

    def __setattr__(self, name: str, value: Any) -> None:
        self._engine.current.notes[id(self), name] = value
