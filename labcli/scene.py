"""The command `scene`: list the scenes, start one, narrate it, and verify its numbers."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence

from .actions import POLL_SECONDS, follow
from .api import Document
from .compare import compare
from .context import Context
from .defences import resolved, services_of
from .errors import LabError, UsageError
from .names import Names
from .playing import GRACE_SECONDS, cut_short, patient_get, progress_of
from .predict import DEFAULT_SEEDS, predicted_beside
from .views import CheckTable, event_line, rate_words, scene_list_lines


def scene(ctx: Context, args: Namespace) -> int:
    """List the scenes, or start one, and stay with it if asked to."""
    if args.name in (None, "list"):
        listed = ctx.room.get("/api/scenes")
        ctx.console.answer(listed, "\n".join(scene_list_lines(listed["scenes"], ctx.console.style)))
        return 0
    _want_sense(args)
    about = _find(ctx, args.name)
    catalogue = ctx.room.get("/api/catalogue")["services"] if args.added else {}
    added = [resolved(each, catalogue, services_of(about)) for each in args.added]
    if args.compare:
        return compare(ctx, about, added, args.seed)
    judged = args.verify or args.predict
    predicted = predicted_beside(ctx, about["name"], added, DEFAULT_SEEDS) if args.predict else []
    newest = _newest_event(ctx) if args.narrate else 0
    ctx.console.note(f"{about['title']}: resetting first, then it starts ...")
    body = {"narrate": args.narrate, "with": added, "seed": args.seed}
    started = ctx.room.post(f"/api/scenes/{about['name']}", body)
    if not (args.narrate or judged):
        _report_started(ctx, about, started)
        return 0
    told = follow(ctx, newest) if args.narrate else iter(())
    checks = CheckTable(about["expectations"], ctx.console.style, predicted) if judged else None
    last = _stay(ctx, about, started, told, checks)
    return _verdict(ctx, last, checks, predicted) if checks else _end(ctx, last)


def _want_sense(args: Namespace) -> None:
    """Refuse what contradicts itself."""
    if args.compare and not args.added:
        raise UsageError("--compare needs --with DEFENCE: the second run is the one that has it")
    judged = args.verify or args.predict
    if args.compare and (args.narrate or judged):
        raise UsageError("--compare plays the scene twice and prints one table: leave the other options out")
    if args.verify and args.predict:
        raise UsageError("--predict judges as --verify does, and prints the prediction too: leave --verify out")
    if judged and args.added:
        raise UsageError(
            "--verify and --predict judge the scene as it is: to see what a defence changes, use --compare"
        )


def _find(ctx: Context, name: str) -> Document:
    """The scene of that name."""
    scenes: dict[str, Document] = {entry["name"]: entry for entry in ctx.room.get("/api/scenes")["scenes"]}
    if name not in scenes:
        raise LabError(f"there is no scene {name!r}", *Names.of_lab(ctx).guesses(name, scenes, "scenes"))
    return scenes[name]


def _newest_event(ctx: Context) -> int:
    """The id of the newest event."""
    events = ctx.room.get("/api/events")["events"]
    return int(events[-1]["id"]) if events else 0


def _report_started(ctx: Context, about: Document, started: Document) -> None:
    """What the scene is about, and what to look at."""
    ctx.console.data(started)
    say = ctx.console.say
    say(f"{about['name']} is on, with {rate_words(about['traffic_rps'])}.")
    say(" ".join(about["story"].split()))
    for title, lines in (("do", about["do"]), ("watch", about["watch"])):
        for line in lines:
            say(f"  {title:<6} {line}")
    say(f"It stays until `{ctx.config.hint('reset')}` or the next scene; look: {ctx.config.hint('status --watch')}")


def _stay(
    ctx: Context, about: Document, started: Document, told: Iterator[list[Document]], checks: CheckTable | None
) -> Document:
    """Watch the scene until its expectations are decided or its time is up; the scene as it is then.

    `checks` tells each when it is decided; with defences they say nothing, as they are for the lab without them.
    """
    deadline = ctx.clock() + about["duration_seconds"] + GRACE_SECONDS
    now = started
    _say(ctx, checks.header if checks else [])
    while True:
        for event in next(told, []):
            ctx.console.say(event_line(event, ctx.console.style))
        if checks:
            _say(ctx, checks.news(now["checks"]))
        if now["verdict"] != "pending" or ctx.clock() >= deadline:
            return now
        ctx.console.progress(progress_of(about, now))
        ctx.sleep(POLL_SECONDS)
        now = _look_again(ctx, now)


def _look_again(ctx: Context, before: Document) -> Document:
    """The scene a moment later.

    Raises:
        LabError: another scene, or none, is on.
    """
    now: Document | None = patient_get(ctx, "/api/state")["scene"]
    if now is not None and _is_same_run(before, now):
        return now
    raise cut_short(before["name"], now)


def _is_same_run(before: Document, now: Document) -> bool:
    """Whether these are the same scene, and it was not started again."""
    same_start = before.get("started_at") == now.get("started_at")
    return bool(same_start and before["name"] == now["name"] and now["elapsed_seconds"] >= before["elapsed_seconds"])


def _say(ctx: Context, lines: Sequence[str]) -> None:
    """Print these lines."""
    for line in lines:
        ctx.console.say(line)


def _end(ctx: Context, last: Document) -> int:
    """A narrated scene is over; what it showed is told, and judged by --verify alone."""
    ctx.console.data(last)
    return 0


def _verdict(ctx: Context, last: Document, table: CheckTable, predicted: Sequence[Document]) -> int:
    """What is left of the table, and 0 only if everything was as expected."""
    checks = last["checks"]
    passed = sum(check["outcome"] == "pass" for check in checks)
    good = passed == len(checks)
    ctx.console.data({**last, "verified": good, **({"predicted": predicted} if predicted else {})})
    _say(ctx, table.news(checks, with_open=True))
    ctx.console.say()
    word = ctx.console.style.paint("PASS", "good") if good else ctx.console.style.paint("MISS", "error")
    ctx.console.say(f"{word}  {last['name']}: {passed} of {len(checks)} expectations as expected")
    if any(check["outcome"] == "pending" for check in checks):
        ctx.console.say(f"Some were still open {GRACE_SECONDS:.0f} s after the scene's time.")
    return 0 if good else 1
