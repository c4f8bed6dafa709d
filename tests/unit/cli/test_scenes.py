"""scene: list, start, narrate and verify."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.cli.conftest import SCENES, Clock, Lab, Room, a_check, a_scene, a_state, an_event

PASSED = a_check(outcome="pass", measured="100 %", confirmed_after_seconds=40.0)
MISSED = a_check(outcome="fail", measured="97 %")


def at(seconds: float, **changes: Any) -> dict[str, Any]:
    return a_state(scene=a_scene(elapsed_seconds=seconds, **changes))


@pytest.fixture
def stage(room: Room) -> Room:
    room.answers["POST", "/api/scenes/slow_query"] = 200, a_scene()
    return room


def script(room: Room, *texts: str) -> None:
    """Give the scene these expectations."""
    expectations = [{"text": text, "expected": "100 %"} for text in texts]
    room.answers["GET", "/api/scenes"] = 200, {"scenes": [SCENES[0] | {"expectations": expectations}]}


def test_without_a_name_the_scenes_are_listed(room: Room, lab: Lab) -> None:
    done = lab("scene")
    assert done.code == 0
    assert "slow_query  40 s   Slow queries: Every query takes seconds" in done.out


def test_starting_a_scene_tells_what_to_do_and_to_watch(stage: Room, lab: Lab) -> None:
    done = lab("scene", "slow_query")
    assert done.code == 0
    assert stage.posted() == [("/api/scenes/slow_query", {"narrate": False, "with": [], "seed": 0})]
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
    assert "outcome  after  expectation  expected  measured\nPASS     40 s   no errors    100 %     100 %\n" in done.out
    assert "1 of 1 expectations as expected" in done.out


def test_verify_prints_each_result_once_and_as_soon_as_it_is_decided(stage: Room, lab: Lab) -> None:
    waiting = [a_check(text=f"number {n}") for n in range(3)]
    missed, passed = MISSED | {"text": "number 1"}, PASSED | {"text": "number 0"}
    stage.answers["POST", "/api/scenes/slow_query"] = 200, a_scene(checks=waiting)
    script(stage, "number 0", "number 1", "number 2")
    stage.events = [an_event(1, "long ago")]
    looks = [
        at(20, checks=[waiting[0], missed, waiting[2]]),
        at(40, verdict="fail", checks=[passed, missed, waiting[2]]),
    ]
    told = iter(looks)

    def look(_: Any) -> tuple[int, Any]:
        state = next(told)
        stage.events.append(an_event(len(stage.events) + 1, f"at {state['scene']['elapsed_seconds']} s"))
        return 200, state

    stage.answers["GET", "/api/state"] = look
    out = lab("scene", "slow_query", "--verify", "--narrate").out
    assert [out.count(f"number {n}") for n in range(3)] == [1, 1, 1]
    assert out.index("number 1") < out.index("at 40 s") < out.index("number 0") < out.index("open     ")


def test_verify_fails_when_a_number_misses(stage: Room, lab: Lab) -> None:
    script(stage, "some errors", "no errors")
    stage.states = [at(40, verdict="fail", checks=[PASSED, MISSED])]
    done = lab("scene", "slow_query", "--verify")
    assert done.code == 1
    assert "MISS            no errors    100 %     97 %\n" in done.out


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
    assert stage.posted() == [("/api/scenes/slow_query", {"narrate": True, "with": [], "seed": 0})]
    assert "Every query takes seconds." in done.out
    assert "long ago" not in done.out
