"""Two outcomes: a scene played twice for the same users, without and with some defences, second by second."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from services.common.scenes.model import Play, Scene
from services.common.telemetry.wire import WireError, decode, encode
from services.control_room.watching.journal import Journal

SECTION = "outcomes"  # of the journal
NOTE_POINTS = 5  # so many more are kept at a time
MOST_POINTS = 1800
LATE_SECONDS = 2.0  # after its end: the last second's point
HALF_SECOND = 0.5  # points come each second: as close as the two runs' moments can be


@dataclass
class Outcome:
    """One of the two runs, which began at `started_at` (Unix time, in seconds).

    `lost` are the users so far who were not served; `told` is what the traffic counted last. `checks` are what the
    scene measured, and `decided_seconds` when the last of them was decided; empty and None until then.
    """

    title: str
    started_at: float
    seconds: list[float] = field(default_factory=list)
    success: list[float | None] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)
    told: int = 0
    checks: list[dict[str, Any]] = field(default_factory=list)
    decided_seconds: float | None = None

    @property
    def total(self) -> int:
        """Users lost in all."""
        return self.lost[-1] if self.lost else 0

    def add(self, seconds: float, success: float | None, told: int) -> None:
        """Take one point; a traffic that was started again counts from 0."""
        if len(self.seconds) < MOST_POINTS:
            self.seconds.append(round(seconds, 1))
            self.success.append(success)
            self.lost.append(self.total + (told - self.told if told >= self.told else told))
        self.told = told


@dataclass
class Comparison:
    """The scene, its seed, and its one or two runs so far; the last one is of the epoch of that number."""

    scene: str
    title: str
    duration_seconds: float
    seed: int
    epoch: int = 0
    runs: list[Outcome] = field(default_factory=list)

    @property
    def end_seconds(self) -> float:
        """When a run's users are no longer counted: the second run has as long as the first one had."""
        if len(self.runs) > 1 and self.runs[0].seconds:
            return self.runs[0].seconds[-1] + HALF_SECOND
        return self.duration_seconds + LATE_SECONDS


class Outcomes:
    """Keeps the last comparison until another scene is played; a reset changes nothing about it."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._lock = threading.Lock()
        self._now: Comparison | None = None

    def restore(self) -> None:
        """Go on with what the control room before this one has kept."""
        try:
            self._now = decode(Comparison, self._journal.section(SECTION))
        except WireError:
            self._now = None

    def begin(self, scene: Scene, play: Play, epoch: int, started_at: float, *, is_second: bool) -> None:
        """A scene begins, in the epoch of that number: the first run of a comparison, the second, or none."""
        with self._lock:
            if play.then:
                self._now = Comparison(scene.name, scene.title, scene.duration_seconds, play.seed)
            if not (play.then or is_second) or self._now is None:
                self._now = None
            else:
                self._now.epoch = epoch
                title = f"with {play.added}" if play.defences else "as it is"
                self._now.runs.append(Outcome(title, started_at))
        self._note()

    def add(self, epoch: int, seconds: float, success: float | None, lost: int) -> None:
        """How the scene of that epoch does, so many seconds in; nothing after its end, or if it is not compared."""
        with self._lock:
            if self._now is None or self._now.epoch != epoch or seconds > self._now.end_seconds:
                return
            run = self._now.runs[-1]
            run.add(seconds, success, lost)
            is_due = len(run.seconds) % NOTE_POINTS == 0
        if is_due:
            self._note()

    def decide(self, epoch: int, checks: list[dict[str, Any]], seconds: float) -> None:
        """The scene of that epoch has measured everything, so many seconds in."""
        with self._lock:
            if self._now is None or self._now.epoch != epoch:
                return
            run = self._now.runs[-1]
            run.checks, run.decided_seconds = checks, seconds
        self._note()

    def _note(self) -> None:
        with self._lock:
            kept = encode(self._now) if self._now else None
        self._journal.note(SECTION, kept)

    def compared(self, started_at: float) -> Comparison | None:
        """The comparison that the scene which began at that moment is a run of."""
        with self._lock:
            found = self._now
            return found if found and any(run.started_at == started_at for run in found.runs) else None

    def describe(self) -> dict[str, Any]:
        """As `GET /api/outcomes` shows them: `comparison` is None where there is none."""
        with self._lock:
            if self._now is None:
                return {"comparison": None}
            runs = [{**vars(run), "total": run.total} for run in self._now.runs]
            return {"comparison": {**vars(self._now), "runs": runs}}
