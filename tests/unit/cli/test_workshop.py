"""workshop: list, lead through a plan key by key, end it, and rehearse it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labcli import workshop as module
from tests.unit.cli.conftest import Clock, Lab, Room, a_check, a_problem, a_scene, a_state

PATH = "/api/workshop"
BEATS = ["Open the vote", "Close the vote", "Start the scene: Slow queries"]
# What each press finds: the place, and what the next one does.
PLACES = [
    ("1.0", "part", "Next part: Slow is not down"),
    ("2.0", "open", BEATS[0]),
    ("2.1", "close", BEATS[1]),
    ("2.2", "scene", BEATS[2]),
    ("2.3", "end", "End the workshop"),
]
PARTS = [
    {"title": "Welcome", "minutes": 4, "scene": "", "bet": "", "drill": 0, "say": ["Good evening."], "beats": []},
    {
        "title": "Slow is not down",
        "minutes": 6,
        "scene": "slow_query",
        "bet": "slow_query/errors",
        "drill": 0,
        "say": ["Vote alone first."],
        "beats": BEATS,
    },
]


class Talk:
    """A workshop of two parts that moves as the control room's does; `refuses` are the places that do not."""

    def __init__(self, room: Room) -> None:
        self.room = room
        self.place: int | None = None
        self.refuses: list[str] = []
        self.taken: set[str] = set()
        self.loses = 0  # votes that are taken, and not counted
        room.answers["POST", PATH] = self.act
        room.answers["GET", PATH] = lambda _: (200, {"workshop": self.now()})
        room.answers["GET", "/api/workshops"] = 200, {"workshops": [self.public()]}
        room.answers["GET", "/api/room"] = lambda _: (200, {"bet": BET, "voted": False, "choice": None})
        room.answers["POST", "/api/room/votes"] = self.vote
        room.answers["GET", "/api/bets/slow_query/errors"] = lambda _: (200, {"counts": [self.counts()]})
        room.answers["POST", "/api/reset"] = 200, {"status": "GREEN"}

    def public(self) -> dict[str, Any]:
        about = {"name": "talk", "title": "A talk", "summary": "Two parts", "audience": "A meetup", "minutes": 10}
        return {**about, "parts": PARTS}

    def now(self) -> dict[str, Any] | None:
        if self.place is None:
            return None
        at, does, words = PLACES[self.place]
        clock = {"part_seconds": 70.2, "part_planned_seconds": 240, "seconds": 70.2, "planned_seconds": 600}
        clock |= {"words": "2 min behind", "level": "warning"}
        part, done = (int(number) for number in at.split("."))
        return {**self.public(), "part": part - 1, "done": done, "at": at, "clock": clock} | {
            "next": {"does": does, "words": words}
        }

    def act(self, body: dict[str, Any]) -> tuple[int, Any]:
        action = body["action"]
        if action == "start":
            if self.place is not None:
                return a_problem(409, title="This cannot be done now", detail="talk is on: end it first")
            self.place = 0
        elif self.place is None:
            return a_problem(409, title="This cannot be done now", detail="no workshop is on")
        elif action == "next" and PLACES[self.place][0] in self.refuses:
            return a_problem(503, title="The service cannot be reached", detail="the api does not answer")
        elif action == "end" or (action in ("next", "skip") and self.place == len(PLACES) - 1):
            self.place = None
        else:
            self.place += -1 if action == "back" else 1
        return 200, {"workshop": self.now()}

    def vote(self, body: dict[str, Any]) -> tuple[int, Any]:
        self.taken.add(f"{len(self.taken)} {body['choice']}")
        return 200, {"bet": BET, "voted": True, "choice": body["choice"]}

    def counts(self) -> dict[str, int]:
        return {"all": len(self.taken) - self.loses, "none": 0}

    def actions(self) -> list[str]:
        return [body["action"] for path, body in self.room.posted() if path == PATH]


BET = {"id": "slow_query/errors", "options": [{"key": "all"}, {"key": "none"}]}


@pytest.fixture
def talk(room: Room) -> Talk:
    room.states = [a_state(scene=a_scene(finished=False, duration_seconds=40)), played("pass")]
    return Talk(room)


def played(outcome: str, **changes: Any) -> dict[str, Any]:
    checks = [a_check(outcome="pass", measured="100 %"), a_check(text="it is slow", outcome=outcome, measured="3 s")]
    return a_state(scene=a_scene(finished=True, duration_seconds=40, checks=checks, **changes))


@pytest.fixture
def type_lines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """What the presenter types, line by line; None is a moment in which nothing is typed."""

    def type_(*lines: str | None) -> None:
        left = list(lines)
        monkeypatch.setattr(module, "typed_line", lambda seconds: left.pop(0) if left else "")

    return type_


