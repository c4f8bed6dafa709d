"""The report: a post-mortem of what was recorded, in Markdown that shows text as text."""

from __future__ import annotations

import re
from base64 import b64decode
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from labcli.report import charts_of as charts_in
from services.control_room.report.escape import escaped
from services.control_room.report.incident import Happening, Incident, Mark, Point, Section, figures_of
from services.control_room.report.markdown import report
from services.control_room.report.plot import MOST_POINTS, WIDTH, Axis, Line, Plot, draw
from services.control_room.report.timeline import told_once

START = 1_800_000_000.0
LEVELS = [0] * 10 + [2] * 20 + [1] * 5 + [0] * 25  # a minute


def point(second, level=0, **known):
    known = {"success_ratio": 1.0, "p50_seconds": 0.02, "p95_seconds": 0.05, "queues": [0, 0, 3]} | known
    return Point(START + second, level, **known)


POINTS = tuple(
    point(second, level, success_ratio=0.25 if level == 2 else 1.0, came=20 * second, lost=max(0, second - 10))
    for second, level in enumerate(LEVELS)
)
STORM = Incident(
    title="A storm",
    story=("It was slow.", "Retries kept it down."),
    started_at=START,
    ended_at=START + 60,
    points=POINTS,
    happenings=(Happening(START - 1, "info", "reset: everything off"), Happening(START + 11, "error", "status RED: x")),
    marks=(Mark(START + 8, "queries are slow"),),
    summary=("Team Blue found it.",),
    key_figures=(("detected at", "0:42"),),
    sections=(Section("Who knew what when", ("nobody",)),),
    questions=("Which alert?",),
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("memory_leak at 50 %", "memory_leak at 50 %"),
        ("*bold* _it_ __x__ `code`", r"\*bold\* \_it\_ \_\_x\_\_ \`code\`"),
        ("<script>alert(1)</script> & co", "&lt;script&gt;alert(1)&lt;/script&gt; &amp; co"),
        ("[a](javascript:b) ![c](d)", r"\[a\](javascript:b) !\[c\](d)"),
        ("a | b", r"a \| b"),
        ("# one\n\n# two", "&#35; one # two"),
        ("1. first", "&#49;. first"),
        ("4.9 s", "4.9 s"),
        ("-5 MB", "-5 MB"),
        ("- item", "&#45; item"),
        ("---", "&#45;--"),
        ("https://evil.example www.evil.example", "https&#58;//evil.example &#119;ww.evil.example"),
        ("\\| \u202eturned", r"\\\| turned"),
        ("  \x00 ", ""),
    ],
)
def test_what_people_type_stays_text(text, shown):
    assert escaped(text) == shown


def test_the_figures_follow_from_the_points():
    figures = figures_of(STORM)
    assert (figures.came, figures.lost) == (59 * 20, 49)
    assert (figures.lowest_success_ratio, figures.longest_p95_seconds) == (0.25, 0.05)
    assert (figures.red_after_seconds, figures.well_after_seconds, figures.worst) == (10, 35, "RED")


def test_a_counter_that_was_started_again_goes_on_from_there():
    counts = [100, 140, 10, 30]
    points = tuple(point(second, came=count) for second, count in enumerate(counts))
    assert figures_of(replace(STORM, points=points)).came == 40 + 10 + 20


def test_what_comes_after_the_end_counts_for_the_recovery_alone():
    figures = figures_of(replace(STORM, ended_at=START + 20))
    assert (figures.came, figures.well_after_seconds) == (400, 35)


def test_one_that_is_still_down_was_not_well_again():
    figures = figures_of(replace(STORM, points=POINTS[:20]))
    assert figures.well_after_seconds is None and figures.red_after_seconds == 10
    assert "it has not been GREEN since" in report(replace(STORM, points=POINTS[:20]))


def test_the_document_has_its_parts_in_order():
    text = report(STORM)
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    parts = ["Summary", "What happened", "Who knew what when", "Timeline", "Charts", "Questions for discussion"]
    assert headings == ["A storm", *parts]
    assert "15 January 2027, 08:00:00 to 08:01:00 UTC. It lasted 1 min 0 s." in text
    assert "1,180 users came, and 49 of them were not served." in text
    assert "25 % of requests succeeded" in text and "one in twenty took 50 ms or more" in text
    assert "The status turned RED at 0:10; it was GREEN again, for good, at 0:35. Team Blue found it." in text
    assert "| users who were not served | 49 (4 %) |" in text and "| detected at | 0:42 |" in text
    assert "It was slow.\n\nRetries kept it down." in text
    assert "| 0:00 | 07:59:59 | reset: everything off |" in text
    assert "| 0:11 | 08:00:11 | **status RED: x** |" in text
    assert "\n1. Which alert?\n2. What told us first" in text


