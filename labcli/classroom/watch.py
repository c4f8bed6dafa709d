"""Looks at each team's lab, from a thread of its own: one that does not answer delays nobody."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from labcli.api import ControlRoom, Document
from labcli.context import Context
from labcli.errors import LabError
from labcli.kubernetes import way_to

from .roster import Team

EVERY_SECONDS = 1.0
PATIENCE_SECONDS = 2.0  # for one answer
STALE_SECONDS = 6.0  # without an answer or a refusal: then the way there itself hangs
UNREACHABLE = "UNREACHABLE"
SCENE_KEYS = ("name", "title", "elapsed_seconds", "finished", "verdict")
PAGES = {"page": "/", "stage": "/stage", "presenter": "/presenter"}


@dataclass(frozen=True)
class Look:
    """How a lab was at a moment of the clock, and since when it has had this status."""

    at: float
    since: float
    status: str
    reasons: Sequence[str]
    url: str = ""
    scene: Document | None = None
    drill: Document | None = None
    kpis: Document | None = None


class Watch:
    """The looks at one team."""

    def __init__(self, ctx: Context, team: Team) -> None:
        self._ctx, self._team = ctx, team
        now = ctx.clock()
        self._last = Look(now, now, UNREACHABLE, ["has not been asked yet"])

    def run(self, stop: threading.Event) -> None:
        """Look once a second, until `stop`."""
        config = self._team.config(self._ctx.config)
        with way_to(config) as url:
            room = ControlRoom(config, url)
            while not stop.is_set():
                self.look(room)
                stop.wait(EVERY_SECONDS)

    def look(self, room: ControlRoom) -> None:
        """Ask the control room how its lab is."""
        try:
            state = room.get("/api/state", PATIENCE_SECONDS)
            drill = room.get("/api/room", PATIENCE_SECONDS).get("drill")
            self._saw(state["status"], state["reasons"], room.url, state.get("scene"), drill, state.get("kpis"))
        except LabError as error:
            self._saw(UNREACHABLE, [error.message])

    def _saw(self, status: str, reasons: Sequence[str], *rest: Any) -> None:
        now, before = self._ctx.clock(), self._last
        since = before.since if before.status == status else now
        self._last = Look(now, since, status, reasons, *rest)

    def describe(self) -> Document:
        """The last look, for the page; one that is too old to be believed is none."""
        look, now = self._last, self._ctx.clock()
        if now - look.at > STALE_SECONDS:
            look = Look(look.at, look.at, UNREACHABLE, ["nothing comes back: the way to it hangs"])
        scene, base = look.scene, self._team.url or look.url
        return {
            "number": self._team.number,
            "name": self._team.name,
            "status": look.status,
            "since_seconds": round(now - look.since, 1),
            "reasons": list(look.reasons),
            "scene": {key: scene.get(key) for key in SCENE_KEYS} if scene else None,
            "drill": look.drill,
            "kpis": look.kpis,
            "links": {name: base + path for name, path in PAGES.items()} if base else {},
        }


class ClassWatch:
    """The looks at all teams."""

    def __init__(self, ctx: Context, teams: Sequence[Team]) -> None:
        self._watches = [Watch(ctx, team) for team in teams]
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=watch.run, args=[self._stop], name=f"watch {team.name}", daemon=True)
            for team, watch in zip(teams, self._watches, strict=True)
        ]

    def start(self) -> None:
        """Begin to look."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End it; a thread whose team hangs is not waited for long."""
        self._stop.set()
        for thread in self._threads:
            thread.join(PATIENCE_SECONDS)

    def describe(self) -> Document:
        """Every team, as the board's page reads it."""
        return {"teams": [watch.describe() for watch in self._watches]}
