"""The workshop that is on: moved by one key, and kept in the journal."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any

from services.common.http import problems
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from services.control_room.workshop.files import find_plan
from services.control_room.workshop.hands import Hands
from services.control_room.workshop.progress import END, PART, Progress

Clock = Callable[[], float]
log = logging.getLogger(__name__)
ACTIONS = ("start", "next", "skip", "back", "end")
SECTION = "workshop"


class Workshop:
    """One at a time. `clock` is the time of day, as a workshop goes on over a restart of the control room.

    It tells the activity log nothing: the room reads that.
    """

    def __init__(
        self, journal: Journal, events: EventLog, hands: Hands, clock: Callable[[], float] = time.time
    ) -> None:
        self._journal = journal
        self._events = events
        self._hands = hands
        self._clock = clock
        self._acting = threading.Lock()
        self._progress: Progress | None = None

    def restore(self) -> None:
        """Go on where the control room before this one ended."""
        kept = self._journal.section(SECTION)
        if kept is None:
            return
        try:
            self._progress = Progress.of(kept)
        except Exception:  # whatever it is, it must not keep the control room from starting
            log.exception("the workshop in the journal")
            self._events.add("the workshop that was on cannot go on: the control room's log says why", level="warning")

    def describe(self) -> dict[str, Any] | None:
        """The plan, the place in it, and the clock, for the presenter alone; None is no workshop."""
        progress = self._progress
        return progress.describe(self._clock()) if progress else None

    def act(self, action: str, name: str = "", at: str | None = None) -> dict[str, Any] | None:
        """Start a workshop, do its next beat, skip it, go back by one, or end it.

        Going back and skipping move the place in the plan, and do nothing to the lab. `at` is the place that the
        caller saw: a press that was meant for another place is refused.

        Raises:
            NotFound: no such workshop.
            NotNow: none is on, another one is, or the press before this one is still being done.
            Overtaken: the place is another one by now.
            Problem: the lab refuses what the beat does; the place stays.
        """
        if not self._acting.acquire(blocking=False):
            raise problems.NotNow("the press before this one is still being done")
        try:
            self._progress = self._started(name) if action == "start" else self._moved(action, at)
            if self._progress is None:
                self._hands.clear_the_room()
            self._journal.note(SECTION, self._progress.keep() if self._progress else None)
        finally:
            self._acting.release()
        return self.describe()

    def _started(self, name: str) -> Progress:
        plan = find_plan(name)
        if self._progress is not None:
            raise problems.NotNow(f"{self._progress.plan.name} is on: end it first")
        self._hands.clear_the_room()
        return Progress(plan, (self._clock(),))

    def _moved(self, action: str, at: str | None) -> Progress | None:
        progress = self._progress
        if progress is None:
            raise problems.NotNow("no workshop is on")
        if at is not None and at != progress.at:
            raise problems.Overtaken(f"the workshop is at {progress.at} by now, and not at {at:.20}")
        if action == "end":
            return None
        if action == "back":
            return progress.back()
        if action == "next" and progress.next.does not in (PART, END):
            self._hands.do(progress.part, progress.next)
        return progress.forward(self._clock())
