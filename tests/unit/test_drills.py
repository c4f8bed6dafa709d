"""Drills: what is hidden, what a team's answers cost, how it ends, and that it goes on after a restart."""

from __future__ import annotations

import json
import random
import threading
from types import SimpleNamespace

import pytest

from services.common.http import problems
from services.common.telemetry.state import ServiceState, nothing_on
from services.control_room.drills.cards import deck, draw
from services.control_room.drills.drill import Drill, Team
from services.control_room.drills.drills import MAX_ANSWERS, MAX_SECONDS, MAX_TEAMS, Drills
from services.control_room.drills.score import POINTS, score
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from tests.conftest import wait_until

GREEN = {"status": "GREEN", "reasons": []}


class Lab:
    """What a drill sees of the lab: it notes what is switched."""

    def __init__(self, folder):
        self.journal = Journal(folder)
        self.journal.open()
        self.events = EventLog()
        self.epoch = 1
        self.asked = []
        self.unreachable = 0
        self.hidden = nothing_on()
        said = {"api-1": ServiceState("api", hidden=self.hidden), "api-2": None}
        self.peers = SimpleNamespace(states=lambda: said)

    def switch(self, service, kind, name, active, params, epoch=None, *, hidden=False):
        if epoch != self.epoch:
            raise problems.Overtaken("reset")
        if hidden and service != "traffic" and self.unreachable:
            self.unreachable -= 1
            raise problems.Unreachable("down")
        self.asked.append((service, name, dict(params), hidden))


@pytest.fixture
def now():
    return SimpleNamespace(time=1000.0)


@pytest.fixture
def lab(tmp_path):
    lab = Lab(tmp_path)
    yield lab
    lab.journal.close()


@pytest.fixture
def make(lab, now):
    made = []

    def make(wait_seconds=(0.0, 0.0), status=GREEN):
        drills = Drills(lab, lambda: status, lambda: now.time, wait_seconds)
        made.append(drills)
        return drills

    yield make
    for drills in made:
        if drills.running:
            drills.overtaken()


def card_with_seed(level, wanted=lambda card: True):
    """A seed that draws such a card of this level."""
    return next(seed for seed in range(1, 500) if wanted(draw(level, random.Random(seed))))


PLAIN = card_with_seed(1, lambda card: card.key == "slow_disk")
TWO = card_with_seed(3, lambda card: card.key == "two_at_once")
TRAFFIC = card_with_seed(1, lambda card: card.is_traffic_alone)


def begun(make, seed=PLAIN, level=1, **given):
    """A drill whose fault has come."""
    drills = make(**given)
    drills.start(level, seed)
    wait_until(lambda: drills.last.fault_at is not None, "the fault comes")
    return drills


def state(success, lost=0, came=100):
    return SimpleNamespace(traffic=SimpleNamespace(lost=lost, came=came), kpis=SimpleNamespace(success_ratio=success))


def say(drills, team="Blue", kind="detected", service="", switch="", device=None):
    return drills.answer(team, kind, service, switch, device)


def texts(lab):
    return " ".join(event["text"] for event in lab.events.after(0))


def test_setup_is_for_all_to_see_and_faults_and_users_are_hidden(make, lab):
    begun(make)
    hidden = {name: is_hidden for _, name, _, is_hidden in lab.asked}
    assert hidden == {"arrivals": True, "capacity": False, "slow_query": True}


def test_nothing_that_everybody_may_know_tells_the_card(make, lab):
    drills = begun(make)
    say(drills, kind="hint")
    told = json.dumps([drills.for_all(), drills.for_phone(None)]) + texts(lab)
    card = deck()["slow_disk"]
    assert card.key not in told and card.title not in told and "1.5" not in told
    assert drills.for_phone(None)["result"] is None
    hints = [hint for hint in card.hints if hint in told]
    assert hints == []  # one was taken, and it is the team's own
    assert "slow_query" in told  # among the choices, as every other switch
    assert drills.for_presenter()["secret"]["title"] == card.title


def test_a_phone_is_not_told_when_the_fault_comes_or_hurts(make, now):
    drills = make(wait_seconds=(5.0, 5.0))
    drills.start(1, PLAIN)
    before, revision = drills.for_phone(None), drills.revision
    drills.last.fault_at = now.time
    for success in (1.0, 0.5, 1.0):
        drills.see(state(success))
    assert (drills.for_phone(None), drills.revision) == (before, revision)


def test_a_false_alarm_is_told_and_costs(make, now):
    drills = make(wait_seconds=(500.0, 500.0))
    drills.start(1, PLAIN)
    mine = say(drills)["mine"]
    assert not mine["detected"] and "false alarm" in mine["said"].lower()
    drills.end()
    (row,) = drills.for_phone(None)["teams"]
    assert row["costs"]["false alarms"] == 50


