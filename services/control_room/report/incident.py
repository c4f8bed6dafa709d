"""What a report is written from: an incident, its points a second apart, and the figures that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import NamedTuple

from services.control_room.status import LEVELS


class Point(NamedTuple):
    """One second. `time` is in seconds since 1970, `level` as in LEVELS; None is not known.

    `came` and `lost` count users since the last reset. `queues` are the requests that wait, in the order of the chain.
    """

    time: float
    level: int
    success_ratio: float | None = None
    p50_seconds: float | None = None
    p95_seconds: float | None = None
    offered_rps: float | None = None
    served_rps: float | None = None
    came: int | None = None
    lost: int | None = None
    api_rss_bytes: int | None = None
    queues: Sequence[int | None] = ()


@dataclass(frozen=True)
class Mark:
    """A moment that matters: the fault, its detection, what was done. The charts have a line there."""

    at: float
    text: str


@dataclass(frozen=True)
class Happening:
    """A line of the activity log."""

    at: float
    level: str
    text: str


@dataclass(frozen=True)
class Section:
    """A part of the report. Its lines are Markdown: what people have typed is `escaped` in them."""

    title: str
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Incident:
    """What happened between two moments. Texts are plain, but for those of `sections`.

    `story` are paragraphs on what it was: the scene's story and lesson, or the fault and its mechanism. `summary` are
    sentences, and `key_figures` names and values, beside those that follow from the points.
    """

    title: str
    story: tuple[str, ...]
    started_at: float
    ended_at: float
    is_over: bool = True
    points: tuple[Point, ...] = ()
    happenings: tuple[Happening, ...] = ()
    marks: tuple[Mark, ...] = ()
    summary: tuple[str, ...] = ()
    key_figures: tuple[tuple[str, str], ...] = ()
    sections: tuple[Section, ...] = ()
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figures:
    """The numbers of an incident; seconds are since its start, and None is not known, or never."""

    came: int | None
    lost: int | None
    lowest_success_ratio: float | None
    longest_p95_seconds: float | None
    red_after_seconds: float | None
    well_after_seconds: float | None  # GREEN again, and to the end, after it was not
    worst: str  # GREEN, YELLOW or RED


def figures_of(incident: Incident) -> Figures:
    """The numbers that follow from the points between start and end."""
    points = [point for point in incident.points if incident.started_at <= point.time <= incident.ended_at]
    names = {level: name for name, level in LEVELS.items()}
    return Figures(
        came=_growth([point.came for point in points]),
        lost=_growth([point.lost for point in points]),
        lowest_success_ratio=min((p.success_ratio for p in points if p.success_ratio is not None), default=None),
        longest_p95_seconds=max((p.p95_seconds for p in points if p.p95_seconds is not None), default=None),
        red_after_seconds=_first_red(incident),
        well_after_seconds=_well_again(incident),
        worst=names[max((point.level for point in points), default=0)],
    )


def with_status_marks(incident: Incident) -> Incident:
    """The incident with a mark where the status turned RED, and one where it was GREEN again."""
    figures = figures_of(incident)
    moments = ((figures.red_after_seconds, "status RED"), (figures.well_after_seconds, "status GREEN again, for good"))
    found = [Mark(incident.started_at + seconds, text) for seconds, text in moments if seconds is not None]
    return replace(incident, marks=tuple(sorted((*incident.marks, *found), key=lambda mark: mark.at)))


def _growth(counts: Sequence[int | None]) -> int | None:
    """By how much a counter has grown; one that was started again counts from 0."""
    known = [count for count in counts if count is not None]
    if not known:
        return None
    return sum(after - before if after >= before else after for before, after in pairwise(known))


def _first_red(incident: Incident) -> float | None:
    red = (point.time for point in incident.points if point.level == LEVELS["RED"])
    first = next(red, None)
    return None if first is None else first - incident.started_at


def _well_again(incident: Incident) -> float | None:
    """When it was GREEN for good, after it had not been; recovery may come after the end."""
    last_bad = max((index for index, point in enumerate(incident.points) if point.level), default=None)
    if last_bad is None or last_bad + 1 == len(incident.points):
        return None
    return incident.points[last_bad + 1].time - incident.started_at
