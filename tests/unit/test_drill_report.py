"""The report of a drill: what it was, who knew what when, and what each team paid."""

from __future__ import annotations

from services.control_room.drills.drill import Answer, Counts, Drill, Team
from services.control_room.drills.report import incident_of
from services.control_room.report.incident import Point
from services.control_room.report.markdown import report

START = 1_790_000_000.0


def drill(**changes):
    blue = Team(
        "Blue <b>|", [Answer(START + 40, "detected", True), Answer(START + 50, "diagnosis", False, "api", "hang")]
    )
    blue.answers.append(Answer(START + 90, "diagnosis", True, "database", "slow_query"))
    red = Team("Red", [Answer(START + 5, "detected", False), Answer(START + 60, "hint", True)])
    given = {
        "fault_at": START + 30,
        "hurt_at": START + 34,
        "mitigated_at": START + 120,
        "ended_at": START + 150,
        "before": Counts(200, 0),
        "now": Counts(1200, 300),
        "teams": {"Blue <b>|": blue, "Red": red},
    }
    return Drill("slow_disk", 7, START, 30.0, 1, **(given | changes))


def written(found):
    points = tuple(Point(START + second, 0, success_ratio=1.0) for second in range(150))
    return report(incident_of(found, points, ()))


def test_it_tells_what_it_was_and_how_it_ended():
    text = written(drill())
    assert "# Drill: The database's disk is slow" in text
    assert "database: slow\\_query" in text or "database: slow_query" in text
    assert "Each query holds one of four connections for 1.5 s" in text
    assert "The cause was named after 60 s; 300 users were lost until the lab was well again, after 90 s." in text
    assert "| time to mitigate | 90 s |" in text and "| users lost since the fault | 300 |" in text


def test_it_tells_who_knew_what_when():
    lines = written(drill()).splitlines()
    knew = lines[lines.index("## Who knew what when") : lines.index("## Points")]
    order = [line for line in knew if line.startswith("| 0:") or line.startswith("| 1:")]
    assert ["false alarm" in order[0], "“incident”" in order[1], "wrong" in order[2]] == [True, True, True]
    assert "took a hint" in order[3] and "**right**" in order[4] and "60 s" in order[4]


def test_the_points_are_on_it_with_what_was_paid():
    text = written(drill())
    assert "users lost 60" in text  # 300 of 1,000
    assert "false alarms 50, hints 50" in text and "wrong answers 50" in text


def test_a_teams_name_stays_text():
    text = written(drill())
    assert "Blue <b>" not in text and "Blue &lt;b&gt;\\|" in text


def test_a_drill_that_nothing_happened_in_has_a_report_too():
    text = written(Drill("campaign", 1, START, 30.0, 1, ended_at=START + 10))
    assert "It ended before anything was wrong." in text and "## Points" not in text


def test_what_helps_the_discussion_is_there():
    text = written(drill())
    assert "## One way out" in text and "## Hints" in text
    assert "When would they have made a slow disk worse?" in text
