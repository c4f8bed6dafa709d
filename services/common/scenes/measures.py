"""What a scene's expectation can measure: functions of the recording and the expectation; None is nothing yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Protocol

from services.common.process.memory import MB
from services.common.scenes.model import Expectation
from services.common.telemetry.state import ServiceState, States, Users, attempts_per_request
from services.common.topology import API, CALLERS, DATABASE, TRAFFIC

KEPT = (
    "before_rss",
    "start_rss",
    "reset_seconds",
    "request_seconds",
    "rss_after",
    "started_at",
    "first_event",
    "stands",
)


class Looks(Protocol):
    """Looks at the services, real ones or simulated."""

    def window(self, service: str, seconds: float) -> ServiceState:
        """The state of a service, or of one instance, over so many seconds."""

    def states(self) -> States:
        """Every instance's state; None for one that does not answer."""


class Log(Protocol):
    """The activity log."""

    def last_id(self) -> int:
        """The id of the newest event; 0 when there is none."""

    def after(self, event_id: int) -> list[dict[str, Any]]:
        """The events with a greater id, oldest first."""


class MeasuredLab(Protocol):
    """The lab that is measured, real or simulated."""

    @property
    def peers(self) -> Looks:
        """Looks at its services."""

    @property
    def events(self) -> Log:
        """Its activity log."""

    def status(self) -> str:
        """GREEN, YELLOW or RED, as `GET /api/state` shows it."""

    def about_answers(self) -> bool:
        """Whether /about, which needs no other service, answers within a second."""


class Recording:
    """What is known of the scene that runs. Sizes are bytes, moments seconds since 1970.

    Its clock `stands` while the scene waits for the presenter: then nothing comes due.
    """

    stands = False

    def __init__(self, lab: MeasuredLab, before_rss: dict[str, int]) -> None:
        self.lab = lab
        self.before_rss = before_rss
        self.start_rss: dict[str, int] = {}
        self.reset_seconds = 0.0
        self.request_seconds: list[float] = []
        self.rss_after: list[int] = []
        self.begin()

    def keep(self) -> dict[str, Any]:
        """The recording for the journal, JSON-ready."""
        kept = {name: getattr(self, name) for name in KEPT}
        return {**kept, "elapsed_seconds": self.elapsed_seconds(), "kept_at": time.time()}

    @classmethod
    def of(cls, lab: MeasuredLab, kept: dict[str, Any]) -> Recording:
        """The recording of the control room before this one; its clock has gone on meanwhile, unless it stood."""
        recording = cls(lab, {})
        for name in KEPT:
            setattr(recording, name, kept[name])
        recording._elapsed = kept["elapsed_seconds"]
        recording._started = time.monotonic() - recording._elapsed
        if not recording.stands:
            recording._started -= time.time() - kept["kept_at"]
        return recording

    def begin(self) -> None:
        """The scene's clock starts."""
        self.started_at = time.time()
        self._started = time.monotonic()
        self._elapsed = 0.0  # where the clock stands, if it does
        self.first_event = self.lab.events.last_id()

    def elapsed_seconds(self) -> float:
        """Seconds since the scene began, without those in which its clock stood."""
        return self._elapsed if self.stands else time.monotonic() - self._started

    def stand(self) -> None:
        """The scene's clock stands until `go_on`."""
        self._elapsed, self.stands = self.elapsed_seconds(), True

    def go_on(self) -> None:
        """The scene's clock runs again, from where it stood."""
        self._started, self.stands = time.monotonic() - self.elapsed_seconds(), False

    def note_request(self, result: dict[str, Any]) -> None:
        """A test request of the scene has ended."""
        rss_bytes = self.api().rss_bytes
        self.request_seconds.append(result["seconds"])
        self.rss_after.append(rss_bytes)

    def api(self, seconds: float = 15) -> ServiceState:
        """The api's state."""
        return self.lab.peers.window(API.name, seconds)

    def users(self, expectation: Expectation) -> Users:
        """What users felt over the expectation's window, but not from before the scene."""
        seconds = min(expectation.window_seconds, max(0.1, self.elapsed_seconds()))
        return self._users_over(seconds)

    def _users_over(self, seconds: float) -> Users:
        traffic = self.lab.peers.window(TRAFFIC.name, seconds).traffic
        assert traffic is not None
        return traffic.users

    def events(self, text: str) -> list[dict[str, Any]]:
        """The lines with this text that the activity log has had since the scene began."""
        return [event for event in self.lab.events.after(self.first_event) if text in event["text"]]

    def failed_since(self, moment: float) -> int:
        """How many users have failed since a moment of the scene."""
        users = self._users_over(max(0.1, time.time() - moment))
        return users.ended - users.succeeded


