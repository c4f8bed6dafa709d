"""One expectation of a scene, from pending to pass or fail. The simulation looks at scenes with it, too."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from services.common.http import problems
from services.common.scenes.measures import MEASURES, Recording
from services.common.scenes.model import Expectation, Step

TICK_SECONDS = 0.5  # how often an expectation is looked at
LATE_SECONDS = 2.0  # what was due longer ago than this, while the control room was away, was not measured
REPEAT_SECONDS = 3.0  # how long after its moment a measure is taken again, where the service did not answer in it
LEAST_PAUSE_SECONDS = 0.02  # between two looks; the scene's clock may stand just before a moment
PREVIEW_SECONDS = 2.0  # how often an expectation is measured before it is decided, for those who watch
KEPT = ("outcome", "measured", "confirmed_after_seconds")


class Check:
    """One expectation while its scene runs."""

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        self.outcome = "pending"
        self.measured: float | str | None = None
        self.confirmed_after_seconds: float | None = None
        self._next_preview = 0.0
        self._missed = False

    def look(self, recording: Recording) -> None:
        """Measure, when it is time, and decide."""
        entry, elapsed = self.expectation, recording.elapsed_seconds()
        is_early = entry.at_seconds is not None and elapsed < entry.at_seconds
        if self.outcome != "pending" or (is_early and elapsed < self._next_preview):
            return
        if self._missed:
            self.outcome = "fail"
            return
        self._next_preview = elapsed + PREVIEW_SECONDS
        try:
            self.measured = MEASURES[entry.measure].read(recording, entry)
        except problems.Unreachable:
            self.measured = None  # a service that is down is measured again, until time is up
        if is_early:
            return
        if entry.is_met_by(self.measured):
            self.outcome, self.confirmed_after_seconds = "pass", round(elapsed, 1)
        elif self._is_final() or elapsed >= self._deadline():
            self.outcome = "fail"

    def seconds_to_next_look(self, recording: Recording) -> float:
        """A tick, or less where its moment comes first."""
        left = (self.expectation.at_seconds or 0) - recording.elapsed_seconds()
        return min(TICK_SECONDS, max(LEAST_PAUSE_SECONDS, left)) if left > 0 else TICK_SECONDS

    def keep(self) -> dict[str, Any] | None:
        """What was decided, for the journal."""
        return {name: getattr(self, name) for name in KEPT} if self.outcome != "pending" else None

    def restore(self, kept: dict[str, Any] | None, elapsed: float) -> None:
        """Go on from there; nothing was measured at a moment that passed while the control room was away."""
        if kept is not None:
            for name in KEPT:
                setattr(self, name, kept[name])
            return
        entry = self.expectation
        is_late = elapsed > (entry.at_seconds or entry.within_seconds or 0) + LATE_SECONDS
        self._missed = is_late and not MEASURES[entry.measure].looking_back

    def _is_final(self) -> bool:
        """Whether measuring again would change nothing: it was measured at its moment, or of a request that ended."""
        entry = self.expectation
        return self.measured is not None and (entry.at_seconds is not None or entry.request > 0)

    def _deadline(self) -> float:
        """Seconds of the scene after which what has not been measured never will be."""
        entry = self.expectation
        return entry.at_seconds + REPEAT_SECONDS if entry.at_seconds is not None else entry.within_seconds or 0

    def is_open(self, elapsed: float, steps: Collection[Step], steps_done: int) -> bool:
        """Whether those who watch may read it: it is decided, or its window has begun and the steps before it are done.

        One that is looked for until it is there would tell what is to come: it opens when it is decided.
        """
        entry = self.expectation
        if self.outcome != "pending" or entry.at_seconds is None:
            return self.outcome != "pending"
        steps_before = sum(step.at_seconds < entry.at_seconds for step in steps)
        return elapsed >= entry.at_seconds - entry.window_seconds and steps_done >= steps_before

    def describe(self, is_open: bool) -> dict[str, Any]:
        """Expected beside measured, JSON-ready; of one that is not open yet only when it is due."""
        entry = self.expectation
        told = self._tell() if is_open else dict.fromkeys(("text", "measure", "expected", "value", "measured"))
        return {
            **told,
            "open": is_open,
            "outcome": self.outcome,
            "at_seconds": entry.at_seconds or entry.within_seconds,
            "confirmed_after_seconds": self.confirmed_after_seconds,
        }

    def _tell(self) -> dict[str, Any]:
        entry = self.expectation
        return {
            "text": entry.text,
            "measure": entry.measure,
            "expected": entry.expected(),
            "value": self.measured,
            "measured": entry.shown(self.measured) if self.measured is not None or self.outcome == "fail" else None,
        }
