"""Failure: requests are accepted and never answered."""

from services.common.calls.call import Call
from services.common.switches.base import Failure

FOR_EVER_SECONDS = 86400.0


class Hang(Failure):
    """Holds each request, and its thread, until the switch goes off: how most real outages look from outside."""

    name = "hang"
    simulated = True
    story = "Requests are accepted and never answered."
    per_request = True

    def before_request(self, call: Call) -> None:
        self.wait(FOR_EVER_SECONDS)
