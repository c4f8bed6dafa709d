"""The parts of a report that a scene has: what was expected, what the room bet, and the two outcomes."""

from __future__ import annotations

from collections.abc import Iterator

from services.control_room.outcomes import Comparison
from services.control_room.report.escape import escaped, table
from services.control_room.report.incident import Section
from services.control_room.report.scene import Played
from services.control_room.room.polls import Poll

OUTCOMES = {"pass": "as expected", "fail": "**not as expected**", "pending": "not decided"}


def sections_of(played: Played, poll: Poll | None, comparison: Comparison | None) -> tuple[Section, ...]:
    """Those that have something to say."""
    return tuple(_sections(played, poll, comparison))


def _sections(played: Played, poll: Poll | None, comparison: Comparison | None) -> Iterator[Section]:
    if any(check.text for check in played.checks):
        yield Section("Expected and measured", tuple(_checks(played)))
    if poll is not None:
        yield Section("What the room thought", tuple(_bet(poll)))
    if comparison is not None:
        yield Section("Two outcomes", tuple(_outcomes(comparison)))


def _checks(played: Played) -> Iterator[str]:
    if played.added:
        yield from ("What is expected is what happens without the defence.", "")
    rows = [
        (escaped(check.text), escaped(check.expected or ""), escaped(check.measured or ""), OUTCOMES[check.outcome])
        for check in played.checks
        if check.text
    ]
    yield from table(("expectation", "expected", "measured", ""), rows)
    untold = len(played.checks) - len(rows)
    if untold:
        yield from ("", f"{untold} more {'was' if untold == 1 else 'were'} not measured by then.")


def _bet(poll: Poll) -> Iterator[str]:
    """The question, each option with its votes, and what the lab said."""
    yield from (f"**{escaped(poll.bet.question)}**", "")
    rounds, right = poll.counts(), poll.right()
    rows = [
        (
            escaped(option.text),
            " then ".join(str(votes[option.key]) for votes in rounds),
            escaped(poll.shown(option) or ""),
            "**right**" if option.key in right else "",
        )
        for option in poll.bet.options
    ]
    header = "votes" if len(rounds) == 1 else "votes, before and after talking"
    yield from table(("answer", header, "measured", ""), rows)


def _outcomes(comparison: Comparison) -> Iterator[str]:
    """Both runs beside each other."""
    yield from ("The scene twice, for the same users.", "")
    runs = comparison.runs
    rows = [("users not served", *(f"{run.total:,}" for run in runs))]
    for checks in zip(*(run.checks for run in runs if run.checks), strict=True):
        measured = (escaped(check["measured"] or "") for check in checks)
        rows.append((escaped(checks[0]["text"]), *measured, *[""] * (len(runs) - len(checks))))
    yield from table(("", *(escaped(run.title) for run in runs)), rows)
