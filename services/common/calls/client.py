"""The one place from which a service calls another: it sends what `policy.py` decides, and counts what came of it."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol

import requests
from urllib3.exceptions import MaxRetryError, NewConnectionError

from services.common.calls.balancing import Target
from services.common.calls.call import DEADLINE, HOPS, REASON, REQUEST_ID, REQUEST_START, TRACE, Call
from services.common.calls.hedges import send_hedged
from services.common.calls.policy import Begin, CallPolicy, End, Ended, GiveBack, Pause, Send, Step, Take, drive
from services.common.calls.session import answers, new_session
from services.common.calls.upstream import Upstream
from services.common.http import problems
from services.common.process.epoch import Epoch
from services.common.switches.registry import Switches
from services.common.telemetry.metrics import ClientMetrics
from services.common.telemetry.state import Calls
from services.common.telemetry.windows import AttemptWindow, CountedCall, CountWindow, SumWindow


class Lease(Protocol):
    """What one attempt holds of the caller's own."""

    def take(self, call: Call) -> None:
        """Wait for it; may refuse with `PoolTimeout` or `DeadlineExceeded`."""

    def give_back(self) -> None:
        """The attempt has ended."""


class NoLease:
    """For a caller that has no pool."""

    def take(self, call: Call) -> None:
        """There is nothing to take."""

    def give_back(self) -> None:
        """There is nothing to give back."""


