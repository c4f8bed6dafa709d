"""Defence: stop calling a peer that keeps failing, and try it again with a few probes."""

import threading
from collections import deque

from services.common.http.problems import BreakerOpen
from services.common.switches.base import Defence, Host
from services.common.switches.params import Param

CLOSED, HALF_OPEN, OPEN = 0, 1, 2


class CircuitBreaker(Defence):
    """Opens when too many of the last calls failed; after a while admits exactly `probes` calls to decide.

    A call is judged only if the breaker has not changed its state since the call began: one from before it opened is
    no probe. Nygard, "Release It!", chapter "Stability Patterns". No lock is held while a call is under way.
    """

    name = "circuit_breaker"
    simulated = True
    story = "Calls to a peer that keeps failing are refused at once, and probed from time to time."
    failure_ratio = Param(0.5, "share of failed calls that opens it", "", 0.01, 1)
    calls = Param(20, "how many of the last calls it looks at", "", 1, 1000)
    open_seconds = Param(5.0, "how long it stays open", "s", 0.1, 300)
    probes = Param(3, "calls that it lets through to decide whether to close", "", 1, 100)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._failed: deque[bool] = deque()
        self._changes = 0
        self._call = host.local()  # an attempt begins and ends in one thread
        self.on_stop()

    def on_start(self) -> None:
        with self._lock:
            self._failed = deque(self._failed, maxlen=self.calls)

    def on_stop(self) -> None:
        with self._lock:
            self._become(CLOSED)
            self._failed = deque(maxlen=self.calls)
            self._opened_at = 0.0

    def before_attempt(self) -> None:
        with self._lock:
            if self.state == OPEN and self.host.clock() - self._opened_at >= self.open_seconds:
                self._become(HALF_OPEN)
            if self.state == OPEN or (self.state == HALF_OPEN and self._probes_sent >= self.probes):
                raise BreakerOpen("the service behind this one kept failing")
            if self.state == HALF_OPEN:
                self._probes_sent += 1
            self._call.began_at_change = self._changes

    def after_attempt(self, outcome: str, is_retry: bool) -> None:
        failed = outcome != "ok"
        began_at_change, self._call.began_at_change = getattr(self._call, "began_at_change", None), None
        with self._lock:
            if began_at_change != self._changes:
                return
            if outcome == "rejected":  # it never reached the peer, and so says nothing about it
                self._probes_sent -= self.state == HALF_OPEN
            elif self.state == HALF_OPEN:
                self._judge_probe(failed)
            elif self.state == CLOSED:
                self._failed.append(failed)
                full = len(self._failed) == self._failed.maxlen
                if full and sum(self._failed) >= self.failure_ratio * len(self._failed):
                    self._open()

    def _become(self, state: int) -> None:
        self.state = state
        self._changes += 1
        self._probes_sent = self._probes_passed = 0

    def _judge_probe(self, failed: bool) -> None:
        if failed:
            self._open()
            return
        self._probes_passed += 1
        if self._probes_passed >= self.probes:
            self._become(CLOSED)

    def _open(self) -> None:
        self._become(OPEN)
        self._opened_at = self.host.clock()
        self._failed.clear()
