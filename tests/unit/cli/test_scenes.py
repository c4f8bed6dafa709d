"""scene: list, start, narrate and verify."""

from __future__ import annotations

from typing import Any

import pytest

from services.control_room.scenes import find_scene
from tests.unit.cli.conftest import Clock, Lab, Room, a_check, a_scene, a_state, an_event

from labcli.comparison import is_bad  # isort: skip  (conftest sets the path)

PASSED = a_check(outcome="pass", measured="100 %", confirmed_after_seconds=40.0)
MISSED = a_check(outcome="fail", measured="97 %")


def at(seconds: float, **changes: Any) -> dict[str, Any]:
    return a_state(scene=a_scene(elapsed_seconds=seconds, **changes))


@pytest.fixture
def stage(room: Room) -> Room:
    room.answers["POST", "/api/scenes/slow_query"] = 200, a_scene()
    return room


def test_without_a_name_the_scenes_are_listed(room: Room, lab: Lab) -> None:
    done = lab("scene")
    assert done.code == 0
    assert "slow_query  40 s   Slow queries: Every query takes seconds" in done.out


def test_starting_a_scene_tells_what_to_do_and_to_watch(stage: Room, lab: Lab) -> None:
    done = lab("scene", "slow_query")
    assert done.code == 0
    assert stage.posted() == [("/api/scenes/slow_query", {"narrate": False})]
    for words in ("slow_query is on, with 4 users a second", "do     Send a test request", "watch  No errors"):
        assert words in done.out


def test_an_unknown_scene_is_guessed_and_nothing_is_reset(room: Room, lab: Lab) -> None:
    done = lab("scene", "slowquery")
    assert done.code == 1
    assert "did you mean slow_query?" in done.err
    assert room.posted() == []


def test_verify_prints_expected_beside_measured_and_passes(stage: Room, lab: Lab) -> None:
    stage.states = [at(20), at(40, verdict="pass", checks=[PASSED])]
    done = lab("scene", "slow_query", "--verify")
    assert done.code == 0
    assert "PASS     no errors    100 %     100 %     40 s" in done.out
    assert "1 of 1 expectations as expected" in done.out


def test_verify_fails_when_a_number_misses(stage: Room, lab: Lab) -> None:
    stage.states = [at(40, verdict="fail", checks=[PASSED, MISSED])]
    done = lab("scene", "slow_query", "--verify")
    assert done.code == 1
    assert "MISS     no errors    100 %     97 %" in done.out


def test_verify_gives_a_scene_a_minute_more_than_its_duration(stage: Room, lab: Lab, clock: Clock) -> None:
    stage.states = [at(1000)]
    done = lab("scene", "slow_query", "--verify")
    assert done.code == 1
    assert 100 <= clock.now < 102
    assert "still open" in done.out


@pytest.mark.parametrize(
    ("instead", "words"),
    [
        (a_state(), "the lab was reset meanwhile"),
        (at(1, name="normal"), "normal was started meanwhile"),
        (at(60, started_at=2000.0), "slow_query was started meanwhile"),
        (at(1), "slow_query was started meanwhile"),
    ],
)
def test_verify_notices_that_another_scene_took_over(
    stage: Room, lab: Lab, instead: dict[str, Any], words: str
) -> None:
    stage.states = [at(20), instead]
    done = lab("scene", "slow_query", "--verify")
    assert done.code == 1
    assert words in done.err


def test_verify_outlives_a_busy_moment_of_the_control_room(stage: Room, lab: Lab) -> None:
    answers = iter([(200, at(20)), (502, "busy"), (502, "busy"), (200, at(40, verdict="pass", checks=[PASSED]))])
    stage.answers["GET", "/api/state"] = lambda _: next(answers)
    assert lab("scene", "slow_query", "--verify").code == 0


def test_verify_gives_up_on_a_control_room_that_stays_away(stage: Room, lab: Lab) -> None:
    stage.answers["GET", "/api/state"] = 502, "gone"
    assert lab("scene", "slow_query", "--verify").code == 1


def test_verify_is_one_document_for_machines(stage: Room, lab: Lab) -> None:
    stage.states = [at(40, verdict="fail", checks=[MISSED])]
    (document,) = lab("scene", "slow_query", "--verify", "--json").documents
    assert (document["verified"], document["checks"][0]["measured"]) == (False, "97 %")


def test_narrate_prints_what_happens_from_the_start_of_the_scene(stage: Room, lab: Lab) -> None:
    stage.events = [an_event(1, "long ago")]

    def start(body: Any) -> tuple[int, Any]:
        stage.events.append(an_event(2, "Every query takes seconds."))
        return 200, a_scene()

    stage.answers["POST", "/api/scenes/slow_query"] = start
    stage.states = [at(40, verdict="fail", checks=[MISSED])]
    done = lab("scene", "slow_query", "--narrate")
    assert done.code == 0
    assert stage.posted() == [("/api/scenes/slow_query", {"narrate": True})]
    assert "Every query takes seconds." in done.out
    assert "long ago" not in done.out


