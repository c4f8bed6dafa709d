"""scene --with and --compare: the same users without and with a defence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.conftest import Lab, Room, a_check, a_scene, a_state

BREAKER = {"service": "frontend", "name": "circuit_breaker", "params": {}}
COLUMNS = ["time", "success_ratio", "offered_rps", "served_rps"]
BAD = {"columns": COLUMNS, "points": [[1.0, 0.2, 10.0, 2.0], [2.0, 0.5, 10.0, 5.0], [3.0, None, None, None]]}
WELL = {"columns": COLUMNS, "points": [[1.0, 1.0, 10.0, 10.0], [2.0, 0.95, 10.0, 9.5]]}


def run(started_at: float, verdict: str, measured: str, lost: int) -> dict[str, Any]:
    check = a_check(outcome=verdict, measured=measured)
    return {"started_at": started_at, "checks": [check], "decided_seconds": 40.0, "total": lost}


FIRST, SECOND = run(1000.0, "pass", "35 %", 13), run(1100.0, "fail", "98 %", 1)
OPEN = {**SECOND, "checks": [], "decided_seconds": None}


def compared(*runs: dict[str, Any]) -> dict[str, Any]:
    return {"comparison": {"scene": "slow_query", "seed": 7, "runs": list(runs)}}


@pytest.fixture
def stage(room: Room) -> Room:
    """A scene that is played twice, one run after the other; the second one is the better one."""
    looks = [compared({**FIRST, "checks": []}), compared(FIRST), compared(FIRST, OPEN), compared(FIRST, SECOND)]
    on = a_scene(started_at=1000.0, seed=7)
    room.states = [a_state(scene=on)]
    room.answers["POST", "/api/scenes/slow_query"] = 200, on
    room.answers["GET", "/api/outcomes"] = lambda _: (200, looks.pop(0) if len(looks) > 1 else looks[0])
    histories = [BAD, WELL]
    room.answers["GET", "/api/history"] = lambda _: (200, histories.pop(0))
    return room


def test_a_defence_is_added_to_the_one_service_that_the_scene_touches(stage: Room, lab: Lab) -> None:
    assert lab("scene", "slow_query", "--with", "circuit_breaker", "--seed", "7").code == 0
    assert stage.posted() == [("/api/scenes/slow_query", {"narrate": False, "with": [BREAKER], "seed": 7})]


def test_a_defence_may_name_its_service_and_its_parameters(stage: Room, lab: Lab) -> None:
    wanted = "api.circuit_breaker:calls=5,open_seconds=2"
    assert lab("scene", "slow_query", "--with", wanted, "--with", "single_flight").code == 0
    assert stage.posted()[0][1]["with"] == [
        {"service": "api", "name": "circuit_breaker", "params": {"calls": 5, "open_seconds": 2}},
        {"service": "api", "name": "single_flight", "params": {}},
    ]


def test_the_same_users_come_both_times_and_both_outcomes_stand_in_one_table(stage: Room, lab: Lab) -> None:
    done = lab("scene", "slow_query", "--with", "circuit_breaker", "--compare")
    assert done.code == 0
    assert stage.posted() == [("/api/scenes/slow_query", {"then_with": [BREAKER], "seed": 0})]
    assert "without  with frontend.circuit_breaker" in done.out
    assert "users served, of those who came           35 %     95 %" in done.out
    assert "users lost                                13       1" in done.out
    assert "seconds in which fewer than 90 % succeed  2        0" in done.out
    assert "no errors                                 35 %     98 %" in done.out
    assert "/d/lab-cascade?from=1100000&to=1140000&var-ago=100000ms" in done.out


def test_a_defence_that_does_not_help_is_an_exit_code(stage: Room, lab: Lab) -> None:
    stage.answers["GET", "/api/history"] = 200, BAD
    stage.answers["GET", "/api/outcomes"] = 200, compared(FIRST, {**SECOND, "total": FIRST["total"]})
    done = lab("scene", "slow_query", "--with", "circuit_breaker", "--compare")
    assert done.code == 1
    assert "did not help" in done.out


def test_compare_is_one_document_for_machines(stage: Room, lab: Lab) -> None:
    (document,) = lab("scene", "slow_query", "--with", "circuit_breaker", "--compare", "--json").documents
    assert document["without"]["served_ratio"] == pytest.approx(0.35)
    assert document["with"]["bad_seconds"] == 0
    assert document["better"] is True


def test_a_comparison_that_is_cut_short_is_no_result(stage: Room, lab: Lab) -> None:
    stage.answers["GET", "/api/outcomes"] = 200, compared(FIRST, OPEN)
    stage.states = [a_state(scene=a_scene(started_at=1100.0, seed=7)), a_state(scene=None)]
    done = lab("scene", "slow_query", "--with", "circuit_breaker", "--compare")
    assert done.code == 1
    assert "scene slow_query was cut short: the lab was reset meanwhile" in done.err


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--compare"], 2, "--compare needs --with"),
        (["--with", "circuit_breaker", "--verify"], 2, "use --compare"),
        (["--with", "circuit_breaker", "--compare", "--verify"], 2, "leave the other options out"),
        (["--with", "circuit_braker"], 2, "did you mean circuit_breaker"),
        (["--with", ".circuit_breaker"], 2, "write it as"),
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_is_reset(
    stage: Room, lab: Lab, options: list[str], code: int, words: str
) -> None:
    done = lab("scene", "slow_query", *options)
    assert done.code == code
    assert words in done.err
    assert stage.posted() == []