class PeerClient:
    """Calls one other service on behalf of user requests."""

    def __init__(
        self,
        urls: Mapping[str, str],
        *,
        upstream: Upstream,
        switches: Switches,
        epoch: Epoch,
        metrics: ClientMetrics,
        connections: int,
        lease: Lease,
        rng: random.Random | None = None,
    ) -> None:
        """`urls` are those of the peer's instances; an attempt holds `lease`, a connection of the caller's own pool."""
        self.peer = upstream.peer
        self.upstream = upstream
        self._urls = urls
        self._switches = switches
        self._policy = CallPolicy(switches, rng or random.Random(), upstream)
        self._setting = self._policy.setting
        self.epoch = epoch
        self._metrics = metrics
        self.lease = lease
        self._session = new_session(connections)
        self._prepared: dict[tuple[str, str], requests.PreparedRequest] = {}
        self._sent = CountWindow()
        self._calls = AttemptWindow()
        self._ends = SumWindow(2)  # attempts that ended, and those of them that failed

    @property
    def timeout_seconds(self) -> float:
        """How long one attempt may take."""
        return self._setting.timeout_seconds

    def get(self, path: str, call: Call, timeout_seconds: float | None = None) -> Any:
        """The peer's answer to GET `path`, from JSON; an attempt may take `timeout_seconds`, or else the setting's.

        Raises:
            Problem: the last attempt's, when none succeeded.
        """
        performer = _Performer(self, path, call, self._calls.call())
        return drive(self._policy.call(timeout_seconds), performer.perform)

    def answers(self, path: str, timeout_seconds: float) -> bool:
        """Whether some instance of the peer answers GET `path` well: for a deep health check, with no defence."""
        url = self._urls[self.upstream.in_use[0].name] + path
        return answers(self._session, url, timeout_seconds, traced=True)

    def close(self) -> None:
        """Close the connections that are kept open."""
        self._session.close()

    def state(self, since: float, now: float) -> Calls:
        """The calls since a moment (time.monotonic)."""
        begun, attempts = self._calls.since(since)
        ended, failed = self._ends.since(since)
        return Calls(
            self.peer,
            begun=begun,
            attempts=attempts,
            sent=self._sent.since(since),
            ended=int(ended),
            failed=int(failed),
            seconds=now - since,
            timeout_seconds=self.timeout_seconds,
            attempts_allowed=self._setting.attempts * (2 if self._switches.hedge_delay() is not None else 1),
            targets=self.upstream.state(since) if len(self.upstream.targets) > 1 else {},
        )

    def clear(self) -> None:
        """A reset: the windows start again, empty."""
        for window in (self._sent, self._calls, self._ends):
            window.clear()
        self.upstream.clear()

    def send(self, path: str, call: Call, step: Send, counted: CountedCall) -> Ended:
        """One attempt on the wire, or two where it is hedged.

        Raises:
            Reset: the peer was reset after this was sent.
        """
        ask = partial(self._ask, path, call, step.timeout_seconds, counted)
        (self._metrics.retry if step.is_retry else self._metrics.first).inc()
        if step.hedge_seconds is None:
            return ask(step.target)
        ended, was_hedged = send_hedged(ask, step)
        if was_hedged:
            self._metrics.hedges["won" if ended.target is not step.target else "lost"].inc()
        return ended

    def _ask(self, path: str, call: Call, timeout_seconds: float, counted: CountedCall, target: Target) -> Ended:
        """Send to one instance, and count it."""
        if not call.traced:  # test requests are not users
            self._sent.add()
            counted.attempt()
        began = self.upstream.begin(target, is_user=not call.traced)
        outcome = "error"
        try:
            ended = self._on_the_wire(path, call, timeout_seconds, target)
            outcome = ended.outcome
            return ended
        finally:
            self.upstream.end(target, outcome, began)
            self._metrics.requests[target.name, outcome].inc()

    def count_ended(self, call: Call, ended: Ended, began_at: float, seconds: float) -> None:
        """An attempt that began at that moment (seconds since 1970) ended after so many seconds."""
        self._metrics.duration[ended.outcome].observe(seconds)
        self._ends.add(1, ended.problem is not None)
        if call.traced:
            call.attempts.append(
                {
                    "peer": self.peer,
                    "instance": ended.target.name if ended.target else None,
                    "outcome": ended.outcome,
                    "reason": ended.problem.reason if ended.problem else None,
                    "status": ended.status,
                    "started_at": began_at,
                    "seconds": round(seconds, 6),
                }
            )

    def _on_the_wire(self, path: str, call: Call, timeout: float, target: Target) -> Ended:
        ended, name = partial(Ended, target=target), target.name
        request = self._request(path, call, timeout, target)
        try:
            response = self._session.send(request, timeout=timeout, allow_redirects=False)
        except requests.Timeout:
            return ended("timeout", problems.PeerTimeout(f"{name} did not answer within {timeout:g} s"))
        except requests.RequestException as error:
            if was_refused(error):
                return ended("refused", problems.PeerRefused(f"{name} takes no connections"))
            return ended("error", problems.PeerError(f"{name} broke the connection"))
        if call.traced:
            call.hops_behind = json.loads(response.headers.get(HOPS, "[]"))
        status = response.status_code
        if status == 200:
            return ended("ok", answer=json.loads(response.content), status=status)
        reason = response.headers.get(REASON, "")
        if reason == problems.Reset.reason:
            raise problems.Reset(f"{name} was reset after this request was sent")
        if status == 503:
            return ended("refused", problems.PeerRefused(f"{name} refused: {reason}"), status=status)
        return ended("error", problems.PeerError(f"{name} answered {status}: {reason}"), status=status)

    def _request(self, path: str, call: Call, timeout: float, target: Target) -> requests.PreparedRequest:
        # Preparing a request takes longer than sending it, and only three headers differ.
        prepared = self._prepared.get((target.name, path))
        if prepared is None:
            prepared = requests.Request("GET", self._urls[target.name] + path).prepare()
            self._prepared[target.name, path] = prepared
        request = prepared.copy()
        request.headers[REQUEST_ID] = call.request_id
        now = time.time()
        request.headers[REQUEST_START] = repr(now)
        gives_up_at = now + timeout
        request.headers[DEADLINE] = repr(min(gives_up_at, call.deadline or gives_up_at))
        if call.traced:
            request.headers[TRACE] = "1"
        return request


class _Performer:
    """Performs the steps of one call in its thread."""

    def __init__(self, client: PeerClient, path: str, call: Call, counted: CountedCall) -> None:
        self._client = client
        self._path = path
        self._call = call
        self._counted = counted
        self._began_at = self._began = 0.0

    def perform(self, step: Step) -> Any:
        """Do what the policy says; the result of sending is how the attempt ended."""
        client, call = self._client, self._call
        match step:
            case Begin():
                client.epoch.check(call.sent_at)
                self._began_at, self._began = time.time(), time.perf_counter()
            case Take():
                client.lease.take(call)
            case Send():
                return client.send(self._path, call, step, self._counted)
            case GiveBack():
                client.lease.give_back()
            case End():
                client.count_ended(call, step.ended, self._began_at, time.perf_counter() - self._began)
            case Pause():
                client.epoch.wait(step.seconds, call.sent_at)
        return None


def was_refused(error: requests.RequestException) -> bool:
    """Whether nobody listened."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
