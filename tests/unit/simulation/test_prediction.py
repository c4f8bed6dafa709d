"""Predictions: the same dice, the same numbers; other sizes; and what the model says it does not know."""

from __future__ import annotations

import pytest

from services.common.http.problems import InvalidParameter, InvalidRequest, NotFound, PoolTimeout, QueueFull
from services.common.scenes.files import all_scenes, find_scene
from services.common.scenes.model import Scene, Switched
from simulation.changes import Change, changed_scene, changed_threads
from simulation.engine import Ended, Engine
from simulation.places import Places
from simulation.prediction import predict
from simulation.simulated_lab import SimulatedLab
from simulation.threshold import trial_scene


def described(scene: Scene, *seeds: int) -> list[dict]:
    return [entry.describe() for entry in predict(scene, seeds, {})]


def at_text(scene: Scene, text: str) -> dict:
    return next(entry for entry in described(scene, 1) if entry["text"] == text)


def test_a_seed_decides_everything():
    scene = find_scene("full_cascade")
    assert described(scene, 7, 8) == described(scene, 7, 8)
    assert described(scene, 7) != described(scene, 8)


@pytest.mark.parametrize("name", list(all_scenes()))
def test_each_expectation_is_predicted_as_expected_or_the_reason_is_said(name):
    for entry in described(find_scene(name), 1):
        assert entry["predicted"] is None or entry["as_expected"] == 1, entry
        assert (entry["predicted"] is None) == bool(entry.get("not_modelled"))


@pytest.mark.long
@pytest.mark.parametrize("name", list(all_scenes()))
def test_chance_breaks_hardly_any_number_of_a_scene(name):
    """Users and errors come at random: of a hundred shows at most two may miss."""
    predicted = predict(find_scene(name), range(1, 101), {})
    assert [entry.describe() for entry in predicted if entry.met < len(entry.values) - 2] == []


def test_a_switch_that_the_model_does_not_know_blinds_it_from_then_on():
    before, *others = described(find_scene("noisy_neighbour"), 1)
    assert before["predicted"]
    assert all(entry["not_modelled"].startswith("cpu_burn") for entry in others)


def test_a_small_leak_is_left_out_and_a_large_one_is_not():
    assert at_text(find_scene("full_cascade"), "success, from 20 to 120 s")["predicted"]
    change = Change("api", "memory_leak", "mb_per_request", 1)
    large = at_text(changed_scene(find_scene("full_cascade"), [change], None), "success, from 20 to 120 s")
    assert large["not_modelled"].startswith("memory_leak")


def test_one_retry_less_lets_the_storm_pass():
    scene = changed_scene(find_scene("retry_storm"), [Change("api", "client", "attempts", 1)], None)
    assert all(each.params["attempts"] == 1 for step in scene.steps for each in step.on if each.name == "client")
    assert at_text(scene, "success in the 60 s after the trigger is gone")["value"] > 0.95


@pytest.mark.parametrize(
    ("service", "name", "params"),
    [
        ("api", "retry_budget", {}),
        ("api", "bulkhead", {"max_concurrent": 10}),
        ("api", "load_shedding", {"max_in_flight": 16}),
        ("api", "circuit_breaker", {}),
    ],
)
def test_a_defence_from_the_start_lets_the_storm_pass(service, name, params):
    """As PATTERNS.md found it, and by the lab's own classes."""
    scene = find_scene("retry_storm").defended([Switched(service, "defence", name, params)])
    assert at_text(scene, "success in the 60 s after the trigger is gone")["value"] > 0.6


def test_a_defence_that_a_scene_is_started_with_is_not_switched_again_by_a_step():
    defence = Switched("api", "defence", "retry_budget", {"ratio": 0.2})
    scene = find_scene("retry_storm").defended([defence])
    assert scene.switches[-1] == defence
    assert all(each.name != "retry_budget" for step in scene.steps for each in step.on)


def test_sizes_may_be_beyond_what_a_machine_can_bear():
    changes = [Change("database", "capacity", "connections", times=100), Change("api", "threads", "threads", 4000)]
    scene = changed_scene(find_scene("retry_storm"), changes, 40)
    assert scene.switches[0].params["connections"] == 400
    assert changed_threads(changes) == {"api": 4000}


def test_users_of_later_steps_keep_their_proportion():
    scene = changed_scene(find_scene("lock_convoy"), (), 3)
    assert [step.rps for step in scene.steps if step.rps] == [8]


@pytest.mark.parametrize(
    "change",
    [
        Change("cache", "client", "attempts", 1),
        Change("api", "clients", "attempts", 1),
        Change("api", "client", "attempt", 1),
        Change("api", "client", "attempts", -1),
        Change("api", "client", "attempts", "many"),
        Change("api", "client", "backoff", times=2),
    ],
)
def test_nonsense_is_refused(change):
    with pytest.raises((NotFound, InvalidParameter)):
        changed_scene(find_scene("retry_storm"), [change], None)


@pytest.mark.parametrize("change", [Change("traffic", "threads", "threads", 3), Change("api", "threads", "threads", 0)])
def test_nonsensical_threads_are_refused(change):
    with pytest.raises((NotFound, InvalidParameter)):
        changed_threads([change])


def test_a_trial_ends_with_the_trigger_and_has_no_cure():
    scene = trial_scene(find_scene("retry_storm"))
    assert [step.at_seconds for step in scene.steps] == [20, 28]
    assert [entry.at_seconds for entry in scene.expect] == [20, 88]


def test_a_scene_without_a_trigger_has_no_load_below_which_it_recovers():
    with pytest.raises(InvalidRequest):
        trial_scene(find_scene("slow_query"))


def test_the_same_seed_lets_the_same_users_come():
    def arrivals(seed):
        lab = SimulatedLab(seed, {}, 4)
        lab.start(find_scene("normal"))
        moments = []
        for tenth in range(300):
            lab.engine.run(tenth / 10)
            moments.append(lab.peers.window("traffic", 0.1).traffic.arrived)
        return moments

    assert arrivals(3) == arrivals(3) != arrivals(4)


def test_places_are_given_in_the_order_of_waiting_and_a_wait_ends():
    engine = Engine()
    places = Places(engine, 1)
    told = []

    def take(name, seconds, holds):
        try:
            yield from places.acquire(seconds)
        except PoolTimeout:
            told.append((name, "timeout", engine.now))
            return
        told.append((name, "has it", engine.now))
        yield holds
        places.release()

    for name, seconds, holds in [("a", None, 2), ("b", 1, 1), ("c", 5, 1), ("d", None, 1)]:
        engine.spawn(take(name, seconds, holds))
    engine.run(10)
    assert told == [("a", "has it", 0), ("b", "timeout", 1), ("c", "has it", 2), ("d", "has it", 3)]
    assert (places.in_use, places.queued) == (0, 0)


def test_a_full_queue_refuses():
    engine = Engine()
    places = Places(engine, 1, queue_limit=0)
    refused = []

    def take():
        try:
            yield from places.acquire()
        except QueueFull:
            refused.append(engine.now)
        yield 1

    engine.spawn(take())
    engine.spawn(take())
    engine.run(5)
    assert refused == [0]


def test_a_wait_ends_with_its_switch():
    engine = Engine()
    ended = Ended(engine)
    woken = []

    def sleep():
        ended.wait(100)
        yield from engine.spend()
        woken.append(engine.now)

    def end():
        yield 3
        ended.set()

    engine.spawn(sleep())
    engine.spawn(end())
    engine.run(200)
    assert woken == [3]
