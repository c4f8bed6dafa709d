"""The last five minutes, a point a second, for the page's charts."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from services.common.switches.base import KINDS
from services.common.telemetry.state import ServiceState
from services.common.topology import API, CHAIN, CHAIN_NAMES
from services.control_room.facts import database_rps, work_rps
from services.control_room.lab_state import LabState, ServiceView, edge_rps

KEEP_SECONDS = 300
COLUMNS = (
    "time",
    "success_ratio",
    "p50_seconds",
    "p95_seconds",
    "offered_rps",
    "served_rps",
    "api_rss_bytes",
    *(f"{name}_busy" for name in CHAIN_NAMES),
    *(f"{name}_queue" for name in CHAIN_NAMES),
    "in_flight",
    "api_calls_rps",
    "api_capacity_rps",
    "database_calls_rps",
    "database_capacity_rps",
)
KPIS = COLUMNS[1:6]
On = dict[tuple[str, str, str], dict[str, Any]]


class History:
    """A ring of points, and of marks: the moments at which a switch changed or a process began anew, in words."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._points: deque[list[float | None]] = deque(maxlen=KEEP_SECONDS)
        self._marks: deque[tuple[float, str]] = deque(maxlen=KEEP_SECONDS)
        self._on: On | None = None
        self._last: dict[str, ServiceState] = {}
        self._limit_bytes = 0

    def add(self, lab: LabState) -> None:
        """Take one point."""
        now = round(self._clock(), 3)
        states = {name: lab.services[name].state for name in CHAIN_NAMES}
        api = states[API.name]
        point = [now, *(_short(getattr(lab.kpis, name)) for name in KPIS), api.rss_bytes if api else None]
        point += [state.threads_busy if state else None for state in states.values()]
        point += [lab.services[name].queued for name in CHAIN_NAMES]
        point += [_short(value) for value in _loads(lab)]
        with self._lock:
            self._points.append(point)
            self._limit_bytes = (api.memory_limit_bytes if api else 0) or self._limit_bytes
            self._mark(now, lab.services)

    def _mark(self, now: float, services: dict[str, ServiceView]) -> None:
        before, on = self._on, self._on_now(services)
        self._on = on
        changed = self._begun_anew(services)
        if before is not None:
            keys = sorted({*before, *on}, key=lambda key: KINDS.index(key[1]))  # the failure first, as it is the news
            changed += [_in_words(key, before, on) for key in keys if before.get(key) != on.get(key)]
        if changed:
            more = f", {len(changed) - 1} more" if len(changed) > 1 else ""
            self._marks.append((now, changed[0] + more))

    def _begun_anew(self, services: dict[str, ServiceView]) -> list[str]:
        """The instances whose process is another one than it was, in words."""
        states: dict[str, ServiceState | None] = {}
        for service, view in services.items():
            each = {name: instance.state for name, instance in view.instances.items()}
            states |= each or {service: view.state}
        told = []
        for name, state in states.items():
            last = self._last.get(name)
            if state is None:
                continue
            self._last[name] = state
            if last is not None and (last.pid, last.boot_id) != (state.pid, state.boot_id):
                told.append(f"{name} {'killed: out of memory' if state.oom_kills > last.oom_kills else 'restarted'}")
        return told

    def _on_now(self, services: dict[str, ServiceView]) -> On:
        """What is on; a service that does not answer keeps what it had."""
        on = {
            (service, kind, name): params
            for service, found in services.items()
            if found.state is not None
            for kind, switches in found.state.active.items()
            for name, params in switches.items()
        }
        down = {service for service, found in services.items() if not found.up}
        return on | {key: params for key, params in (self._on or {}).items() if key[0] in down}

    def after(self, moment: float) -> dict[str, Any]:
        """Points and marks after a moment (seconds since 1970), oldest first, JSON-ready."""
        with self._lock:
            points = [point for point in self._points if (point[0] or 0) > moment]
            oldest = self._points[0][0] if self._points else 0
            limit = self._limit_bytes
        marks = [{"time": at, "text": text} for at, text in self.marks(max(moment, oldest or 0))]
        return {"columns": COLUMNS, "points": points, "marks": marks, "api_memory_limit_bytes": limit}

    def marks(self, moment: float) -> list[tuple[float, str]]:
        """When what changed, after a moment (seconds since 1970)."""
        with self._lock:
            return [(at, text) for at, text in self._marks if at > moment]


def _loads(lab: LabState) -> list[float | None]:
    """The last columns: what waits, and what is asked for against what can be done."""
    frontend, api, database = (lab.services[each.name] for each in CHAIN)
    return [
        lab.traffic.in_flight if lab.traffic else None,
        edge_rps(frontend.calls) if frontend.calls else None,
        work_rps(api),
        edge_rps(api.calls) if api.calls else None,
        database_rps(database),
    ]


def _in_words(key: tuple[str, str, str], before: On, on: On) -> str:
    service, kind, name = key
    if kind == "setting":
        return f"{service} {name} {'changed' if key in on else 'as before'}"
    return f"{service} {name} {'off' if key not in on else 'changed' if key in before else 'on'}"


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
