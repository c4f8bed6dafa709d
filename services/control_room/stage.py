"""The stage: plays one scene at a time, and checks its expectations as it goes."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from services.common.http import problems
from services.common.scenes.checks import REPEAT_SECONDS, Check
from services.common.scenes.files import find_scene
from services.common.scenes.measures import Recording
from services.common.scenes.model import Play, Scene, Step
from services.common.scenes.play import play_of
from services.common.scenes.sentences import say
from services.common.switches.settings import MAX_SEED
from services.common.topology import TRAFFIC
from services.common.words import params_words
from services.control_room.facts import facts_of
from services.control_room.lab import Lab
from services.control_room.lab_state import LabState
from services.control_room.outcomes import Outcomes
from services.control_room.room.bets import Bets
from services.control_room.tags import tags_of
from services.control_room.watching.peers import by_service, until

log = logging.getLogger(__name__)
RETRY_SECONDS = 0.5
PRESS_SECONDS = 0.05  # how soon a scene goes on after the last press that it waits for
NOBODY = "No users come."
SERVED = "{users} users a second. {success} of them are served, half within {wait}."


class Run:
    """One scene on the stage."""

    def __init__(
        self,
        scene: Scene,
        lab: Lab,
        recording: Recording,
        play: Play,
        epoch: int,
        changed: Callable[[], None],
        decided: Callable[[Run], None] = lambda run: None,
    ) -> None:
        """`changed` is called whenever there is something new to keep, `decided` once, after the last expectation."""
        self.scene = scene
        self.epoch = epoch
        self.recording = recording
        self.checks = [Check(entry) for entry in scene.expect]
        self._lab = lab
        self.how = play
        self._changed = changed
        self._decided = decided
        self._ended = threading.Event()
        self._reporting = threading.Lock()
        self._is_reported = False
        self._noting = threading.Lock()
        self._steps_done = 0
        self._moments: list[float] = []  # of the steps that have begun, in seconds of the scene

    def keep(self) -> dict[str, Any]:
        """The scene for the journal, JSON-ready."""
        return {
            "name": self.scene.name,
            "play": self.how.describe(),
            "epoch": self.epoch,
            "steps_done": self._steps_done,
            "moments": self._moments,
            "recording": self.recording.keep(),
            "checks": [check.keep() for check in self.checks],
        }

    @classmethod
    def of(
        cls,
        kept: dict[str, Any],
        lab: Lab,
        changed: Callable[[], None],
        decided: Callable[[Run], None] = lambda run: None,
    ) -> Run:
        """The run of the control room before this one: what was due meanwhile is done at once."""
        recording = Recording.of(lab, kept["recording"])
        play = play_of(kept["play"])
        run = cls(
            find_scene(kept["name"]).defended(play.defences), lab, recording, play, kept["epoch"], changed, decided
        )
        run._steps_done, run._moments = kept["steps_done"], kept["moments"]
        for check, found in zip(run.checks, kept["checks"], strict=True):
            check.restore(found, run.recording.elapsed_seconds())
        return run

    def start(self) -> None:
        """Play the steps and check each expectation, from threads of their own: none that waits delays another."""
        pending = [check for check in self.checks if check.outcome == "pending"]
        for task in (self._play, *(partial(self._decide, check) for check in pending)):
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
        for step in self.scene.steps[self._steps_done :]:
            self._ended.wait(max(0.0, step.at_seconds - self.recording.elapsed_seconds()))
            until(time.monotonic() + REPEAT_SECONDS, partial(self._is_ready_for, step))
            if self._ended.is_set():
                return
            if len(self._moments) == self._steps_done:  # else it was begun before a restart of the control room
                self._moments.append(round(self.recording.elapsed_seconds(), 1))
                if self.how.narrate:
                    self._lab.events.add(step.say)
            self._do_in_the_end(step)
            self._steps_done += 1
            self._changed()

    def _is_ready_for(self, step: Step) -> bool:
        """Whether all that is to be measured before a step has been: it would measure what the step does."""
        due = (check for check in self.checks if 0 < (check.expectation.at_seconds or 0) <= step.at_seconds)
        return self._ended.is_set() or all(check.outcome != "pending" for check in due)

    def _do_in_the_end(self, step: Step) -> None:
        """Do a step; one that needs a service that is down waits for it, as all that it does may be done twice."""
        told = False
        while not self._ended.is_set():
            try:
                self._do(step)
                return
            except problems.Overtaken:  # a reset has ended the scene
                return
            except problems.Unreachable as problem:
                if not told:
                    self._lab.events.add(f"scene {self.scene.name} waits: {problem}", level="warning")
                told = True
                self._ended.wait(RETRY_SECONDS)

    def _do(self, step: Step) -> None:
        if self.how.hands_on and step.requests:
            self._await_presses(step)
        for _ in range(self._requests_left(step)):
            if self._ended.is_set():
                return
            for result in self._lab.test_requests(1):
                self.recording.note_request(result)
            self._changed()
        for switched, active in [(each, False) for each in step.off] + [(each, True) for each in step.on]:
            if self._ended.is_set():
                return
            params = switched.params if active else {}
            self._lab.switch(switched.service, switched.kind, switched.name, active, params, self.epoch)
        if step.rps is not None and not self._ended.is_set():
            self._lab.set_traffic(step.rps, self.how.seed, self.epoch, self.scene.patience_seconds)

    def _await_presses(self, step: Step) -> None:
        """Let the presenter send the test requests of a step: the scene's clock stands meanwhile."""
        self.recording.stand()
        self._changed()
        while self._requests_left(step) > 0 and not self._ended.wait(PRESS_SECONDS):
            pass
        self.recording.go_on()
        self._changed()

    def note_press(self, result: dict[str, Any]) -> None:
        """A test request that somebody sent: one of the scene's, where it leaves them to the presenter."""
        with self._noting:
            if self._ended.is_set() or not self.how.hands_on or self._presses_left() <= 0:
                return
            try:
                self.recording.note_request(result)
            except problems.Unreachable:  # what it left behind is not known: another one is waited for
                return
        self._changed()

    def _presses_left(self) -> int:
        return self.scene.requests - len(self.recording.request_seconds)

    def _requests_left(self, step: Step) -> int:
        """Test requests of this step that are still to be sent, if it was begun before."""
        before = sum(each.requests for each in self.scene.steps[: self._steps_done])
        return before + step.requests - len(self.recording.request_seconds)

    def _decide(self, check: Check) -> None:
        """Look at an expectation until it is decided; the last one tells the verdict."""
        while check.outcome == "pending":
            if self._ended.wait(check.seconds_to_next_look(self.recording)):
                return
            check.look(self.recording)
        self._changed()
        with self._reporting:
            if self.verdict() != "pending" and not self._is_reported:
                self._is_reported = True
                self._report_verdict()
                self._decided(self)

    def _report_verdict(self) -> None:
        self._report_outcome()
        if self.how.narrate and self.scene.lesson:
            self._lab.events.add(" ".join(self.scene.lesson.split()))

    def _report_outcome(self) -> None:
        if self.how.defences:  # what is expected is what happens without them
            self._lab.events.add(f"scene {self.scene.name} with {self.how.added}: played to its end")
            return
        words = {"pass": ("as expected", "good"), "fail": ("not as expected", "error")}[self.verdict()]
        self._lab.events.add(f"scene {self.scene.name}: {words[0]}", level=words[1])

    def sentence(self) -> tuple[str, float]:
        """What the stage says now, and for how many seconds it has been so."""
        done = zip(self.scene.steps[: self._steps_done], self._moments, strict=False)
        said = [(step.sentence, moment) for step, moment in done if step.sentence]
        text, moment = said[-1] if said else (self.scene.sentence, 0.0)
        return text, max(0.0, self.recording.elapsed_seconds() - moment)

    def verdict(self) -> str:
        """Pending until every expectation is decided; then pass or fail."""
        outcomes = {check.outcome for check in self.checks}
        return "pending" if "pending" in outcomes else "fail" if "fail" in outcomes else "pass"

    def describe(self) -> dict[str, Any]:
        """The scene as `GET /api/state` shows it."""
        verdict, elapsed = self.verdict(), self.recording.elapsed_seconds()
        steps = [
            {"at_seconds": moment, "say": step.say}
            for step, moment in zip(self.scene.steps, self._moments, strict=False)
        ]
        return {
            "name": self.scene.name,
            "title": self.scene.title,
            "chart": self.scene.chart,
            **self.how.describe(),
            "started_at": self.recording.started_at,
            "elapsed_seconds": round(elapsed, 1),
            "duration_seconds": self.scene.duration_seconds,
            "step": steps[-1]["say"] if steps else "",
            "steps": steps,
            "requests": self.scene.requests,
            "requests_seconds": [round(seconds, 3) for seconds in self.recording.request_seconds],
            "waits": self.recording.stands,
            "finished": verdict != "pending",
            "verdict": verdict,
            "lesson": self.scene.lesson if verdict != "pending" else "",
            "checks": [check.describe(self._is_open(check, elapsed)) for check in self.checks],
        }

    def _is_open(self, check: Check, elapsed: float) -> bool:
        return check.is_open(elapsed, self.scene.steps, self._steps_done)


