"""The circuit breaker, with a clock of the test's own, and under many threads."""

from __future__ import annotations

import threading

import pytest

from services.common.calls.balancing import Target
from services.common.http.problems import BreakerOpen
from services.common.process.memory import Memory
from services.common.switches.base import Host
from services.common.switches.defences.circuit_breaker import CLOSED, HALF_OPEN, OPEN, CircuitBreaker
from services.common.switches.params import defaults

TARGET = Target("api-1")


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(tmp_path, clock):
    breaker = CircuitBreaker(Host(Memory(tmp_path), clock=clock))
    breaker.start(defaults(breaker.all_params()) | {"calls": 4, "open_seconds": 5.0, "probes": 2}, None)
    return breaker


def fail(breaker, times):
    for _ in range(times):
        breaker.before_attempt(TARGET)
        breaker.after_attempt("timeout", False, TARGET)


def test_it_opens_when_half_of_the_last_calls_failed(breaker):
    for outcome in ("ok", "timeout", "ok"):
        breaker.before_attempt(TARGET)
        breaker.after_attempt(outcome, False, TARGET)
    assert breaker.state == CLOSED
    fail(breaker, 1)
    assert breaker.state == OPEN
    with pytest.raises(BreakerOpen):
        breaker.before_attempt(TARGET)


def test_probes_that_pass_close_it_and_one_that_fails_opens_it(breaker, clock):
    fail(breaker, 4)
    clock.now = 5.0
    breaker.before_attempt(TARGET)
    assert breaker.state == HALF_OPEN
    breaker.after_attempt("error", False, TARGET)
    assert breaker.state == OPEN
    clock.now = 10.0
    for _ in range(2):
        breaker.before_attempt(TARGET)
        breaker.after_attempt("ok", False, TARGET)
    assert breaker.state == CLOSED


def test_a_probe_that_never_reached_the_peer_is_given_back(breaker, clock):
    fail(breaker, 4)
    clock.now = 5.0
    for _ in range(5):
        breaker.before_attempt(TARGET)
        breaker.after_attempt("rejected", False, TARGET)
    assert breaker.state == HALF_OPEN


def test_half_open_admits_exactly_its_probes_whatever_the_threads_do(breaker, clock):
    fail(breaker, 4)
    clock.now = 5.0
    admitted, barrier = [], threading.Barrier(32)

    def try_it():
        barrier.wait()
        try:
            breaker.before_attempt(TARGET)
            admitted.append(1)
        except BreakerOpen:
            pass

    threads = [threading.Thread(target=try_it) for _ in range(32)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(admitted) == 2


class SlowCall:
    """A call in a thread of its own, which ends when the test says so."""

    def __init__(self, breaker, outcome):
        self.began, self._may_end = threading.Event(), threading.Event()
        self._breaker, self._outcome = breaker, outcome
        self._thread = threading.Thread(target=self._run)
        self._thread.start()
        assert self.began.wait(5)

    def _run(self):
        self._breaker.before_attempt(TARGET)
        self.began.set()
        self._may_end.wait(5)
        self._breaker.after_attempt(self._outcome, False, TARGET)

    def end(self):
        self._may_end.set()
        self._thread.join(5)


@pytest.mark.parametrize("outcome", ["ok", "timeout", "rejected"])
def test_a_call_that_began_before_the_breaker_opened_is_no_probe(breaker, clock, outcome):
    old = [SlowCall(breaker, outcome) for _ in range(2)]
    fail(breaker, 4)
    clock.now = 5.0
    breaker.before_attempt(TARGET)
    for call in old:
        call.end()
    assert breaker.state == HALF_OPEN
    breaker.before_attempt(TARGET)
    with pytest.raises(BreakerOpen):
        breaker.before_attempt(TARGET)


def test_a_probe_of_an_earlier_try_decides_nothing_of_the_next(breaker, clock):
    fail(breaker, 4)
    clock.now = 5.0
    late = SlowCall(breaker, "ok")
    fail(breaker, 1)
    clock.now = 10.0
    breaker.before_attempt(TARGET)
    late.end()
    breaker.after_attempt("ok", False, TARGET)
    assert breaker.state == HALF_OPEN


def test_calls_from_before_it_opened_do_not_open_it_again_once_it_has_closed(breaker, clock):
    old = [SlowCall(breaker, "timeout") for _ in range(4)]
    fail(breaker, 4)
    clock.now = 5.0
    for _ in range(2):
        breaker.before_attempt(TARGET)
        breaker.after_attempt("ok", False, TARGET)
    for call in old:
        call.end()
    assert breaker.state == CLOSED
