"""`status`, once or live."""

from __future__ import annotations

import contextlib
import shutil
import signal
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from itertools import count
from typing import NoReturn

from .api import Document
from .context import Context
from .errors import Unreachable
from .infra_record import touched
from .share import is_shared, view_url
from .views import cure_lines, event_line, status_lines

INTERVAL_SECONDS = 1.0
EVENTS_SHOWN = 8
# The alternate screen, without a cursor and without line wrap: long lines are cut at the edge.
ENTER = "\x1b[?1049h\x1b[?25l\x1b[?7l\x1b[2J"
LEAVE = "\x1b[?7h\x1b[?25h\x1b[?1049l"
HOME, END_OF_LINE, BELOW = "\x1b[H", "\x1b[K", "\x1b[J"


def status(ctx: Context, args: Namespace) -> int:
    """Show how the lab is; with --watch again every second."""
    if args.watch:
        return watch(ctx)
    state = ctx.room.get("/api/state")
    room = ["", f"for the room: {view_url(ctx.config)}"] if is_shared(ctx.config) else []
    ctx.console.answer(state, "\n".join([*_status_lines(ctx, state), *room]))
    return 0


def _status_lines(ctx: Context, state: Document) -> list[str]:
    """How the lab is, and how what is down comes back."""
    cures = cure_lines(state, touched(ctx.config), ctx.config.hint)
    return [*status_lines(state, ctx.console.style), *([""] if cures else []), *cures]


def watch(ctx: Context) -> int:
    """Show it until Ctrl-C; a control room that is away is shown as that, and waited for."""
    screen = _screen(ctx) if ctx.console.is_terminal else contextlib.nullcontext()
    events: list[Document] = []
    with screen, contextlib.suppress(KeyboardInterrupt):
        for _ in count():
            began = ctx.clock()
            try:
                state = ctx.room.get("/api/state")
                events = _newest(ctx, events)
            except Unreachable as error:
                _show(
                    ctx, {"error": error.document()}, [ctx.console.style.paint("UNREACHABLE", "error"), error.message]
                )
            else:
                _show(ctx, state, _frame(ctx, state, events))
            ctx.sleep(max(0.0, INTERVAL_SECONDS - (ctx.clock() - began)))
    return 0


def _newest(ctx: Context, known: list[Document]) -> list[Document]:
    """The last events, from those known and the news since."""
    after = known[-1]["id"] if known else 0
    news: list[Document] = ctx.room.get(f"/api/events?after={after}")["events"]
    return [*known, *news][-EVENTS_SHOWN:]


def _frame(ctx: Context, state: Document, events: list[Document]) -> list[str]:
    """The lines of one moment."""
    style = ctx.console.style
    title = f"{ctx.room.url}   {time.strftime('%H:%M:%S')}   Ctrl-C ends"
    log = [event_line(event, style) for event in events]
    return [style.paint(title, "dim"), "", *_status_lines(ctx, state), "", *log]


def _show(ctx: Context, document: Document, lines: list[str]) -> None:
    """One moment: over the one before it on a terminal, below it elsewhere, as a line of JSON for machines."""
    if not ctx.console.is_terminal:
        ctx.console.answer(document, "\n".join([*lines, ""]))
        return
    rows = shutil.get_terminal_size().lines
    # Written at once and over the old text, line by line, so that nothing flickers.
    body = "\r\n".join(line + END_OF_LINE for line in lines[: rows - 1])
    ctx.console.screen(HOME + body + BELOW)


@contextlib.contextmanager
def _screen(ctx: Context) -> Iterator[None]:
    """The alternate screen, given back however this ends."""

    def leave(*_: object) -> NoReturn:
        sys.exit(128 + signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, leave)
    ctx.console.screen(ENTER)
    try:
        yield
    finally:
        ctx.console.screen(LEAVE)
        signal.signal(signal.SIGTERM, before)
