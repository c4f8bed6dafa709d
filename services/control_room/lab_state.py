"""The lab's state: what `GET /api/state` shows, Prometheus scrapes and the charts draw. Made in `Lab.state`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from services.common.switches.base import KINDS
from services.common.telemetry.state import Calls, ServiceState, TargetState, TrafficState
from services.common.telemetry.wire import encode
from services.control_room.health import WHY, Health, edge_level
from services.control_room.status import LEAST_SECONDS, WINDOW_SECONDS, Kpis

SIZES = ("rss_bytes", "memory_limit_bytes", "leaked_bytes", "threads_busy", "threads_total", "waiting", "queued")
PARTS = (
    "expires",
    "pool",
    "connections",
    "work",
    "cache",
    "waits",
    "oom_kills",
    "oom_group",
)  # of a service that answers and has them


@dataclass(frozen=True)
class Cascade:
    """What keeps an outage alive: the reason (a key of WHY), the longest queue, work for nobody, retries allowed."""

    why: int = 0
    queue_patience_ratio: float = 0.0
    wasted_work_ratio: float = 0.0
    attempts_allowed: int = 1

    def describe(self) -> dict[str, Any]:
        """JSON-ready."""
        return {**vars(self), "why": {"code": self.why, "text": WHY[self.why]}}


@dataclass(frozen=True)
class InstanceView:
    """One instance of a service that has several. `target` is what it is to its caller."""

    up: bool
    silent_seconds: float
    state: ServiceState | None
    health: Health
    target: TargetState
    share: float | None

    def describe(self) -> dict[str, Any]:
        """JSON-ready: what a service has, its role, and the share of the calls that it gets."""
        target = self.target
        return {
            "role": target.role,
            "why": target.why,
            "up": self.up,
            **(_silent(self.silent_seconds) if self.state is None else _shown(self.state)),
            "health": self.health.describe(),
            "memory_share": self.state.memory_share if self.state else None,
            "share": self.share,
            "in_flight": target.in_flight,
            "success_ratio": target.success_ratio,
        }


@dataclass(frozen=True)
class ServiceView:
    """One service: `state` is what it says now, `known` what it said last; None for one that does not answer.

    It is made of the instances that are in use; `instances` has all of them, where there are several.
    """

    up: bool
    silent_seconds: float
    state: ServiceState | None
    known: ServiceState | None
    health: Health
    instances: dict[str, InstanceView]

    @property
    def memory_share(self) -> float | None:
        """Resident memory over its limit; None for a service that is down."""
        return self.known.memory_share if self.known is not None else None

    @property
    def calls(self) -> Calls | None:
        """Its calls of the next service; None for one that makes none, or is down."""
        return self.known.calls if self.known is not None else None

    @property
    def queued(self) -> int | None:
        """Requests that wait in it."""
        return self.state.queued if self.state is not None else None

    def describe(self) -> dict[str, Any]:
        """JSON-ready; one that does not answer has its keys too, as nulls."""
        calls = self.calls
        instances = {name: each.describe() for name, each in self.instances.items()}
        return {
            "up": self.up,
            **(_silent(self.silent_seconds) if self.state is None else _shown(self.state)),
            "health": self.health.describe(),
            "memory_share": self.memory_share,
            "calls": {"peer": calls.peer, "rps": edge_rps(calls), "level": edge_level(calls)} if calls else None,
            **({"instances": instances} if instances else {}),
        }


def _silent(seconds: float) -> dict[str, Any]:
    """One that does not answer."""
    nothing_on: dict[str, Any] = {kind: {} for kind in KINDS}
    return {**dict.fromkeys(SIZES), "active": nothing_on, "silent_seconds": round(seconds, 1)}


def _shown(state: ServiceState) -> dict[str, Any]:
    found = {name: getattr(state, name) for name in (*SIZES, "active", *PARTS)}
    return {name: encode(value) for name, value in found.items() if value is not None}


def edge_rps(calls: Calls) -> float:
    """Calls a second."""
    return calls.sent / max(LEAST_SECONDS, calls.seconds)


@dataclass(frozen=True)
class LabState:
    """Everything at one moment, but for the scene."""

    status: str
    reasons: list[str]
    traffic: TrafficState | None
    kpis: Kpis
    kpi_levels: dict[str, int]
    cascade: Cascade
    services: dict[str, ServiceView]

    def describe(self) -> dict[str, Any]:
        """As `GET /api/state` shows it."""
        traffic = self.traffic
        return {
            "status": self.status,
            "reasons": self.reasons,
            "traffic": {"rps": traffic.rps, "in_flight": traffic.in_flight} if traffic else None,
            "kpis": self.kpis.describe(),
            "kpi_levels": self.kpi_levels,
            "cascade": self.cascade.describe(),
            "window_seconds": WINDOW_SECONDS,
            "services": {name: service.describe() for name, service in self.services.items()},
        }
