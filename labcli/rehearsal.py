"""A rehearsal: a whole plan at full speed, with simulated phones, to see in advance that everything works here."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

from services.common.words import minutes_words

from .actions import POLL_SECONDS
from .api import Document
from .context import Context
from .errors import LabError, Refused
from .phones import Phone, all_notice, all_vote
from .playing import GRACE_SECONDS, cut_short, patient_get

PATH = "/api/workshop"
DRILL_SECONDS = 90.0  # by then the fault has come, and hurts if it ever will


@dataclass
class Played:
    """A part as it was played: how long it took, what happened, and what of it went wrong."""

    title: str
    minutes: int
    began: float
    seconds: float = 0.0
    did: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def describe(self) -> Document:
        """The part, JSON-ready."""
        about = {"title": self.title, "minutes": self.minutes, "seconds": round(self.seconds, 1)}
        return {**about, "did": self.did, "wrong": self.wrong}


def rehearse(ctx: Context, name: str, phones: int) -> int:
    """Do every beat as soon as the one before has had its effect; 0 if nothing went wrong.

    Raises:
        Refused: another workshop is on.
    """
    ctx.console.note(f"rehearsing {name} with {phones} phones: as long as its scenes take ...")
    now: Document | None = ctx.room.post(PATH, {"action": "start", "name": name})["workshop"]
    room = [Phone(ctx.room.url, seed) for seed in range(phones)]
    began, parts = ctx.clock(), list[Played]()
    try:
        while now is not None:
            if len(parts) <= now["part"]:
                about = now["parts"][now["part"]]
                parts.append(Played(about["title"], about["minutes"], ctx.clock()))
            now = _beat(ctx, now, parts[-1], room)
            if now is None or now["part"] == len(parts):
                _tell(ctx, parts[-1])
    finally:
        _leave(ctx)
    return _verdict(ctx, name, parts, ctx.clock() - began)


def _beat(ctx: Context, now: Document, part: Played, room: list[Phone]) -> Document | None:
    """Do the next beat, and wait for its effect; one that is refused is noted, and skipped."""
    does, words = now["next"]["does"], now["next"]["words"]
    part.seconds = ctx.clock() - part.began
    try:
        moved: Document | None = ctx.room.post(PATH, {"action": "next", "at": now["at"]})["workshop"]
    except Refused as refused:
        part.wrong.append(f"{words}: {refused.message}")
        skipped: Document | None = ctx.room.post(PATH, {"action": "skip", "at": now["at"]})["workshop"]
        return skipped
    about = now["parts"][now["part"]]
    if does in ("open", "reopen") and room:
        _vote(ctx, about["bet"], part, room)
    if does == "scene":
        _stay(ctx, about["scene"], part)
    if does == "drill":
        _play(ctx, part, room)
    return moved


def _vote(ctx: Context, bet: str, part: Played, room: list[Phone]) -> None:
    """Let every phone vote, and compare with what the lab has counted."""
    taken = all_vote(room)
    counted = sum(ctx.room.get_secret(f"/api/bets/{bet}")["counts"][-1].values())
    part.did.append(f"{counted} votes")
    if not taken == counted == len(room):
        part.wrong.append(f"{len(room)} phones voted; {taken} were told so, and the lab counted {counted}")


def _play(ctx: Context, part: Played, room: list[Phone]) -> None:
    """Wait until the drill hurts, or could have; then every phone says that something is wrong."""
    deadline = ctx.clock() + DRILL_SECONDS
    while ctx.clock() < deadline and patient_get(ctx, "/api/state")["status"] != "RED":
        ctx.console.progress(f"{part.title}: waiting for the drill to hurt")
        ctx.sleep(POLL_SECONDS)
    right = all_notice(room)
    part.did.append(f"a drill, noticed by {right} phones")
    if right != len(room):
        part.wrong.append(f"{len(room)} phones said that something is wrong; {right} were right")


def _stay(ctx: Context, name: str, part: Played) -> None:
    """Wait until the scene is decided; with defences it is not judged, as what it expects is without them.

    Raises:
        LabError: another scene, or none, is on.
    """
    began = ctx.clock()
    while True:
        scene: Document | None = patient_get(ctx, "/api/state")["scene"]
        if scene is None or scene["name"] != name:
            raise cut_short(name, scene)
        if scene["finished"] or ctx.clock() - began > scene["duration_seconds"] + GRACE_SECONDS:
            break
        ctx.console.progress(f"{part.title}: {name}, {scene['elapsed_seconds']:.0f} of {scene['duration_seconds']:g} s")
        ctx.sleep(POLL_SECONDS)
    missed = [check for check in scene["checks"] if check["outcome"] != "pass"]
    if scene["with"]:
        added = ", ".join(f"{each['service']}.{each['name']}" for each in scene["with"])
        part.did.append(f"{name} with {added}")
        return
    part.did.append(f"{name} {len(scene['checks']) - len(missed)} of {len(scene['checks'])} as expected")
    part.wrong += [
        f"{name}: {check['text']}: expected {check['expected']}, measured {check['measured'] or 'nothing'}"
        for check in missed
    ]


def _tell(ctx: Context, part: Played) -> None:
    """A part is over."""
    word = ctx.console.style.paint("MISS", "error") if part.wrong else ctx.console.style.paint("PASS", "good")
    ctx.console.say(f"{word}  {part.seconds:4.0f} s of {part.minutes:3} min  {part.title}")
    for line in (", ".join(part.did), *part.wrong):
        if line:
            ctx.console.say(f"      {line}")


def _leave(ctx: Context) -> None:
    """Whatever happened, end the workshop and reset the lab; say so where it does not answer."""
    try:
        with suppress(Refused):  # it is over already
            ctx.room.post(PATH, {"action": "end"})
        ctx.room.post("/api/reset", {})
    except LabError:
        ctx.console.note(
            f"the workshop may still be on: {ctx.config.hint('workshop end')}, then {ctx.config.hint('reset')}"
        )


def _verdict(ctx: Context, name: str, parts: list[Played], seconds: float) -> int:
    """What all of it took, and 0 only if nothing went wrong."""
    good = not any(part.wrong for part in parts)
    planned = sum(part.minutes for part in parts)
    ctx.console.data(
        {"name": name, "rehearsed": good, "seconds": round(seconds, 1), "parts": [each.describe() for each in parts]}
    )
    word = ctx.console.style.paint("PASS", "good") if good else ctx.console.style.paint("MISS", "error")
    played = f"{len(parts)} parts played in {minutes_words(seconds)}"
    ctx.console.say(f"{word}  {name}: {played}; the other time of {planned} min is for people")
    return 0 if good else 1
