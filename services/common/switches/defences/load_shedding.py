"""Defence: refuse at the door what would only wait."""

from services.common.calls.call import Call
from services.common.http.problems import Shed
from services.common.switches.base import Defence
from services.common.switches.params import Param


class LoadShedding(Defence):
    """Answers 503 at once while more than a number of requests are in their handlers.

    The number must be below that of the worker threads: else none is free to refuse (Google SRE book, "Handling
    Overload").
    """

    name = "load_shedding"
    brief = "sheds beyond {max_in_flight}"
    simulated = True
    story = "Requests beyond a number in flight are refused at once, so that the others are served."
    max_in_flight = Param(16, "requests in flight that are served", "", 1, 127)

    def before_request(self, call: Call) -> None:
        limit = self.max_in_flight
        if self.host.in_flight() > limit:
            raise Shed(f"more than {limit} requests are in flight")
