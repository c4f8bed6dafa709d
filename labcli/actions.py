"""The commands that act on the lab as a whole: traffic, request, reset, events, open."""

from __future__ import annotations

import socket
import webbrowser
from argparse import Namespace
from collections.abc import Iterator
from contextlib import suppress

from services.common.topology import SWITCHED_NAMES
from services.common.words import duration_words

from . import infra, share
from .api import Document
from .context import Context
from .errors import LabError, Unreachable, UsageError
from .names import UNDOING, Names, Wish
from .views import event_line, rate_words, request_lines

POLL_SECONDS = 0.5
SHOWN_BEFORE_FOLLOWING = 10


def traffic(ctx: Context, args: Namespace) -> int:
    """Set how many users come each second."""
    answer = ctx.room.post("/api/traffic", {"rps": args.rps})
    ctx.console.answer(answer, f"traffic: {rate_words(args.rps)}")
    return 0


def request(ctx: Context, args: Namespace) -> int:
    """Send test requests, and show each as it ends; 1 when one failed."""
    what = "a test request" if args.count == 1 else f"{args.count} test requests, one after another"
    ctx.console.note(f"sending {what} through the frontend ...")
    results = []
    for result in ctx.room.post_lines("/api/requests", {"count": args.count}):
        results.append(result)
        ctx.console.answer(result, "\n".join(request_lines(result, ctx.console.style)))
    good = sum(bool(result["ok"]) for result in results)
    ctx.console.say(f"{good} of {args.count} succeeded")
    return 0 if good == args.count else 1


def reset(ctx: Context, args: Namespace) -> int:
    """Undo what `infra` did, then switch everything off; 1 unless the lab is GREEN after that."""
    if args.words:
        raise UsageError("reset takes nothing: it is for the whole lab", *_smaller_than_reset(ctx, args.words))
    healed = infra.heal_what_is_recorded(ctx)
    ctx.console.note("resetting: everything off, queues emptied, five test requests ...")
    answer = ctx.room.post("/api/reset", {})
    ctx.console.data({**answer, "healed": healed})
    for step in answer["steps"]:
        ctx.console.say(f"  {step}")
    green = answer["status"] == "GREEN"
    status = ctx.console.style.paint(answer["status"], "good" if green else "error")
    ctx.console.say(f"{status} after {duration_words(answer['seconds'])}")
    return 0 if green else 1


def _smaller_than_reset(ctx: Context, words: list[str]) -> list[str]:
    """What puts back the part of the lab that was named."""
    service = words[0] if words[0] in SWITCHED_NAMES else None
    if service is not None and len(words) == 1:
        kinds = ("failure", "defence")
        return [f"the {kind}s of {service}: {ctx.config.hint(f'{UNDOING[kind]} {service}')}" for kind in kinds]
    return Names.of_this_checkout(ctx.config.hint).meant(words[-1], Wish(service, active=False))


def events(ctx: Context, args: Namespace) -> int:
    """Print the activity log, and with --follow go on with it until Ctrl-C."""
    known = ctx.room.get("/api/events")["events"]
    if not args.follow:
        if ctx.console.as_json:
            ctx.console.data({"events": known})
        for event in known:
            ctx.console.say(event_line(event, ctx.console.style))
        return 0
    for event in known[-SHOWN_BEFORE_FOLLOWING:]:
        _report(ctx, event)
    with suppress(KeyboardInterrupt):  # the way to end it
        for news in follow(ctx, known[-1]["id"] if known else 0):
            for event in news:
                _report(ctx, event)
            ctx.sleep(POLL_SECONDS)
    return 0


def follow(ctx: Context, after: int) -> Iterator[list[Document]]:
    """The events since the last time, again and again; a control room that is away is waited for."""
    away = False
    while True:
        try:
            news = ctx.room.get(f"/api/events?after={after}")["events"]
        except Unreachable as error:
            if not away:
                ctx.console.note(f"{error.message}; waiting for it")
            away, news = True, []
        else:
            away = False
        after = news[-1]["id"] if news else after
        yield news


def _report(ctx: Context, event: Document) -> None:
    """Print one event."""
    ctx.console.answer(event, event_line(event, ctx.console.style))


def open_pages(ctx: Context, args: Namespace) -> int:
    """Open the control room, the stage and Grafana in the browser, or with --view the room's link; only what runs."""
    if ctx.config.namespace:
        return _open_until_interrupted(ctx, args)
    own = {"control room": ctx.config.url, "for the projector": f"{ctx.config.url}/stage"}
    pages = {"for the room": share.view_url(ctx.config)} if args.view else own
    if not ctx.config.is_elsewhere and not args.view:
        pages["Grafana"] = ctx.config.address("GRAFANA_PORT")
    opened = {}
    for name, url in pages.items():
        if name == "Grafana" and not _something_listens(ctx.config.port("GRAFANA_PORT")):
            ctx.console.say(f"Grafana is not up at {url} (it needs Docker)")
            continue
        ctx.console.say(f"{name}: {url}")
        opened[name] = {"url": url, "opened": webbrowser.open(url)}
    ctx.console.data(opened)
    if not any(page["opened"] for page in opened.values()):
        raise LabError("no browser could be started here", "open the addresses above yourself")
    return 0


def _open_until_interrupted(ctx: Context, args: Namespace) -> int:
    """Open a page in a cluster, and keep the way to it until Ctrl-C; in a new tab where it has to be opened anew."""
    with suppress(KeyboardInterrupt):
        url = ""
        while True:
            if url != ctx.room.url:
                url = ctx.room.url
                page = f"{url}/view" if args.view else url
                opened = webbrowser.open(page)
                ctx.console.answer({"control room": {"url": page, "opened": opened}}, f"{page}  (until Ctrl-C)")
            ctx.sleep(POLL_SECONDS)
    return 0


def _something_listens(port: int) -> bool:
    """Whether a connection to this port of this machine is accepted."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
