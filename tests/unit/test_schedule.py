"""The schedule of arrivals: a Poisson process that can be played again."""

from __future__ import annotations

import random
import statistics
from itertools import pairwise

import pytest

from services.common.schedule import Schedule


def arrivals(schedule, count):
    """The moments of the next arrivals."""
    moments = []
    for _ in range(count):
        moments.append(schedule.due)
        schedule.arrived()
    return moments


def a_schedule(rps=10.0, seed=0, dice=1):
    schedule = Schedule(random.Random(dice))
    schedule.change(rps, seed, 100.0)
    return schedule


def test_users_come_at_the_rate_and_as_irregularly_as_in_a_poisson_process():
    moments = arrivals(a_schedule(rps=50), 20_000)
    gaps = [later - earlier for earlier, later in pairwise(moments)]
    assert statistics.mean(gaps) == pytest.approx(1 / 50, rel=0.02)
    assert statistics.stdev(gaps) == pytest.approx(1 / 50, rel=0.03), "exponential gaps are as wide as their mean"


def test_the_same_seed_lets_the_same_users_come_whatever_came_before():
    first, second = a_schedule(seed=7), a_schedule(dice=2)
    arrivals(second, 5)
    second.change(10.0, 7, 100.0)
    assert arrivals(first, 50) == arrivals(second, 50)
    assert arrivals(a_schedule(seed=8), 50) != arrivals(a_schedule(seed=7), 50)


def test_a_seed_that_was_forgotten_begins_again():
    schedule = a_schedule(seed=7)
    before = arrivals(schedule, 20)
    schedule.forget_seed()
    schedule.change(10.0, 7, 100.0)
    assert arrivals(schedule, 20) == before


def test_a_change_of_the_rate_stretches_what_is_left_of_the_wait():
    schedule = a_schedule(rps=10, seed=3)
    due = schedule.due
    halfway = 100 + (due - 100) / 2
    schedule.change(5, 3, halfway)
    assert schedule.due == pytest.approx(halfway + 2 * (due - halfway))


def test_a_change_a_moment_later_changes_no_draw():
    """The control room is never on the millisecond: the users of a seed are the same all the same."""
    moments = []
    for changed_at in (100.50, 100.51):
        schedule = a_schedule(rps=10, seed=3)
        while schedule.due < changed_at:
            schedule.arrived()
        schedule.change(20, 3, changed_at)
        moments.append([round(moment, 1) for moment in arrivals(schedule, 10)])
    assert moments[0] == pytest.approx(moments[1], abs=0.11)


def test_at_a_rate_of_nothing_nobody_is_due():
    schedule = a_schedule()
    schedule.change(0, 0, 101)
    assert schedule.due is None
    schedule.change(10, 0, 200)
    assert schedule.due >= 200
