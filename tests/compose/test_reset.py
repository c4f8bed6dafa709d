"""Reset is a promise in containers too, and after whole containers were killed it has a bound of its own."""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.resets import ACTIONS, KILLS, busy_once, check_reset, do

pytestmark = [pytest.mark.compose, pytest.mark.long]
SEQUENCES = int(os.environ.get("LAB_RESET_SEQUENCES", "200"))


@pytest.fixture(scope="module")
def before(lab):
    return busy_once(lab)


@settings(
    max_examples=SEQUENCES,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(actions=st.lists(st.one_of(ACTIONS, KILLS), min_size=1, max_size=8))
def test_reset_cures_any_lab(lab, before, actions):
    for action in actions:
        do(lab, *action)
    check_reset(lab, before, actions)
