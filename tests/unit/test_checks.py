"""An expectation that is due at a moment in which a service does not answer."""

from __future__ import annotations

import pytest

from services.common.http import problems
from services.common.scenes.checks import REPEAT_SECONDS, Check
from services.common.scenes.measures import Recording
from services.common.scenes.model import Expectation
from services.common.telemetry.state import ServiceState, TrafficState, Users

DUE = 20
EVERYBODY = Expectation("everybody is served", "success_ratio", minimum=1, at_seconds=DUE)


class Moment(Recording):
    """A recording at a moment of the scene, beside a traffic generator that answers or does not."""

    def __init__(self, elapsed, success=None):
        self.lab = self
        self.peers = self
        self._elapsed, self._success = elapsed, success

    def elapsed_seconds(self):
        return self._elapsed

    def window(self, service, seconds):
        if self._success is None:
            raise problems.Unreachable(f"{service} does not answer")
        return ServiceState(service, traffic=TrafficState(users=Users(success_ratio=self._success)))


@pytest.mark.parametrize(("success", "outcome"), [(1.0, "pass"), (0.5, "fail")])
def test_a_missed_look_is_repeated_and_what_is_measured_then_decides(success, outcome):
    check = Check(EVERYBODY)
    check.look(Moment(DUE))
    assert check.outcome == "pending"
    check.look(Moment(DUE + 1, success))
    assert (check.outcome, check.measured) == (outcome, success)


def test_a_measure_that_was_taken_is_not_taken_again():
    check = Check(EVERYBODY)
    check.look(Moment(DUE, 0.5))
    check.look(Moment(DUE + 1, 1.0))
    assert (check.outcome, check.measured) == ("fail", 0.5)


def test_a_service_that_stays_away_is_a_failure():
    check = Check(EVERYBODY)
    check.look(Moment(DUE))
    check.look(Moment(DUE + REPEAT_SECONDS))
    assert (check.outcome, check.describe(is_open=True)["measured"]) == ("fail", "nothing measured")
