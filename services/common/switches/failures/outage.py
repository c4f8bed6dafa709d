"""Failure: the database refuses all work."""

from services.common.calls.call import Call
from services.common.http.problems import Refused
from services.common.switches.base import Failure


class Outage(Failure):
    """Answers 503 at once, as a server that is shutting down or out of disk does."""

    name = "outage"
    simulated = True
    story = "Every query is refused at once."
    per_request = True

    def before_request(self, call: Call) -> None:
        raise Refused("the failure outage is on")
