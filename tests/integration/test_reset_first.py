"""A reset comes first, always, and has the last word: whatever is pressed, paused, killed or being started."""

from __future__ import annotations

import time
from contextlib import contextmanager

import pytest

from tests.conftest import wait_until
from tests.support.resets import answers

RESET_SECONDS = 3.0
SLACK_SECONDS = 1.0  # HTTP, and a busy machine
PATIENCE_SECONDS = 2.5  # how long the control room tries to reach a service


@contextmanager
def paused(lab, service):
    lab.pause(service)
    try:
        yield
    finally:
        lab.go_on(service)


def is_off(lab):
    """Whether nothing is on, and every service has said so."""
    state = lab.state()
    services = state["services"].values()
    return state["scene"] is None and all(each["up"] and not any(each["active"].values()) for each in services)


def test_a_reset_does_not_wait_for_the_scenes_that_are_being_started(lab):
    after = lab.last_event()
    with paused(lab, "api"):
        scenes = [lab.press(f"/api/scenes/{name}") for name in ("memory_leak", "slow_query", "full_cascade")]
        scenes.append(lab.press("/api/scenes/retry_storm"))
        lab.saw("reset: everything off", after)
        began = time.monotonic()
        answer = lab.reset()
        seconds = time.monotonic() - began
        assert seconds < RESET_SECONDS + SLACK_SECONDS
        assert seconds - SLACK_SECONDS < answer["seconds"] <= seconds
        assert "api-1 does not answer" in answer["steps"][0]
        wait_until(lambda: all(scenes), "every press has its answer", 10)
        assert {code for (code,) in scenes} == {409}
    wait_until(lambda: lab.reset()["status"] == "GREEN", "it is well", 10)
    assert is_off(lab)


def test_of_two_scenes_the_one_that_was_pressed_last_is_played(lab):
    after = lab.last_event()
    first = lab.press("/api/scenes/slow_query")
    lab.saw("scene slow_query", after)
    lab.post("/api/scenes/normal")
    wait_until(lambda: first, "the first press has its answer")
    assert lab.state()["scene"]["name"] == "normal"
    assert lab.state()["services"]["database"]["active"]["failure"] == {}


def test_what_was_refused_since_a_service_stood_still_is_not_done_when_it_goes_on(lab):
    with paused(lab, "api"):
        press = lab.press("/api/services/api/failures/latency", {"active": True})
        wait_until(lambda: press, "it is refused", PATIENCE_SECONDS + 5)
        assert press == [503]
    lab.wait(lambda state: state["services"]["api"]["up"], "the api goes on")
    lab.requests(1)
    assert is_off(lab)


@pytest.mark.parametrize("attempt", range(3))
def test_what_was_pressed_while_a_service_restarted_is_off_after_the_reset(lab, attempt):
    lab.kill_worker("api")
    press = lab.press("/api/services/api/failures/latency", {"active": True})
    time.sleep(0.1 * attempt)  # the reset comes at another moment of the restart each time
    assert lab.reset()["status"] == "GREEN"
    wait_until(lambda: press, "the press has its answer")
    assert is_off(lab)


@pytest.mark.parametrize("attempt", range(3))
def test_a_scene_that_a_reset_has_ended_switches_nothing_on(lab, attempt):
    """Its step waits for a database that restarts."""
    lab.post("/api/scenes/hang_without_timeouts")
    lab.kill_worker("database")
    time.sleep(0.1 * attempt)
    wait_until(lambda: lab.reset()["status"] == "GREEN", "GREEN after a restart", 10)
    lab.requests(3)
    assert is_off(lab)


def test_a_control_room_that_was_killed_in_a_reset_does_it_again(lab):
    with paused(lab, "api"):
        lab.fail("database", "error_rate", rate=0.5)
        after = lab.last_event()
        lab.press("/api/reset")
        lab.saw("reset: everything off", after)
        lab.wait(lambda state: state["traffic"]["rps"] == 0, "the users are stopped")
        lab.kill_worker("control-room")
    wait_until(lambda: answers(lab), "the control room is back", 15)
    lab.saw("it is done again", after)
    wait_until(lambda: is_off(lab), "everything is off, and users come again")
    assert lab.state()["traffic"]["rps"] == 4
