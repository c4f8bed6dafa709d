"""A workshop that is on: what each press does, the clock against the plan, and what is kept over a restart."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from services.common.http import problems
from services.control_room.app import create_app
from services.control_room.room.bets import Bets
from services.control_room.watching.events import EventLog
from services.control_room.watching.journal import Journal
from services.control_room.workshop.files import find_plan
from services.control_room.workshop.hands import Hands
from services.control_room.workshop.workshop import Workshop

HEADERS = {"Host": "localhost:8080", "Content-Type": "application/json"}
TOKEN = "a secret of the lab"
FIRST_BET = "normal/how_fast"


class Clock:
    def __init__(self):
        self.now = 1_800_000_000.0

    def __call__(self):
        return self.now


class Stage:
    """Notes what is played; `fails` is raised instead."""

    def __init__(self):
        self.active = None
        self.done = []
        self.fails = None

    def start(self, name, play):
        if self.fails:
            raise self.fails
        self.active = name
        self.done.append((name, play.added))

    def reset(self):
        self.active = None
        self.done.append("reset")


class Drills:
    def __init__(self):
        self.done = []
        self.running = None

    def start(self, level):
        if self.running:
            raise problems.NotNow("a drill is on")
        self.running = level
        self.done.append(level)

    def end(self):
        self.running = None
        self.done.append("end")


@pytest.fixture
def world(tmp_path):
    """All that a workshop moves, with a way to end the control room and to start it again."""
    journal = Journal(tmp_path)
    journal.open()
    events = EventLog()
    world = SimpleNamespace(clock=Clock(), stage=Stage(), bets=Bets(journal, events), drills=Drills(), events=events)
    world.journal, world.stopped = journal, []

    def restart():
        hands = Hands(world.stage, world.bets, world.drills, lambda: world.stopped.append("cliff"))
        world.workshop = Workshop(journal, events, hands, world.clock)
        world.workshop.restore()

    world.restart = restart
    restart()
    yield world
    journal.close()


def press(world, times=1, action="next"):
    for _ in range(times):
        world.workshop.act(action)
    return world.workshop.describe()


def start(world, name="talk"):
    return world.workshop.act("start", name)


def wait(world, minutes):
    world.clock.now += 60 * minutes


def clock_words(world):
    return world.workshop.describe()["clock"]["words"]


def phase(world, bet=FIRST_BET):
    return world.bets.for_presenter(*bet.split("/"))["phase"]


def test_every_press_does_what_the_one_before_it_announced(world):
    assert start(world)["next"]["words"] == "Next part: What healthy looks like"
    assert phase(world) is None
    assert press(world)["next"]["words"] == "Open the vote"
    assert phase(world) is None  # the presenter speaks first
    assert press(world)["next"]["words"] == "Close the vote"
    assert phase(world) == "open"
    assert press(world)["next"]["words"] == "Vote again, once neighbours have talked"
    assert phase(world) == "closed"
    press(world)
    assert world.bets.for_presenter(*FIRST_BET.split("/"))["round"] == 2
    assert press(world)["next"]["words"] == "Start the scene: Normal operation"
    assert world.stage.done == []
    assert press(world)["next"]["words"] == "Reveal what is right"
    assert world.stage.done == [("normal", "")] and world.stopped == ["cliff"]
    assert press(world)["next"]["words"] == "Next part: Slow is not down"
    assert phase(world) == "revealed"


def test_the_last_press_ends_it(world):
    start(world, "alone")
    assert press(world, 5)["at"] == "4.0"
    assert press(world)["next"] == {"does": "end", "words": "End the workshop"}
    assert press(world) is None
    assert [name for name, _ in world.stage.done] == ["slow_query", "full_cascade", "retry_storm"]


def test_a_second_bet_on_the_scene_that_is_on_stage_resets_before_its_vote(world):
    plan = find_plan("workshop")
    start(world, plan.name)
    titles = [part.title for part in plan.part]
    while world.workshop.describe()["part"] < titles.index("Which cure works?"):
        press(world)
    assert world.stage.done[-1] == ("retry_storm", "")
    press(world)
    assert world.stage.done[-1] == "reset" and phase(world, "retry_storm/cure") == "open"


def test_a_second_vote_never_resets_a_scene_that_was_started_by_hand(world):
    start(world)
    press(world, 3)
    world.stage.active = "normal"
    with pytest.raises(problems.NotNow, match="normal is on stage"):
        press(world)
    assert world.stage.done == []


def test_a_bet_on_defences_starts_the_scene_with_each_of_them(world):
    start(world, "game_day")
    while world.workshop.describe()["next"]["words"] != "Reveal what is right" or "api" not in str(world.stage.done):
        press(world)
    assert world.stage.done[-3:] == [
        ("retry_storm", "frontend.rate_limit"),
        ("retry_storm", "api.bulkhead"),
        ("retry_storm", "api.circuit_breaker"),
    ]


def to_the_drill(world):
    start(world, "game_day")
    while world.workshop.describe()["next"]["does"] != "drill":
        press(world)


def test_a_drill_is_started_with_its_level_and_ended(world):
    to_the_drill(world)
    press(world)
    assert world.drills.done == [1]
    press(world)
    assert world.drills.done == [1, "end"]


def test_a_drill_that_cannot_be_started_leaves_the_place_until_it_is_skipped(world):
    to_the_drill(world)
    world.drills.running = 3
    before = world.workshop.describe()["at"]
    with pytest.raises(problems.NotNow, match="a drill is on"):
        press(world)
    assert world.workshop.describe()["at"] == before
    assert press(world, 2, "skip")["next"]["words"] == "Next part: Break"


def test_a_drill_that_a_reset_has_ended_is_not_ended_again(world):
    to_the_drill(world)
    press(world)
    world.drills.running = None
    press(world)
    assert world.drills.done == [1]


def test_a_scene_that_cannot_be_started_leaves_the_place_where_it_was(world):
    start(world, "alone")
    press(world)
    world.stage.fails = problems.Unreachable("the api does not answer")
    with pytest.raises(problems.Unreachable):
        press(world)
    assert world.workshop.describe()["at"] == "2.0"
    world.stage.fails = None
    assert press(world)["at"] == "2.1"


def test_going_back_and_skipping_move_the_place_and_do_nothing(world):
    start(world)
    press(world, 3)
    assert press(world, 1, "back")["next"]["words"] == "Close the vote"
    assert phase(world) == "closed"
    assert press(world, 2, "back")["at"] == "1.0"
    assert press(world, 1, "back")["at"] == "1.0"
    assert press(world, 8, "skip")["at"] == "3.0"
    assert press(world, 1, "back")["at"] == "2.6"  # all of it is behind
    assert world.stage.done == []


def test_a_part_that_is_gone_back_to_has_begun_when_it_did(world):
    start(world)
    wait(world, 4)
    press(world)
    wait(world, 1)
    assert press(world, 1, "back")["clock"]["part_seconds"] == 300


def test_on_time_is_a_part_that_began_in_time_and_is_not_beyond_its_end(world):
    start(world)
    assert clock_words(world) == "on time"
    wait(world, 4)
    assert clock_words(world) == "on time"
    wait(world, 2)
    assert clock_words(world) == "2 min behind"
    press(world)
    assert clock_words(world) == "2 min behind"  # it began late, though its own time has only begun
    wait(world, 4)
    assert clock_words(world) == "2 min behind"
    wait(world, 4)
    assert clock_words(world) == "5 min behind"


def test_whoever_is_ahead_is_told_so_until_the_part_takes_its_time(world):
    start(world)
    press(world)
    assert clock_words(world) == "4 min ahead"
    wait(world, 5)
    assert clock_words(world) == "4 min ahead"
    wait(world, 4)
    assert clock_words(world) == "on time"


def test_the_clock_says_it_in_seconds_and_in_a_colour_too(world):
    start(world)
    wait(world, 6)
    assert press(world)["clock"] == {
        "seconds": 360,
        "planned_seconds": 45 * 60,
        "part_seconds": 0,
        "part_planned_seconds": 5 * 60,
        "behind_seconds": 120,
        "level": "warning",
        "words": "2 min behind",
    }
    wait(world, 8)
    assert world.workshop.describe()["clock"]["level"] == "error"


def test_a_press_that_was_meant_for_another_place_is_refused(world):
    at = start(world)["at"]
    world.workshop.act("next", at=at)
    with pytest.raises(problems.Overtaken):
        world.workshop.act("next", at=at)
    assert phase(world) is None


def test_a_second_press_while_the_first_is_being_done_is_refused(world):
    start(world, "alone")
    press(world)
    refused = []

    def impatient(name, play):
        with pytest.raises(problems.NotNow) as found:
            press(world)
        refused.append(found.value.detail)

    world.stage.start = impatient
    assert press(world)["at"] == "2.1" and refused == ["the press before this one is still being done"]


def test_one_workshop_is_on_at_a_time_and_there_may_be_none(world):
    assert world.workshop.describe() is None
    for action in ("next", "back", "skip", "end"):
        with pytest.raises(problems.NotNow, match="no workshop is on"):
            world.workshop.act(action)
    start(world)
    with pytest.raises(problems.NotNow, match="talk is on: end it first"):
        start(world, "alone")
    assert world.workshop.act("end") is None
    assert start(world, "alone")["name"] == "alone"


def test_a_bet_that_a_rehearsal_left_before_the_room_is_taken_away(world):
    world.bets.act(*FIRST_BET.split("/"), "open", None)
    world.bets.vote(FIRST_BET, "to_50", "a")
    start(world)
    assert world.bets.for_phone("a")["bet"] is None
    press(world, 2)
    bet = world.bets.for_presenter(*FIRST_BET.split("/"))
    assert (bet["round"], sum(bet["counts"][0].values())) == (1, 0)


def test_nothing_stays_before_the_room_when_it_ends(world):
    start(world)
    press(world, 2)
    assert world.bets.for_phone("a")["bet"]["id"] == FIRST_BET
    world.workshop.act("end")
    assert world.bets.for_phone("a")["bet"] is None


def test_it_goes_on_after_a_restart_and_its_clock_went_on(world):
    start(world)
    wait(world, 4)
    press(world, 2)
    before = world.workshop.describe()
    wait(world, 1)
    world.restart()
    after = world.workshop.describe()
    assert (after["at"], after["next"]) == (before["at"], before["next"]) == ("2.1", before["next"])
    assert (after["clock"]["seconds"], after["clock"]["part_seconds"]) == (300, 60)
    world.workshop.act("end")
    world.restart()
    assert world.workshop.describe() is None


@pytest.mark.parametrize(
    "kept",
    [
        {"name": "talks", "began": [1.0], "done": 0},
        {"name": "talk", "began": [1.0] * 20, "done": 0},
        {"name": "talk", "began": [1.0], "done": 3},
        {"name": "talk", "began": [], "done": 0},
        7,
    ],
)
def test_what_the_plans_no_longer_have_is_said_and_let_go(world, kept):
    world.journal.note("workshop", kept)
    world.restart()
    assert world.workshop.describe() is None
    assert "cannot go on" in world.events.after(0)[-1]["text"]


def test_the_activity_log_which_the_room_reads_has_the_bets_and_nothing_of_the_plan(world):
    start(world)
    press(world, 3)
    said = [event["text"] for event in world.events.after(0)]
    assert len(said) == 2 and all(text.startswith(f"bet {FIRST_BET}") for text in said)


# The calls.


@pytest.fixture
def http(make_settings):
    return create_app(make_settings("control-room", LAB_TOKEN=TOKEN)).test_client()


def call(http, method, path="/api/workshop", token=TOKEN, **body):
    headers = HEADERS | ({"Authorization": f"Bearer {token}"} if token else {})
    return http.open(path, method=method, headers=headers, data=json.dumps(body) if method == "POST" else None)


def test_the_presenter_moves_it_with_the_token(http):
    assert call(http, "GET").json == {"workshop": None}
    started = call(http, "POST", action="start", name="talk").json["workshop"]
    assert started["parts"][0]["say"] and started["next"]["does"] == "part"
    moved = call(http, "POST", action="next", at=started["at"]).json["workshop"]
    assert moved["part"] == 1 == call(http, "GET").json["workshop"]["part"]
    assert call(http, "POST", action="next", at=started["at"]).status_code == 409


def test_without_the_token_only_the_list_of_plans_can_be_read(http):
    call(http, "POST", action="start", name="talk")
    assert call(http, "GET", token="").status_code == 401
    assert call(http, "POST", token="", action="next").status_code == 401
    listed = call(http, "GET", "/api/workshops", token="")
    assert [plan["name"] for plan in listed.json["workshops"]] == ["alone", "talk", "workshop", "game_day"]
    assert "say" not in listed.json["workshops"][1]["parts"][0]


def test_nothing_that_the_room_can_read_says_where_the_workshop_is(http):
    call(http, "POST", action="start", name="talk")
    said = find_plan("talk").part[0].say[0]
    for path in ("/api/room", "/api/events", "/api/workshops", "/api/bets", "/api/scenes"):
        answer = call(http, "GET", path, token="")
        assert answer.status_code == 200 and said not in answer.text and "part_seconds" not in answer.text


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"action": "jump"}, 422, "action"),
        ({}, 422, "action"),
        ({"action": "start", "name": 7}, 422, "name"),
        ({"action": "start", "name": "talks"}, 404, "name"),
        ({"action": "start"}, 404, "name"),
        ({"action": "next", "at": 2}, 422, "at"),
        ({"action": "next"}, 409, None),
    ],
)
def test_what_makes_no_sense_is_refused(http, body, status, field):
    refused = call(http, "POST", **body)
    assert (refused.status_code, refused.json.get("field")) == (status, field)
