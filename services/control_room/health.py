"""How each service is, and why the lab does not recover: the one place where these are decided.

Page, command line, `/api/state`, Prometheus, Grafana and alerts show what is computed here, over the lab's one window:
the last 15 s, or since the last reset. Pure functions of what the services say.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from services.common.telemetry.state import Calls, ServiceState, States
from services.control_room.status import (
    MEMORY_RED,
    MEMORY_YELLOW,
    RED_BELOW,
    SLOW_P95_SECONDS,
    STUCK_IN_FLIGHT,
    YELLOW_BELOW,
    Kpis,
    is_stuck,
)

OK, STRAINED, FAILING, DOWN = range(4)
SOME_ERRORS, MANY_ERRORS = (round(1 - share, 6) for share in (YELLOW_BELOW, RED_BELOW))  # 1 - 0.9 is below 0.1
SLOW_SECONDS = 1.0
BUSY_SHARE = 0.7
SOME_RETRIES, RETRY_STORM = 1.15, 1.5  # attempts per request
GC_SHARE = 0.3
FEW_ANSWERS = 10
# What can be wrong with a service, the most telling first: of those that are as bad, the first one is its word.
REASONS = ("down", "memory", "connections", "pool", "threads", "queue", "stuck", "errors", "slow", "busy")
WHY = {
    0: "It is well: users have their answers",
    1: "It cannot: a failure is still on",
    2: "It cannot: a service is down",
    3: "Queues are longer than callers wait: all work is for those who have gone",
    4: "Retries keep the load above what can be served",
    5: "A service collects garbage instead of working",
    6: "None of the usual reasons: it may be on its way back",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a service; `level` is STRAINED, FAILING or DOWN."""

    reason: str
    level: int
    word: str


@dataclass(frozen=True)
class Health:
    """How a service is: the word and the level of the worst that is wrong with it, and all that is."""

    level: int
    word: str
    problems: tuple[Problem, ...] = ()

    def describe(self) -> dict[str, Any]:
        """JSON-ready; `problems` is {reason: level}."""
        return {
            "level": self.level,
            "word": self.word,
            "problems": {problem.reason: problem.level for problem in self.problems},
        }


Down = Mapping[str, tuple[int, int]]  # of a service: instances in use that do not answer, and all that are in use


def health_of_all(states: States, kpis: Kpis, down: Down) -> dict[str, Health]:
    """The health of every service. `states` are the last ones known."""
    timeouts, users_are_stuck = _timeouts(states), is_stuck(states)
    return {
        service: _health(state, kpis, down.get(service, (0, 1)), timeouts.get(service, math.inf), users_are_stuck)
        for service, state in states.items()
    }


def _health(
    state: ServiceState | None, kpis: Kpis, down: tuple[int, int], timeout_seconds: float, users_are_stuck: bool
) -> Health:
    missing, in_use = down
    if missing == in_use:
        return Health(DOWN, "no answer", (Problem("down", DOWN, "no answer"),))
    if state is None:
        return Health(OK, "starting")
    of_users = state.traffic is not None
    problems = list(_problems_of_users(state, kpis, users_are_stuck) if of_users else _problems(state, timeout_seconds))
    if missing:
        problems.append(Problem("down", FAILING, f"{missing} of {in_use} down"))
    if not problems:
        return Health(OK, _well(state, kpis))
    problems.sort(key=lambda problem: (-problem.level, REASONS.index(problem.reason)))
    return Health(problems[0].level, problems[0].word, tuple(problems))


def health_of_instance(service: str, state: ServiceState | None, states: States, is_down: bool) -> Health:
    """The health of one instance of a service; `states` are those of the services."""
    timeout_seconds = _timeouts(states).get(service, math.inf)
    return _health(state, Kpis(), (int(is_down), 1), timeout_seconds, users_are_stuck=False)


def _well(state: ServiceState, kpis: Kpis) -> str:
    if state.traffic is None:
        return "healthy"
    if not state.traffic.rps:
        return "idle"
    return "arriving" if kpis.success_ratio is None else "happy"


def _problems_of_users(state: ServiceState, kpis: Kpis, are_stuck: bool) -> Iterator[Problem]:
    if state.traffic is None or not state.traffic.rps:
        return
    success, p95 = kpis.success_ratio, kpis.p95_seconds
    if are_stuck:
        yield Problem("stuck", FAILING, "no answers")
    if success is not None and success < YELLOW_BELOW:
        many = success < RED_BELOW
        yield Problem("errors", FAILING if many else STRAINED, "get errors" if many else "some errors")
    if p95 is not None and p95 >= SLOW_P95_SECONDS:
        yield Problem("slow", STRAINED, "wait long")


def _problems(state: ServiceState, timeout_seconds: float) -> Iterator[Problem]:
    yield from _problems_of_memory(state)
    yield from _problems_of_places(state)
    yield from _problems_of_answers(state)
    if state.longest_wait_seconds > timeout_seconds:
        yield Problem("queue", FAILING, "queue too long")


