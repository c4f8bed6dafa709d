"""The one place from which a service calls another: attempts, defences, timeouts, and what became of each attempt.

Order of a call, fixed here and by the catalogue: epoch, then retry (attempts, budget, backoff), then breaker, then
bulkhead, then the connection pool, then the timeout of the attempt. What the caller's own side refuses is not retried,
and is no failure of the peer.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import MaxRetryError, NewConnectionError

from services.common.calls.backoff import backoff_seconds
from services.common.calls.call import DEADLINE, HOPS, REASON, REQUEST_ID, REQUEST_START, TRACE, Call
from services.common.http import problems
from services.common.process.epoch import Epoch
from services.common.switches.registry import Switches
from services.common.switches.settings import ClientSetting
from services.common.telemetry.metrics import ClientMetrics
from services.common.telemetry.state import Calls
from services.common.telemetry.windows import AttemptWindow, CountedCall, CountWindow, SumWindow


def new_session(connections: int) -> requests.Session:
    """A session that keeps up to `connections` open for each peer, reads no environment and keeps no cookies."""
    session = requests.Session()
    session.trust_env = False
    session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
    session.mount("http://", HTTPAdapter(pool_connections=8, pool_maxsize=connections))
    return session


@dataclass
class _Attempt:
    """How one attempt ended: an outcome of the metrics, and either the answer or the problem to raise."""

    outcome: str
    problem: problems.Problem | None = None
    answer: Any = None
    status: int | None = None


class PeerClient:
    """Calls one other service on behalf of user requests."""

    def __init__(
        self,
        peer: str,
        base_url: str,
        *,
        switches: Switches,
        epoch: Epoch,
        metrics: ClientMetrics,
        connections: int,
        lease: Callable[[Call], AbstractContextManager[Any]] = nullcontext,
        rng: random.Random | None = None,
    ) -> None:
        """`lease` holds a connection of the caller's own pool for one attempt; it may refuse with `PoolTimeout`."""
        self.peer = peer
        self._base_url = base_url
        self._switches = switches
        self._setting = switches[ClientSetting]
        self._epoch = epoch
        self._metrics = metrics
        self._lease = lease
        self._random = rng or random.Random()
        self._session = new_session(connections)
        self._prepared: dict[str, requests.PreparedRequest] = {}
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
        attempts = 0
        counted = self._calls.call()
        while True:
            attempts += 1
            attempt = self._attempt(path, call, timeout_seconds, counted, is_retry=attempts > 1)
            if attempt.problem is None:
                return attempt.answer
            setting = self._setting  # asked each time: the cure may be switched on in mid-call
            if attempt.outcome == "rejected" or attempts >= setting.attempts or not self._switches.may_retry():
                raise attempt.problem
            pause = backoff_seconds(setting, attempts, self._random)
            if pause:
                self._epoch.wait(pause, call.sent_at)

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
            attempts_allowed=self._setting.attempts,
        )

    def forget(self) -> None:
        """A reset: the windows start anew."""
        for window in (self._sent, self._calls, self._ends):
            window.clear()

    def _attempt(
        self, path: str, call: Call, timeout_seconds: float | None, counted: CountedCall, is_retry: bool
    ) -> _Attempt:
        self._epoch.check(call.sent_at)
        began_at, began = time.time(), time.perf_counter()
        try:
            self._switches.before_attempt(is_retry)
        except problems.Problem as problem:
            return self._ended(call, _Attempt("rejected", problem), began_at, began)
        attempt = _Attempt("rejected")
        try:
            with self._lease(call):
                (self._metrics.retry if is_retry else self._metrics.first).inc()
                if not call.traced:  # test requests are not users
                    self._sent.add()
                    counted.attempt()
                attempt = self._send(path, call, timeout_seconds or self.timeout_seconds)
        except (problems.PoolTimeout, problems.DeadlineExceeded) as problem:
            attempt = _Attempt("rejected", problem)
        finally:
            self._switches.after_attempt(attempt.outcome, is_retry)
        return self._ended(call, attempt, began_at, began)

    def _ended(self, call: Call, attempt: _Attempt, began_at: float, began: float) -> _Attempt:
        seconds = time.perf_counter() - began
        self._metrics.duration[attempt.outcome].observe(seconds)
        self._ends.add(1, attempt.problem is not None)
        if call.traced:
            call.attempts.append(
                {
                    "peer": self.peer,
                    "outcome": attempt.outcome,
                    "reason": attempt.problem.reason if attempt.problem else None,
                    "status": attempt.status,
                    "started_at": began_at,
                    "seconds": round(seconds, 6),
                }
            )
        return attempt

    def _send(self, path: str, call: Call, timeout: float) -> _Attempt:
        try:
            response = self._session.send(self._request(path, call, timeout), timeout=timeout, allow_redirects=False)
        except requests.Timeout:
            return _Attempt("timeout", problems.PeerTimeout(f"{self.peer} did not answer within {timeout:g} s"))
        except requests.RequestException as error:
            if was_refused(error):
                return _Attempt("refused", problems.PeerRefused(f"{self.peer} takes no connections"))
            return _Attempt("error", problems.PeerError(f"{self.peer} broke the connection"))
        if call.traced:
            call.hops_behind = json.loads(response.headers.get(HOPS, "[]"))
        status = response.status_code
        if status == 200:
            return _Attempt("ok", answer=json.loads(response.content), status=status)
        reason = response.headers.get(REASON, "")
        if reason == problems.Reset.reason:
            raise problems.Reset(f"{self.peer} was reset after this request was sent")
        if status == 503:
            return _Attempt("refused", problems.PeerRefused(f"{self.peer} refused: {reason}"), status=status)
        return _Attempt("error", problems.PeerError(f"{self.peer} answered {status}: {reason}"), status=status)

    def _request(self, path: str, call: Call, timeout: float) -> requests.PreparedRequest:
        # Preparing a request takes longer than sending it, and only three headers differ.
        prepared = self._prepared.get(path)
        if prepared is None:
            prepared = self._prepared[path] = requests.Request("GET", self._base_url + path).prepare()
        request = prepared.copy()
        request.headers[REQUEST_ID] = call.request_id
        now = time.time()
        request.headers[REQUEST_START] = repr(now)
        gives_up_at = now + timeout
        request.headers[DEADLINE] = repr(min(gives_up_at, call.deadline or gives_up_at))
        if call.traced:
            request.headers[TRACE] = "1"
        return request


def was_refused(error: requests.RequestException) -> bool:
    """Whether nobody listened."""
    cause = error.args[0] if error.args else None
    return isinstance(cause, MaxRetryError) and isinstance(cause.reason, NewConnectionError)
