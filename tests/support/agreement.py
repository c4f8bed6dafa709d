"""Compares what Grafana shows with what `/api/state` says, second by second, while something else drives the lab.

The expressions are those of the checked-in dashboards. A value of Prometheus is d seconds behind if it lies within what
the state has said in the last d seconds. A value that the state never had (it was asked a moment too late) counts for
as long as it stands.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.grafana.reading import panel_expressions
from tests.support.labs import LabUnderTest

State = dict[str, Any]
SECONDS_BETWEEN_LOOKS = 0.25
ALLOWED_SECONDS = 3.0
KPIS: dict[str, Callable[[State], float]] = {
    "Status": lambda state: ("GREEN", "YELLOW", "RED").index(state["status"]),
    "Users who succeed": lambda state: _or(_kpi(state, "success_ratio"), -2 if _in_flight(state) else -1),
    "19 of 20 users wait": lambda state: _or(_kpi(state, "p95_seconds"), -1),
    "Users who come": lambda state: _or(_kpi(state, "offered_rps"), 0),
    "Users served": lambda state: _or(_kpi(state, "served_rps"), 0),
    "Attempts per request": lambda state: _or(
        _kpi(state, "attempts_per_request"), -1, lambda attempts: attempts if _may_retry(state) else 0
    ),
    "Api memory": lambda state: _or(state["services"]["api"]["memory_share"], -1),
    "Why does it not recover?": lambda state: state["cascade"]["why"]["code"],
    "Longest queue": lambda state: state["cascade"]["queue_patience_ratio"],
    "Work for nobody": lambda state: state["cascade"]["wasted_work_ratio"],
}


def _or(value: float | None, otherwise: float, shown: Callable[[float], float] = lambda value: value) -> float:
    return otherwise if value is None else shown(value)


def _kpi(state: State, name: str) -> float | None:
    value: float | None = state["kpis"][name]
    return value


def _in_flight(state: State) -> int:
    return int((state["traffic"] or {}).get("in_flight", 0))


def _may_retry(state: State) -> bool:
    return bool(state["cascade"]["attempts_allowed"] > 1)


def shown_by_the_page(state: State) -> dict[str, float]:
    """Every stat and box, by its name, as the state has it."""
    values = {name: float(of(state)) for name, of in KPIS.items()}
    for name, service in state["services"].items():
        values[f"{name} health"] = service["health"]["level"]
        calls = service["calls"] or {"level": 0, "rps": 0.0}
        values |= {f"{name} calls problem": calls["level"], f"{name} calls": calls["rps"]}
    return values


def expressions() -> dict[str, str]:
    """What Grafana asks for: the stats of the overview and the cascade, by the name here, and the canvas' series."""
    found = {}
    for one in panel_expressions():
        for name in KPIS:
            if one.board in ("overview.json", "cascade.json") and one.instant and one.where.startswith(name):
                found[name] = one.expr
    return found


SERIES = {"lab_service_health": "health", "lab_edge_health": "calls problem", "lab_edge_rps": "calls"}


class Agreement:
    """Looks at both sides from a thread of its own, while it is entered."""

    def __init__(self, lab: LabUnderTest) -> None:
        self._lab = lab
        self._said: list[tuple[float, dict[str, float]]] = []
        self._shown: list[tuple[float, dict[str, float]]] = []
        self._over = threading.Event()

    @contextmanager
    def watch(self) -> Iterator[None]:
        """Watch until the block ends."""
        threads = [threading.Thread(target=self._keep, args=(look,)) for look in (self._ask_page, self._ask_prometheus)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _keep(self, look: Callable[[], None]) -> None:
        while not self._over.wait(SECONDS_BETWEEN_LOOKS):
            look()

    def _ask_page(self) -> None:
        values = shown_by_the_page(self._lab.state())
        self._said.append((time.monotonic(), values))

    def _ask_prometheus(self) -> None:
        moment = time.monotonic()
        values = {name: self._lab.value(expression) for name, expression in expressions().items()}
        for metric, what in SERIES.items():
            values |= {f"{labels['service']} {what}": value for labels, value in self._lab.query(metric)}
        self._shown.append((moment, values))

    def behind(self) -> dict[str, float]:
        """{name: by how many seconds Grafana was behind, at most}."""
        first = self._said[0]
        shown = [entry for entry in self._shown if entry[0] - first[0] >= 1]
        return {name: self._most_behind(name, shown) for name in first[1]}

    def _most_behind(self, name: str, shown: list[tuple[float, dict[str, float]]]) -> float:
        most, wrong_since = 0.0, None
        for moment, values in shown:
            age = self._age(moment, name, values.get(name, math.nan))
            if age is None:
                wrong_since = moment if wrong_since is None else wrong_since
                age = moment + SECONDS_BETWEEN_LOOKS - wrong_since
            else:
                wrong_since = None
            most = max(most, age)
        return most

    def _age(self, moment: float, name: str, value: float) -> float | None:
        """Since when the state has said this, or something below and something above it; None if not lately."""
        low, high = math.inf, -math.inf
        margin = 0.02 * abs(value) + 0.005
        for said_at, said in reversed(self._said):
            if said_at > moment + 3 * SECONDS_BETWEEN_LOOKS:
                continue  # an answer may be under way while Prometheus is asked
            if moment - said_at > ALLOWED_SECONDS:
                break
            low, high = min(low, said[name]), max(high, said[name])
            if low - margin <= value <= high + margin:
                return max(0.0, moment - said_at)
        return None


def lines(name: str, behind: Mapping[str, float]) -> list[str]:
    """The table of one scene: what was behind most, first."""
    ordered = sorted(behind.items(), key=lambda entry: -entry[1])
    return [f"{name}\t{what}\t{seconds:.1f} s" for what, seconds in ordered]
