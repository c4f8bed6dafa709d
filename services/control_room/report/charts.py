"""The charts of a report: which there are, and what each of them says in words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from services.common.process.memory import MB
from services.common.topology import API, CHAIN_NAMES
from services.common.words import duration_words, percent, two_digits
from services.control_room.report.incident import Incident, Point
from services.control_room.report.plot import Axis, Line, Plot, Values, draw
from services.control_room.status import YELLOW_BELOW

# Okabe and Ito's colours, as dark as the page has them on white.
GREEN, AMBER, RED, BLUE, GREY = "#00704f", "#b07700", "#b33a00", "#00609c", "#5a6673"
LOOKS_OF_QUEUES = ((BLUE, ""), (AMBER, "8 5"), (GREEN, "2 5"))
LOG_TICKS = (0.001, 0.01, 0.1, 1.0, 10.0, 100.0)
TICKS = 5  # at most, above 0
GROWN = 1.5  # memory that has grown by less is not shown


@dataclass(frozen=True)
class Chart:
    """A chart for a document: its name as a file, its words for those who do not see it, and its SVG."""

    name: str
    words: str
    svg: str


def charts_of(incident: Incident) -> list[Chart]:
    """Those that have something to show."""
    drawn = [make(incident) for make in (_success, _latency, _users, _queues, _memory)]
    return [chart for chart in drawn if chart is not None]


def _success(incident: Incident) -> Chart | None:
    ratios = _column(incident, lambda point: point.success_ratio)
    target: Values = [YELLOW_BELOW] * len(ratios)
    lines = (
        Line(f"target {percent(YELLOW_BELOW)} %", target, RED, "7 5"),
        Line("users who are served", ratios, GREEN, worst=min),
    )
    axis = Axis(0, 1, tuple((share, f"{percent(share)} %") for share in (0.0, 0.25, 0.5, 0.75, 1.0)))
    return _chart(incident, "success", "Success", lines, axis, lambda ratio: f"{percent(ratio)} %", told=1)


def _latency(incident: Incident) -> Chart | None:
    lines = (
        Line("half within", _column(incident, lambda point: point.p50_seconds), BLUE),
        Line("95 of 100 within", _column(incident, lambda point: point.p95_seconds), AMBER, "8 5"),
    )
    known = [value for line in lines for value in line.values if value]
    low = max((tick for tick in LOG_TICKS if known and tick <= min(known)), default=LOG_TICKS[0])
    high = min((tick for tick in LOG_TICKS if known and tick >= max(known) and tick > low), default=LOG_TICKS[-1])
    ticks = tuple((tick, duration_words(tick)) for tick in LOG_TICKS if low <= tick <= high)
    axis = Axis(low, high, ticks, is_log=True)
    return _chart(incident, "latency", "Latency (log scale)", lines, axis, duration_words)


def _users(incident: Incident) -> Chart | None:
    lines = (
        Line("come", _column(incident, lambda point: point.offered_rps), GREY, "8 5"),
        Line("are served", _column(incident, lambda point: point.served_rps), GREEN, worst=min),
    )
    return _chart(incident, "users", "Users a second", lines, _axis(lines), two_digits)


def _queues(incident: Incident) -> Chart | None:
    """What waits in each service."""
    lines = tuple(
        Line(name, [_queue(point, index) for point in incident.points], colour, dashes)
        for index, (name, (colour, dashes)) in enumerate(zip(CHAIN_NAMES, LOOKS_OF_QUEUES, strict=True))
    )
    return _chart(incident, "queues", "Queues: requests that wait", lines, _axis(lines), two_digits)


def _queue(point: Point, index: int) -> float | None:
    return point.queues[index] if index < len(point.queues) else None


def _memory(incident: Incident) -> Chart | None:
    """Where it is part of the story."""
    values = _column(incident, lambda point: point.api_rss_bytes and point.api_rss_bytes / MB)
    known = [value for value in values if value]
    if not known or max(known) < GROWN * min(known):
        return None
    lines = (Line("resident", values, BLUE),)
    return _chart(
        incident, "memory", f"Memory of {API.name} (MB)", lines, _axis(lines), lambda mb: f"{two_digits(mb)} MB"
    )


def _column(incident: Incident, read: Callable[[Point], float | None]) -> Values:
    return [read(point) for point in incident.points]


def _axis(lines: Sequence[Line]) -> Axis:
    """From 0 to a round number that nothing is above."""
    highest = max((value for line in lines for value in line.values if value), default=1.0)
    step = _round_up(highest / TICKS)
    ticks = [step * number for number in range(math.ceil(highest / step) + 1)]
    return Axis(0, ticks[-1], tuple((tick, f"{tick:g}") for tick in ticks))


def _round_up(value: float) -> float:
    """The next of 1, 2, 2.5, 5 and their multiples by ten."""
    tens = 10.0 ** math.floor(math.log10(value))
    return next(factor * tens for factor in (1, 2, 2.5, 5, 10) if factor * tens >= value * 0.999)


def _chart(
    incident: Incident,
    name: str,
    title: str,
    lines: tuple[Line, ...],
    axis: Axis,
    show: Callable[[float], str],
    told: int = 0,
) -> Chart | None:
    """The chart; None where nothing was measured. Its words tell of the lines from number `told` on."""
    words = "; ".join(filter(None, (_words(line, show) for line in lines[told:])))
    if not words:
        return None
    start = incident.started_at
    moments = [point.time - start for point in incident.points]
    marks = tuple(mark.at - start for mark in incident.marks)
    end = max([incident.ended_at - start, *moments[-1:]])
    return Chart(name, f"{title}: {words}", draw(Plot(title, words, moments, lines, axis, end, marks)))


def _words(line: Line, show: Callable[[float], str]) -> str:
    known = [value for value in line.values if value is not None]
    return f"{line.label}: {show(min(known))} to {show(max(known))}" if known else ""