Read = Callable[[Recording, Expectation], float | str | None]


@dataclass(frozen=True)
class Measure:
    """How a number, or a word, is read; None is nothing yet.

    `simulated` is True, or why the simulation cannot tell. One that is `looking_back` looks as far as the recording
    goes; every other one is of its moment, and lost with it.
    """

    read: Read
    simulated: Literal[True] | str = True
    looking_back: bool = False


def _of_users(read: Callable[[Users], float | None]) -> Read:
    return lambda recording, expectation: read(recording.users(expectation))


def _attempts_per_request(recording: Recording, expectation: Expectation) -> float | None:
    seconds = min(expectation.window_seconds, max(0.1, recording.elapsed_seconds()))
    return attempts_per_request(recording.lab.peers.window(service, seconds) for service in CALLERS)


def _status(recording: Recording, _: Expectation) -> str:
    return recording.lab.status()


def _api_growth_mb(recording: Recording, _: Expectation) -> float:
    return float(recording.api().rss_bytes - recording.start_rss[API.name]) / MB


def _api_growth_mb_per_minute(recording: Recording, expectation: Expectation) -> float:
    return _growth(recording, expectation) * 60 / recording.elapsed_seconds()


def _growth(recording: Recording, expectation: Expectation) -> float:
    return max(0.0, _api_growth_mb(recording, expectation))


def _api_above_before_mb(recording: Recording, _: Expectation) -> float:
    return float(recording.api().rss_bytes - recording.before_rss[API.name]) / MB


def _steps_mb(recording: Recording) -> list[float]:
    sizes = [recording.start_rss[API.name], *recording.rss_after]
    return [(after - before) / MB for before, after in pairwise(sizes)]


def _request_rss_step(choose: Callable[[list[float]], float]) -> Read:
    def measure(recording: Recording, expectation: Expectation) -> float | None:
        done = len(recording.rss_after) >= expectation.request
        return choose(_steps_mb(recording)[: expectation.request]) if done else None

    return measure


def _request_seconds(recording: Recording, expectation: Expectation) -> float | None:
    done = len(recording.request_seconds) >= expectation.request
    return recording.request_seconds[expectation.request - 1] if done else None


def _request_slowdown(recording: Recording, expectation: Expectation) -> float | None:
    seconds = _request_seconds(recording, expectation)
    return None if seconds is None else seconds / recording.request_seconds[0]


def _event(recording: Recording, expectation: Expectation) -> str | None:
    return expectation.equals if recording.events(expectation.contains) else None


def _event_count(recording: Recording, expectation: Expectation) -> float:
    return float(len(recording.events(expectation.contains)))


def _errors_at_each_event(recording: Recording, expectation: Expectation) -> float | None:
    """The fewest users that failed from 4 s before such an event to 4 s after it: it is told a moment late."""
    moments = [event["time"] for event in recording.events(expectation.contains)]
    failed = [recording.failed_since(moment - 4) - recording.failed_since(moment + 4) for moment in moments]
    return float(min(failed)) if failed else None