def test_the_list_says_which_is_on(talk: Talk, lab: Lab) -> None:
    assert "talk  10           Two parts  A meetup" in lab("workshop", "list").out
    talk.place = 2
    assert "part 2 of 2" in lab("workshop", "list").out


def test_whoever_has_no_token_may_still_list(talk: Talk, lab: Lab) -> None:
    talk.room.answers["GET", PATH] = a_problem(401, title="A token is needed")
    assert "Two parts" in lab("workshop", "list").out


def test_enter_does_what_was_announced_until_the_end(talk: Talk, lab: Lab, type_lines: Callable[..., None]) -> None:
    type_lines(*["\n"] * 5)
    done = lab("workshop", "run", "talk")
    assert done.code == 0 and talk.actions() == ["start", *["next"] * 5]
    told = [line.split(":", 1)[1].split("  ")[0].strip() for line in done.out.splitlines() if line.startswith("Enter")]
    assert told == [words for _, _, words in PLACES]
    assert "1 of 2  Welcome  (4 min)" in done.out and "Good evening." in done.out
    assert "2 of 2  Slow is not down  (6 min, slow_query/errors)" in done.out
    assert "1:10 of 4:00 in this part, 1:10 of 10:00 in all: 2 min behind" in done.out
    assert "the workshop is over" in done.out


def test_b_goes_back_s_skips_and_q_leaves_it_on(talk: Talk, lab: Lab, type_lines: Callable[..., None]) -> None:
    type_lines("s\n", "b\n", "x\n", "q\n")
    done = lab("workshop", "run", "talk")
    assert talk.actions() == ["start", "skip", "back"] and talk.place == 0
    assert "b goes back" in done.err and "./scripts/lab workshop run talk" in done.err


def test_the_end_of_the_input_leaves_it_on_and_another_run_goes_on(
    talk: Talk, lab: Lab, type_lines: Callable[..., None]
) -> None:
    type_lines("\n", "")
    lab("workshop", "run", "talk")
    type_lines("")
    again = lab("workshop", "run", "talk")
    assert talk.actions() == ["start", "next"]
    assert "2 of 2  Slow is not down" in again.out and "Welcome" not in again.out


def test_what_was_pressed_on_another_screen_shows(talk: Talk, lab: Lab, type_lines: Callable[..., None]) -> None:
    type_lines(None, None, "q\n")
    places = iter([1, 2])

    def moved(_: Any) -> tuple[int, Any]:
        talk.place = next(places, 2) if talk.place is not None else None
        return 200, {"workshop": talk.now()}

    talk.room.answers["GET", PATH] = moved
    out = lab("workshop", "run", "talk").out
    assert "Enter: Open the vote" in out and "Enter: Close the vote" in out


def test_what_the_lab_refuses_is_said_and_can_be_skipped(talk: Talk, lab: Lab, type_lines: Callable[..., None]) -> None:
    talk.refuses = ["2.0"]
    type_lines("\n", "\n", "s\n", "q\n")
    done = lab("workshop", "run", "talk")
    assert done.code == 0 and "the api does not answer" in done.err and "s skips it" in done.err
    assert talk.place == 2


def test_another_workshop_that_is_on_has_to_be_ended_first(talk: Talk, lab: Lab) -> None:
    talk.place = 0
    talk.room.answers["GET", "/api/workshops"] = 200, {"workshops": [talk.public() | {"name": "alone"}]}
    refused = lab("workshop", "run", "alone")
    assert refused.code == 1 and "end it: ./scripts/lab workshop end" in refused.err
    assert lab("workshop", "end").code == 0 and talk.place is None


def test_a_name_that_was_mistyped_gets_the_nearest_one(talk: Talk, lab: Lab) -> None:
    refused = lab("workshop", "run", "tlak")
    assert refused.code == 1 and "did you mean talk?" in refused.err and talk.actions() == []


@pytest.mark.parametrize("count", ["-1", "201", "many"])
def test_the_phones_are_counted(lab: Lab, count: str) -> None:
    assert lab("workshop", "run", "talk", "--rehearse", f"--phones={count}").code == 2


def test_a_rehearsal_plays_every_beat_votes_with_each_phone_and_waits_for_the_scene(talk: Talk, lab: Lab) -> None:
    done = lab("workshop", "run", "talk", "--rehearse", "--phones", "7")
    assert done.code == 0
    assert talk.actions() == ["start", *["next"] * 5, "end"] and len(talk.taken) == 7
    assert "PASS     0 s of   4 min  Welcome" in done.out
    assert "7 votes, slow_query 2 of 2 as expected" in done.out
    assert "PASS  talk: 2 parts played in 0:00" in done.out
    assert talk.room.posted()[-1][0] == "/api/reset"


