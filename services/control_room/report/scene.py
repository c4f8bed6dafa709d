"""Which scene a report is of: what the stage has told of it, kept after its end."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from services.common.scenes.files import all_scenes
from services.common.telemetry.wire import WireError, decode, encode
from services.control_room.report.incident import Mark
from services.control_room.report.recorder import Recorder
from services.control_room.watching.journal import Journal

SECTION = "played"  # of the journal


@dataclass(frozen=True)
class Told:
    """An expectation, as far as it was told; outcome is pending, pass or fail."""

    outcome: str
    text: str | None = None
    expected: str | None = None
    measured: str | None = None


@dataclass(frozen=True)
class Defence:
    """One that the scene was played with."""

    service: str
    name: str


@dataclass(frozen=True)
class Played:
    """A scene that is or was on stage. `marks` are its steps, by the wall clock."""

    name: str
    title: str
    started_at: float
    verdict: str
    checks: list[Told]
    defences: list[Defence] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def added(self) -> str:
        """The defences that it was played with, in words."""
        return " and ".join(f"{each.service}.{each.name}" for each in self.defences)


class Programme:
    """Follows the stage, and lets the recorder begin and end with each scene."""

    def __init__(self, recorder: Recorder, journal: Journal, clock: Callable[[], float]) -> None:
        self._recorder = recorder
        self._journal = journal
        self._clock = clock
        self._last: Played | None = None

    def restore(self) -> None:
        """Go on with what the control room before this one has kept."""
        try:
            found = decode(Played, self._journal.section(SECTION))
        except WireError:
            return
        self._last = found if found.name in all_scenes() else None

    def look(self, scene: Mapping[str, Any] | None) -> None:
        """Take what the stage tells of the scene that is on, as `Stage.describe` has it."""
        if scene is not None:
            self.follow(scene)
        elif self.last is not None:
            self._recorder.end(self._clock())

    def follow(self, scene: Mapping[str, Any]) -> None:
        """Take how a scene is, or how it was when it was over."""
        before = self._last if self._last and self._last.started_at == scene["started_at"] else None
        if before is None:
            self._recorder.begin(scene["started_at"])
        played = _played(scene, self._clock(), before.marks if before else [])
        if played != before:
            self._last = played
            self._journal.note(SECTION, encode(played))

    @property
    def last(self) -> Played | None:
        """The scene that is on or was the last one, unless something else has begun since."""
        last = self._last
        return last if last and last.started_at == self._recorder.started_at else None


def _played(scene: Mapping[str, Any], now: float, marks: list[Mark]) -> Played:
    """The scene as it is now; steps that are new have a mark where they belong, though its clock may have stood."""
    zero = now - scene["elapsed_seconds"]
    new = [Mark(zero + step["at_seconds"], step["say"]) for step in scene["steps"][len(marks) :]]
    return Played(
        name=scene["name"],
        title=scene["title"],
        started_at=scene["started_at"],
        verdict=scene["verdict"],
        checks=[decode(Told, check) for check in scene["checks"]],
        defences=[decode(Defence, each) for each in scene["with"]],
        marks=[*marks, *new],
    )
