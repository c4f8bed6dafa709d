"""The control room's numbers: what every board shows of them, in the same words and colours."""

from __future__ import annotations

from grafana.panels import GREEN, GREY, ORANGE, PURPLE, VERMILLION, Panel, now, stat
from services.control_room.health import RETRY_STORM, SOME_RETRIES

UNKNOWN = ("no control room", PURPLE)


def kpi(name: str) -> str:
    """The series of one of the control room's KPIs; none where it is null."""
    return f'lab_kpi{{name="{name}"}} >= 0'


def attempts_stat() -> Panel:
    """What one user's request becomes."""
    attempts, allowed = kpi("attempts_per_request"), 'lab_kpi{name="attempts_allowed"}'
    return stat(
        "Attempts per request",
        "What one user's request becomes: the attempts of each layer, multiplied. More than 1 while users fail: the "
        "cure makes it worse.",
        [now(f"({attempts}) * on () group_left () ({allowed} > bool 1) or on () vector(-1)")],
        unit="none",
        decimals=1,
        meanings={0: ("no retries", GREEN), -1: ("no calls", GREY)},
        steps=((None, GREEN), (SOME_RETRIES, ORANGE), (RETRY_STORM, VERMILLION)),
    )
