"""The drill as an incident: what it was, who knew what when, and what each team paid."""

from __future__ import annotations

from collections.abc import Iterator

from services.common.words import duration_words
from services.control_room.drills.drill import Answer, Drill
from services.control_room.drills.tell import in_words, result, rows
from services.control_room.report.escape import escaped, table
from services.control_room.report.incident import Happening, Incident, Mark, Point, Section
from services.control_room.report.plot import clock


def incident_of(drill: Drill, points: tuple[Point, ...], happenings: tuple[Happening, ...]) -> Incident:
    """What a report tells of a drill that is over."""
    card, told = drill.card, result(drill)
    ended = drill.ended_at or drill.started_at
    return Incident(
        title=f"Drill: {card.title}",
        story=(f"The fault: {'; '.join(told['faults'])}.", card.mechanism),
        started_at=drill.started_at,
        ended_at=ended,
        points=points,
        happenings=happenings,
        marks=tuple(_marks(drill)),
        summary=(told["words"],),
        key_figures=tuple(_figures(drill)),
        sections=tuple(_sections(drill)),
        questions=card.questions,
    )


def _marks(drill: Drill) -> Iterator[Mark]:
    """The moments that matter; of the teams the first one to notice, and the first one to know."""
    if drill.fault_at is not None:
        yield Mark(drill.fault_at, "the fault")
    noticed = [moment for team in drill.teams.values() if (moment := team.first("detected")) is not None]
    known = [moment for team in drill.teams.values() if (moment := drill.diagnosed_at(team)) is not None]
    if noticed:
        yield Mark(min(noticed), "noticed")
    if known:
        yield Mark(min(known), "cause named")
    if drill.mitigated_at is not None:
        yield Mark(drill.mitigated_at, "users well again")


def _figures(drill: Drill) -> Iterator[tuple[str, str]]:
    if drill.fault_at is None:
        return
    yield "the fault came at", clock(drill.fault_at - drill.started_at)
    if drill.hurt_at is not None:
        yield "users were hurt at", clock(drill.hurt_at - drill.started_at)
        yield "time to mitigate", _seconds(drill.mitigate_seconds)
    yield "users lost since the fault", f"{drill.lost:,}"
    yield "card and seed", f"{drill.card.key}, {drill.seed}"


def _sections(drill: Drill) -> Iterator[Section]:
    if drill.teams:
        yield Section("Who knew what when", tuple(_answers(drill)))
        yield Section("Points", tuple(_points(drill)))
    card = drill.card
    ways = [f"- {escaped(in_words(switched))}" for switched in card.cure]
    if ways:
        yield Section("One way out", tuple(ways))
    yield Section("Hints", tuple(f"{number}. {escaped(hint)}" for number, hint in enumerate(card.hints, 1)))


def _answers(drill: Drill) -> list[str]:
    said = [(answer.at, team, answer) for team in drill.teams.values() for answer in team.answers]
    said.sort(key=lambda entry: entry[0])
    lines = [
        (clock(at - drill.started_at), escaped(team.name), *_in_words(answer), _since_fault(drill, at))
        for at, team, answer in said
    ]
    return table(("since the start", "team", "said", "", "since the fault"), lines)


def _in_words(answer: Answer) -> tuple[str, str]:
    if answer.kind == "hint":
        return "took a hint", ""
    if answer.kind == "detected":
        return "“incident”", "right" if answer.good else "false alarm"
    return escaped(f"{answer.service}: {answer.switch}"), "**right**" if answer.good else "wrong"


def _since_fault(drill: Drill, at: float) -> str:
    return "" if drill.fault_at is None or at < drill.fault_at else duration_words(at - drill.fault_at)


def _points(drill: Drill) -> list[str]:
    """The board, with what each team paid for."""
    lines = []
    for row in rows(drill):
        costs = ", ".join(f"{what} {points}" for what, points in row["costs"].items())
        times = _seconds(row["detect_seconds"]), _seconds(row["diagnose_seconds"])
        lines.append((escaped(row["team"]), str(row["points"]), *times, costs))
    return table(("team", "points", "time to detect", "time to diagnose", "what it paid"), lines)


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else duration_words(seconds)
