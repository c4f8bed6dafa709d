"""The rules of status: GREEN, YELLOW or RED, with the reasons in words. Pure functions of what the services say."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.common.telemetry.windows import RECENT_SECONDS, quantile
from services.common.topology import TRAFFIC

if TYPE_CHECKING:
    from services.control_room.watching.peers import States

WINDOW_SECONDS = 15.0
LEAST_SECONDS = 1.0  # one user in the first tenth of a second after a reset is not ten a second
STUCK_SECONDS = float(RECENT_SECONDS)
STUCK_IN_FLIGHT = 5
RED_BELOW, YELLOW_BELOW = 0.90, 0.99
SLOW_P95_SECONDS = 1.0
MEMORY_YELLOW, MEMORY_RED = 0.75, 0.90
LEVELS = {"GREEN": 0, "YELLOW": 1, "RED": 2}
NO_KPIS: dict[str, float | None] = dict.fromkeys(
    ("success_ratio", "p50_seconds", "p95_seconds", "offered_rps", "served_rps", "attempts_per_request")
)


def kpis_of(states: States, tests: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    """The six KPIs over the last 15 s of users, or of the last test requests where there is no traffic.

    p95_seconds counts those who still wait with their age so far.
    """
    traffic = states.get(TRAFFIC.name)
    if traffic is None:
        return dict(NO_KPIS)
    if traffic["rps"] == 0:
        return _kpis_of_tests(tests)
    users = traffic["users"]
    seconds = max(LEAST_SECONDS, traffic["window_seconds"])
    if not users["ended"] and not traffic["in_flight"]:
        return dict(NO_KPIS)
    return {
        "success_ratio": users["success_ratio"],
        "p50_seconds": users["p50_seconds"],
        "p95_seconds": users["p95_seconds"],
        "offered_rps": traffic["arrived"] / seconds,
        "served_rps": users["succeeded"] / seconds,
        "attempts_per_request": attempts_per_request(states.values()),
    }


def attempts_per_request(states: Iterable[Mapping[str, Any] | None]) -> float | None:
    """What one user's request becomes: the attempts of a call so far, multiplied over the layers; None without calls.

    Each layer counts the attempts of just the calls that it began in the window, so that this never leaves 1 to what
    the layers' settings allow.
    """
    calls = [state["calls"] for state in states if state is not None and "calls" in state]
    ratios = [each["attempts"] / each["begun"] for each in calls if each["begun"]]
    return math.prod(ratios) if ratios else None


def attempts_allowed(states: Iterable[Mapping[str, Any] | None]) -> int:
    """The most that one user's request may become; 1 is no retries."""
    return math.prod(state["calls"]["attempts_allowed"] for state in states if state is not None and "calls" in state)


def _kpis_of_tests(tests: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    if not tests:
        return dict(NO_KPIS)
    seconds = sorted(test["seconds"] for test in tests)
    attempts = [math.prod(max(1, len(hop["attempts"])) for hop in test["hops"]) for test in tests]
    return {
        **NO_KPIS,
        "success_ratio": sum(test["ok"] for test in tests) / len(tests),
        "p50_seconds": quantile(seconds, 0.5),
        "p95_seconds": quantile(seconds, 0.95),
        "attempts_per_request": sum(attempts) / len(tests),
    }


def judge(states: States, kpis: Mapping[str, float | None], down: Collection[str]) -> tuple[str, list[str]]:
    """The status and its reasons; the first rule that matches decides the status, all that match are told.

    `down` names the services that do not answer.
    """
    red = [f"{service} does not answer" for service in down]
    red += _red_reasons(states, kpis)
    yellow = _yellow_reasons(states, kpis)
    if red:
        return "RED", red + yellow
    if yellow:
        return "YELLOW", yellow
    return "GREEN", [_healthy(kpis)]


def _red_reasons(states: States, kpis: Mapping[str, float | None]) -> list[str]:
    reasons = []
    success = kpis["success_ratio"]
    if success is not None and success < RED_BELOW:
        reasons.append(f"only {success * 100:.0f} % of requests succeed (target {YELLOW_BELOW * 100:.0f} %)")
    traffic = states.get(TRAFFIC.name)
    if traffic is not None and is_stuck(traffic):
        reasons.append(f"nothing came back in {STUCK_SECONDS:g} s, and {traffic['in_flight']} users wait")
    return reasons


def is_stuck(traffic: Mapping[str, Any]) -> bool:
    """Whether users wait and none of them has had an answer for 5 s."""
    if not traffic["rps"] or traffic["epoch_age_seconds"] < STUCK_SECONDS:
        return False
    return bool(traffic["in_flight"] >= STUCK_IN_FLIGHT and not traffic["last_5_seconds"]["ended"])


def _yellow_reasons(states: States, kpis: Mapping[str, float | None]) -> list[str]:
    reasons = []
    success, p95 = kpis["success_ratio"], kpis["p95_seconds"]
    if success is not None and RED_BELOW <= success < YELLOW_BELOW:
        reasons.append(f"only {success * 100:.1f} % of requests succeed (target {YELLOW_BELOW * 100:.0f} %)")
    if p95 is not None and p95 >= SLOW_P95_SECONDS:
        reasons.append(f"one request in twenty takes {p95:.1f} s or more")
    for service, state in states.items():
        if state is not None and state["memory_limit_bytes"]:
            share = state["rss_bytes"] / state["memory_limit_bytes"]
            if share >= MEMORY_YELLOW:
                reasons.append(f"{service}'s memory is at {share * 100:.0f} % of its limit")
    return reasons


def _healthy(kpis: Mapping[str, float | None]) -> str:
    success, p50 = kpis["success_ratio"], kpis["p50_seconds"]
    if success is None or p50 is None:
        return "nothing has been asked of the lab yet"
    return f"{success * 100:.0f} % of requests succeed, half of them within {p50 * 1000:.0f} ms"
