"""The clock of a workshop against its plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from services.control_room.workshop.model import MINUTE_SECONDS, Plan

SLACK_SECONDS = 60  # nobody is late within a minute
LATE_SECONDS = 300  # from here on something must be left out


def clock(plan: Plan, began: Sequence[float], now: float) -> dict[str, Any]:
    """Where a workshop is against its plan; `began` has when each part up to this one began, JSON-ready.

    Behind is whatever is more: how late this part began, or how far it is beyond its end.
    """
    index = len(began) - 1
    part_seconds, seconds = now - began[-1], now - began[0]
    planned = plan.part[index].minutes * MINUTE_SECONDS
    starts_at = plan.starts_at_seconds(index)
    behind = max(began[-1] - began[0] - starts_at, seconds - starts_at - planned)
    return {
        "seconds": round(seconds, 1),
        "planned_seconds": plan.minutes * MINUTE_SECONDS,
        "part_seconds": round(part_seconds, 1),
        "part_planned_seconds": planned,
        "behind_seconds": round(behind, 1),
        "level": level(behind),
        "words": words(behind),
    }


def level(behind: float) -> str:
    """How it looks: good, warning or error."""
    return "good" if behind < SLACK_SECONDS else "warning" if behind < LATE_SECONDS else "error"


def words(behind: float) -> str:
    """How it is said: "on time", "2 min behind", "4 min ahead"."""
    if abs(behind) < SLACK_SECONDS:
        return "on time"
    return f"{abs(behind) / MINUTE_SECONDS:.0f} min {'behind' if behind > 0 else 'ahead'}"
