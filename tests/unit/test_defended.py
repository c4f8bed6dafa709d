"""A scene started with defences, for the users of a seed."""

from __future__ import annotations

import random

import pytest

from services.common.memory import Memory
from services.common.sizes import Arrivals
from services.common.switches import Host, Switches
from services.control_room.app import create_app
from services.control_room.scenes import Switched, find_scene
from services.control_room.stage import Stage

BREAKER = {"service": "api", "kind": "defence", "name": "circuit_breaker"}


@pytest.fixture
def arrivals(tmp_path):
    """The switches of the traffic, and its setting."""
    switches = Switches([Arrivals], Host(Memory(tmp_path)), tmp_path / "switches.json")
    return switches, switches.get("setting", "arrivals")


def drawn(setting, count=5):
    return [setting.dice.expovariate(1) for _ in range(count)]


def set_seed(switches, seed, rps=20):
    switches.change("setting", "arrivals", True, {"rps": rps, "seed": seed})


def test_the_same_seed_lets_the_same_users_come_after_each_reset(arrivals):
    switches, setting = arrivals
    set_seed(switches, 7)
    first = drawn(setting)
    switches.reset()
    set_seed(switches, 7)
    assert drawn(setting) == first == [random.Random(7).expovariate(1), *first[1:]]


def test_a_new_rate_goes_on_in_the_seeds_sequence(arrivals):
    switches, setting = arrivals
    set_seed(switches, 7)
    whole = drawn(setting, 10)
    switches.reset()
    set_seed(switches, 7)
    before = drawn(setting)
    set_seed(switches, 7, rps=3)
    assert before + drawn(setting) == whole


@pytest.mark.parametrize("other", [0, 8])
def test_another_seed_lets_others_come(arrivals, other):
    switches, setting = arrivals
    set_seed(switches, 7)
    first = drawn(setting)
    set_seed(switches, other)
    assert drawn(setting) != first


def test_a_seed_alone_makes_the_setting_active(arrivals):
    switches, setting = arrivals
    set_seed(switches, 7, rps=4)
    assert setting.active
    set_seed(switches, 0, rps=4)
    assert not setting.active


@pytest.fixture
def start(make_settings, monkeypatch):
    """POST a scene; what the stage was told, and the answer."""
    told = []
    monkeypatch.setattr(Stage, "start", lambda self, *how: told.append(how) or {})
    http = create_app(make_settings("control-room")).test_client()

    def post(**body):
        return http.post("/api/scenes/retry_storm", json=body, headers={"Host": "localhost"}), told

    return post


def test_a_scene_takes_defences_and_a_seed(start):
    answer, told = start(**{"with": [{**BREAKER, "params": {"calls": 5}}], "seed": 7})
    assert answer.status_code == 200
    assert told == [("retry_storm", False, (Switched("api", "defence", "circuit_breaker", {"calls": 5}),), 7)]


def test_both_may_be_left_out(start):
    _, told = start()
    assert told == [("retry_storm", False, (), 0)]


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ({"seed": -1}, 422, "seed"),
        ({"seed": 1.5}, 422, "seed"),
        ({"with": "retry_budget"}, 422, "with"),
        ({"with": ["retry_budget"]}, 422, "with"),
        ({"with": [{**BREAKER, "kind": "failure"}]}, 422, "with"),
        ({"with": [{**BREAKER, "more": 1}]}, 422, "with"),
        ({"with": [{**BREAKER, "params": {"calls": 0}}]}, 422, "calls"),
        ({"with": [{**BREAKER, "service": "database"}]}, 404, "name"),
        ({"with": [{**BREAKER, "service": "cache"}]}, 404, "service"),
    ],
)
def test_nonsense_is_refused_and_starts_nothing(start, body, status, field):
    answer, told = start(**body)
    assert (answer.status_code, answer.get_json()["field"], told) == (status, field, [])


def test_no_step_switches_a_defence_of_the_start_on_again_or_off():
    budget = Switched("api", "defence", "retry_budget", {"ratio": 0.5})
    scene = find_scene("retry_storm").defended([budget])
    assert scene.switches == (*find_scene("retry_storm").switches, budget)
    assert [step.on for step in scene.steps[:3]] == [step.on for step in find_scene("retry_storm").steps[:3]]
    assert scene.steps[3].on == ()
