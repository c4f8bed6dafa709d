"""Failure: the process exits at the next request."""

from services.common.calls.call import Call
from services.common.switches.base import Failure


class Crash(Failure):
    """Ends the process with no goodbye. It is started again with the switch still on: a crash loop."""

    name = "crash"
    simulated = True
    story = "The process exits at the next request, and again after each restart."
    per_request = True

    def before_request(self, call: Call) -> None:
        self.host.end("exited" if self.hidden else "crashed")
