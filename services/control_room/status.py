"""The rules of status: GREEN, YELLOW or RED, with the reasons in words. Pure functions of what the services say."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from services.common.telemetry.state import States, TrafficState, attempts_per_request
from services.common.telemetry.windows import RECENT_SECONDS, quantile
from services.common.topology import TRAFFIC
from services.common.words import duration_words, percent

WINDOW_SECONDS = 15.0
LEAST_SECONDS = 1.0  # one user in the first tenth of a second after a reset is not ten a second
STUCK_SECONDS = float(RECENT_SECONDS)
STUCK_IN_FLIGHT = 5
RED_BELOW, YELLOW_BELOW = 0.90, 0.99
SLOW_P95_SECONDS = 1.0
MEMORY_YELLOW, MEMORY_RED = 0.75, 0.90
LEVELS = {"GREEN": 0, "YELLOW": 1, "RED": 2}


@dataclass(frozen=True)
class Kpis:
    """The six KPIs over the lab's window; None is not known."""

    success_ratio: float | None = None
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    offered_rps: float | None = None
    served_rps: float | None = None
    attempts_per_request: float | None = None

    def describe(self) -> dict[str, float | None]:
        """By their names."""
        return asdict(self)


def traffic_of(states: States) -> TrafficState | None:
    """What the users say, if they say anything."""
    state = states.get(TRAFFIC.name)
    return state.traffic if state is not None else None


def kpis_of(states: States, tests: Sequence[Mapping[str, Any]]) -> Kpis:
    """The KPIs over the last 15 s of users, or of the last test requests where there is no traffic."""
    state = states.get(TRAFFIC.name)
    if state is None or state.traffic is None:
        return Kpis()
    traffic, users = state.traffic, state.traffic.users
    if traffic.rps == 0:
        return _kpis_of_tests(tests)
    if not users.ended and not traffic.in_flight:
        return Kpis()
    seconds = max(LEAST_SECONDS, state.window_seconds)
    return Kpis(
        success_ratio=users.success_ratio,
        p50_seconds=users.p50_seconds,
        p95_seconds=users.p95_seconds,
        offered_rps=traffic.arrived / seconds,
        served_rps=users.succeeded / seconds,
        attempts_per_request=attempts_per_request(states.values()),
    )


def _kpis_of_tests(tests: Sequence[Mapping[str, Any]]) -> Kpis:
    if not tests:
        return Kpis()
    seconds = sorted(test["seconds"] for test in tests)
    attempts = [math.prod(max(1, len(hop["attempts"])) for hop in test["hops"]) for test in tests]
    return Kpis(
        success_ratio=sum(test["ok"] for test in tests) / len(tests),
        p50_seconds=quantile(seconds, 0.5),
        p95_seconds=quantile(seconds, 0.95),
        attempts_per_request=sum(attempts) / len(tests),
    )


def judge(states: States, kpis: Kpis, down: Collection[str]) -> tuple[str, list[str]]:
    """The status and its reasons; the first rule that matches decides the status, all that match are told.

    `down` names those that do not answer.
    """
    red = [f"{name} does not answer" for name in down]
    red += _red_reasons(states, kpis)
    yellow = _yellow_reasons(states, kpis)
    if red:
        return "RED", red + yellow
    if yellow:
        return "YELLOW", yellow
    return "GREEN", [_healthy(kpis)]


def _red_reasons(states: States, kpis: Kpis) -> list[str]:
    reasons = []
    success = kpis.success_ratio
    if success is not None and success < RED_BELOW:
        reasons.append(f"only {success * 100:.0f} % of requests succeed (target {YELLOW_BELOW * 100:.0f} %)")
    traffic = traffic_of(states)
    if traffic is not None and is_stuck(states):
        reasons.append(f"nothing came back in {STUCK_SECONDS:g} s, and {traffic.in_flight} users wait")
    return reasons


def is_stuck(states: States) -> bool:
    """Whether users wait and none of them has had an answer for 5 s."""
    state = states.get(TRAFFIC.name)
    if state is None or state.traffic is None or not state.traffic.rps or state.epoch_age_seconds < STUCK_SECONDS:
        return False
    return state.traffic.in_flight >= STUCK_IN_FLIGHT and not state.traffic.last_5_seconds.ended


def _yellow_reasons(states: States, kpis: Kpis) -> list[str]:
    reasons = []
    success, p95 = kpis.success_ratio, kpis.p95_seconds
    if success is not None and RED_BELOW <= success < YELLOW_BELOW:
        reasons.append(f"only {success * 100:.1f} % of requests succeed (target {YELLOW_BELOW * 100:.0f} %)")
    if p95 is not None and p95 >= SLOW_P95_SECONDS:
        reasons.append(f"one request in twenty takes {p95:.1f} s or more")
    for state in states.values():
        if state is not None and state.memory_share >= MEMORY_YELLOW:
            reasons.append(f"{state.instance}'s memory is at {state.memory_share * 100:.0f} % of its limit")
    return reasons


def _healthy(kpis: Kpis) -> str:
    success, p50 = kpis.success_ratio, kpis.p50_seconds
    if success is None or p50 is None:
        return "nothing has been asked of the lab yet"
    return f"{percent(success)} % of requests succeed, half of them within {duration_words(p50)}"
