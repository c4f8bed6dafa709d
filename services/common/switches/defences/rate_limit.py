"""Defence: serve so many requests a second, and refuse the others at the door."""

from services.common.calls.call import Call
from services.common.http.problems import RateLimited
from services.common.switches.base import Defence, Host
from services.common.switches.defences.tokens import TokenBucket
from services.common.switches.params import Param


class RateLimit(Defence):
    """A token bucket: it fills at the rate, holds a burst, and each request takes a token."""

    name = "rate_limit"
    brief = "at most {rps} a second"
    simulated = True
    story = "Only so many requests a second are served; the others are refused at once."
    rps = Param(10.0, "requests served each second", "1/s", 0.1, 1000)
    burst = Param(10, "requests that may come at once", "", 1, 1000)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._bucket = TokenBucket()

    def on_start(self) -> None:
        self._bucket.fill(self.burst, self.host.clock())

    def before_request(self, call: Call) -> None:
        self._bucket.refill(self.host.clock(), self.rps, self.burst)
        if not self._bucket.spend():
            raise RateLimited(f"more than {self.rps:g} requests a second")
