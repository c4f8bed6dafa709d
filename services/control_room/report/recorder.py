"""Keeps a point a second of what is played, for a report that may be asked for long after its end."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

from services.common.topology import API, CHAIN_NAMES
from services.control_room.lab_state import LabState
from services.control_room.report.incident import Point
from services.control_room.status import LEVELS
from services.control_room.watching.journal import Journal

RECENT_POINTS = 300  # for a report of what nobody has begun: the last five minutes
MOST_SECONDS = 45 * 60.0
AFTER_SECONDS = 20.0  # how long it goes on after the end: the lab comes back then
NOTE_POINTS = 30  # so many more are kept at a time: 2,700 of them are 400 kB
SECTION = "recording"  # of the journal


class Recorder:
    """The points since `started_at` (seconds since 1970); None is that nobody has begun anything."""

    def __init__(self, journal: Journal, clock: Callable[[], float] = time.time) -> None:
        self._journal = journal
        self._clock = clock
        self._lock = threading.Lock()
        self._recent: deque[Point] = deque(maxlen=RECENT_POINTS)
        self._points: list[Point] = []
        self.started_at: float | None = None
        self.ended_at: float | None = None

    def restore(self) -> None:
        """Go on with what the control room before this one has kept; its last half minute may be missing."""
        kept = self._journal.section(SECTION)
        try:
            points = [Point(*row) for row in kept["points"]] if kept else []
            started_at, ended_at = (kept["started_at"], kept["ended_at"]) if kept else (None, None)
        except (KeyError, TypeError):
            return
        with self._lock:
            self._points, self.started_at, self.ended_at = points, started_at, ended_at

    def begin(self, started_at: float) -> None:
        """Something is played from that moment on: what was recorded before it is forgotten."""
        with self._lock:
            self.started_at, self.ended_at = started_at, None
            self._points = [point for point in self._recent if point.time >= started_at]
        self._note()

    def end(self, ended_at: float) -> None:
        """It is over; the recording stays until something else begins."""
        with self._lock:
            if self.started_at is None or self.ended_at is not None:
                return
            self.ended_at = ended_at
        self._note()

    def add(self, state: LabState) -> None:
        """Take one point."""
        point = _point(self._clock(), state)
        with self._lock:
            self._recent.append(point)
            if not self._takes(point.time):
                return
            self._points.append(point)
            is_due = len(self._points) % NOTE_POINTS == 0
        if is_due:
            self._note()

    def _takes(self, moment: float) -> bool:
        if self.started_at is None or moment < self.started_at:
            return False
        last = self.started_at + MOST_SECONDS
        return moment <= (last if self.ended_at is None else min(last, self.ended_at + AFTER_SECONDS))

    def points(self) -> tuple[Point, ...]:
        """Oldest first: of what was begun, or else of the last minutes."""
        with self._lock:
            return tuple(self._recent if self.started_at is None else self._points)

    def _note(self) -> None:
        with self._lock:
            kept = {"started_at": self.started_at, "ended_at": self.ended_at, "points": list(self._points)}
        self._journal.note(SECTION, kept)


def _point(now: float, lab: LabState) -> Point:
    kpis, traffic, api = lab.kpis, lab.traffic, lab.services[API.name].state
    return Point(
        round(now, 1),
        LEVELS[lab.status],
        success_ratio=_short(kpis.success_ratio),
        p50_seconds=_short(kpis.p50_seconds),
        p95_seconds=_short(kpis.p95_seconds),
        offered_rps=_short(kpis.offered_rps),
        served_rps=_short(kpis.served_rps),
        came=traffic.came if traffic else None,
        lost=traffic.lost if traffic else None,
        api_rss_bytes=api.rss_bytes if api else None,
        queues=[lab.services[name].queued for name in CHAIN_NAMES],
    )


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
