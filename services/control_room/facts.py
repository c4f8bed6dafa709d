"""The facts of this moment, as the stage's sentences have them: short, with their units, and None for the unknown."""

from __future__ import annotations

from services.common.process.memory import MB
from services.common.switches.settings import CapacitySetting, WorkSetting
from services.common.topology import API, DATABASE, FRONTEND
from services.common.words import duration_words, percent
from services.control_room.lab_state import LabState, ServiceView, edge_rps

FEW = 9.95  # from here on a rate has no decimals


def facts_of(lab: LabState, since_seconds: float) -> dict[str, str | None]:
    """Every fact of `sentences.FACTS`."""
    kpis, cascade = lab.kpis, lab.cascade
    frontend, api, database = (lab.services[each.name] for each in (FRONTEND, API, DATABASE))
    state = api.known
    has_users = lab.traffic is not None and lab.traffic.rps > 0
    return {
        "users": _rate(lab.traffic.rps) if lab.traffic else None,
        "served": _rate(kpis.served_rps),
        "success": _percent(kpis.success_ratio),
        "wait": _seconds(kpis.p50_seconds),
        "tail": _seconds(kpis.p95_seconds),
        "attempts": _rate(kpis.attempts_per_request),
        "since": f"{since_seconds:.0f} s",
        "memory": f"{state.rss_bytes / MB:.0f} MB" if state else None,
        "memory_limit": f"{state.memory_limit_bytes / MB:.0f} MB" if state and state.memory_limit_bytes else None,
        "api_calls": _calls(frontend),
        "api_capacity": _rate(work_rps(api)),
        "database_calls": _calls(api),
        "database_capacity": _rate(database_rps(database)),
        "database_queue": str(database.queued) if database.queued is not None else None,
        "database_wait": _seconds(database.known.longest_wait_seconds) if database.known else None,
        "wasted": _percent(cascade.wasted_work_ratio) if has_users else None,
        "frontend_threads": _threads(frontend),
        "api_threads": _threads(api),
        "api_pool": f"{state.pool.in_use} of {state.pool.size}" if state and state.pool else None,
    }


def database_rps(database: ServiceView) -> float | None:
    """Queries a second with its connections and a query's own time; what failures add to that time is left out."""
    if database.known is None or database.known.connections is None:
        return None
    default = CapacitySetting.service_time_seconds.default
    params = database.known.active["setting"].get(CapacitySetting.name, {"service_time_seconds": default})
    seconds = params["service_time_seconds"]
    return database.known.connections.max / seconds if seconds else None


def work_rps(api: ServiceView) -> float | None:
    """Requests a second that the instances in use can do; None where one of them has no limit."""
    rates: list[float] = []
    for instance in api.instances.values():
        if instance.target.role != "in_use" or instance.state is None:
            continue
        work = instance.state.active["setting"].get(WorkSetting.name)
        if not work or not work["slots"] or not work["service_time_seconds"]:
            return None
        rates.append(work["slots"] / work["service_time_seconds"])
    return sum(rates)


def _calls(service: ServiceView) -> str | None:
    return _rate(edge_rps(service.calls)) if service.calls else None


def _threads(service: ServiceView) -> str | None:
    return f"{service.known.threads_busy} of {service.known.threads_total}" if service.known else None


def _rate(value: float | None) -> str | None:
    if value is None:
        return None
    return f"{value:.0f}" if value >= FEW or value == int(value) else f"{value:.1f}"


def _percent(ratio: float | None) -> str | None:
    return None if ratio is None else f"{percent(ratio)} %"


def _seconds(value: float | None) -> str | None:
    return None if value is None else duration_words(value)