@pytest.mark.parametrize(("status", "right"), [("RED", True), ("GREEN", True), ("RED", False)])
def test_a_rehearsal_waits_until_a_drill_hurts_and_every_phone_says_so(
    talk: Talk, lab: Lab, clock: Clock, monkeypatch: pytest.MonkeyPatch, status: str, right: bool
) -> None:
    places = [(at, "drill", "Start a drill") if does == "scene" else (at, does, words) for at, does, words in PLACES]
    monkeypatch.setattr(f"{__name__}.PLACES", places)
    talk.room.states = [a_state()] * 40 + [a_state(status=status)]
    talk.room.answers["POST", "/api/room/answers"] = 200, {"drill": {"mine": {"detected": right}}}
    done = lab("workshop", "run", "talk", "--rehearse", "--phones", "6")
    said = [body for path, body in talk.room.posted() if path == "/api/room/answers"]
    assert sorted(body["team"] for body in said) == ["Team 1"] * 4 + ["Team 2"] * 2
    assert (done.code, "a drill, noticed by 6 phones" in done.out) == ((0, True) if right else (1, False))


def test_a_phone_votes_as_the_rooms_own_page_does_without_the_token(
    talk: Talk, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_TOKEN", "open sesame")
    lab("workshop", "run", "talk", "--rehearse", "--phones", "3")
    votes = [seen for seen in talk.room.seen if seen.path == "/api/room/votes"]
    assert len(votes) == 3 and all(seen.headers["Origin"] == talk.room.url for seen in votes)
    assert not any("Authorization" in seen.headers for seen in votes)


def test_the_rehearsal_says_how_long_a_part_took(talk: Talk, lab: Lab, clock: Clock) -> None:
    talk.room.states = [*[a_state(scene=a_scene(duration_seconds=40))] * 60, played("pass")]
    done = lab("workshop", "run", "talk", "--rehearse", "--phones", "0", "--json")
    (document,) = done.documents
    assert document["rehearsed"] is True and document["parts"][1]["seconds"] == pytest.approx(30, abs=1)


def test_a_number_that_misses_a_lost_vote_and_a_refusal_each_make_it_a_miss(talk: Talk, lab: Lab) -> None:
    talk.room.states = [played("fail")]
    missed = lab("workshop", "run", "talk", "--rehearse", "--phones", "2")
    assert missed.code == 1 and "slow_query: it is slow: expected 100 %, measured 3 s" in missed.out
    talk.taken, talk.loses, talk.room.states = set(), 1, [played("pass")]
    lost = lab("workshop", "run", "talk", "--rehearse", "--phones", "2")
    assert lost.code == 1 and "2 phones voted; 2 were told so, and the lab counted 1" in lost.out
    talk.taken, talk.loses, talk.refuses = set(), 0, ["2.2"]
    refused = lab("workshop", "run", "talk", "--rehearse", "--phones", "2")
    assert refused.code == 1 and "Start the scene: Slow queries: The service cannot be reached" in refused.out


def test_with_a_defence_the_scene_is_not_judged(talk: Talk, lab: Lab) -> None:
    talk.room.states = [played("fail", **{"with": [{"service": "api", "name": "bulkhead", "params": {}}]})]
    done = lab("workshop", "run", "talk", "--rehearse", "--phones", "0")
    assert done.code == 0 and "slow_query with api.bulkhead" in done.out


def test_a_scene_that_is_cut_short_ends_the_rehearsal_and_the_workshop(talk: Talk, lab: Lab) -> None:
    talk.room.states = [a_state(scene=None)]
    cut = lab("workshop", "run", "talk", "--rehearse", "--phones", "0")
    assert cut.code == 1 and "cut short" in cut.err
    assert talk.place is None and talk.room.posted()[-1] == ("/api/reset", {})


def test_a_lab_that_no_longer_answers_leaves_the_workshop_on_and_that_is_said(talk: Talk, lab: Lab) -> None:
    act = talk.act
    talk.room.answers["POST", PATH] = lambda body: act(body) if body["action"] == "start" else (502, "Bad gateway")
    lost = lab("workshop", "run", "talk", "--rehearse", "--phones", "0")
    assert lost.code == 1 and "the workshop may still be on: ./scripts/lab workshop end" in lost.err


def test_a_rehearsal_disturbs_no_workshop_that_is_on(talk: Talk, lab: Lab) -> None:
    talk.place = 1
    refused = lab("workshop", "run", "talk", "--rehearse")
    assert refused.code == 1 and talk.place == 1 and talk.actions() == ["start"]


def test_the_plan_is_a_secret_that_needs_the_token(talk: Talk, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TOKEN", "open sesame")
    lab("workshop", "list")
    headers = {seen.path: seen.headers.get("Authorization") for seen in talk.room.seen}
    assert headers == {"/api/workshops": None, PATH: "Bearer open sesame"}
