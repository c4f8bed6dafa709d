"""The simulation against what theory says, which knows nothing of this code."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest

from services.common.scenes.files import find_scene
from services.common.scenes.model import Scene, Switched
from simulation.prediction import predict
from simulation.simulated_lab import SimulatedLab
from simulation.threshold import recovers_below

SEEDS = (1, 2, 3)


def a_lab(rps: float, *switches: Switched, seed: int = 1) -> SimulatedLab:
    """A lab with these switches, from its start on."""
    lab = SimulatedLab(seed, {}, rps)
    lab.start(Scene("a_scene", "", 0, "", (), (), rps, switches, (), ()))
    return lab


def a_failure(service: str, name: str, **params: float) -> Switched:
    return Switched(service, "failure", name, params)


def a_setting(service: str, name: str, **params: float | str) -> Switched:
    return Switched(service, "setting", name, params)


def predicted(name: str) -> dict[str, float]:
    """The median of each expectation of a scene that is a number."""
    found = (entry.describe() for entry in predict(find_scene(name), SEEDS, {}))
    return {entry["text"]: entry["value"] for entry in found if entry["predicted"] is not None}


def test_users_arrive_as_a_poisson_process():
    """The counts of seconds have a variance near their mean, which no clockwork has."""
    lab = a_lab(20)
    totals = [0]
    for second in range(1, 501):
        lab.engine.run(second)
        totals.append(lab.users.arrivals.since(0))
    counts = [after - before for before, after in pairwise(totals)]
    assert statistics.mean(counts) == pytest.approx(20, rel=0.03)
    assert statistics.variance(counts) == pytest.approx(20, rel=0.2)


def test_waiting_for_one_lock_is_the_pollaczek_khinchine_formula():
    """M/D/1: the mean wait is rho s / 2 (1 - rho); here 10 ms of lock at 80 a second, 20 ms."""
    lab = a_lab(
        80,
        a_setting("database", "capacity", service_time_seconds=0),
        a_failure("database", "lock_contention", hold_seconds=0.01),
    )
    mean = _mean_in_flight(lab, 600) / 80  # Little's law again: the time is the number over the rate
    assert mean == pytest.approx(0.01 + 0.8 * 0.01 / (2 * (1 - 0.8)), rel=0.12)


def test_queries_in_flight_are_rate_times_time():
    """Little's law: 4 users a second, 2 to 5 s each, are 14 in flight."""
    assert _mean_in_flight(a_lab(4, a_failure("database", "slow_query")), 600) == pytest.approx(14, rel=0.06)


def _mean_in_flight(lab: SimulatedLab, seconds: int) -> float:
    """The mean number of users who wait, from the tenth second on."""
    found = []
    for tenth in range(100, 10 * seconds):
        lab.engine.run(tenth / 10)
        found.append(lab.users.in_flight)
    return statistics.mean(found)


def test_half_the_connections_serve_half_of_the_users():
    """20 a second x 2 s need 40 connections; there are 20."""
    assert predicted("pool_exhaustion")["queries take 2 s: half of the requests succeed"] == pytest.approx(
        0.5, abs=0.06
    )


def test_a_cache_hits_as_often_as_its_keys_are_asked_for_while_they_live():
    """A key lives 60 s and is asked for 50 / 300 times a second: 10 hits for each miss, 10 / 11."""
    lab = a_lab(50, a_setting("api", "cache", ttl_seconds=60, keys=300))
    lab.engine.run(600)
    assert lab.peers.window("api", 450).cache.hit_ratio == pytest.approx(10 / 11, abs=0.01)


def test_three_times_three_attempts_are_nine():
    numbers = predicted("layered_retries")
    assert numbers["database down: queries for each user request"] == pytest.approx(9, rel=0.03)
    assert numbers["one layer retries: queries for each user request"] == pytest.approx(3, rel=0.03)


def test_the_cascade_is_the_one_that_the_design_works_out():
    """38 %: 20 connections x 3.5 s are 5.7 queries a second for 10 users who try three times."""
    numbers = predicted("full_cascade")
    assert numbers["success, from 20 to 120 s"] == pytest.approx(0.38, abs=0.04)
    assert numbers["attempts for each user request"] == pytest.approx(2.6, abs=0.15)


def test_a_retry_storm_ends_by_itself_below_a_third_of_the_capacity():
    """40 queries a second over 3 attempts are 13.3 users a second; chance takes a little of it."""
    below, trials = recovers_below(find_scene("retry_storm"), 20, SEEDS, {}, lambda _: None)
    assert 12 <= below <= 40 / 3 + 0.2
    assert [trial.recovered for trial in trials] == sorted((trial.recovered for trial in trials), reverse=True)


def test_twenty_api_threads_hide_the_retry_storm():
    """40 queries a second x 0.5 s of timeout: no more than 20 can be out, so none is abandoned for long."""
    below, _ = recovers_below(find_scene("retry_storm"), 20, (1,), {"api": 16}, lambda _: None)
    assert below == 20