def _problems_of_memory(state: ServiceState) -> Iterator[Problem]:
    share = state.memory_share
    if share >= MEMORY_YELLOW:
        is_full = share >= MEMORY_RED
        yield Problem("memory", FAILING if is_full else STRAINED, "memory full" if is_full else "memory high")


def _problems_of_places(state: ServiceState) -> Iterator[Problem]:
    """What has a bounded number of places: full is strained, and failing once others wait for a place."""
    busiest = 0.0
    for reason, used, places, waiting in _places(state):
        busiest = max(busiest, used / places if places else 0.0)
        if places and used >= places:
            yield Problem(reason, FAILING if waiting else STRAINED, f"{reason} full")
    if BUSY_SHARE <= busiest < 1:
        yield Problem("busy", STRAINED, "busy")


def _places(state: ServiceState) -> Iterator[tuple[str, int, int, int]]:
    """Reason, places in use, places, and how many wait for one."""
    yield "threads", state.threads_busy, state.threads_total, state.waiting
    if pool := state.pool:
        yield "pool", pool.in_use, pool.size, pool.waiting
    if connections := state.connections:
        yield "connections", connections.in_use, connections.max, connections.queued


def _problems_of_answers(state: ServiceState) -> Iterator[Problem]:
    answers = state.answers
    if answers is None:
        return
    if answers.error_ratio > SOME_ERRORS:
        yield Problem("errors", FAILING if answers.error_ratio > MANY_ERRORS else STRAINED, "errors")
    if (answers.mean_seconds or 0.0) >= SLOW_SECONDS:
        yield Problem("slow", STRAINED, "slow")
    if state.threads_busy >= STUCK_IN_FLIGHT and not answers.last_5_seconds:
        yield Problem("stuck", FAILING, "stuck")


def _timeouts(states: States) -> dict[str, float]:
    """How long the callers of each service wait for it, in seconds: the most patient of them."""
    timeouts: dict[str, float] = {}
    for state in states.values():
        if state is not None and state.calls is not None:
            peer = state.calls.peer
            timeouts[peer] = max(timeouts.get(peer, 0.0), state.calls.timeout_seconds)
    return timeouts


def edge_level(calls: Calls) -> int:
    """How calls to the next service end: OK, STRAINED where some fail, FAILING where more than a tenth do."""
    failed = calls.failed_ratio
    return FAILING if failed > MANY_ERRORS else STRAINED if failed > SOME_ERRORS else OK


def queue_patience_ratio(states: States) -> float:
    """The longest queue: the wait of half of its requests over what their callers wait; from 1 on all work is lost."""
    timeouts = _timeouts(states)
    waits = {service: state.longest_wait_seconds for service, state in states.items() if state is not None}
    return max((seconds / timeouts[service] for service, seconds in waits.items() if timeouts.get(service)), default=0)


def wasted_work_ratio(states: States, first: str, last: str) -> float:
    """Of the answers that service `last` gave, the share that no answer of service `first` came of.

    0 while there are few: in the first moment after a reset every answer is still on its way.
    """
    useful, done = (_good_answers(states.get(service)) for service in (first, last))
    return max(0.0, 1 - useful / done) if done >= FEW_ANSWERS else 0.0


def _good_answers(state: ServiceState | None) -> int:
    return state.answers.good if state is not None and state.answers is not None else 0


def why(status: str, states: States, kpis: Kpis, down: Down) -> int:
    """Why the lab does not recover: the first key of WHY that holds; 0 where it is well."""
    known = [state for state in states.values() if state is not None]
    if status == "GREEN":
        return 0
    if any(state.has_failures for state in known):
        return 1
    if down:
        return 2
    if queue_patience_ratio(states) > 1:
        return 3
    if (kpis.attempts_per_request or 0) > RETRY_STORM:
        return 4
    if any(state.gc_pause_seconds > GC_SHARE * state.window_seconds for state in known):
        return 5
    return 6


def kpi_levels(kpis: Kpis, has_users: bool) -> dict[str, int]:
    """How bad each KPI is: OK, STRAINED or FAILING, by the thresholds of the status."""
    success, served, offered = kpis.success_ratio, kpis.served_rps or 0.0, kpis.offered_rps or 0.0
    attempts = kpis.attempts_per_request or 1.0
    is_behind = has_users and offered > 1 and served < RED_BELOW * offered and (success or 0.0) < RED_BELOW
    return {
        "success_ratio": OK if success is None else FAILING if success < RED_BELOW else int(success < YELLOW_BELOW),
        "p50_seconds": STRAINED if (kpis.p50_seconds or 0.0) >= SLOW_P95_SECONDS else OK,
        "p95_seconds": STRAINED if (kpis.p95_seconds or 0.0) >= SLOW_P95_SECONDS else OK,
        "served_rps": FAILING if is_behind else OK,
        "attempts_per_request": FAILING if attempts > RETRY_STORM else STRAINED if attempts > SOME_RETRIES else OK,
    }
