"""The last five minutes, a point a second, for the page's charts."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from services.common.switches.base import KINDS
from services.common.topology import API, CHAIN_NAMES

KEEP_SECONDS = 300
COLUMNS = (
    "time",
    "success_ratio",
    "p50_seconds",
    "p95_seconds",
    "offered_rps",
    "served_rps",
    "api_rss_bytes",
    "frontend_busy",
    "api_busy",
    "database_busy",
    "frontend_queue",
    "api_queue",
    "database_queue",
)
KPIS = COLUMNS[1:6]
On = dict[tuple[str, str, str], dict[str, Any]]


class History:
    """A ring of points, and of marks: the moments at which a switch changed, in words."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._points: deque[list[float | None]] = deque(maxlen=KEEP_SECONDS)
        self._marks: deque[tuple[float, str]] = deque(maxlen=KEEP_SECONDS)
        self._on: On | None = None
        self._limit_bytes = 0

    def add(self, state: dict[str, Any]) -> None:
        """Take one point from what `GET /api/state` says."""
        now = round(self._clock(), 3)
        services, kpis = state["services"], state["kpis"]
        api = services[API.name]
        point = [now, *(_short(kpis[name]) for name in KPIS), api["rss_bytes"]]
        point += [services[name]["threads_busy"] for name in CHAIN_NAMES]
        point += [_queue(services[name]) for name in CHAIN_NAMES]
        with self._lock:
            self._points.append(point)
            self._limit_bytes = api["memory_limit_bytes"] or self._limit_bytes
            self._mark(now, services)

    def _mark(self, now: float, services: dict[str, Any]) -> None:
        before, on = self._on, self._on_now(services)
        self._on = on
        if before is None:
            return
        changed = [f"{key[0]} {key[2]} on" for key in on if key not in before]
        changed += [f"{key[0]} {key[2]} off" for key in before if key not in on]
        changed += [f"{key[0]} {key[2]} changed" for key in on if key in before and before[key] != on[key]]
        if changed:
            more = f" +{len(changed) - 1}" if len(changed) > 1 else ""
            self._marks.append((now, changed[0] + more))

    def _on_now(self, services: dict[str, Any]) -> On:
        """What is on; a service that does not answer keeps what it had."""
        on = {
            (service, kind, name): params
            for service, found in services.items()
            for kind in KINDS
            for name, params in found["active"][kind].items()
        }
        down = {service for service, found in services.items() if not found["up"]}
        return on | {key: params for key, params in (self._on or {}).items() if key[0] in down}

    def after(self, moment: float) -> dict[str, Any]:
        """Points and marks after a moment (seconds since 1970), oldest first, JSON-ready."""
        with self._lock:
            points = [point for point in self._points if (point[0] or 0) > moment]
            oldest = self._points[0][0] if self._points else 0
            marks = [{"time": at, "text": text} for at, text in self._marks if at > max(moment, oldest or 0)]
            limit = self._limit_bytes
        return {"columns": COLUMNS, "points": points, "marks": marks, "api_memory_limit_bytes": limit}


def _short(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _queue(service: dict[str, Any]) -> int | None:
    """Requests that wait in a service: for a thread, for a pool connection, for a database connection."""
    if not service["up"]:
        return None
    queued: int = service["waiting"] + service.get("pool", {}).get("waiting", 0)
    return queued + int(service.get("connections", {}).get("queued", 0))
