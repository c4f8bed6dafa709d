"""What a call to another service does, without doing it: attempts, defences, connection, timeout, backoff.

The policy is a generator of steps. Threads drive it in `client.py`, simulated time in `simulation/`: each performs a
step and sends back what came of it. The order is: retry (attempts, budget, backoff), breaker and bulkhead, the
connection pool, the timeout of the attempt. What the caller's own side refuses is not retried, and is no failure of the
peer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

from services.common.calls.backoff import backoff_seconds
from services.common.http.problems import DeadlineExceeded, PoolTimeout, Problem
from services.common.switches.registry import Switches
from services.common.switches.settings import ClientSetting


@dataclass(frozen=True)
class Ended:
    """How one attempt ended: an outcome of the metrics, and either the answer or the problem to raise."""

    outcome: str
    problem: Problem | None = None
    answer: Any = None
    status: int | None = None


@dataclass(frozen=True)
class Begin:
    """An attempt begins: the driver may end the call here, by raising."""


@dataclass(frozen=True)
class Take:
    """Take a connection of the caller's own pool. Raises PoolTimeout or DeadlineExceeded where there is none."""


@dataclass(frozen=True)
class Send:
    """Send the attempt and wait for its answer, at most so long. The result is how it `Ended`."""

    timeout_seconds: float
    is_retry: bool


@dataclass(frozen=True)
class GiveBack:
    """Give the connection back."""


@dataclass(frozen=True)
class End:
    """The attempt has ended so."""

    ended: Ended


@dataclass(frozen=True)
class Pause:
    """Wait so many seconds before the next attempt."""

    seconds: float


Step = Begin | Take | Send | GiveBack | End | Pause
CallSteps = Generator[Step, Any, Any]


class CallPolicy:
    """The policy of one caller towards one peer."""

    def __init__(self, switches: Switches, rng: random.Random) -> None:
        self._switches = switches
        self._random = rng
        self.setting = switches[ClientSetting]

    def call(self, timeout_seconds: float | None = None) -> CallSteps:
        """The steps of one call; an attempt may take `timeout_seconds`, or else the setting's.

        Returns the peer's answer; raises the problem of the last attempt when none succeeded.
        """
        attempts = 0
        while True:
            attempts += 1
            ended = yield from self._attempt(timeout_seconds, is_retry=attempts > 1)
            yield End(ended)
            if ended.problem is None:
                return ended.answer
            # The setting is read each time: the cure may be switched on in mid-call.
            if ended.outcome == "rejected" or attempts >= self.setting.attempts or not self._switches.may_retry():
                raise ended.problem
            pause = backoff_seconds(self.setting, attempts, self._random)
            if pause:
                yield Pause(pause)

    def _attempt(self, timeout_seconds: float | None, is_retry: bool) -> Generator[Step, Any, Ended]:
        yield Begin()
        try:
            self._switches.before_attempt(is_retry)
        except Problem as problem:
            return Ended("rejected", problem)
        try:
            ended: Ended = yield from self._send(timeout_seconds or self.setting.timeout_seconds, is_retry)
        except (PoolTimeout, DeadlineExceeded) as problem:
            ended = Ended("rejected", problem)
        except Exception:
            self._switches.after_attempt("rejected", is_retry)
            raise
        self._switches.after_attempt(ended.outcome, is_retry)
        return ended

    def _send(self, timeout_seconds: float, is_retry: bool) -> Generator[Step, Any, Ended]:
        yield Take()
        try:
            ended: Ended = yield Send(timeout_seconds, is_retry)
        except Exception:
            yield GiveBack()
            raise
        yield GiveBack()
        return ended


def drive(steps: CallSteps, perform: Callable[[Step], Any]) -> Any:
    """Perform the steps one after another, in this thread; what the call returns or raises."""
    try:
        step = next(steps)
        while True:
            try:
                result = perform(step)
            except Exception as error:
                step = steps.throw(error)
            else:
                step = steps.send(result)
    except StopIteration as end:
        return end.value
