"""Does something to each team at the same time. One that fails, or takes its time, holds up nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace

from labcli.api import ControlRoom
from labcli.console import Console
from labcli.context import Context
from labcli.errors import LabError, Unreachable
from labcli.kubernetes import way_to
from services.common.words import duration_words

from .roster import Team

Do = Callable[[Context, Team], str]
UP_AGAIN = "start it again: ./scripts/lab class up, with as many teams as before; the others stay as they are"


class _Quiet(Console):
    """Says nothing: eight teams at once would talk over each other."""

    def __init__(self) -> None:
        super().__init__({})

    def progress(self, text: str) -> None:
        """Say nothing."""

    def _write(self, stream: object, text: str) -> None:
        """Say nothing."""


def each(ctx: Context, teams: Sequence[Team], do: Do, at_once: int | None = None) -> list[Team]:
    """Do it to all of them, and report each as it is done, in a line; those that failed.

    `do` answers with what it has done, in words, and raises a LabError where it could not.
    """
    failed = []
    with ThreadPoolExecutor(at_once or len(teams)) as pool:
        began = ctx.clock()
        running = {pool.submit(_do, ctx, team, do): team for team in teams}
        for done in as_completed(running):
            team, seconds = running[done], ctx.clock() - began
            try:
                _report(ctx, team, "done", done.result(), seconds)
            except LabError as error:
                failed.append(team)
                _report(ctx, team, "FAILED", error.message, seconds)
                for line in (UP_AGAIN,) if isinstance(error, Unreachable) else error.advice:
                    ctx.console.say(f"  {line}")
    return failed


def _do(ctx: Context, team: Team, do: Do) -> str:
    """Do it, with a way to the team's control room."""
    config = team.config(ctx.config)
    with way_to(config) as url:
        return do(replace(ctx, config=config, room=ControlRoom(config, url), console=_Quiet()), team)


def _report(ctx: Context, team: Team, outcome: str, text: str, seconds: float) -> None:
    """A line about one team."""
    ctx.console.data({"team": team.number, "outcome": outcome, "text": text, "seconds": round(seconds, 1)})
    shown = ctx.console.style.paint(f"{outcome:<6}", "good" if outcome == "done" else "error")
    ctx.console.say(f"{team.name:<8}  {shown}  {text}, after {duration_words(seconds)}")
