"""bet: list, open, close and reveal."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.conftest import Lab, Room


def a_bet(key: str, **changes: Any) -> dict[str, Any]:
    options = [{"key": "all", "text": "All of them", "with": []}, {"key": "none", "text": "Nobody", "with": []}]
    return {
        "id": f"slow_query/{key}",
        "scene": "slow_query",
        "key": key,
        "title": "Slow queries",
        "question": "How many users get an error, " + "and why do they get one, " * 5 + "now?",
        "options": options,
        "phase": None,
    } | changes


RESULT = {"options": ["all", "none"], "text": "no errors", "with": "", "expected": "100 %", "measured": "100 %"}
REVEALED = {
    "phase": "revealed",
    "round": 2,
    "counts": [{"all": 12, "none": 3}, {"all": 4, "none": 11}],
    "results": [RESULT, RESULT | {"with": "api.bulkhead", "expected": None, "measured": None}],
    "right": ["none"],
}


@pytest.fixture
def bets(room: Room) -> Room:
    room.answers["GET", "/api/bets"] = 200, {"bets": [a_bet("first", phase="revealed"), a_bet("second")]}
    for key in ("first", "second"):
        room.answers["POST", f"/api/bets/slow_query/{key}"] = 200, a_bet(key, **REVEALED)
    return room


def test_alone_it_lists_the_bets_in_a_hundred_columns(bets: Room, lab: Lab) -> None:
    done = lab("bet")
    assert done.code == 0
    assert "slow_query  first   revealed  How many users get an error" in done.out
    assert max(map(len, done.out.splitlines())) <= 100


@pytest.mark.parametrize(
    ("words", "path"),
    [
        (["open", "slow_query"], "/api/bets/slow_query/second"),
        (["open", "slow_query", "first"], "/api/bets/slow_query/first"),
        (["close", "slow_query", "second"], "/api/bets/slow_query/second"),
    ],
)
def test_without_a_key_the_next_bet_of_the_scene_is_meant(bets: Room, lab: Lab, words: list[str], path: str) -> None:
    assert lab("bet", *words).code == 0
    assert bets.posted() == [(path, {"action": words[0]})]


def test_reveal_shows_both_votes_what_is_right_and_what_was_measured(bets: Room, lab: Lab) -> None:
    done = lab("bet", "reveal", "slow_query", "first")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert "slow_query/first: revealed" in lines
    assert "All of them 12 then 4" in lines and "Nobody 3 then 11 right" in lines
    assert "no errors: expected 100 %, measured 100 %" in lines
    assert "no errors with api.bulkhead: measured nothing yet" in lines


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (["open", "slowquery"], "did you mean slow_query?"),
        (["open", "slow_query", "secnd"], "did you mean second?"),
        (["open"], "bet open needs a scene"),
        (["shut", "slow_query"], "there is no action 'shut'"),
    ],
)
def test_what_there_is_not_is_said_and_nothing_is_done(bets: Room, lab: Lab, words: list[str], advice: str) -> None:
    done = lab("bet", *words)
    assert done.code in (1, 2) and advice in done.err
    assert bets.posted() == []
