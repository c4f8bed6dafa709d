"""The cliff: the curves that are made ahead, and a scene as somebody has changed it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from services.common.scenes.files import all_scenes, find_scene
from simulation.changes import changed_scene
from simulation.cliff import SEEDS, Pace, edge_of, shipped, to_ship
from simulation.now import after_steps, trial_of
from simulation.threshold import Trial, try_load


def now(name="retry_storm", steps=2, **switched):
    """A scene some steps in; `api_client={...}` is on there, and None is off."""
    found = after_steps(find_scene(name), steps)
    for place, params in switched.items():
        service, kind, switch = place.split("__")
        found.active[service][kind].pop(switch, None)
        if params is not None:
            found.active[service][kind][switch] = params
    return found


def trial(rps, recovered):
    share = 1.0 if recovered else 0.0
    return Trial(rps, 1.0, share, recovered, share, share)


def test_a_curve_is_shipped_for_each_scene_with_a_cliff_as_it_is_and_with_each_of_its_cures():
    assert shipped().keys() == to_ship().keys()
    assert {name for name, changes in shipped() if not changes} == {
        scene.name for scene in all_scenes().values() if scene.cliff_rps
    }


@pytest.mark.parametrize("at", [0, -1], ids=["lowest", "around the edge"])
def test_a_shipped_curve_is_what_the_simulation_says_now(at):
    """`python -m simulation.cliff` makes them again."""
    for key, scene in to_ship().items():
        if key[0] not in ("retry_storm", "domino") or key[1]:
            continue
        edge = edge_of(shipped()[key])
        rps = edge.stays_down_from_rps if at else shipped()[key][0].rps
        kept = next(each for each in shipped()[key] if each.rps == rps)
        found = try_load(changed_scene(scene, (), kept.rps), SEEDS, {}, lambda _: None)
        assert found.recovered == kept.recovered
        assert [found.after_low, found.after, found.after_high] == pytest.approx(
            [kept.after_low, kept.after, kept.after_high], abs=0.001
        )


def test_what_a_scene_does_up_to_the_end_of_its_trigger_is_no_change():
    assert [trial_of(now(steps=steps))[1] for steps in range(3)] == [()] * 3


def test_a_value_that_is_another_one_holds_in_the_trigger_too():
    params = {"connections": 8, "service_time_seconds": 0.1, "queue_limit": 100, "duration_seconds": 0.0}
    scene, changes = trial_of(now(database__setting__capacity=params))
    assert changes == ("database.capacity (connections 8)",)
    values = [switched.params for step in scene.steps for switched in step.on]
    assert [(each["connections"], each["service_time_seconds"]) for each in values] == [(8, 0.3), (8, 0.1)]


def test_a_setting_that_went_back_to_its_default_and_a_defence_that_is_off_are_changes():
    _, changes = trial_of(now(api__setting__client=None))
    assert [change.split()[0] for change in changes] == ["api.client"]
    scene, changes = trial_of(now("domino", 0, api__defence__deadline=None))
    assert changes == ("api.deadline off",)
    assert "deadline" not in [switched.name for switched in scene.switches]


def test_users_who_wait_for_less_long_are_a_change():
    scene, changes = trial_of(replace(now(), patience_seconds=2.0))
    assert changes == ("users wait 2 s",)
    assert scene.patience_seconds == 2


def test_the_edge_is_below_the_first_load_that_stays_down():
    edge = edge_of([trial(30, True), trial(20, False), trial(10, True)])
    assert (edge.recovers_to_rps, edge.stays_down_from_rps) == (10, 20)
    assert edge_of([trial(10, True)]).stays_down_from_rps is None


def test_a_computation_rests_three_times_as_long_as_it_works():
    moments, rests = iter([0.0, 0.002, 0.010, 0.010, 0.011]), []
    pace = Pace(0.25, lambda: next(moments), rests.append)
    for _ in range(3):
        pace(0.0)
    assert rests == [pytest.approx(0.03)]
