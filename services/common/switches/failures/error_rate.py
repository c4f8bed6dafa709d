"""Failure: a share of the requests fails at once. The one mode that rolls a die."""

from services.common.calls.call import Call
from services.common.http.problems import InjectedError
from services.common.switches.base import Failure
from services.common.switches.params import Param


class ErrorRate(Failure):
    """Answers 500 with the given probability, before any work is done."""

    name = "error_rate"
    brief = "{rate} errors"
    simulated = True
    story = "A share of the requests fails at once with an error 500."
    rate = Param(0.5, "share of the requests that fail", "", 0, 1)

    def before_request(self, call: Call) -> None:
        if self.host.random.random() < self.rate:
            raise InjectedError("the failure error_rate chose this request")
