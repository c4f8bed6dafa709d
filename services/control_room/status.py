"""The rules of status: GREEN, YELLOW or RED, with the reasons in words. Pure functions of what the services say."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from services.common.windows import quantile

if TYPE_CHECKING:
    from services.control_room.peers import States

WINDOW_SECONDS = 15.0
STUCK_SECONDS = 5.0
STUCK_IN_FLIGHT = 5
RED_BELOW, YELLOW_BELOW = 0.90, 0.99
SLOW_P95_SECONDS = 1.0
MEMORY_YELLOW = 0.75
LEVELS = {"GREEN": 0, "YELLOW": 1, "RED": 2}
NO_KPIS: dict[str, float | None] = dict.fromkeys(
    ("success_ratio", "p50_seconds", "p95_seconds", "offered_rps", "served_rps", "attempts_per_request")
)


def kpis_of(states: States, tests: Sequence[Mapping[str, Any]], now: float | None = None) -> dict[str, float | None]:
    """The six KPIs over the last 15 s of users, or of the last test requests where there is no traffic.

    p95_seconds counts those who still wait with their age so far.
    """
    traffic = states.get("traffic")
    if traffic is None:
        return dict(NO_KPIS)
    if traffic["rps"] == 0:
        return _kpis_of_tests(tests)
    users = traffic["users"]
    seconds = max(0.001, min(WINDOW_SECONDS, (now or time.time()) - users["since"]))
    if not users["ended"] and not traffic["in_flight"]:
        return dict(NO_KPIS)
    return {
        "success_ratio": users["success_ratio"],
        "p50_seconds": users["p50_seconds"],
        "p95_seconds": users["p95_seconds"],
        "offered_rps": traffic["arrived"] / seconds,
        "served_rps": users["succeeded"] / seconds,
        "attempts_per_request": attempts_per_request(states, users["ended"]),
    }


def attempts_per_request(states: States, ended: int) -> float | None:
    """Attempts on the edge that has most of them, over the user requests that ended in the window."""
    edges = [state["calls"]["attempts"] for state in states.values() if state is not None and "calls" in state]
    return max(edges) / ended if edges and ended else None


def _kpis_of_tests(tests: Sequence[Mapping[str, Any]]) -> dict[str, float | None]:
    if not tests:
        return dict(NO_KPIS)
    seconds = sorted(test["seconds"] for test in tests)
    attempts = [max((len(hop["attempts"]) for hop in test["hops"]), default=1) for test in tests]
    return {
        **NO_KPIS,
        "success_ratio": sum(test["ok"] for test in tests) / len(tests),
        "p50_seconds": quantile(seconds, 0.5),
        "p95_seconds": quantile(seconds, 0.95),
        "attempts_per_request": sum(attempts) / len(tests),
    }


def judge(
    states: States, kpis: Mapping[str, float | None], down: Collection[str], now: float | None = None
) -> tuple[str, list[str]]:
    """The status and its reasons; the first rule that matches decides the status, all that match are told.

    `down` names the services that do not answer.
    """
    red = [f"{service} does not answer" for service in down]
    red += _red_reasons(states, kpis, now or time.time())
    yellow = _yellow_reasons(states, kpis)
    if red:
        return "RED", red + yellow
    if yellow:
        return "YELLOW", yellow
    return "GREEN", [_healthy(kpis)]


def _red_reasons(states: States, kpis: Mapping[str, float | None], now: float) -> list[str]:
    reasons = []
    success = kpis["success_ratio"]
    if success is not None and success < RED_BELOW:
        reasons.append(f"{success * 100:.0f} % of requests succeed, less than {RED_BELOW * 100:.0f} %")
    traffic = states.get("traffic")
    if traffic is not None and traffic["rps"] and now - traffic["epoch"] >= STUCK_SECONDS:
        stuck = traffic["in_flight"] >= STUCK_IN_FLIGHT and not traffic["last_5_seconds"]["ended"]
        if stuck:
            reasons.append(f"nothing came back in {STUCK_SECONDS:g} s, and {traffic['in_flight']} users wait")
    return reasons


def _yellow_reasons(states: States, kpis: Mapping[str, float | None]) -> list[str]:
    reasons = []
    success, p95 = kpis["success_ratio"], kpis["p95_seconds"]
    if success is not None and RED_BELOW <= success < YELLOW_BELOW:
        reasons.append(f"{success * 100:.1f} % of requests succeed, less than {YELLOW_BELOW * 100:.0f} %")
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
