"""drill: start, answer, its secret and its end."""

from __future__ import annotations

from typing import Any

import pytest

from labcli.drill import ROOM
from tests.unit.cli.conftest import Lab, Room, a_problem

SECRET = {
    "title": "The database's disk is slow",
    "faults": ["database: slow_query (min_seconds 1, max_seconds 2)"],
    "mechanism": "Each query holds one of four connections.",
    "cure": ["database: capacity (connections 40)"],
    "hints": ["Compare the queues.", "Look at the connections.", "Each takes longer."],
    "fault_seconds": None,
    "wait_seconds": 31.4,
    "words": "The cause was never named; 12 users were lost, and the lab was not well again.",
}
TEAM = {"team": "Blue", "state": "watching", "wrong": 1, "hints": 2}


def a_drill(**changes: Any) -> dict[str, Any]:
    running = {"phase": "running", "level": 2, "seconds": 75.2, "board": "open", "result": None, "teams": [TEAM]}
    return running | changes


@pytest.fixture
def drill(room: Room) -> Room:
    ended = a_drill(phase="ended", result=SECRET, teams=[TEAM | {"points": 640}])
    mine = {"said": "That is not it.", "hints": ["Compare the queues."]}
    room.answers["GET", "/api/room"] = 200, {"bet": None, "drill": a_drill()}
    room.answers["POST", "/api/drill"] = lambda body: (200, {"drill": ended if body["action"] == "end" else a_drill()})
    room.answers["POST", "/api/drill/answers"] = 200, {"drill": a_drill(mine=mine)}
    room.answers["GET", "/api/drill"] = 200, {"drill": a_drill(secret=SECRET)}
    return room


def test_it_is_started_with_what_was_given_and_nothing_else(drill: Room, lab: Lab) -> None:
    done = lab("drill", "start", "--level", "2", "--seed", "7")
    assert done.code == 0 and "a drill of level 2 is on, for 1:15: what is wrong is hidden" in done.out
    lab("drill", "start")
    assert drill.posted() == [
        ("/api/drill", {"action": "start", "level": 2, "seed": 7}),
        ("/api/drill", {"action": "start"}),
    ]


def test_the_end_tells_what_it_was_and_the_points(drill: Room, lab: Lab) -> None:
    out = lab("drill", "end").out
    for told in (SECRET["title"], SECRET["words"], SECRET["mechanism"], "one way out: database: capacity", "640"):
        assert str(told) in out.replace("\n  ", " ")
    assert max(map(len, out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (["incident"], {"team": ROOM, "kind": "detected"}),
        (["incident", "--team", "Blue"], {"team": "Blue", "kind": "detected"}),
        (["hint"], {"team": ROOM, "kind": "hint"}),
        (
            ["diagnose", "api-2", "bad_version", "--team", "Blue"],
            {"team": "Blue", "kind": "diagnosis", "service": "api-2", "switch": "bad_version"},
        ),
    ],
)
def test_a_team_answers(drill: Room, lab: Lab, words: list[str], body: dict[str, str]) -> None:
    done = lab("drill", *words)
    assert done.code == 0 and "That is not it." in done.out
    assert drill.posted() == [("/api/drill/answers", body)]


def test_the_secret_is_asked_for_with_the_token(drill: Room, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_TOKEN", "a long token")
    done = lab("drill", "show")
    assert "The database's disk is slow" in done.out and "after 31 s" in done.out and "hint 3: Each takes" in done.out


def test_without_a_token_and_without_the_labs_machine_it_says_where_the_secret_is(
    drill: Room, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    done = lab("drill", "show")
    assert done.code == 1 and "LAB_TOKEN" in done.err and "slow" not in done.out


def test_where_none_is_on_it_says_how_to_start_one(room: Room, lab: Lab) -> None:
    room.answers["GET", "/api/room"] = 200, {"bet": None, "drill": None}
    done = lab("drill", "status")
    assert done.code == 0 and "drill start" in done.out


def test_a_hidden_board_is_said_to_be(drill: Room, lab: Lab) -> None:
    drill.answers["POST", "/api/drill"] = 200, {"drill": a_drill(board="hidden", teams=None)}
    assert "the board is hidden" in lab("drill", "board", "hidden").out


def test_what_the_control_room_refuses_is_said(drill: Room, lab: Lab) -> None:
    drill.answers["POST", "/api/drill"] = a_problem(409, title="This cannot be done now", detail="no drill is on")
    done = lab("drill", "end")
    assert done.code == 1 and "no drill is on" in done.err


def test_a_level_that_there_is_not_is_refused_with_those_that_there_are(lab: Lab) -> None:
    done = lab("drill", "start", "--level", "9")
    assert done.code == 2 and "1, 2, 3" in done.err
