"""What a report is made of: the recording, which scene it is of, and the call that only the presenter may make."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import pytest

from services.common.http.problems import InvalidParameter, NotNow
from services.common.scenes.files import all_scenes, find_scene, read_scene
from services.common.telemetry.state import TrafficState
from services.control_room.app import create_app
from services.control_room.drills.drill import Drill
from services.control_room.history import History
from services.control_room.outcomes import Comparison, Outcome
from services.control_room.report.incident import Mark
from services.control_room.report.recorder import AFTER_SECONDS, MOST_SECONDS, NOTE_POINTS, RECENT_POINTS, Recorder
from services.control_room.report.reports import Reports
from services.control_room.report.scene import Defence, Played, Told
from services.control_room.report.sections import sections_of
from services.control_room.room.bets import Bets
from services.control_room.room.polls import CLOSED, Poll
from services.control_room.status import Kpis
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from tests.support.views import lab_of

TOKEN = "a secret of the lab"
NO_DRILLS = SimpleNamespace(last=None)
HOST = {"Host": "localhost:8080"}


class Clock:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path)
    journal.open()
    yield journal
    journal.close()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def recorder(journal, clock):
    return Recorder(journal, clock)


def pass_seconds(recorder, clock, seconds):
    for _ in range(seconds):
        recorder.add(replace(lab_of(Kpis(success_ratio=0.98765)), traffic=TrafficState(came=7, lost=2)))
        clock.now += 1


def times(recorder):
    return [point.time for point in recorder.points()]


def test_without_a_beginning_it_has_the_last_minutes(recorder, clock):
    pass_seconds(recorder, clock, RECENT_POINTS + 20)
    assert times(recorder) == [1020.0 + second for second in range(RECENT_POINTS)]


def test_it_begins_a_moment_ago_and_ends_a_little_after_the_end(recorder, clock):
    pass_seconds(recorder, clock, 10)
    recorder.begin(1007.5)
    pass_seconds(recorder, clock, 10)
    recorder.end(clock.now)
    recorder.end(clock.now + 50)  # it is over already
    pass_seconds(recorder, clock, 60)
    assert (times(recorder)[0], times(recorder)[-1]) == (1008.0, 1020.0 + AFTER_SECONDS)
    first = recorder.points()[0]
    assert (first.success_ratio, first.came, first.lost, first.level) == (0.9877, 7, 2, 0)


def test_what_is_never_ended_is_bounded(recorder, clock):
    recorder.begin(1000.0)
    pass_seconds(recorder, clock, int(MOST_SECONDS) + 100)
    assert times(recorder)[-1] == 1000.0 + MOST_SECONDS


def test_it_goes_on_after_a_restart(recorder, journal, clock):
    recorder.begin(1000.0)
    pass_seconds(recorder, clock, NOTE_POINTS)
    again = Recorder(journal, clock)
    again.restore()
    assert again.points() == recorder.points() and again.started_at == 1000.0
    pass_seconds(again, clock, 1)
    assert len(again.points()) == NOTE_POINTS + 1


@pytest.mark.parametrize("kept", [None, 3, {"points": 3}, {"points": [[]], "started_at": 1, "ended_at": None}])
def test_what_the_journal_has_instead_of_a_recording_is_passed_over(recorder, journal, clock, kept):
    journal.note("recording", kept)
    recorder.restore()
    pass_seconds(recorder, clock, 1)
    assert len(recorder.points()) == 1


class Stage:
    """What the stage tells; `on` is the scene."""

    def __init__(self, journal):
        self.on = None
        self.outcomes = self

    def compared(self, started_at):
        return None

    def describe(self):
        return self.on


def told(**changes):
    checks = [
        {"outcome": "pass", "text": "before", "expected": "at least 99 %", "measured": "100 %", "open": True},
        {"outcome": "pending", "text": None, "expected": None, "measured": None, "open": False},
    ]
    scene = find_scene("retry_storm")
    scene_told = {"name": scene.name, "title": scene.title, "started_at": 1000.0, "elapsed_seconds": 0.0}
    return scene_told | {"verdict": "pending", "with": [], "steps": [], "checks": checks} | changes


@pytest.fixture
def reports(journal, clock):
    events = EventLog()
    return Reports(journal, events, Stage(journal), Bets(journal, events), History(clock), NO_DRILLS, clock)


def test_a_scene_begins_its_recording_and_stays_until_another_begins(reports, clock):
    stage = reports._stage
    assert reports.incident().title == "The last minutes of the lab"
    stage.on = told()
    reports.add(lab_of())
    clock.now += 30
    assert (reports.incident().title, reports.incident().is_over) == ("Retry storm", False)
    stage.on = None
    reports.add(lab_of())
    clock.now += 600
    incident = reports.incident()
    assert (incident.started_at, incident.ended_at, incident.is_over) == (1000.0, 1030.0, True)
    assert incident.marks == (Mark(1030.0, "the scene is over"),)
    assert [point.time for point in incident.points] == [1000.0, 1030.0]
    stage.on = told(started_at=1700.0, **{"with": [{"service": "api", "name": "retry_budget", "params": {}}]})
    assert reports.incident().title == "Retry storm, with api.retry_budget"
    reports.recorder.begin(1800.0)  # something else, as a drill
    stage.on = None
    assert reports.incident().title == "The last minutes of the lab"


def test_what_it_was_and_what_to_ask_are_told_at_the_end(reports):
    scene = find_scene("retry_storm")
    reports._stage.on = told()
    assert reports.incident().story == (scene.story,) and reports.incident().questions == ()
    reports._stage.on = told(verdict="pass")
    incident = reports.incident()
    assert incident.story == (scene.story, scene.lesson) and incident.questions == scene.questions
    assert incident.summary == ("1 of the scene's 2 expectations came true.",)


def test_a_step_has_its_mark_by_the_wall_clock_though_the_scenes_clock_stood(reports, clock):
    clock.now = 1090.0  # it stood for a minute
    reports._stage.on = told(elapsed_seconds=30.0, steps=[{"at_seconds": 20.0, "say": "the trigger"}])
    reports.add(lab_of())
    clock.now = 1091.0
    reports._stage.on = told(elapsed_seconds=31.0, steps=[{"at_seconds": 20.0, "say": "the trigger"}])
    assert reports.incident().marks == (Mark(1080.0, "the trigger"),)


def test_the_log_begins_with_the_line_of_the_scene(reports, monkeypatch):
    lines = [(990.0, "status GREEN"), (999.0, "scene retry_storm: Retry storm; 20 users a second"), (999.2, "reset")]
    events = [{"time": at, "level": "info", "text": text} for at, text in [*lines, (1005.0, "status RED: x")]]
    monkeypatch.setattr(reports._events, "after", lambda _: events)
    reports._stage.on = told()
    assert [happening.at for happening in reports.incident().happenings] == [999.0, 999.2, 1005.0]


def test_a_scene_that_ended_is_there_after_a_restart(reports, journal, clock):
    reports._stage.on = told()
    reports.add(lab_of())
    reports._stage.on = None
    reports.add(lab_of())
    again = Reports(journal, reports._events, reports._stage, reports._bets, reports._history, NO_DRILLS, clock)
    again.restore()
    assert again.incident().title == "Retry storm"


PLAYED = Played("retry_storm", "Retry storm", 1000.0, "fail", [Told("fail", "a | b", "100 %", None), Told("pending")])


def test_expected_stands_beside_measured():
    (section,) = sections_of(PLAYED, None, None)
    assert section.lines[-3:] == (
        r"| a \| b | 100 % |  | **not as expected** |",
        "",
        "1 more was not measured by then.",
    )
    defended = replace(PLAYED, defences=[Defence("api", "retry_budget")])
    (section,) = sections_of(defended, None, None)
    assert section.lines[0] == "What is expected is what happens without the defence."


def test_the_rooms_bet_stands_with_its_votes_and_what_is_right():
    scene = find_scene("retry_storm")
    measured = {"all": 0.02, "half": 0.02, "none": 0.02}
    poll = Poll(scene, scene.bet[0], CLOSED, [{"a": "all", "b": "all"}, {"a": "none", "b": "all"}], measured)
    *_, section = sections_of(PLAYED, poll, None)
    assert section.lines[2] == "| answer | votes, before and after talking | measured |  |"
    assert "| Nearly all: it is back within seconds | 2 then 1 | 2 % |  |" in section.lines
    assert "| Hardly anybody: it stays down | 0 then 1 | 2 % | **right** |" in section.lines


def test_two_outcomes_stand_beside_each_other():
    checks = [{"text": "success", "measured": "2 %"}]
    runs = [Outcome("as it is", 900.0, lost=[1200], checks=checks), Outcome("with api.retry_budget", 1000.0, lost=[3])]
    *_, section = sections_of(PLAYED, None, Comparison("retry_storm", "Retry storm", 150, 7, runs=runs))
    assert "| users not served | 1,200 | 3 |" in section.lines
    assert "| success | 2 % |  |" in section.lines


def test_the_report_is_the_presenters_alone(make_settings):
    app = create_app(make_settings("control-room", LAB_TOKEN=TOKEN)).test_client()
    assert app.get("/api/report", headers=HOST).status_code == 401
    answer = app.get("/api/report", headers=HOST | {"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200 and answer.text.startswith("# The last minutes of the lab")
    assert answer.headers["Content-Type"] == "text/markdown; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="report.md"'


@pytest.mark.parametrize("scene", all_scenes().values(), ids=all_scenes())
def test_every_scene_has_questions(scene):
    assert 2 <= len(scene.questions) <= 3
    assert all("?" in question for question in scene.questions)


@pytest.mark.parametrize("questions", ['["Why?", 3]', '["  "]', '"Why?"'])
def test_questions_are_a_list_of_texts(tmp_path, questions):
    file = tmp_path / "drama.toml"
    file.write_text(f'title = "D"\norder = 1\nstory = "s"\ndo = []\nwatch = []\nrps = 1\nquestions = {questions}\n')
    with pytest.raises(InvalidParameter, match="questions"):
        read_scene(file)


def test_what_was_decided_in_the_last_moment_is_told(reports):
    reports._stage.on = told()
    reports.add(lab_of())
    reports._stage.when_over(told(verdict="pass"))
    reports._stage.on = None
    reports.add(lab_of())
    assert reports._programme.last.verdict == "pass"


def test_a_drill_begins_a_recording_of_its_own_and_keeps_its_report_back(reports, clock):
    drill = Drill("slow_disk", 1, clock.now + 5, 20.0, 0)
    reports._drills = SimpleNamespace(last=drill)
    with pytest.raises(NotNow, match="comes at its end"):
        reports.incident()
    drill.ended_at = clock.now = clock.now + 65
    found = reports.incident()
    assert found.title == "Drill: The database's disk is slow"
    assert (reports.recorder.started_at, reports.recorder.ended_at) == (drill.started_at, drill.ended_at)
