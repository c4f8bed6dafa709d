"""The timeline of a report: the activity log, with what repeats itself on one line."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import groupby

from services.control_room.report.escape import escaped, table
from services.control_room.report.incident import Happening, Incident
from services.control_room.report.plot import clock

REPEATED = 3  # so many lines that differ in their numbers alone become one
MOST_LINES = 200
NUMBER = re.compile(r"\d+(\.\d+)?( ms\b| s\b)?")


def timeline(incident: Incident) -> list[str]:
    """Markdown: since the start, by the clock, and what happened."""
    rows = [_row(incident, happening) for happening in told_once(incident.happenings)]
    if not rows:
        return ["The activity log has nothing of these minutes."]
    left_out = len(rows) - MOST_LINES
    if left_out > 0:
        middle = ("", "", f"*{left_out} more lines*")
        rows = [*rows[: MOST_LINES // 2], middle, *rows[-MOST_LINES // 2 :]]
    return table(("since the start", "UTC", "what happened"), rows)


def told_once(happenings: Sequence[Happening]) -> Iterator[Happening]:
    """Of lines in a row that differ in their numbers alone the first, saying how many there were."""
    for _, group in groupby(happenings, key=lambda happening: (happening.level, NUMBER.sub("0", happening.text))):
        same = list(group)
        if len(same) < REPEATED:
            yield from same
            continue
        seconds = same[-1].at - same[0].at
        first = same[0]
        yield Happening(first.at, first.level, f"{first.text} ({len(same)} lines like this one in {seconds:.0f} s)")


def _row(incident: Incident, happening: Happening) -> tuple[str, str, str]:
    text = escaped(happening.text)
    since = max(0.0, happening.at - incident.started_at)  # the reset with which it begins comes before the start
    told = f"**{text}**" if happening.level == "error" else text
    return clock(since), f"{datetime.fromtimestamp(happening.at, UTC):%H:%M:%S}", told
