"""The report of this moment: of the scene that is on or was the last one, or else of the last minutes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from services.common.http import problems
from services.common.scenes.files import find_scene
from services.common.scenes.model import Scene
from services.control_room.drills.drill import Drill
from services.control_room.drills.drills import Drills
from services.control_room.drills.report import incident_of
from services.control_room.history import History
from services.control_room.lab_state import LabState
from services.control_room.report.incident import Happening, Incident, Mark
from services.control_room.report.recorder import AFTER_SECONDS, Recorder
from services.control_room.report.scene import Played, Programme
from services.control_room.report.sections import sections_of
from services.control_room.room.bets import Bets
from services.control_room.stage import Stage
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal

MOST_MARKS = 20  # of what nobody has begun: a mark for each switch


class Reports:
    """Records, and says what the incident is."""

    def __init__(
        self,
        journal: Journal,
        events: EventLog,
        stage: Stage,
        bets: Bets,
        history: History,
        drills: Drills,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.recorder = Recorder(journal, clock)
        self._programme = Programme(self.recorder, journal, clock)
        self._events = events
        self._stage = stage
        self._bets = bets
        self._history = history
        self._drills = drills
        self._clock = clock
        stage.when_over = self._programme.follow

    def restore(self) -> None:
        """Go on with what the control room before this one has kept."""
        self.recorder.restore()
        self._programme.restore()

    def add(self, state: LabState) -> None:
        """Take how the lab is at this second."""
        self._look()  # first, so that the point after a reset comes after the end
        self.recorder.add(state)

    def _look(self) -> None:
        self._programme.look(self._stage.describe())
        drill = self._drills.last
        if drill is None:
            return
        if drill.started_at > (self.recorder.started_at or 0):
            self.recorder.begin(drill.started_at)
        if drill.ended_at is not None and drill.started_at == self.recorder.started_at:
            self.recorder.end(drill.ended_at)

    def incident(self) -> Incident:
        """What a report tells of now: of the drill or the scene that began last.

        Raises:
            NotNow: a drill hides what is wrong.
        """
        self._look()
        drill = self._drills.last
        if drill is not None and drill.is_running:
            raise problems.NotNow("a drill is on: its report tells what it was, and comes at its end")
        if drill is not None and drill.started_at == self.recorder.started_at:
            return self._of_drill(drill)
        played = self._programme.last
        return self._last_minutes() if played is None else self._of_scene(played)

    def happenings(self, began: float, ended: float) -> tuple[Happening, ...]:
        """The activity log between two moments."""
        found = [Happening(event["time"], event["level"], event["text"]) for event in self._events.after(0)]
        return tuple(happening for happening in found if began <= happening.at <= ended)

    def _of_drill(self, drill: Drill) -> Incident:
        ended = (drill.ended_at or self._clock()) + AFTER_SECONDS
        return incident_of(drill, self.recorder.points(), self.happenings(drill.started_at, ended))

    def _of_scene(self, played: Played) -> Incident:
        recorder, scene = self.recorder, find_scene(played.name)
        ended_at = recorder.ended_at
        is_over = ended_at is not None
        ended = ended_at if ended_at is not None else self._clock()
        happenings = self.happenings(0, ended + AFTER_SECONDS)
        reset = [Mark(ended, "the scene is over")] if is_over else []
        is_told = is_over or played.verdict != "pending"
        comparison = self._stage.outcomes.compared(played.started_at)
        return Incident(
            title=f"{scene.title}, with {played.added}" if played.added else scene.title,
            story=(scene.story, scene.lesson) if is_told and scene.lesson else (scene.story,),
            started_at=played.started_at,
            ended_at=ended,
            is_over=is_over,
            points=recorder.points(),
            happenings=happenings[_first_line(happenings, scene, played.started_at) :],
            marks=(*played.marks, *reset),
            summary=_verdict(played),
            sections=sections_of(played, self._bets.decided(scene.name), comparison),
            questions=scene.questions if is_told else (),
        )

    def _last_minutes(self) -> Incident:
        points, ended = self.recorder.points(), self._clock()
        began = points[0].time if points else ended
        marks = tuple(Mark(at, text) for at, text in self._history.marks(began)[-MOST_MARKS:])
        return Incident(
            title="The last minutes of the lab",
            story=("No scene was on. This is what the lab has seen in the last minutes.",),
            started_at=began,
            ended_at=ended,
            points=points,
            happenings=self.happenings(began, ended),
            marks=marks,
        )


def _first_line(happenings: Sequence[Happening], scene: Scene, started_at: float) -> int:
    """Where the log begins to tell of the scene: before its start, with the reset."""
    begins = f"scene {scene.name}: {scene.title};"
    found = [
        number
        for number, happening in enumerate(happenings)
        if happening.at <= started_at and happening.text.startswith(begins)
    ]
    if found:
        return found[-1]
    return next((number for number, happening in enumerate(happenings) if happening.at >= started_at), len(happenings))


def _verdict(played: Played) -> tuple[str, ...]:
    if played.verdict == "pending" or played.added:
        return ()
    met = sum(check.outcome == "pass" for check in played.checks)
    return (f"{met} of the scene's {len(played.checks)} expectations came true.",)
