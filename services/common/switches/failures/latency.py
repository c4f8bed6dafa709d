"""Failure: every request waits before its work begins."""

from services.common.calls.call import Call
from services.common.switches.base import Failure
from services.common.switches.params import Param


class Latency(Failure):
    """A fixed delay at the door, holding the worker thread as a slow dependency would."""

    name = "latency"
    brief = "{delay_seconds} slower"
    simulated = True
    story = "Every request is held up before its work begins."
    delay_seconds = Param(1.0, "how long each request is held", "s", 0, 60)
    per_request = True

    def before_request(self, call: Call) -> None:
        self.wait(self.delay_seconds)
