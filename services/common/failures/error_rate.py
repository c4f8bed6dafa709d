"""Failure: a share of the requests fails at once. The one mode that rolls a die."""

from services.common.call import Call
from services.common.params import Param
from services.common.problems import InjectedError
from services.common.switches import Failure


class ErrorRate(Failure):
    """Answers 500 with the given probability, before any work is done."""

    name = "error_rate"
    story = "A share of the requests fails at once with an error 500."
    params = (Param("rate", "share of the requests that fail", 0.5, "", 0, 1),)

    def before_request(self, call: Call) -> None:
        if self.host.random.random() < self.values.rate:
            raise InjectedError("the failure error_rate chose this request")
