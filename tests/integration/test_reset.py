"""Reset is a promise: from any state of any switches the lab is healthy in three seconds, and gives memory back."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.resets import ACTIONS, KILLS, busy_once, check_reset, do

SEQUENCES = int(os.environ.get("LAB_RESET_SEQUENCES", "15"))
LONG_SEQUENCES = int(os.environ.get("LAB_RESET_SEQUENCES", "200"))
UNHURRIED = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def before(lab):
    return busy_once(lab)


@settings(UNHURRIED, max_examples=SEQUENCES)
@given(actions=st.lists(ACTIONS, min_size=1, max_size=8))
def test_reset_is_green_in_three_seconds_from_any_state(lab, before, actions):
    for action in actions:
        do(lab, *action)
    check_reset(lab, before, actions)


@pytest.mark.long
@settings(UNHURRIED, max_examples=LONG_SEQUENCES)
@given(actions=st.lists(st.one_of(ACTIONS, KILLS), min_size=1, max_size=8))
def test_reset_cures_a_lab_whose_processes_died_too(lab, before, actions):
    for action in actions:
        do(lab, *action)
    check_reset(lab, before, actions)