def test_a_right_diagnosis_counts_as_noticing_and_a_wrong_one_costs(make, now):
    drills = begun(make)
    assert say(drills, kind="diagnosis", service="api", switch="latency")["mine"]["said"] == "That is not it."
    now.time += 40
    mine = say(drills, kind="diagnosis", service="database", switch="slow_query")["mine"]
    assert mine["detected"] and mine["diagnosed"]
    drills.end()
    (row,) = drills.for_phone(None)["teams"]
    assert (row["detect_seconds"], row["diagnose_seconds"], row["wrong"]) == (40, 40, 1)
    assert row["points"] == POINTS - 40 - 40 - 50


def test_of_two_faults_each_is_named_by_itself(make):
    drills = begun(make, seed=TWO, level=3)
    mine = say(drills, kind="diagnosis", service="api-2", switch="bad_version")["mine"]
    assert not mine["diagnosed"] and len(mine["found"]) == 1
    assert not say(drills, kind="diagnosis", service="api-2", switch="bad_version")["mine"]["diagnosed"]
    assert say(drills, kind="diagnosis", service="api-3", switch="pool")["mine"]["diagnosed"]


def test_nothing_but_the_traffic_is_a_diagnosis_too(make, lab):
    drills = begun(make, seed=TRAFFIC)
    before, after = (params["rps"] for _, name, params, _ in lab.asked if name == "arrivals")
    assert after > before
    assert say(drills, kind="diagnosis", service="traffic", switch="arrivals")["mine"]["diagnosed"]


def test_hints_are_the_teams_own_cost_and_end(make):
    drills = begun(make)
    for number in range(1, 5):
        mine = say(drills, kind="hint")["mine"]
        assert len(mine["hints"]) == min(number, 3)
    assert mine["said"] == "There are no more hints."
    other = say(drills, team="Red")["mine"]
    assert other["hints"] == []
    drills.end()
    rows = {row["team"]: row for row in drills.for_phone(None)["teams"]}
    assert rows["Blue"]["costs"]["hints"] == 150 and "hints" not in rows["Red"]["costs"]


def test_when_it_is_over_hints_are_free_and_all_is_told(make, lab):
    drills = begun(make)
    say(drills, device="phone")
    lab.hidden["failure"]["slow_query"] = {"min_seconds": 1.0}
    drills.end()
    known = drills.for_phone("phone")
    assert known["mine"]["hints"] == list(deck()["slow_disk"].hints)
    assert known["result"]["title"] == deck()["slow_disk"].title
    assert ("api-1", "slow_query", {"min_seconds": 1.0}, False) in lab.asked  # what was hidden is shown


def test_a_device_speaks_for_one_team(make):
    drills = begun(make)
    say(drills, team="Blue", device="phone")
    assert say(drills, team="Red", device="phone", kind="hint")["mine"]["team"] == "Blue"
    assert [row["team"] for row in drills.for_phone(None)["teams"]] == ["Blue"]
    assert drills.for_phone("another")["mine"] is None


def test_more_teams_than_may_are_refused(make):
    drills = begun(make)
    for number in range(MAX_TEAMS):
        say(drills, team=str(number))
    with pytest.raises(problems.TooManyTeams):
        say(drills, team="one more")
    assert say(drills, team="7")["mine"]["team"] == "7"


def test_users_are_well_when_the_window_is_and_stay_so(make, now):
    drills = begun(make)
    drills.see(state(0.5, lost=20))
    now.time += 30
    drills.see(state(0.995, lost=25))
    now.time += 10
    drills.see(state(0.9, lost=30))  # a cure that did not last
    assert drills.last.mitigated_at is None
    now.time += 20
    drills.see(state(1.0, lost=30))
    drills.end()
    result = drills.last
    assert (result.mitigate_seconds, result.lost) == (60, 30)


def test_users_lost_before_the_fault_do_not_count(make, now):
    drills = make(wait_seconds=(500.0, 500.0))
    drills.start(1, PLAIN)
    drills.see(state(1.0, lost=7, came=40))
    drills.last.fault_at = now.time
    drills.see(state(0.5, lost=10, came=60))
    assert (drills.last.lost, drills.last.users) == (3, 20)


def test_a_team_cannot_fill_the_journal(make):
    drills = begun(make)
    for _ in range(MAX_ANSWERS):
        say(drills)
    with pytest.raises(problems.TooManyVotes):
        say(drills)


def test_users_are_counted_on_when_their_counter_begins_anew(make, now):
    drills = begun(make)
    drills.see(state(1.0, lost=10, came=100))
    drills.see(state(1.0, lost=2, came=5))
    assert (drills.last.lost, drills.last.users) == (12, 105)


def test_the_board_is_frozen_or_hidden_until_the_end(make):
    drills = begun(make)
    say(drills)
    drills.set_board("frozen")
    say(drills, team="Red")
    assert [row["team"] for row in drills.for_phone(None)["teams"]] == ["Blue"]
    drills.set_board("hidden")
    assert drills.for_phone(None)["teams"] is None
    drills.end()
    assert {row["team"] for row in drills.for_phone(None)["teams"]} == {"Blue", "Red"}


def test_a_hidden_board_keeps_the_log_quiet_too(make, lab):
    drills = begun(make)
    drills.set_board("hidden")
    say(drills)
    assert "Blue" not in texts(lab)