# The same scene with a defence.

BAD = a_check(outcome="pass", value=0.0, measured="0 %")
WELL = a_check(outcome="fail", value=0.99, measured="99 %")
BREAKER = {"service": "api", "kind": "defence", "name": "circuit_breaker", "params": {}}


def test_a_defence_is_sent_along_to_the_service_that_the_scene_is_about(stage: Room, lab: Lab) -> None:
    assert lab("scene", "slow_query", "--with", "circuit_breaker:calls=5,open_seconds=2", "--seed", "7").code == 0
    wanted = {**BREAKER, "params": {"calls": 5, "open_seconds": 2}}
    assert stage.posted() == [("/api/scenes/slow_query", {"narrate": False, "with": [wanted], "seed": 7})]


def test_a_service_can_be_named(stage: Room, lab: Lab) -> None:
    lab("scene", "slow_query", "--with", "frontend.circuit_breaker")
    assert stage.posted()[0][1]["with"] == [{**BREAKER, "service": "frontend"}]


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (("--with", "circuit_braker"), "did you mean circuit_breaker?"),
        (("--with", "database.circuit_breaker"), "--with frontend.circuit_breaker or --with api.circuit_breaker"),
        (("--with", ".circuit_breaker"), "write it as DEFENCE"),
        (("--with", "circuit_breaker:calls"), "key=value"),
        (("--compare",), "--with retry_budget"),
        (("--compare", "--verify"), "not allowed with"),
    ],
)
def test_nonsense_is_a_usage_error_and_starts_nothing(
    stage: Room, lab: Lab, words: tuple[str, ...], advice: str
) -> None:
    done = lab("scene", "slow_query", *words)
    assert done.code == 2
    assert advice in done.err
    assert stage.posted() == []


def compared(stage: Room, without: dict[str, Any], defended: dict[str, Any], verdict: str = "pass") -> None:
    stage.states = [
        at(40, verdict=verdict, checks=[without]),
        at(40, verdict="fail", checks=[defended], **{"with": [BREAKER]}),
    ]


@pytest.mark.parametrize(
    ("without", "defended", "verdict", "code", "words"),
    [
        (BAD, WELL, "pass", 0, "recovered"),
        (BAD, BAD, "pass", 1, "still bad"),
        (WELL, BAD, "pass", 1, "worse"),
        (WELL, WELL, "pass", 1, "not recovered"),
        (BAD, WELL, "fail", 1, "little to compare"),
    ],
)
def test_compare_judges_what_was_bad_without_the_defence(
    stage: Room, lab: Lab, without: dict[str, Any], defended: dict[str, Any], verdict: str, code: int, words: str
) -> None:
    compared(stage, without, defended, verdict)
    done = lab("scene", "slow_query", "--with", "circuit_breaker", "--compare")
    assert done.code == code
    assert words in done.out


def test_compare_plays_the_same_users_twice(stage: Room, lab: Lab) -> None:
    compared(stage, BAD, WELL)
    done = lab("scene", "slow_query", "--with", "circuit_breaker", "--compare", "--seed", "7", "--json")
    (first, second) = (body for _, body in stage.posted())
    assert (first["seed"], second["seed"]) == (7, 7)
    assert ("with" in first, second["with"]) == (False, [BREAKER])
    (document,) = done.documents
    assert (document["recovered"], document["rows"][0]["remark"]) == (True, "recovered")


@pytest.mark.parametrize(
    ("measure", "value", "bad"),
    [
        ("success_ratio", 0.89, True),
        ("success_ratio", 0.9, False),
        ("success_ratio", None, True),
        ("p50_seconds", 1.0, True),
        ("attempts_per_request", 2.0, True),
        ("attempts_per_request", None, False),
        ("status", "RED", True),
        ("status", "YELLOW", False),
        ("about", "dead", True),
        ("api_growth_mb", 500.0, None),
    ],
)
def test_what_is_bad(measure: str, value: float | str | None, bad: bool | None) -> None:
    assert is_bad(a_check(measure=measure, value=value)) is bad


# Beside a prediction.


def test_predict_beside_the_measured_numbers(stage: Room, lab: Lab) -> None:
    scene = find_scene("slow_query")
    checks = [a_check(text=entry.text, outcome="pass", measured="as ever") for entry in scene.expect]
    stage.states = [at(40, verdict="pass", checks=checks)]
    done = lab("scene", "slow_query", "--predict")
    assert done.code == 0
    assert "predicted" in done.out and "100 %" in done.out
