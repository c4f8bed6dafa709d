"""The command `bet`: list the bets, open one, close it, reveal it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence

from .api import Document
from .console import Style
from .context import Context
from .errors import LabError, UsageError
from .names import did_you_mean
from .table import table

ACTIONS = ("open", "close", "reveal")
DONE = {"open": "the room votes", "closed": "closed", "revealed": "revealed"}


def bet(ctx: Context, args: Namespace) -> int:
    """List the bets, or do something with one."""
    bets = ctx.room.get("/api/bets")["bets"]
    if args.action is None:
        ctx.console.answer({"bets": bets}, "\n".join(_list_lines(bets, ctx.console.style)))
        return 0
    if args.scene is None:
        raise UsageError(
            f"bet {args.action} needs a scene", f"for example: ./scripts/lab bet {args.action} retry_storm"
        )
    meant = _meant(bets, args.action, args.scene, args.key)
    answer = ctx.room.post(f"/api/bets/{meant['id']}", {"action": args.action})
    ctx.console.answer(answer, "\n".join(_bet_lines(answer, ctx.console.style)))
    return 0


def _meant(bets: Sequence[Document], action: str, scene: str, key: str | None) -> Document:
    """The bet of that name; without a key, the one of the scene that the action fits."""
    of_scene = {bet["key"]: bet for bet in bets if bet["scene"] == scene}
    if not of_scene:
        scenes = {bet["scene"] for bet in bets}
        raise LabError(f"there is no scene {scene!r} with a bet", did_you_mean(scene, scenes, "scenes"))
    if key is None:
        fitting = (None, "closed") if action == "open" else ("open", "closed")
        return next((bet for bet in of_scene.values() if bet["phase"] in fitting), next(iter(of_scene.values())))
    if key not in of_scene:
        raise LabError(f"{scene} has no bet {key!r}", did_you_mean(key, of_scene, "bets"))
    return of_scene[key]


def _list_lines(bets: Sequence[Document], style: Style) -> list[str]:
    rows = [["scene", "key", "now", "question"]]
    rows += [[bet["scene"], bet["key"], DONE.get(bet["phase"], "-"), bet["question"]] for bet in bets]
    return table(rows, style.paint)


def _bet_lines(bet: Document, style: Style) -> list[str]:
    """The question, each option with its votes, and what the lab has measured."""
    rounds = bet["counts"]
    rows = []
    for option in bet["options"]:
        votes = [str(counts[option["key"]]) for counts in rounds]
        mark = style.paint("right", "good") if option["key"] in bet["right"] else ""
        rows.append([f"  {option['text']}", " then ".join(votes), mark])
    lines = [f"{bet['id']}: {DONE[bet['phase']]}", *table([[bet["question"]]]), *table(rows)]
    for result in bet["results"]:
        with_ = f" with {result['with']}" if result["with"] else ""
        expected = f"expected {result['expected']}, " if result["expected"] else ""
        lines += table([[f"{result['text']}{with_}: {expected}measured {result['measured'] or 'nothing yet'}"]])
    return lines
