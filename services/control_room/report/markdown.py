"""Writes an incident as Markdown: a post-mortem that can be published as it is."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from services.common.words import duration_words, percent
from services.control_room.report.charts import Chart, charts_of
from services.control_room.report.escape import escaped, table
from services.control_room.report.incident import Figures, Incident, figures_of, with_status_marks
from services.control_room.report.plot import clock
from services.control_room.report.timeline import timeline
from services.control_room.status import WINDOW_SECONDS

QUESTIONS = (
    "What told us first that something was wrong: an alert, a dashboard or a user? How long had it been wrong by then?",
    "Which of these numbers would you alert on, and at what value? What else would page you at that value?",
    "What made it worse? Was any of that built to make things better?",
    "What ended it: a cure, or a restart? Would it come back tomorrow?",
    "Where were we lucky?",
    "What do we change, who does it, and how shall we know that it works?",
)


def report(incident: Incident) -> str:
    """The whole document, in one piece: its charts are in it."""
    incident = with_status_marks(incident)
    figures = figures_of(incident)
    parts = [
        [f"# {escaped(incident.title)}", "", _when(incident)],
        _section("Summary", [_summary(incident, figures), "", *_figures(incident, figures)]),
        _section("What happened", _paragraphs(incident.story)) if incident.story else [],
        *(_section(escaped(section.title), list(section.lines)) for section in incident.sections),
        _section("Timeline", timeline(incident)),
        _section("Charts", list(_charts(incident))),
        _section("Questions for discussion", _questions(incident)),
    ]
    return "\n".join("\n".join([*part, ""]) for part in parts if part)


def _section(title: str, lines: list[str]) -> list[str]:
    return [f"## {title}", "", *lines]


def _questions(incident: Incident) -> list[str]:
    """Those of its own first: they are why people stay."""
    return [f"{number}. {escaped(text)}" for number, text in enumerate((*incident.questions, *QUESTIONS), 1)]


def _paragraphs(texts: tuple[str, ...]) -> list[str]:
    return "\n\n".join(map(escaped, texts)).split("\n")


def _when(incident: Incident) -> str:
    began, ended = (datetime.fromtimestamp(moment, UTC) for moment in (incident.started_at, incident.ended_at))
    duration = _minutes(incident.ended_at - incident.started_at)
    lasted = f"It lasted {duration}" if incident.is_over else f"It has lasted {duration} so far"
    return f"{began.day} {began:%B %Y}, {began:%H:%M:%S} to {ended:%H:%M:%S} UTC. {lasted}."


def _summary(incident: Incident, figures: Figures) -> str:
    return " ".join([*_sentences(figures), *map(escaped, incident.summary)])


def _sentences(figures: Figures) -> Iterator[str]:
    if figures.came:
        lost = f"{figures.lost:,} of them were not served" if figures.lost else "all who have had an answer were served"
        yield f"{figures.came:,} users came, and {lost}."
    if figures.lowest_success_ratio is not None and figures.longest_p95_seconds is not None:
        yield (
            f"At its lowest, {percent(figures.lowest_success_ratio)} % of requests succeeded; at the worst moment one "
            f"in twenty took {duration_words(figures.longest_p95_seconds)} or more."
        )
    yield _status_words(figures)


def _status_words(figures: Figures) -> str:
    if figures.worst == "GREEN":
        return "The status was GREEN all along."
    well = figures.well_after_seconds
    again = "it has not been GREEN since" if well is None else f"it was GREEN again, for good, at {clock(well)}"
    if figures.red_after_seconds is None:
        return f"The status was YELLOW at its worst; {again}."
    return f"The status turned RED at {clock(figures.red_after_seconds)}; {again}."


def _figures(incident: Incident, figures: Figures) -> list[str]:
    share = f" ({percent(figures.lost / figures.came)} %)" if figures.lost and figures.came else ""
    found = [
        ("users who came", None if figures.came is None else f"{figures.came:,}"),
        ("users who were not served", None if figures.lost is None else f"{figures.lost:,}{share}"),
        ("lowest success", _with(figures.lowest_success_ratio, lambda ratio: f"{percent(ratio)} %")),
        ("longest p95", _with(figures.longest_p95_seconds, duration_words)),
        ("status RED at", _with(figures.red_after_seconds, clock)),
        ("GREEN again at", _with(figures.well_after_seconds, clock)),
        *incident.key_figures,
    ]
    rows = [(escaped(name), escaped(value)) for name, value in found if value is not None]
    return table(("figure", "value"), rows)


def _with(value: float | None, show: Callable[[float], str]) -> str | None:
    return None if value is None else show(value)


def _charts(incident: Incident) -> Iterator[str]:
    yield f"A point a second. Ratios, percentiles and rates are those of the {WINDOW_SECONDS:.0f} s before it."
    if incident.marks:
        yield from ("", "The numbers on the charts:", "")
        for number, mark in enumerate(incident.marks, 1):
            yield f"{number}. {clock(mark.at - incident.started_at)} {escaped(mark.text)}"
    charts = charts_of(incident)
    for chart in charts:
        yield from ("", _image(chart))
    if not charts:
        yield from ("", "Nothing was measured.")


def _image(chart: Chart) -> str:
    return f"![{escaped(chart.words)}](data:image/svg+xml;base64,{b64encode(chart.svg.encode()).decode()})"


def _minutes(seconds: float) -> str:
    """A duration of minutes in words: "2 min 30 s"."""
    whole = round(seconds)
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
