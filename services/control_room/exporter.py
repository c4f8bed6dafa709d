"""What the control room has computed, as metrics: Prometheus, Grafana and the alerts show these, and judge nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.common.switches.catalogue import CATALOGUE
from services.control_room.health import OK, REASONS, Health, edge_level
from services.control_room.lab_state import LabState, ServiceView, edge_rps
from services.control_room.status import LEVELS, Kpis

CASCADE = ("queue_patience_ratio", "wasted_work_ratio", "attempts_allowed")


class StateCollector(Collector):
    """The latest state that anybody asked for; every label set is there from the start. A KPI that is null is NaN."""

    def __init__(self, latest: Callable[[], LabState | None]) -> None:
        self._latest = latest

    def collect(self) -> Iterator[Metric]:
        """Read the latest state now."""
        lab = self._latest()
        yield GaugeMetricFamily("lab_status", "0 GREEN, 1 YELLOW, 2 RED.", LEVELS[lab.status] if lab else 0)
        yield GaugeMetricFamily(
            "lab_why", "Why the lab does not recover, 0 to 6; 0 is well.", lab.cascade.why if lab else 0
        )
        yield _kpis(lab)
        services = lab.services if lab else {}
        yield from _services(services)
        yield from _edges(services)


def _kpis(lab: LabState | None) -> Metric:
    kpis = GaugeMetricFamily("lab_kpi", "The lab's KPIs over its window, as in /api/state.", labels=["name"])
    found: dict[str, float | None] = {**Kpis().describe(), **dict.fromkeys(CASCADE), "attempts_allowed": 1}
    found["in_flight"] = None
    if lab is not None:
        found |= lab.kpis.describe() | {name: getattr(lab.cascade, name) for name in CASCADE}
        found["in_flight"] = lab.traffic.in_flight if lab.traffic else None
    for name, value in found.items():
        kpis.add_metric([name], math.nan if value is None else float(value))
    return kpis


def _services(services: Mapping[str, ServiceView]) -> Iterator[Metric]:
    health = GaugeMetricFamily("lab_service_health", "0 ok, 1 strained, 2 failing, 3 down.", labels=["service"])
    problem = GaugeMetricFamily(
        "lab_service_problem", "How bad each thing is that is wrong with a service.", labels=["service", "reason"]
    )
    memory = GaugeMetricFamily("lab_service_memory_ratio", "Memory of its limit; NaN when down.", labels=["service"])
    for service in CATALOGUE:
        found = services.get(service)
        judged = found.health if found else Health(OK, "")
        health.add_metric([service], judged.level)
        levels = {each.reason: each.level for each in judged.problems}
        for reason in REASONS:
            problem.add_metric([service, reason], levels.get(reason, 0))
        share = found.memory_share if found else None
        memory.add_metric([service], math.nan if share is None else share)
    yield from (health, problem, memory)


def _edges(services: Mapping[str, ServiceView]) -> Iterator[Metric]:
    rps = GaugeMetricFamily("lab_edge_rps", "Calls a second from a service to the next one.", labels=["service"])
    level = GaugeMetricFamily("lab_edge_health", "0 calls end well, 1 some fail, 2 many do.", labels=["service"])
    for service in CATALOGUE:
        calls = services[service].calls if service in services else None
        rps.add_metric([service], edge_rps(calls) if calls else 0.0)
        level.add_metric([service], edge_level(calls) if calls else 0)
    yield from (rps, level)
