"""The stage: plays one scene at a time, and checks its expectations as it goes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from services.common import problems
from services.control_room.measures import MEASURES, Recording
from services.control_room.scenes import Expectation, Scene, Step, Switched, find_scene

if TYPE_CHECKING:
    from services.control_room.lab import Lab

log = logging.getLogger(__name__)
TICK_SECONDS = 0.5
PREVIEW_SECONDS = 2.0  # how often an expectation is measured before it is decided, for those who watch


class Check:
    """One expectation while its scene runs."""

    def __init__(self, expectation: Expectation) -> None:
        self.expectation = expectation
        self.outcome = "pending"
        self.measured: float | str | None = None
        self.confirmed_after_seconds: float | None = None
        self._next_preview = 0.0

    def look(self, recording: Recording) -> None:
        """Measure, when it is time, and decide."""
        entry, elapsed = self.expectation, recording.elapsed_seconds()
        is_early = entry.at_seconds is not None and elapsed < entry.at_seconds
        if self.outcome != "pending" or (is_early and elapsed < self._next_preview):
            return
        self._next_preview = elapsed + PREVIEW_SECONDS
        try:
            self.measured = MEASURES[entry.measure](recording, entry)
        except problems.Unreachable:
            self.measured = None  # a service that is down is measured again, until time is up
        if is_early:
            return
        if entry.is_met_by(self.measured):
            self.outcome, self.confirmed_after_seconds = "pass", round(elapsed, 1)
        elif self._is_final() or elapsed >= (entry.within_seconds or 0):
            self.outcome = "fail"

    def _is_final(self) -> bool:
        """Whether measuring again would change nothing: it was measured at its moment, or of a request that ended."""
        entry = self.expectation
        return entry.at_seconds is not None or (entry.request > 0 and self.measured is not None)

    def describe(self) -> dict[str, Any]:
        """Expected beside measured, JSON-ready."""
        entry = self.expectation
        return {
            "text": entry.text,
            "measure": entry.measure,
            "expected": entry.expected(),
            "value": self.measured,
            "measured": entry.shown(self.measured) if self.measured is not None or self.outcome == "fail" else None,
            "outcome": self.outcome,
            "at_seconds": entry.at_seconds or entry.within_seconds,
            "confirmed_after_seconds": self.confirmed_after_seconds,
        }


class Run:
    """One scene on the stage."""

    def __init__(
        self, scene: Scene, lab: Lab, recording: Recording, narrate: bool, defences: Sequence[Switched], seed: int
    ) -> None:
        self.scene = scene
        self.defences = tuple(defences)
        self._seed = seed
        self.recording = recording
        self.checks = [Check(entry) for entry in scene.expect]
        self._lab = lab
        self._narrate = narrate
        self._ended = threading.Event()
        self._step = ""

    def start(self) -> None:
        """Play the steps and check the expectations, from two threads: a step may take its time."""
        for task in (self._play, self._check):
            threading.Thread(target=self._safely, args=(task,), name=f"scene-{self.scene.name}", daemon=True).start()

    def stop(self) -> None:
        """The scene is over."""
        self._ended.set()

    def _safely(self, task: Callable[[], None]) -> None:
        try:
            task()
        except Exception:
            log.exception("scene %s", self.scene.name)
            self._lab.events.add(f"scene {self.scene.name} broke off: the control room's log says why", level="error")

    def _play(self) -> None:
        for step in self.scene.steps:
            if self._ended.wait(max(0.0, step.at_seconds - self.recording.elapsed_seconds())):
                return
            self._step = step.say
            if self._narrate:
                self._lab.events.add(step.say)
            self._do(step)

    def _do(self, step: Step) -> None:
        for result in self._lab.test_requests(step.requests) if step.requests else ():
            self.recording.note_request(result)
            if self._ended.is_set():
                return
        for switched, active in [(each, False) for each in step.off] + [(each, True) for each in step.on]:
            if self._ended.is_set():
                return
            params = switched.params if active else {}
            self._lab.switch(switched.service, switched.kind, switched.name, active, params)
        if step.rps is not None and not self._ended.is_set():
            self._lab.set_traffic(step.rps, self._seed)

    def _check(self) -> None:
        while not self._ended.wait(TICK_SECONDS):
            for check in self.checks:
                check.look(self.recording)
            if self.verdict() != "pending":
                words = {"pass": ("as expected", "good"), "fail": ("not as expected", "error")}[self.verdict()]
                self._lab.events.add(f"scene {self.scene.name}: {words[0]}", level=words[1])
                return

    def verdict(self) -> str:
        """Pending until every expectation is decided; then pass or fail."""
        outcomes = {check.outcome for check in self.checks}
        return "pending" if "pending" in outcomes else "fail" if "fail" in outcomes else "pass"

    def describe(self) -> dict[str, Any]:
        """The scene as `GET /api/state` shows it."""
        verdict = self.verdict()
        return {
            "name": self.scene.name,
            "title": self.scene.title,
            "started_at": self.recording.started_at,
            "elapsed_seconds": round(self.recording.elapsed_seconds(), 1),
            "duration_seconds": self.scene.duration_seconds,
            "with": [vars(switched) for switched in self.defences],
            "seed": self._seed,
            "step": self._step,
            "finished": verdict != "pending",
            "verdict": verdict,
            "checks": [check.describe() for check in self.checks],
        }


class Stage:
    """Holds the scene that is on."""

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._lock = threading.Lock()
        self._run: Run | None = None
        self._before_rss: dict[str, int] = {}

    @property
    def active(self) -> str | None:
        """The name of the scene that is on."""
        run = self._run
        return run.scene.name if run else None

    def describe(self) -> dict[str, Any] | None:
        """The scene that is on, or None."""
        run = self._run
        return run.describe() if run else None

    @property
    def defended(self) -> str | None:
        """The name of the scene that is on, if it was started with defences."""
        run = self._run
        return run.scene.name if run and run.defences else None

    def start(self, name: str, narrate: bool, defences: Sequence[Switched] = (), seed: int = 0) -> dict[str, Any]:
        """Reset, then switch on what the scene says and `defences`, and check its expectations from now on.

        A seed other than 0 lets the same users come as any time before.

        Raises:
            NotFound: no such scene.
            Unreachable: a service that the scene needs does not answer; the lab has been reset.
        """
        scene = find_scene(name).defended(defences)
        with self._lock:
            self._end()
            lab = self._lab
            added = ", ".join(f"{each.service} {each.name}" for each in defences)
            lab.events.add(f"scene {scene.name}: {scene.title}" + (f", with {added}" if added else ""))
            before = self._before_rss or self._resident_bytes()
            recording = Recording(lab, before)
            recording.reset = lab.reset()
            if narrate:
                for line in (scene.story, *(f"do: {what}" for what in scene.do), *(f"watch: {w}" for w in scene.watch)):
                    lab.events.add(line)
            lab.set_traffic(scene.rps, seed)
            for switched in scene.switches:
                lab.switch(switched.service, switched.kind, switched.name, True, switched.params)
            recording.start_rss = self._resident_bytes()
            if scene.switches:  # a scene that breaks nothing keeps comparing with what was before the one that did
                self._before_rss = recording.start_rss
            recording.begin()
            self._run = Run(scene, lab, recording, narrate, defences, seed)
            self._run.start()
            return self._run.describe()

    def reset(self) -> dict[str, Any]:
        """The scene is over, and the lab is reset."""
        with self._lock:
            self._end()
            return self._lab.reset()

    def _end(self) -> None:
        if self._run is not None:
            self._run.stop()
            self._run = None

    def _resident_bytes(self) -> dict[str, int]:
        states = self._lab.peers.states()
        return {service: state["rss_bytes"] for service, state in states.items() if state is not None}
