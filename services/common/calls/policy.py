"""What a call to another service does, without doing it: attempts, defences, connection, timeout, backoff.

The policy is a generator of steps. Threads drive it in `client.py`, simulated time in `simulation/`: each performs a
step and sends back what came of it. The order is: retry (attempts, budget, backoff), breaker and bulkhead, the
connection pool, the timeout of the attempt. The balancer chooses the instance of each attempt first. What the caller's
own side refuses is not retried, and is no failure of the peer.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

from services.common.calls.backoff import backoff_seconds
from services.common.calls.balancing import Target
from services.common.calls.upstream import Upstream
from services.common.http.problems import DeadlineExceeded, PoolTimeout, Problem
from services.common.switches.registry import Switches
from services.common.switches.settings import ClientSetting


@dataclass(frozen=True)
class Ended:
    """How one attempt ended: an outcome of the metrics, and either the answer or the problem to raise.

    `target` is the instance that it is of, where it was sent to one.
    """

    outcome: str
    problem: Problem | None = None
    answer: Any = None
    status: int | None = None
    target: Target | None = None


@dataclass(frozen=True)
class Begin:
    """An attempt begins: the driver may end the call here, by raising."""


@dataclass(frozen=True)
class Take:
    """Take a connection of the caller's own pool. Raises PoolTimeout or DeadlineExceeded where there is none."""


@dataclass(frozen=True)
class Send:
    """Send the attempt to an instance and wait for its answer, at most so long. The result is how it `Ended`.

    After `hedge_seconds` without an answer `second()` says which instance to ask as well, None for no other; the first
    good answer counts, else the last bad one. None is no hedging.
    """

    target: Target
    timeout_seconds: float
    is_retry: bool
    hedge_seconds: float | None
    second: Callable[[], Target | None]


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

    def __init__(self, switches: Switches, rng: random.Random, upstream: Upstream) -> None:
        self._switches = switches
        self._random = rng
        self._upstream = upstream
        self.setting = switches[ClientSetting]

    def call(self, timeout_seconds: float | None = None) -> CallSteps:
        """The steps of one call; an attempt may take `timeout_seconds`, or else the setting's.

        Returns the peer's answer; raises the problem of the last attempt when none succeeded.
        """
        attempts = 0
        tried: list[Target] = []
        while True:
            attempts += 1
            ended = yield from self._attempt(timeout_seconds, attempts > 1, tried)
            yield End(ended)
            if ended.problem is None:
                return ended.answer
            # The setting is read each time: the cure may be switched on in mid-call.
            if ended.outcome == "rejected" or attempts >= self.setting.attempts or not self._switches.may_retry():
                raise ended.problem
            pause = backoff_seconds(self.setting, attempts, self._random)
            if pause:
                yield Pause(pause)

    def _attempt(
        self, timeout_seconds: float | None, is_retry: bool, tried: list[Target]
    ) -> Generator[Step, Any, Ended]:
        yield Begin()
        try:
            target = self._upstream.pick(tried)
            self._switches.before_attempt(is_retry, target)
        except Problem as problem:
            return Ended("rejected", problem)
        tried.append(target)
        try:
            ended = yield from self._send(target, timeout_seconds or self.setting.timeout_seconds, is_retry)
        except (PoolTimeout, DeadlineExceeded) as problem:
            ended = Ended("rejected", problem)
        except Exception:
            self._switches.after_attempt("rejected", is_retry, target)
            raise
        self._switches.after_attempt(ended.outcome, is_retry, ended.target or target)
        return ended

    def _send(self, target: Target, timeout_seconds: float, is_retry: bool) -> Generator[Step, Any, Ended]:
        yield Take()
        send = Send(target, timeout_seconds, is_retry, self._switches.hedge_delay(), partial(self._second, target))
        try:
            ended: Ended = yield send
        except Exception:
            yield GiveBack()
            raise
        yield GiveBack()
        return ended

    def _second(self, first: Target) -> Target | None:
        """Another instance for a hedged attempt, if there is one and the budget allows it."""
        others = [target for target in self._switches.narrow(self._upstream.in_use) if target is not first]
        return self._upstream.choose(others) if others and self._switches.may_hedge() else None


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
