"""The command `workshop`: list the plans, lead through one in the terminal, end it."""

from __future__ import annotations

import argparse
import select
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import suppress

from services.common.words import minutes_words

from .api import Document
from .console import Style
from .context import Context
from .errors import LabError, Refused
from .names import did_you_mean
from .rehearsal import rehearse
from .table import row_lines, table

PATH = "/api/workshop"
TICK_SECONDS = 1.0
PHONES, MAX_PHONES = 12, 200
KEYS = {"": "next", "b": "back", "s": "skip"}
LEAVE = "q"
Ask = Callable[[float], str | None]


def list_(ctx: Context, args: Namespace) -> int:
    """List the plans; the presenter is told which is on."""
    plans = ctx.room.get("/api/workshops")["workshops"]
    now: Document | None = None
    with suppress(Refused):  # whoever has no token may still read the plans
        now = ctx.room.get_secret(PATH)["workshop"]
    rows = [["name", "minutes", "on", "what", "for whom"]]
    for plan in plans:
        on = f"part {now['part'] + 1} of {len(now['parts'])}" if now and now["name"] == plan["name"] else ""
        rows.append([plan["name"], str(plan["minutes"]), on, plan["summary"], plan["audience"]])
    ctx.console.answer({"workshops": plans, "on": now}, "\n".join(table(rows, ctx.console.style.paint)))
    return 0


def end(ctx: Context, args: Namespace) -> int:
    """End the plan that is on."""
    ctx.console.answer(ctx.room.post(PATH, {"action": "end"}), "the workshop is over; the lab stays as it is")
    return 0


def run(ctx: Context, args: Namespace) -> int:
    """Lead through a plan, or rehearse it."""
    plans = [plan["name"] for plan in ctx.room.get("/api/workshops")["workshops"]]
    if args.name not in plans:
        raise LabError(f"there is no workshop {args.name!r}", did_you_mean(args.name, plans, "workshops"))
    return rehearse(ctx, args.name, args.phones) if args.rehearse else lead(ctx, args.name, typed_line)


def lead(ctx: Context, name: str, ask: Ask) -> int:
    """Show each part with its words, the clock, and what Enter does; until the end, or `q`.

    `ask` waits so many seconds for a line: None is no line yet, and what has no line end is the end of the input.
    """
    now: Document | None = _started(ctx, name)
    shown: Document | None = None
    while now is not None:
        for line in _news(shown, now, ctx.console.style):
            ctx.console.say(line)
        if shown is None or shown["at"] != now["at"]:
            ctx.console.data(now)
        shown = now
        ctx.console.progress(clock_line(now))
        typed = ask(TICK_SECONDS)
        if typed is None:  # somebody may have pressed the key on /presenter meanwhile
            now = ctx.room.get_secret(PATH)["workshop"]
            continue
        word = typed.strip().lower()
        if word == LEAVE or not typed.endswith("\n"):
            ctx.console.note(f"{name} stays on; go on with it: {ctx.config.hint(f'workshop run {name}')}")
            return 0
        now = _pressed(ctx, word, now)
    ctx.console.say("the workshop is over; the lab stays as it is")
    return 0


def _started(ctx: Context, name: str) -> Document:
    """The workshop, as it is on already or from its start."""
    now: Document | None = ctx.room.get_secret(PATH)["workshop"]
    if now is not None and now["name"] == name:
        return now
    try:
        started: Document = ctx.room.post(PATH, {"action": "start", "name": name})["workshop"]
    except Refused as refused:
        raise refused.with_advice(f"end it: {ctx.config.hint('workshop end')}") from None
    return started


def _pressed(ctx: Context, word: str, now: Document) -> Document | None:
    """Do what a key says; what the lab refuses is said, and the place stays."""
    if word not in KEYS:
        ctx.console.note("Enter does what comes next; b goes back, s skips, q leaves it on")
        return now
    try:
        moved: Document | None = ctx.room.post(PATH, {"action": KEYS[word], "at": now["at"]})["workshop"]
        return moved
    except Refused as refused:
        ctx.console.error(refused.with_advice("s skips it"))
        found: Document | None = ctx.room.get_secret(PATH)["workshop"]
        return found


def _news(before: Document | None, now: Document, style: Style) -> list[str]:
    """The part, if it is another one, and what Enter does, if that is something else."""
    lines = _part_lines(now, style) if before is None or before["part"] != now["part"] else []
    if before is None or before["at"] != now["at"]:
        said = style.paint(now["next"]["words"], "bold")
        lines.append(f"{clock_line(now)}\nEnter: {said}   {style.paint('b back, s skip, q leave it on', 'dim')}")
    return lines


def _part_lines(now: Document, style: Style) -> list[str]:
    """The part's title, and what to say in it."""
    part, number = now["parts"][now["part"]], now["part"] + 1
    title = f"{number} of {len(now['parts'])}  {part['title']}"
    about = part["bet"] or part["scene"] or (f"drill, level {part['drill']}" if part["drill"] else "")
    minutes = f"{part['minutes']} min" + (f", {about}" if about else "")
    said = [line for text in part["say"] for line in row_lines(["  say", text], [5, 90])]
    return ["", f"{style.paint(title, 'bold')}  ({minutes})", *said]


def clock_line(now: Document) -> str:
    """The clock against the plan: "1:10 of 5:00 in this part, 12:10 of 45:00 in all: on time"."""
    clock = now["clock"]
    part = f"{minutes_words(clock['part_seconds'])} of {minutes_words(clock['part_planned_seconds'])} in this part"
    whole = f"{minutes_words(clock['seconds'])} of {minutes_words(clock['planned_seconds'])} in all"
    return f"{part}, {whole}: {clock['words']}"


def typed_line(seconds: float) -> str | None:
    """A line from the keyboard, or None when none was typed in time; from a file or a pipe, its next line."""
    if sys.stdin.isatty() and not select.select([sys.stdin], [], [], seconds)[0]:
        return None
    return sys.stdin.readline()


def phone_count(text: str) -> int:
    """How many phones."""
    if not (text.isascii() and text.isdecimal() and int(text) <= MAX_PHONES):
        raise argparse.ArgumentTypeError(f"{text!r}: must be a whole number from 0 to {MAX_PHONES}")
    return int(text)
