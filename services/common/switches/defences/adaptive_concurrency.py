"""Defence: a limit on requests in flight that finds its own level."""

import threading

from services.common.calls.call import Call
from services.common.http.problems import Shed
from services.common.switches.base import Defence, Host
from services.common.switches.params import Param


class AdaptiveConcurrency(Defence):
    """Additive increase, multiplicative decrease: the limit grows while answers are quick, else it shrinks.

    Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance" (1989).
    """

    name = "adaptive_concurrency"
    brief = "adaptive limit, {target_seconds}"
    simulated = True
    story = "A limit on requests in flight grows while answers are quick and shrinks when they are slow."
    target_seconds = Param(0.5, "answers slower than this shrink the limit", "s", 0.001, 60)
    min_limit = Param(2, "the limit never goes below this", "", 1, 100)
    max_limit = Param(48, "and never above", "", 1, 127)
    decrease = Param(0.9, "factor of each shrinking", "", 0.1, 0.99)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self.limit = 0.0

    def on_start(self) -> None:
        self.limit = float(self.max_limit)

    def on_stop(self) -> None:
        self.limit = 0.0

    def before_request(self, call: Call) -> None:
        if self.host.in_flight() > self.limit:
            raise Shed(f"more than {self.limit:.0f} requests are in flight")

    def after_request(self, call: Call) -> None:
        with self._lock:
            if call.elapsed_seconds > self.target_seconds:
                self.limit = max(self.min_limit, self.limit * self.decrease)
            else:
                self.limit = min(self.max_limit, self.limit + 1 / max(1.0, self.limit))