def test_points_are_shown_at_the_end_alone(make):
    drills = begun(make)
    say(drills)
    assert "points" not in drills.for_phone(None)["teams"][0]


def test_while_it_is_on_failures_users_scenes_and_another_drill_wait(make):
    drills = begun(make)
    for refused in (
        lambda: drills.check_change("api", "failure", "latency"),
        lambda: drills.check_change("traffic", "setting", "arrivals"),
        lambda: drills.check_free("a scene"),
        lambda: drills.start(1, 1),
    ):
        with pytest.raises(problems.NotNow, match="a drill is on"):
            refused()
    drills.check_change("api", "setting", "pool")
    drills.check_change("frontend", "defence", "hedging")
    drills.end()
    drills.check_change("api", "failure", "latency")


def test_a_reset_ends_it_and_the_next_one_puts_it_away(make):
    drills = begun(make)
    drills.overtaken()
    assert drills.for_all()["phase"] == "ended" and drills.for_phone(None)["result"]["why_ended"] == "the lab was reset"
    drills.overtaken()
    assert drills.for_all() is None and drills.last is not None
    with pytest.raises(problems.NotNow):
        drills.end()
    with pytest.raises(problems.NotNow):
        say(drills)


def test_a_fault_waits_for_a_service_that_is_down(make, lab):
    lab.unreachable = 1
    drills = begun(make)
    assert drills.last.fault_at is not None


def test_a_drill_that_is_over_strikes_no_more(make, lab):
    drills = make(wait_seconds=(60.0, 60.0))
    drills.start(1, PLAIN)
    drills.end()
    wait_until(lambda: not [each for each in threading.enumerate() if each.name == "drill"], "its thread ends")
    assert "slow_query" not in [name for _, name, _, _ in lab.asked]


def test_a_lab_that_is_not_well_gets_no_drill(make):
    drills = make(status={"status": "RED", "reasons": ["api does not answer"]})
    with pytest.raises(problems.NotNow, match="api does not answer"):
        drills.start(1, PLAIN)
    assert drills.for_all() is None


def test_the_same_seed_is_the_same_drill(make):
    waits = []
    for _ in range(2):
        drills = make(wait_seconds=(100.0, 200.0))
        drills.start(2, 77)
        waits.append((drills.last.card_key, drills.last.wait_seconds))
        drills.end()
    assert waits[0] == waits[1]


def test_it_lasts_no_longer_than_it_may(make, now):
    drills = begun(make)
    now.time += MAX_SECONDS + 1
    drills.see(state(0.5))
    assert drills.running is None and "30 minutes" in drills.last.why_ended


def test_a_reset_that_comes_while_it_starts_ends_it_all_the_same(make, lab):
    drills = begun(make)
    lab.epoch += 1
    drills.see(state(1.0))
    assert drills.last.why_ended == "the lab was reset"


def test_it_goes_on_after_a_restart_of_the_control_room(make):
    first = begun(make)
    say(first, device="phone")
    again = make()
    again.restore()
    assert again.running is not None and again.for_phone("phone")["mine"]["team"] == "Blue"
    assert again.revision > first.revision


def test_after_a_restart_the_fault_still_comes(make, now):
    first = make(wait_seconds=(500.0, 500.0))
    first.start(1, PLAIN)
    now.time += 600
    again = make()
    again.restore()
    wait_until(lambda: again.last.fault_at is not None, "the fault comes")


def test_a_reset_while_the_control_room_was_away_has_ended_it(make, lab):
    begun(make)
    lab.epoch = 2
    again = make()
    again.restore()
    assert again.running is None and again.last.why_ended == "the lab was reset"


@pytest.mark.parametrize("rubbish", [7, {}, {"drill": {}}, {"drill": {"card_key": "no"}, "revision": 1, "away": False}])
def test_rubbish_in_the_journal_is_no_drill(make, lab, rubbish):
    lab.journal.note("drill", rubbish)
    drills = make()
    drills.restore()
    assert drills.for_all() is None


def test_the_points_of_a_perfect_team_and_of_one_that_did_nothing():
    nothing = {"wrong": 0, "false_alarms": 0, "hints": 0}
    perfect = score(
        detect_seconds=0,
        diagnose_seconds=0,
        mitigate_seconds=0,
        has_come=True,
        is_hurt=True,
        whole_seconds=9,
        lost_share=0,
        **nothing,
    )
    assert (perfect.points, perfect.costs) == (POINTS, {})
    idle = score(
        detect_seconds=None,
        diagnose_seconds=None,
        mitigate_seconds=None,
        has_come=True,
        is_hurt=True,
        whole_seconds=60,
        lost_share=1.0,
        **nothing,
    )
    assert idle.points == 0


def test_before_the_fault_there_was_nothing_to_notice():
    drill = Drill("slow_disk", 1, 0.0, 60.0, 1, ended_at=18.0)
    assert drill.score(Team("Ada")).points == POINTS


def test_where_nobody_was_hurt_there_was_nobody_to_help():
    drill = Drill("campaign", 1, 0.0, 0.0, 1, fault_at=10.0, ended_at=70.0)
    assert "time to mitigate" not in drill.score(Team("Blue")).costs