def test_the_marks_are_numbered_in_the_order_in_which_they_came():
    text = report(STORM)
    marks = "1. 0:08 queries are slow\n2. 0:10 status RED\n3. 0:35 status GREEN again, for good\n"
    assert marks in text


def test_the_charts_are_in_the_document_and_each_is_an_image_that_can_be_read():
    charts = charts_in(report(STORM))
    assert list(charts) == ["success.svg", "latency.svg", "queues.svg"]  # of users a second nothing is known
    for svg in charts.values():
        root = ElementTree.fromstring(svg)
        assert root.find("{*}title").text and root.find("{*}desc").text and root.get("role") == "img"
        numbers = [text.text for text in root.findall("{*}text") if text.get("font-weight") == "700"]
        assert numbers == ["1", "2", "3"]


def test_an_incident_without_points_and_events_is_a_document_too():
    text = report(Incident("Nothing", (), START, START))
    assert "Nothing was measured." in text and "The activity log has nothing of these minutes." in text


def test_a_title_cannot_break_the_document():
    text = report(replace(STORM, title="# <b>x</b>\n## y", happenings=(Happening(START, "info", "a | b\n| c"),)))
    assert text.startswith("# &#35; &lt;b&gt;x&lt;/b&gt; ## y\n")
    assert "| a \\| b \\| c |" in text


def test_lines_that_differ_in_their_numbers_alone_are_told_once():
    requests = [Happening(START + n, "good", f"test request took {10 + n} ms") for n in range(4)]
    others = [Happening(START + 9, "info", "reset: everything off")] * 2
    told = [happening.text for happening in told_once([*requests, *others])]
    assert told == ["test request took 10 ms (4 lines like this one in 3 s)", *["reset: everything off"] * 2]


def test_an_axis_ends_at_a_round_number_that_nothing_is_above():
    busy = replace(STORM, points=tuple(point(second, served_rps=20.0, offered_rps=22.0) for second in range(9)))
    root = ElementTree.fromstring(charts_in(report(busy))["users.svg"])
    labels = [text.text for text in root.findall("{*}text") if text.get("text-anchor") == "end"]
    assert labels[-6:] == ["0", "5", "10", "15", "20", "25"]


def path_of(values, moments=None):
    line = Line("x", values, "#000000", worst=min)
    moments = moments or list(map(float, range(len(values))))
    svg = draw(Plot("T", "told", moments, (line,), Axis(0, 1, ()), moments[-1]))
    *_, path = re.findall(r'<path d="([^"]*)" fill="none"', svg)
    return path


def test_a_line_has_a_gap_where_nothing_was_measured():
    assert path_of([1.0, 1.0, None, 1.0, 1.0]).count("M") == 2
    assert path_of([1.0, 1.0, 1.0], [0.0, 1.0, 60.0]).count("M") == 2


def test_of_more_points_than_fit_the_worst_is_drawn():
    values = [1.0] * (3 * MOST_POINTS)
    values[500] = 0.0
    path = path_of(values)
    assert len(re.findall("[ML]", path)) <= MOST_POINTS
    assert path != path_of([1.0] * (3 * MOST_POINTS))


def test_a_mark_beyond_the_end_stays_on_the_chart():
    svg = draw(Plot("T", "t", [0.0, 9.0], (Line("x", [1, 1], "#000000"),), Axis(0, 1, ()), 10, (-3.0, 99.0)))
    places = [float(x) for x in re.findall(r'<circle cx="([^"]*)"', svg)]
    assert len(places) == 2 and all(0 < x < WIDTH for x in places)


def test_text_in_a_chart_is_escaped():
    svg = draw(Plot("<T>", "a & b", [0.0, 1.0], (Line("<x>", [1, 1], "#000000"),), Axis(0, 1, ()), 1))
    assert ElementTree.fromstring(svg).find("{*}title").text == "<T>"


def test_the_one_file_and_the_files_beside_it_hold_the_same_charts():
    text = report(STORM)
    inside = [b64decode(found).decode() for found in re.findall(r"base64,([^)]*)\)", text)]
    assert list(charts_in(text).values()) == inside