class Stage:
    """Holds the scene that is on. Of the starts and resets that are asked for, the newest one counts."""

    def __init__(self, lab: Lab, bets: Bets) -> None:
        self._lab = lab
        self._bets = bets
        self._lock = threading.Lock()  # never held over a call to a service: a reset must not wait for one
        self._newest_wish = 0
        self._starting = threading.Lock()
        self._run: Run | None = None
        self._before_rss: dict[str, int] = {}
        self._noting = threading.Lock()
        self.outcomes = Outcomes(lab.journal)
        self.when_over: Callable[[dict[str, Any]], None] = lambda told: None  # called with the scene as it was last

    def restore(self) -> None:
        """Go on with the scene that was on when the control room before this one ended; a reset since then ended it."""
        self.outcomes.restore()
        kept = self._lab.journal.section("stage")
        if kept is None:
            return
        with self._lock:
            try:
                self._before_rss = kept["before_rss"]
                run = Run.of(kept["scene"], self._lab, self._note, self._when_decided) if kept["scene"] else None
            except Exception:  # whatever it is, it must not keep the control room from starting
                log.exception("the scene in the journal")
                self._lab.events.add("the scene that was on cannot go on: the control room's log says why")
                return
            if run is not None and run.epoch == self._lab.epoch:
                self._lab.events.add(f"scene {run.scene.name} goes on, {run.recording.elapsed_seconds():.0f} s in")
                self._run = run
                run.start()
                if run.verdict() != "pending":  # it was to be played again
                    threading.Thread(target=self._when_decided, args=(run,), name="when decided", daemon=True).start()
            self._note()

    def _note(self) -> None:
        """Keep what is on stage in the journal, and let the bets know what it has measured."""
        with self._noting:
            run = self._run
            scene = run.keep() if run is not None else None
            self._lab.journal.note("stage", {"before_rss": self._before_rss, "scene": scene})
        if run is not None:
            self._bets.hear(run.scene.name, run.how.defences, run.checks)

    @property
    def active(self) -> str | None:
        """The name of the scene that is on."""
        run = self._run
        return run.scene.name if run else None

    def describe(self) -> dict[str, Any] | None:
        """The scene that is on, or None."""
        run = self._run
        return run.describe() if run else None

    def sentence(self, state: LabState) -> str:
        """The arithmetic of this moment in words: the scene's own, or else how many users are served."""
        run = self._run
        text, since = run.sentence() if run else ("", 0.0)
        has_users = state.traffic is not None and state.traffic.rps > 0
        return say(text or (SERVED if has_users else NOBODY), facts_of(state, since))

    def tags(self, state: LabState) -> dict[str, list[dict[str, str]]]:
        """What is on, for each service, in brief."""
        run = self._run
        return tags_of(state, run.scene if run else None)

    def start(self, name: str, play: Play) -> dict[str, Any]:
        """Reset, then switch on what the scene and the play say, and check the scene's expectations from now on.

        Raises:
            NotFound: no such scene.
            Unreachable: a service that the scene needs does not answer; the lab has been reset.
            Overtaken: another scene or a reset was asked for meanwhile.
        """
        scene = find_scene(name).defended(play.defences)
        if play.then and not play.seed:  # the same users are to come again
            play = replace(play, seed=random.randrange(1, MAX_SEED))
        self._bets.scene_starts(name)
        wish = self._wish()
        with self._starting:
            self._check_newest(wish)
            return self._start(scene, play, wish)

    def _when_decided(self, run: Run) -> None:
        """The scene is decided: keep what it measured, if it is compared, and if its play says so, play it once more.

        The second time it has the same users and more defences. A service that does not answer is waited for, until a
        reset or another scene.
        """
        how, told = run.how, False
        decided = run.describe()
        self.outcomes.decide(run.epoch, decided["checks"], decided["elapsed_seconds"])
        again = replace(how, defences=(*how.defences, *how.then), then=())
        while how.then:
            try:
                with self._starting:
                    with self._lock:
                        if self._run is not run:
                            return
                        wish = self._newest_wish
                    self._start(find_scene(run.scene.name).defended(again.defences), again, wish, is_second=True)
                return
            except problems.Overtaken:
                return
            except problems.Unreachable as problem:
                if not told:
                    self._lab.events.add(f"scene {run.scene.name} waits to be played again: {problem}", level="warning")
                told = True
                time.sleep(RETRY_SECONDS)

    def _start(self, scene: Scene, play: Play, wish: int, *, is_second: bool = False) -> dict[str, Any]:
        lab = self._lab
        lab.events.add(f"scene {scene.name}: {scene.title}; {_begins_with(scene)}")
        recording = Recording(lab, self._before_rss or self._resident_bytes())
        recording.reset_seconds = lab.reset(is_brief=True)["seconds"]
        epoch = lab.epoch
        self._check_newest(wish)
        if play.narrate:
            for line in (scene.story, *(f"do: {what}" for what in scene.do), *(f"watch: {w}" for w in scene.watch)):
                lab.events.add(line)
        lab.expect(TRAFFIC.name, "setting", "arrivals", {"rps": scene.rps})
        lab.set_traffic(scene.rps, play.seed, epoch, scene.patience_seconds)
        for switched in scene.switches:
            lab.expect(switched.service, switched.kind, switched.name, switched.params)
            lab.switch(switched.service, switched.kind, switched.name, True, switched.params, epoch)
        recording.start_rss = self._resident_bytes()
        recording.begin()
        run = Run(scene, lab, recording, play, epoch, self._note, self._when_decided)
        self.outcomes.begin(scene, play, epoch, recording.started_at, is_second=is_second)
        with self._lock:
            self._check_newest(wish)
            if scene.switches:  # a scene that breaks nothing keeps comparing with what was before the one that did
                self._before_rss = recording.start_rss
            before, self._run = self._run, run
        if before is not None:  # it is played again
            before.stop()
        self._note()
        run.start()
        return run.describe()

    def record(self, state: LabState) -> None:
        """Keep how the scene that is on does, if it is to be compared."""
        run, traffic = self._run, state.traffic
        if run is not None and traffic is not None:
            self.outcomes.add(run.epoch, run.recording.elapsed_seconds(), state.kpis.success_ratio, traffic.lost)

    def test_requests(self, count: int) -> Iterator[dict[str, Any]]:
        """Send test requests, as the lab does; the scene on stage may have waited for them."""
        for number in range(1, count + 1):
            run = self._run
            for result in self._lab.test_requests(1):
                if run is not None:
                    run.note_press(result)
                yield {**result, "n": number}

    def reset(self) -> dict[str, Any]:
        """The scene that is on or is being started is over, and the lab is reset."""
        self._wish()
        return self._lab.reset()

    def _wish(self) -> int:
        """The number of a new wish; what was wished for before is over."""
        with self._lock:
            self._newest_wish += 1
            wish, run, self._run = self._newest_wish, self._run, None
        if run is not None:
            self.when_over(run.describe())
            run.stop()
            self._note()
        return wish

    def _check_newest(self, wish: int) -> None:
        if wish != self._newest_wish:
            raise problems.Overtaken("another scene or a reset was asked for since")

    def _resident_bytes(self) -> dict[str, int]:
        states = by_service(self._lab.peers.states())
        return {service: state.rss_bytes for service, state in states.items() if state is not None}


def _begins_with(scene: Scene) -> str:
    """What a scene switches on from its start, in words; the defences that are added to it are the last of them."""
    switched = [f"{each.service}: {each.name}{params_words(each.params)}" for each in scene.switches]
    return "; ".join([f"{scene.rps:g} users a second", *switched])
