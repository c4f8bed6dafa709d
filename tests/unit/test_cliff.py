"""The control room's cliff: which curve it shows, and the one process that computes another."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import SimpleNamespace

import pytest

from services.common.scenes.files import find_scene
from services.common.telemetry.wire import encode
from services.control_room import cliff as module
from services.control_room.app import create_app
from services.control_room.cliff import COMMAND, Cliff
from simulation.cliff import Report
from simulation.now import after_steps
from simulation.threshold import Trial
from tests.conftest import wait_until

SLEEPS = (sys.executable, "-c", "import sys; sys.stdin.read()")


def state_of(name="retry_storm", attempts=3):
    """The lab after a scene's trigger, with so many attempts of the api."""
    active = after_steps(find_scene(name), 2).active
    active["api"]["setting"]["client"]["attempts"] = attempts
    active["traffic"] = {"setting": {}}
    return SimpleNamespace(
        services={service: SimpleNamespace(known=SimpleNamespace(active=found)) for service, found in active.items()}
    )


@pytest.fixture
def started(monkeypatch):
    """Every process that is started, and how many of them lived then."""
    made, popen = [], subprocess.Popen

    def start(*args, **options):
        assert [process for process in made if process.poll() is None] == [], "never two"
        made.append(popen(*args, **options))
        return made[-1]

    monkeypatch.setattr(module.subprocess, "Popen", start)
    yield made
    for process in made:
        process.kill()


def look_twice(cliff, state, scene="retry_storm"):
    cliff.look(scene, state)
    cliff.look(scene, state)


def test_a_scene_as_it_is_has_its_shipped_curve_and_needs_no_process(started):
    cliff = Cliff(SLEEPS)
    look_twice(cliff, state_of())
    found = cliff.describe("retry_storm")
    assert (found["origin"], found["state"], found["changes"]) == ("shipped", "done", [])
    assert found["recovers_to_rps"] < 40 / 3 < found["stays_down_from_rps"]
    assert started == []


def test_a_changed_setting_is_computed_by_one_process_and_the_next_change_ends_it(started):
    cliff = Cliff(SLEEPS)
    cliff.look("retry_storm", state_of(attempts=2))
    assert started == [], "a change that does not last is not computed"
    cliff.look("retry_storm", state_of(attempts=2))
    found = cliff.describe("retry_storm")
    assert (found["origin"], found["state"], found["changes"]) == ("computed", "computing", ["api.client (attempts 2)"])
    look_twice(cliff, state_of(attempts=4))
    assert [process.poll() is None for process in started] == [False, True]
    cliff.stop()
    assert started[1].poll() is not None
    assert cliff.version() is None


def test_a_computation_that_takes_too_long_is_broken_off_and_says_so(started):
    cliff = Cliff(SLEEPS, limit_seconds=0.1)
    look_twice(cliff, state_of(attempts=2))
    wait_until(lambda: cliff.describe("retry_storm")["state"] == "failed", "it is broken off")
    assert "took more than" in cliff.describe("retry_storm")["why"]
    assert started[0].poll() is not None


def test_what_the_model_does_not_know_is_said():
    cliff = Cliff()
    state = state_of()
    state.services["api"].known.active["failure"]["cpu_burn"] = {"threads": 1, "duration_seconds": 0.0}
    look_twice(cliff, state)
    wait_until(lambda: cliff.describe("retry_storm")["state"] == "failed", "it says why", 60)
    assert "the model has no CPU" in cliff.describe("retry_storm")["why"]


def test_points_are_shown_as_they_come_and_a_whole_curve_is_kept(started):
    trial = Trial(10.0, 1.0, 0.9, False, 0.8, 1.0)
    line = json.dumps(encode(Report(trial=trial)))
    cliff = Cliff((sys.executable, "-c", f"import sys; sys.stdin.readline(); print({line!r})"))
    look_twice(cliff, state_of(attempts=2))
    wait_until(lambda: cliff.describe("retry_storm")["state"] == "done", "the curve is whole")
    assert cliff.describe("retry_storm")["points"] == [encode(trial)]
    cliff.stop()
    look_twice(cliff, state_of(attempts=2))
    assert cliff.describe("retry_storm")["points"] == [encode(trial)]
    assert len(started) == 1


def test_the_process_has_the_lowest_priority_and_ends_with_its_parent(started):
    cliff = Cliff(COMMAND)
    look_twice(cliff, state_of(attempts=1))
    (process,) = started
    idle = getattr(os, "SCHED_IDLE", None)
    wait_until(lambda: os.getpriority(os.PRIO_PROCESS, process.pid) == 19, "it is nice", 60)
    wait_until(lambda: idle is None or os.sched_getscheduler(process.pid) == idle, "it is idle", 60)
    process.stdin.close()  # as when the control room dies
    wait_until(lambda: process.poll() is not None, "it has ended", 60)


@pytest.fixture
def app(make_settings):
    return create_app(make_settings("control-room"))


def test_the_api_has_a_curve_for_scenes_with_a_cliff_and_names_them_otherwise(app):
    client = app.test_client()
    assert client.get("/api/cliff/hysteresis").json["points"]
    refused = client.get("/api/cliff/slow_query")
    assert (refused.status_code, "hysteresis" in refused.json["allowed"]) == (404, True)
    assert client.get("/api/cliff/nothing").status_code == 404


@pytest.mark.parametrize("path", ["/api/reset", "/api/scenes/normal"])
def test_a_reset_and_another_scene_end_the_computation(app, started, monkeypatch, path):
    room = app.extensions["lab"]
    monkeypatch.setattr(room.stage, "reset", dict)
    monkeypatch.setattr(room.stage, "start", lambda name, play: {})
    monkeypatch.setattr(room.cliff, "_command", SLEEPS)
    look_twice(room.cliff, state_of(attempts=2))
    assert started[0].poll() is None
    assert app.test_client().post(path, json={}).status_code == 200
    assert started[0].poll() is not None
