"""Staying with a scene that plays: patience with the control room, progress, and what cuts a scene short."""

from __future__ import annotations

from .actions import POLL_SECONDS
from .api import Document
from .context import Context
from .errors import LabError, Unreachable
from .views import clock_words

GRACE_SECONDS = 60.0  # how long after its duration a scene may still decide
AWAY_SECONDS = 20.0  # how long the control room may be silent while a scene runs


def patient_get(ctx: Context, path: str) -> Document:
    """What the control room says there; one that is busy gets a few tries."""
    deadline = ctx.clock() + AWAY_SECONDS
    while True:
        try:
            return ctx.room.get(path)
        except Unreachable:
            if ctx.clock() >= deadline:
                raise
            ctx.sleep(POLL_SECONDS)


def cut_short(name: str, now: Document | None) -> LabError:
    """The scene of that name has ended before its time: `now` is on instead."""
    instead = f"{now['name']} was started" if now else "the lab was reset"
    return LabError(f"scene {name} was cut short: {instead} meanwhile", "nothing is verified")


def progress_of(about: Document, now: Document) -> str:
    """How far the scene is, in a line."""
    left = sum(check["outcome"] == "pending" for check in now["checks"])
    step = f": {now['step']}" if now.get("step") else ""
    clock = clock_words({**now, "duration_seconds": about["duration_seconds"]})
    return f"{about['name']}  {clock}, {left} of {len(now['checks'])} expectations open{step}"
