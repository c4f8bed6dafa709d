"""`scene NAME --with DEFENCE --compare`: the same users without and with a defence, one run after the other."""

from __future__ import annotations

import random
from collections.abc import Callable

from .api import Document
from .context import Context
from .table import table

GOOD_RATIO = 0.9


def compare(ctx: Context, about: Document, added: list[Document], seed: int, play: Callable[..., Document]) -> int:
    """Play a scene without and then with the defences, and print both outcomes in one table.

    `play` starts the scene with a body and stays until it is decided. 0 if the scene was as expected without the
    defences, and more users were served with them.
    """
    seed = seed or random.randrange(1, 2**31)
    words = " and ".join(f"{each['service']}.{each['name']}" for each in added)
    runs = {}
    for title, defences in (("without", []), ("with", added)):
        ctx.console.note(f"{about['name']} {title} {words}, arrivals of seed {seed} ...")
        last = play(ctx, about, {"narrate": False, "with": defences, "seed": seed})
        runs[title] = last | _outcome(ctx, last)
    better = runs["with"]["served_ratio"] > runs["without"]["served_ratio"]
    good = runs["without"]["verdict"] == "pass" and better
    document = {"scene": about["name"], "seed": seed, "defences": added, **runs, "better": better}
    ctx.console.data(document | {"grafana": _grafana(ctx, runs)})
    for line in _lines(ctx, words, runs):
        ctx.console.say(line)
    if not good:
        ctx.console.say("Without the defences the scene was not as expected." if better else "They did not help.")
    return 0 if good else 1


def _outcome(ctx: Context, last: Document) -> Document:
    """What the users had of a run: the share that was served, and for how many seconds fewer than 90 % succeeded."""
    history = ctx.room.get(f"/api/history?after={last['started_at']}")
    points = [dict(zip(history["columns"], point, strict=True)) for point in history["points"]]
    offered = sum(point["offered_rps"] or 0.0 for point in points)
    served = sum(point["served_rps"] or 0.0 for point in points)
    bad = sum(point["success_ratio"] is not None and point["success_ratio"] < GOOD_RATIO for point in points)
    return {"served_ratio": min(1.0, served / offered) if offered else 0.0, "bad_seconds": bad}


def _lines(ctx: Context, words: str, runs: dict[str, Document]) -> list[str]:
    without, defended = runs["without"], runs["with"]
    rows = [["", "without", f"with {words}"]]
    rows.append(["users served, of those who came", *(f"{run['served_ratio'] * 100:.0f} %" for run in runs.values())])
    rows.append(["seconds in which fewer than 90 % succeed", *(f"{run['bad_seconds']}" for run in runs.values())])
    for first, second in zip(without["checks"], defended["checks"], strict=True):
        rows.append([first["text"], *(str(check["measured"] or "-") for check in (first, second))])
    return ["", *table(rows, ctx.console.style.paint), "", f"both in Grafana: {_grafana(ctx, runs)}"]


def _grafana(ctx: Context, runs: dict[str, Document]) -> str:
    """The dashboard with the second run in view, and the first one laid over it."""
    began = {title: run["started_at"] * 1000 for title, run in runs.items()}
    ended = began["with"] + runs["with"]["elapsed_seconds"] * 1000
    shown = f"from={began['with']:.0f}&to={ended:.0f}&var-ago={began['with'] - began['without']:.0f}ms"
    return f"{ctx.config.address('GRAFANA_PORT')}/d/lab-cascade?{shown}"
