"""Bets: opened, voted on, closed before the scene, decided by the lab, revealed; and kept over a restart."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from services.common.http import problems
from services.common.scenes.checks import Check
from services.common.scenes.files import find_scene
from services.common.scenes.model import Play
from services.control_room.room.bets import MAX_DEVICES, Bets
from services.control_room.room.votes import VOTES_AT_ONCE, VOTES_PER_SECOND, VoteRate, device_of, new_cookie
from services.control_room.stage import Stage
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal

STORM = "retry_storm"
AFTER_IT = (STORM, "after_it")
AFTER = "success in the 60 s after the trigger is gone"


@pytest.fixture
def events():
    return EventLog()


@pytest.fixture
def bets(tmp_path, events):
    journal = Journal(tmp_path)
    journal.open()
    yield Bets(journal, events)
    journal.close()


def texts(events):
    return [event["text"] for event in events.after(0)]


def act(bets, action, name=AFTER_IT, on_stage=None):
    return bets.act(*name, action, on_stage)


def vote(bets, name=AFTER_IT, **devices):
    for device, choice in devices.items():
        bets.vote("/".join(name), choice, device)


def checks(**measured):
    """The checks of the scene, decided where a number is given for the beginning of their text."""
    found = [Check(entry) for entry in find_scene(STORM).expect]
    for check in found:
        for beginning, value in measured.items():
            if check.expectation.text.startswith(beginning.replace("_", " ")):
                check.outcome, check.measured = "pass", value
    return found


def shown(bets):
    return bets.for_phone(None)["bet"]


def test_nothing_is_counted_for_the_room_while_it_votes_and_all_of_it_afterwards(bets):
    act(bets, "open")
    vote(bets, a="all", b="all", c="none")
    assert (shown(bets)["phase"], shown(bets)["counts"], shown(bets)["right"]) == ("open", None, None)
    act(bets, "close")
    assert shown(bets)["counts"] == [{"all": 2, "half": 0, "none": 1}]
    assert shown(bets)["right"] is None and shown(bets)["results"] is None


def test_the_presenter_sees_the_votes_as_they_come(bets):
    act(bets, "open")
    vote(bets, a="all")
    assert bets.for_presenter(*AFTER_IT)["counts"] == [{"all": 1, "half": 0, "none": 0}]


def test_a_device_has_one_vote_and_may_change_its_mind(bets):
    act(bets, "open")
    vote(bets, a="all")
    vote(bets, a="none")
    assert bets.for_phone("a") == {"bet": shown(bets), "voted": True, "choice": "none"}
    assert bets.for_phone("b")["voted"] is False
    assert act(bets, "close")["counts"] == [{"all": 0, "half": 0, "none": 1}]


def test_votes_are_taken_while_a_bet_is_open_and_for_that_bet_alone(bets):
    with pytest.raises(problems.BetClosed):
        vote(bets, a="all")
    act(bets, "open")
    with pytest.raises(problems.BetClosed):
        vote(bets, (STORM, "cure"), a="jitter")
    with pytest.raises(problems.InvalidParameter) as refused:
        vote(bets, a="jitter")
    assert refused.value.allowed == ["all", "half", "none"]
    act(bets, "close")
    with pytest.raises(problems.BetClosed):
        vote(bets, a="all")


def test_a_thousand_devices_vote_and_no_more(bets):
    act(bets, "open")
    vote(bets, **{f"d{number}": "all" for number in range(MAX_DEVICES)})
    with pytest.raises(problems.TooManyVotes):
        vote(bets, late="all")
    vote(bets, d7="none")
    assert act(bets, "close")["counts"] == [{"all": MAX_DEVICES - 1, "half": 0, "none": 1}]


def test_the_room_votes_again_after_it_has_talked_and_not_a_third_time(bets):
    act(bets, "open")
    vote(bets, a="all", b="all")
    act(bets, "close")
    act(bets, "open")
    assert shown(bets)["round"] == 2 and shown(bets)["counts"] is None
    assert bets.for_phone("a")["voted"] is False
    vote(bets, a="none")
    assert [sum(votes.values()) for votes in act(bets, "close")["counts"]] == [2, 1]
    with pytest.raises(problems.NotNow, match="voted twice"):
        act(bets, "open")


def test_one_bet_is_open_at_a_time_and_each_action_may_be_repeated(bets, events):
    for _ in range(2):
        act(bets, "open")
    act(bets, "open", (STORM, "cure"))
    assert shown(bets)["id"] == f"{STORM}/cure"
    assert [bet["phase"] for bet in bets.list() if bet["scene"] == STORM] == ["closed", "open", None]
    act(bets, "close", (STORM, "cure"))
    act(bets, "close", (STORM, "cure"))
    assert [text for text in texts(events) if "closed" in text] == [
        f"bet {STORM}/after_it: closed, 0 votes",
        f"bet {STORM}/cure: closed, 0 votes",
    ]


def test_what_was_never_opened_cannot_be_revealed_and_what_is_not_there_says_what_is(bets):
    with pytest.raises(problems.NotNow):
        act(bets, "reveal")
    with pytest.raises(problems.NotFound) as refused:
        act(bets, "open", (STORM, "cures"))
    assert refused.value.allowed == ["after_it", "cure", "defence"]


def test_a_bet_is_not_opened_while_its_scene_is_on_stage(bets):
    with pytest.raises(problems.NotNow, match="on stage"):
        act(bets, "open", on_stage=STORM)
    act(bets, "open", on_stage="normal")


def test_the_lab_decides_and_the_room_sees_it_when_it_is_revealed(bets, events):
    act(bets, "open")
    vote(bets, a="all", b="all", c="none")
    bets.scene_starts(STORM)
    bets.hear(STORM, (), checks(before=1.0))
    assert bets.for_presenter(*AFTER_IT)["right"] == []
    bets.hear(STORM, (), checks(before=1.0, success_in=0.01))
    assert bets.for_presenter(*AFTER_IT)["right"] == ["none"]
    assert shown(bets)["right"] is None and shown(bets)["results"] is None
    act(bets, "reveal")
    assert shown(bets)["right"] == ["none"]
    assert shown(bets)["results"] == [
        {
            "options": ["all", "half", "none"],
            "text": AFTER,
            "with": "",
            "expected": "at most 5 %",
            "measured": "1 %",
        }
    ]
    assert texts(events)[-1].endswith("'Hardly anybody: it stays down' is right, and 1 of 3 said so")


def test_a_bet_that_is_revealed_early_is_decided_in_front_of_the_room(bets):
    act(bets, "open")
    act(bets, "reveal")
    assert shown(bets)["right"] == [] and shown(bets)["counts"] is not None
    bets.scene_starts(STORM)
    before = bets.revision
    bets.hear(STORM, (), checks(success_in=0.5))
    assert shown(bets)["right"] == ["half"] and bets.revision > before


def test_no_second_vote_once_it_is_measured_but_a_new_bet_once_it_is_revealed(bets):
    act(bets, "open")
    bets.scene_starts(STORM)
    bets.hear(STORM, (), checks(success_in=0.0))
    with pytest.raises(problems.NotNow, match="measured"):
        act(bets, "open")
    act(bets, "reveal")
    act(bets, "open")
    assert (shown(bets)["phase"], shown(bets)["round"]) == ("open", 1)
    assert bets.for_presenter(*AFTER_IT)["right"] == []


def test_each_option_may_be_measured_by_another_expectation(bets):
    name = (STORM, "cure")
    act(bets, "open", name)
    bets.scene_starts(STORM)
    bets.hear(STORM, (), checks(success_in=0.0, full_jitter=0.1, a_retry_budget=0.99))
    assert act(bets, "reveal", name)["right"] == ["budget"]
    assert [result["measured"] for result in shown(bets)["results"]] == ["0 %", "10 %", "99 %"]


def test_an_option_with_a_defence_is_measured_by_the_scene_played_with_it(bets):
    name = (STORM, "defence")
    act(bets, "open", name)
    options = {option.key: option.defences for option in find_scene(STORM).bet[2].options}
    for key, success in {"rate_limit": 0.5, "bulkhead": 0.0, "breaker": 1.0}.items():
        bets.scene_starts(STORM)
        bets.hear(STORM, (), checks(success_in=1.0))  # the scene as it is decides nothing of it
        bets.hear(STORM, options[key], checks(success_in=success))
    assert act(bets, "reveal", name)["right"] == ["breaker"]
    assert [result["with"] for result in shown(bets)["results"]] == [
        "frontend.rate_limit",
        "api.bulkhead",
        "api.circuit_breaker",
    ]


def test_another_scene_puts_the_bet_away_and_so_does_the_next_run_of_a_decided_one(bets):
    act(bets, "open")
    bets.scene_starts("normal")
    assert shown(bets) is None
    act(bets, "open")
    bets.scene_starts(STORM)
    bets.hear(STORM, (), checks(success_in=0.0))
    act(bets, "reveal")
    assert shown(bets) is not None
    bets.scene_starts(STORM)
    assert shown(bets) is None


class LabOfAStart:
    """A lab that only notes how the bet was when the reset of a scene began."""

    def __init__(self, bets, events):
        self.bets, self.events, self.peers = bets, events, self
        self.journal = None  # nothing is kept
        self.phase_at_reset = None

    def states(self):
        return {}

    def reset(self, is_brief):
        self.phase_at_reset = shown(self.bets)["phase"]
        raise problems.Overtaken("the test has seen enough")


def test_the_start_of_a_scene_closes_an_open_bet_before_anything_is_done(bets, events):
    act(bets, "open")
    lab = LabOfAStart(bets, events)
    with pytest.raises(problems.Overtaken):
        Stage(lab, bets).start(STORM, Play())
    assert lab.phase_at_reset == "closed"


def test_what_the_stage_has_measured_decides_the_bet(bets, events):
    act(bets, "open")
    act(bets, "close")
    lab = LabOfAStart(bets, events)
    lab.journal = bets._journal
    stage = Stage(lab, bets)
    decided = checks(success_in=0.0)
    stage._run = SimpleNamespace(scene=find_scene(STORM), how=Play(), checks=decided, keep=dict)
    stage._note()
    assert bets.for_presenter(*AFTER_IT)["right"] == ["none"]


def test_a_scene_that_there_is_not_closes_nothing(bets, events):
    act(bets, "open")
    with pytest.raises(problems.NotFound):
        Stage(LabOfAStart(bets, events), bets).start("no_such_scene", Play())
    assert shown(bets)["phase"] == "open"


def test_votes_and_measures_are_there_after_a_restart(bets, events, tmp_path):
    act(bets, "open")
    vote(bets, a="all", b="none")
    before = bets.revision
    bets._journal.close()
    journal = Journal(tmp_path)
    journal.open()
    again = Bets(journal, events)
    again.restore()
    assert again.for_phone("b") == {"bet": shown(bets), "voted": True, "choice": "none"}
    assert again.revision > before
    vote(again, c="none")
    again.scene_starts(STORM)
    again.hear(STORM, (), checks(success_in=0.0))
    journal.close()
    journal = Journal(tmp_path)
    journal.open()
    last = Bets(journal, events)
    last.restore()
    journal.close()
    found = last.for_presenter(*AFTER_IT)
    assert (found["phase"], found["counts"]) == ("closed", [{"all": 1, "half": 0, "none": 2}])
    assert found["right"] == ["none"]


@pytest.mark.parametrize("rubbish", [7, {"phase": "open", "round": []}, {"phase": "open", "rounds": 3, "measured": {}}])
def test_votes_that_cannot_be_read_are_said_and_passed_over(bets, events, rubbish):
    act(bets, "open")
    bets._journal.note(f"bet/{STORM}/after_it", rubbish)
    again = Bets(bets._journal, events)
    again.restore()
    assert shown(again) is None
    assert "the votes of before cannot be read" in texts(events)[-1]


def test_a_full_room_votes_at_once_and_a_flood_waits():
    now = [0.0]
    rate = VoteRate(lambda: now[0])
    for _ in range(VOTES_AT_ONCE):
        rate.take()
    with pytest.raises(problems.TooManyVotes):
        rate.take()
    now[0] += 1.5 / VOTES_PER_SECOND
    rate.take()
    with pytest.raises(problems.TooManyVotes):
        rate.take()


def test_a_device_is_known_by_its_cookie_and_the_cookie_is_not_kept():
    cookie = new_cookie()
    device = device_of(cookie)
    assert device and device == device_of(cookie) and device != device_of(new_cookie())
    assert device not in cookie and cookie not in device
    assert [device_of(text) for text in (None, "", "a", cookie + "a", "é" * 22)] == [None] * 5
