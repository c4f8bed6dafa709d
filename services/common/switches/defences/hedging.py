"""Defence: ask a second instance when the first one takes long, and take the answer that comes first."""

import threading
from collections import deque
from collections.abc import Mapping
from typing import Any

from services.common.calls.balancing import Target
from services.common.switches.base import Defence, Host
from services.common.switches.defences.tokens import TokenBucket
from services.common.switches.params import Param
from services.common.telemetry.windows import quantile

LAST = 200  # attempts whose 95th percentile is the delay where none is set
FIRST_DELAY_SECONDS = 0.5  # before there are any


class Hedging(Defence):
    """Sends a second attempt to another instance after a delay; the first good answer counts.

    Dean and Barroso, "The Tail at Scale" (2013): after the 95th percentile it costs about 5 % more requests. The budget
    is a token bucket, as that of retries: in an overload everything is late, and hedging would double the load.
    """

    name = "hedging"
    simulated = True
    story = "When an answer takes long, another instance is asked too, and the first answer counts."
    delay_seconds = Param(0.0, "how long to wait before the second; 0 is the measured p95", "s", 0, 60)
    budget_ratio = Param(0.05, "second attempts for each first one; 1 is no budget", "", 0, 1)
    max_tokens = Param(5, "second attempts that may be saved up", "", 1, 1000)

    @classmethod
    def brief_of(cls, values: Mapping[str, Any]) -> str:
        """When the second attempt is sent."""
        return "hedges after {delay_seconds}" if values["delay_seconds"] else "hedges at p95"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._bucket = TokenBucket()
        self._seconds: deque[float] = deque(maxlen=LAST)

    def on_start(self) -> None:
        self._bucket.fill(self.max_tokens)

    def on_stop(self) -> None:
        with self._lock:
            self._seconds.clear()

    def hedge_delay(self) -> float | None:
        if self.delay_seconds:
            return self.delay_seconds
        with self._lock:
            return quantile(sorted(self._seconds), 0.95) or FIRST_DELAY_SECONDS

    def before_attempt(self, target: Target) -> None:
        self._bucket.earn(self.budget_ratio, self.max_tokens)

    def may_hedge(self) -> bool:
        return self._bucket.spend()

    def after_send(self, target: Target, outcome: str, seconds: float) -> None:
        with self._lock:
            self._seconds.append(seconds)