def _failures_on(recording: Recording, expectation: Expectation) -> str | None:
    if not recording.events(expectation.contains):
        return None
    states = recording.lab.peers.states().values()
    names = {name for state in states if state is not None for name in state.active["failure"]}
    return ", ".join(sorted(names)) or "none"


def _switches_on(recording: Recording, _: Expectation) -> float | None:
    states = recording.lab.peers.states().values()
    if any(state is None for state in states):
        return None
    on = {
        (state.service, kind, name) for state in states if state for kind in state.active for name in state.active[kind]
    }
    return float(len(on))


def _queued(recording: Recording, _: Expectation) -> float | None:
    states = recording.lab.peers.states()
    known = [state for state in states.values() if state is not None]
    return float(sum(state.queued for state in known)) if len(known) == len(states) else None


def _instance_success_ratio(recording: Recording, expectation: Expectation) -> float | None:
    """Of the calls of one instance, those that its caller had good answers to."""
    seconds = min(expectation.window_seconds, max(0.1, recording.elapsed_seconds()))
    states = (recording.lab.peers.window(service, seconds) for service in CALLERS)
    targets = [state.calls.targets for state in states if state.calls is not None]
    found = next((each[expectation.instance] for each in targets if expectation.instance in each), None)
    return found.success_ratio if found else None


def _at_database(recording: Recording, _: Expectation) -> float:
    state = recording.lab.peers.window(DATABASE.name, 1)
    return float(state.threads_busy + state.waiting)


def _cache_hit_ratio(recording: Recording, expectation: Expectation) -> float | None:
    cache = recording.api(expectation.window_seconds).cache
    return cache.hit_ratio if cache else None


def _about(recording: Recording, _: Expectation) -> str:
    return "answers" if recording.lab.about_answers() else "dead"


NO_MEMORY = "memory and its collections are not modelled"
NO_RESET = "a reset is not modelled"
NO_TESTS = "test requests are not modelled"
NO_LOG = "the activity log is not modelled"

MEASURES: dict[str, Measure] = {
    "success_ratio": Measure(_of_users(lambda users: users.success_ratio)),
    "p50_seconds": Measure(_of_users(lambda users: users.p50_seconds)),
    "p95_seconds": Measure(_of_users(lambda users: users.p95_seconds)),
    "p99_seconds": Measure(_of_users(lambda users: users.p99_seconds)),
    "instance_success_ratio": Measure(_instance_success_ratio),
    "slowest_seconds": Measure(_of_users(lambda users: users.slowest_seconds)),
    "success_p50_seconds": Measure(_of_users(lambda users: users.success_p50_seconds)),
    "attempts_per_request": Measure(_attempts_per_request),
    "status": Measure(_status),
    "about": Measure(_about),
    "api_growth_mb": Measure(_api_growth_mb, NO_MEMORY),
    "api_growth_mb_per_minute": Measure(_api_growth_mb_per_minute, NO_MEMORY),
    "api_above_before_mb": Measure(_api_above_before_mb, NO_MEMORY),
    "request_rss_step_least_mb": Measure(_request_rss_step(min), NO_MEMORY, looking_back=True),
    "request_rss_step_most_mb": Measure(_request_rss_step(max), NO_MEMORY, looking_back=True),
    "request_seconds": Measure(_request_seconds, NO_TESTS, looking_back=True),
    "request_slowdown": Measure(_request_slowdown, NO_TESTS, looking_back=True),
    "event": Measure(_event, NO_LOG, looking_back=True),
    "event_count": Measure(_event_count, NO_LOG, looking_back=True),
    "errors_at_each_event": Measure(_errors_at_each_event, NO_LOG),
    "failures_on": Measure(_failures_on, "restarts are not modelled"),
    "switches_on": Measure(_switches_on, NO_RESET),
    "queued": Measure(_queued, NO_RESET),
    "at_database": Measure(_at_database),
    "cache_hit_ratio": Measure(_cache_hit_ratio),
    "reset_seconds": Measure(lambda recording, _: recording.reset_seconds, NO_RESET),
}
