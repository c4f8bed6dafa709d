"""Epochs: what a reset makes old, by a number and by a moment, whatever happens to the clock."""

from __future__ import annotations

import pytest

from services.common.http.problems import Overtaken, Reset
from services.common.process.epoch import Epoch


class Machine:
    """A machine whose clock can be set."""

    def __init__(self):
        self.seconds, self.ahead = 100.0, 1_000_000.0

    def wait(self, seconds):
        self.seconds += seconds

    def epoch(self):
        return Epoch(clock=lambda: self.seconds + self.ahead, monotonic=lambda: self.seconds)

    @property
    def now(self):
        return self.seconds + self.ahead


@pytest.fixture
def machine():
    return Machine()


@pytest.fixture
def epoch(machine):
    return machine.epoch()


def test_what_was_sent_before_the_reset_is_refused(machine, epoch):
    epoch.begin(1, machine.now - 0.5)
    epoch.check(machine.now - 0.5)
    with pytest.raises(Reset):
        epoch.check(machine.now - 0.6)


@pytest.mark.parametrize("jump", [-40, -3600, 40])
def test_users_are_served_when_the_clock_was_set(machine, epoch, jump):
    epoch.begin(1, machine.now)
    machine.wait(5)
    machine.ahead += jump
    machine.wait(1)
    epoch.check(machine.now)
    assert epoch.started_at == pytest.approx(machine.now - 6)
    with pytest.raises(Reset):
        epoch.check(machine.now - 7)


def test_a_reset_that_seems_to_lie_in_the_future_begins_now(machine, epoch):
    epoch.begin(1, machine.now + 40)
    epoch.check(machine.now)


def test_a_control_call_of_an_earlier_epoch_is_refused_and_one_of_a_later_one_is_learned_from(epoch):
    epoch.admit(0)
    epoch.admit(3)
    with pytest.raises(Overtaken):
        epoch.admit(2)
    epoch.admit(3)
    assert epoch.number == 3
