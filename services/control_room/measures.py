"""What a scene's expectation can measure: functions of the recording and the expectation; None is nothing yet."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from services.common.memory import MB
from services.control_room.scenes import Expectation

if TYPE_CHECKING:
    from services.control_room.lab import Lab


class Recording:
    """What is known of the scene that runs. Sizes are bytes, moments seconds since 1970."""

    def __init__(self, lab: Lab, before_rss: dict[str, int]) -> None:
        self.lab = lab
        self.before_rss = before_rss
        self.start_rss: dict[str, int] = {}
        self.reset: dict[str, Any] = {}
        self.requests: list[dict[str, Any]] = []
        self.rss_after: list[int] = []
        self.begin()

    def begin(self) -> None:
        """The scene's clock starts."""
        self.started_at = time.time()
        self._started = time.monotonic()
        self._first_event = self.lab.events.last_id()

    def elapsed_seconds(self) -> float:
        """Seconds since the scene began."""
        return time.monotonic() - self._started

    def note_request(self, result: dict[str, Any]) -> None:
        """A test request of the scene has ended."""
        self.requests.append(result)
        self.rss_after.append(self.api()["rss_bytes"])

    def api(self, seconds: float = 15) -> dict[str, Any]:
        """The api's state."""
        return self.lab.peers.window("api", seconds)

    def users(self, expectation: Expectation) -> dict[str, Any]:
        """What users felt over the expectation's window, but not from before the scene."""
        seconds = min(expectation.window_seconds, max(0.1, self.elapsed_seconds()))
        users: dict[str, Any] = self.lab.peers.window("traffic", seconds)["users"]
        return users

    def has_event(self, text: str) -> bool:
        """Whether the activity log has had a line with this text since the scene began."""
        return any(text in event["text"] for event in self.lab.events.after(self._first_event))


Measure = Callable[[Recording, Expectation], float | str | None]


def _of_users(key: str) -> Measure:
    return lambda recording, expectation: recording.users(expectation)[key]


def _attempts_per_request(recording: Recording, expectation: Expectation) -> float | None:
    ended = recording.users(expectation)["ended"]
    seconds = min(expectation.window_seconds, recording.elapsed_seconds())
    edges = [recording.lab.peers.window(service, seconds)["calls"]["attempts"] for service in ("frontend", "api")]
    return max(edges) / ended if ended else None


def _status(recording: Recording, _: Expectation) -> str:
    return str(recording.lab.state()["status"])


def _api_growth_mb(recording: Recording, _: Expectation) -> float:
    return float(recording.api()["rss_bytes"] - recording.start_rss["api"]) / MB


def _api_growth_mb_per_minute(recording: Recording, expectation: Expectation) -> float:
    return _growth(recording, expectation) * 60 / recording.elapsed_seconds()


def _growth(recording: Recording, expectation: Expectation) -> float:
    return max(0.0, _api_growth_mb(recording, expectation))


def _api_above_before_mb(recording: Recording, _: Expectation) -> float:
    return float(recording.api()["rss_bytes"] - recording.before_rss["api"]) / MB


def _steps_mb(recording: Recording) -> list[float]:
    sizes = [recording.start_rss["api"], *recording.rss_after]
    return [(after - before) / MB for before, after in pairwise(sizes)]


def _request_rss_step(choose: Callable[[list[float]], float]) -> Measure:
    def measure(recording: Recording, expectation: Expectation) -> float | None:
        done = len(recording.rss_after) >= expectation.request
        return choose(_steps_mb(recording)[: expectation.request]) if done else None

    return measure


def _request_seconds(recording: Recording, expectation: Expectation) -> float | None:
    done = len(recording.requests) >= expectation.request
    return float(recording.requests[expectation.request - 1]["seconds"]) if done else None


def _request_slowdown(recording: Recording, expectation: Expectation) -> float | None:
    seconds = _request_seconds(recording, expectation)
    return None if seconds is None else seconds / float(recording.requests[0]["seconds"])


def _event(recording: Recording, expectation: Expectation) -> str | None:
    return expectation.equals if recording.has_event(expectation.contains) else None


def _failures_on(recording: Recording, expectation: Expectation) -> str | None:
    if not recording.has_event(expectation.contains):
        return None
    states = recording.lab.peers.states().values()
    names = [name for state in states if state is not None for name in state["active"]["failure"]]
    return ", ".join(sorted(names)) or "none"


def _switches_on(recording: Recording, _: Expectation) -> float | None:
    states = recording.lab.peers.states().values()
    if any(state is None for state in states):
        return None
    return float(sum(len(names) for state in states if state for names in state["active"].values()))


def _queued(recording: Recording, _: Expectation) -> float | None:
    states = recording.lab.peers.states()
    if any(state is None for state in states.values()):
        return None
    known = [state for state in states.values() if state is not None]
    queues = [state["waiting"] + state.get("connections", {}).get("queued", 0) for state in known]
    return float(sum(queues) + sum(state.get("pool", {}).get("waiting", 0) for state in known))


def _about(recording: Recording, _: Expectation) -> str:
    return "answers" if recording.lab.about_answers() else "dead"


MEASURES: dict[str, Measure] = {
    "success_ratio": _of_users("success_ratio"),
    "p50_seconds": _of_users("p50_seconds"),
    "p95_seconds": _of_users("p95_seconds"),
    "slowest_seconds": _of_users("slowest_seconds"),
    "success_p50_seconds": _of_users("success_p50_seconds"),
    "attempts_per_request": _attempts_per_request,
    "status": _status,
    "about": _about,
    "api_growth_mb": _api_growth_mb,
    "api_growth_mb_per_minute": _api_growth_mb_per_minute,
    "api_above_before_mb": _api_above_before_mb,
    "request_rss_step_least_mb": _request_rss_step(min),
    "request_rss_step_most_mb": _request_rss_step(max),
    "request_seconds": _request_seconds,
    "request_slowdown": _request_slowdown,
    "event": _event,
    "failures_on": _failures_on,
    "switches_on": _switches_on,
    "queued": _queued,
    "reset_seconds": lambda recording, _: float(recording.reset["seconds"]),
}
