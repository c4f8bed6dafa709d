"""Two outcomes: a scene is played twice for the same users, and how many each run lost is counted and kept."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.common.http import problems
from services.common.scenes.model import Expectation, Play, Scene, Switched
from services.common.telemetry.state import ServiceState, TrafficState, Users
from services.control_room.outcomes import LATE_SECONDS, Outcomes
from services.control_room.room.bets import Bets
from services.control_room.stage import Stage
from services.control_room.status import Kpis
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from tests.conftest import wait_until
from tests.support.views import lab_of

BUDGET = Switched("api", "defence", "retry_budget", {"ratio": 0.1})
DECIDED_AT_ONCE = Expectation("users are served", "success_ratio", minimum=1, within_seconds=60)
DRAMA = Scene("drama", "Drama", 1, "story", (), (), 20, (), (), (DECIDED_AT_ONCE,))


@pytest.fixture
def journal(tmp_path):
    journal = Journal(tmp_path)
    journal.open()
    return journal


class Lab:
    """Resets at once, and notes what is switched on, for which users."""

    def __init__(self, journal):
        self.journal = journal
        self.events = EventLog()
        self.peers = self
        self.epoch = 0
        self.done = []
        self.is_down = False

    def states(self):
        return {}

    def window(self, service, seconds):
        return ServiceState(service, traffic=TrafficState(users=Users(success_ratio=1.0)))

    def reset(self, is_brief=False):
        self.epoch += 1
        self.done.append("reset")
        return {"seconds": 0.1}

    def expect(self, *told):
        pass

    def switch(self, service, kind, name, active, params, epoch):
        self.done.append(name)

    def set_traffic(self, rps, seed, epoch, patience_seconds):
        if self.is_down:
            raise problems.Unreachable("traffic does not answer")
        self.done.append((rps, seed))


@pytest.fixture
def stage(journal, monkeypatch):
    monkeypatch.setattr("services.control_room.stage.find_scene", lambda name: DRAMA)
    monkeypatch.setattr("services.control_room.stage.by_service", lambda states: states)
    lab = Lab(journal)
    stage = Stage(lab, Bets(journal, lab.events))
    yield stage
    stage.reset()


def runs(stage):
    return (stage.outcomes.describe()["comparison"] or {"runs": []})["runs"]


def test_it_is_played_again_for_the_same_users_and_with_the_defence(stage):
    stage.start("drama", Play(then=(BUDGET,)))
    wait_until(lambda: len(runs(stage)) == 2, "the second run")
    wait_until(lambda: stage.describe() is not None, "it is on stage")
    first, second = [done for done in stage._lab.done if isinstance(done, tuple)]
    assert first == second and first[1] > 0
    assert stage._lab.done == ["reset", first, "reset", second, "retry_budget"]
    assert [run["title"] for run in runs(stage)] == ["as it is", "with api.retry_budget"]
    assert stage.describe()["with"][0]["name"] == "retry_budget" and stage.describe()["then_with"] == []


def test_each_run_keeps_when_it_began_and_what_it_measured(stage):
    stage.start("drama", Play(then=(BUDGET,)))
    wait_until(lambda: [len(run["checks"]) for run in runs(stage)] == [1, 1], "both are decided")
    first, second = runs(stage)
    assert first["started_at"] <= second["started_at"] == stage.describe()["started_at"]
    assert [check["outcome"] for check in (*first["checks"], *second["checks"])] == ["pass", "pass"]
    assert second["checks"] == stage.describe()["checks"]
    assert first["decided_seconds"] >= 0


def test_each_run_counts_the_users_that_it_loses(stage):
    stage.start("drama", Play(then=(BUDGET,), seed=5))
    wait_until(lambda: len(runs(stage)) == 2 and stage.describe(), "the second run")
    for lost in (0, 3, 1):  # the traffic was started again meanwhile, and counts from 0
        stage.record(replace(lab_of(Kpis(success_ratio=0.5)), traffic=TrafficState(lost=lost)))
    assert (runs(stage)[1]["lost"], runs(stage)[1]["total"], runs(stage)[0]["lost"]) == ([0, 3, 4], 4, [])


def test_a_reset_ends_it_and_what_was_seen_stays_until_another_scene(stage):
    stage.start("drama", Play(then=(BUDGET,)))
    stage.reset()
    seen = len(runs(stage))
    assert seen in (1, 2)
    stage.start("drama", Play())
    assert runs(stage) == []


def test_a_second_run_waits_for_a_service_that_is_down(stage, monkeypatch):
    monkeypatch.setattr("services.control_room.stage.RETRY_SECONDS", 0.01)
    start = Stage._start

    def start_and_lose_the_traffic(self, *arguments, **options):
        self._lab.is_down = bool(options) and not told()
        return start(self, *arguments, **options)

    def told():
        text = "scene drama waits to be played again: traffic does not answer"
        return [event["text"] for event in stage._lab.events.after(0)].count(text)

    monkeypatch.setattr(Stage, "_start", start_and_lose_the_traffic)
    stage.start("drama", Play(then=(BUDGET,)))
    wait_until(lambda: len(runs(stage)) == 2, "the second run")
    assert told() == 1


def test_a_scene_that_was_to_be_played_again_is_after_a_restart(stage, journal):
    stage.start("drama", Play(then=(BUDGET,)))
    wait_until(lambda: len(runs(stage)) == 2 and stage.describe()["verdict"] == "pass", "the second run")
    kept = journal.section("stage")
    kept["scene"]["play"] |= {"with": [], "then_with": kept["scene"]["play"]["with"]}
    journal.note("stage", kept)
    again = Stage(stage._lab, Bets(journal, stage._lab.events))
    again.restore()
    wait_until(lambda: len(runs(again)) == 3, "it is played")
    again.reset()


def test_the_second_run_has_as_long_to_lose_users_as_the_first_had(journal):
    outcomes = Outcomes(journal)
    outcomes.begin(DRAMA, Play(then=(BUDGET,), seed=5), 1, 1000.0, is_second=False)
    for number in range(3):  # decided early, long before the scene's 60 s
        outcomes.add(1, number + 0.9, 0.5, number)
    outcomes.begin(DRAMA, Play(defences=(BUDGET,), seed=5), 2, 1100.0, is_second=True)
    for number in range(9):
        outcomes.add(2, number + 0.2, 0.5, number)
    first, second = outcomes.describe()["comparison"]["runs"]
    assert (first["seconds"], second["seconds"]) == ([0.9, 1.9, 2.9], [0.2, 1.2, 2.2, 3.2])


def test_a_comparison_is_kept_over_a_restart_and_nothing_else_is_taken_for_one(journal):
    outcomes = Outcomes(journal)
    outcomes.begin(DRAMA, Play(then=(BUDGET,), seed=5), 1, 1000.0, is_second=False)
    for number in range(5):
        outcomes.add(1, float(number), 0.5, number)
    outcomes.add(2, 5.0, 0.5, 9)  # another scene's
    outcomes.add(1, DRAMA.duration_seconds + LATE_SECONDS + 1, 0.5, 9)  # after its end
    again = Outcomes(journal)
    again.restore()
    assert again.describe() == outcomes.describe()
    assert again.describe()["comparison"]["runs"][0]["lost"] == [0, 1, 2, 3, 4]
    journal.note("outcomes", {"scene": 3})
    again.restore()
    assert again.describe() == {"comparison": None}
