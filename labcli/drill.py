"""The command `drill`: a hidden fault, what the room says of it, and how it ended."""

from __future__ import annotations

from argparse import Namespace

from services.common.topology import CONTROL_ROOM
from services.common.words import minutes_words

from .api import Document
from .compose import Compose
from .console import Style
from .context import Context
from .errors import LabError
from .plan import Folder
from .record import Record
from .table import table

IN_CONTAINER = "/run/lab-secret/secret"  # in the container, as docker-compose.yml mounts it
ROOM = "The room"


def start(ctx: Context, args: Namespace) -> int:
    """Reset the lab, and hide a fault that strikes after a while."""
    wish = {"action": "start", "level": args.level, "seed": args.seed}
    return _said(ctx, ctx.room.post("/api/drill", {key: value for key, value in wish.items() if value is not None}))


def end(ctx: Context, args: Namespace) -> int:
    """End the drill, and tell what it was."""
    return _said(ctx, ctx.room.post("/api/drill", {"action": "end"}))


def board(ctx: Context, args: Namespace) -> int:
    """Show what the teams do, freeze it, or hide it."""
    return _said(ctx, ctx.room.post("/api/drill", {"action": "board", "board": args.board}))


def status(ctx: Context, args: Namespace) -> int:
    """What everybody may know."""
    return _said(ctx, ctx.room.get("/api/room"))


def answer(ctx: Context, args: Namespace) -> int:
    """Say that something is wrong, or what; or take a hint."""
    body = {"team": args.team, "kind": args.kind}
    if args.kind == "diagnosis":
        body |= {"service": args.service, "switch": args.switch}
    document = ctx.room.post("/api/drill/answers", body)
    mine = document["drill"]["mine"]
    lines = [mine["said"]] if mine["said"] else mine["hints"][-1:]
    ctx.console.answer(document, "\n".join(lines))
    return 0


def show(ctx: Context, args: Namespace) -> int:
    """The drill's secret, for the presenter alone."""
    document = ctx.room.get_secret("/api/drill", ctx.config.token or _secret(ctx))
    drill = document["drill"]
    if drill is None:
        raise LabError("there was no drill yet", ctx.config.hint("drill start"))
    ctx.console.answer(document, "\n".join([*_secret_lines(drill), *_team_lines(drill, ctx.console.style)]))
    return 0


def _secret(ctx: Context) -> str:
    """What the lab's own processes share: who can read it is on the machine that runs the lab."""
    folder = Folder.of(ctx.config)
    if Record.load(folder).is_up:
        return folder.secret.read_text().strip()
    found = Compose(ctx.config).capture("exec", "-T", CONTROL_ROOM.name, "cat", IN_CONTAINER)
    if not found.ok:
        advice = "ask on the machine that runs the lab, or set LAB_TOKEN for the lab and here"
        raise LabError("the secret is told on the lab's own machine, or with its token", advice)
    return found.out.strip()


def _said(ctx: Context, document: Document) -> int:
    drill = document["drill"]
    if drill is None:
        ctx.console.answer({"drill": None}, f"no drill is on: {ctx.config.hint('drill start')}")
        return 0
    lines = _running_lines(ctx, drill) if drill["phase"] == "running" else _result_lines(drill["result"])
    ctx.console.answer({"drill": drill}, "\n".join([*lines, *_team_lines(drill, ctx.console.style)]))
    return 0


def _running_lines(ctx: Context, drill: Document) -> list[str]:
    level = f" of level {drill['level']}" if drill["level"] else ""
    return [
        f"a drill{level} is on, for {minutes_words(drill['seconds'])}: what is wrong is hidden",
        f"  something is wrong:   {ctx.config.hint('drill incident')}",
        f"  it is ...:            {ctx.config.hint('drill diagnose SERVICE SWITCH')}",
        f"  a hint, for points:   {ctx.config.hint('drill hint')}",
        f"  its secret, its end:  {ctx.config.hint('drill show')}, {ctx.config.hint('drill end')}",
    ]


def _result_lines(result: Document) -> list[str]:
    faults = ", ".join(result["faults"])
    cure = [f"one way out: {', '.join(result['cure'])}"] if result["cure"] else []
    lines = [f"{result['title']} ({faults})", result["words"], result["mechanism"], *cure]
    return [line for text in lines for line in table([[text]])]


def _secret_lines(drill: Document) -> list[str]:
    secret = drill["secret"]
    when = f"after {secret['wait_seconds']:.0f} s" if secret["fault_seconds"] is None else "it has come"
    hints = [f"hint {number}: {text}" for number, text in enumerate(secret["hints"], 1)]
    cure = [f"one way out: {', '.join(secret['cure'])}"] if secret["cure"] else []
    lines = [f"{secret['title']} ({', '.join(secret['faults'])}), {when}", secret["mechanism"], *cure, *hints]
    return [line for text in lines for line in table([[text]])]


def _team_lines(drill: Document, style: Style) -> list[str]:
    teams = drill["teams"]
    if not teams:
        return ["", "the board is hidden"] if teams is None else []
    over = "points" in teams[0]
    rows = [["team", "now", "wrong answers", "hints", *(["points"] if over else [])]]
    for team in teams:
        points = [str(team["points"])] if over else []
        rows.append([team["team"], team["state"], str(team["wrong"]), str(team["hints"]), *points])
    return ["", *table(rows, style.paint)]
