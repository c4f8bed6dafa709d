"""Defence: work whose caller has stopped waiting is not begun."""

from services.common.calls.call import Call
from services.common.http.problems import DeadlineExceeded
from services.common.switches.base import Defence


class Deadline(Defence):
    """Refuses a request whose caller has stopped waiting, at the door and when it comes out of a queue.

    Callers always send the moment at which they stop waiting (X-Request-Deadline); this makes a service look at it
    (Google SRE book, "Addressing Cascading Failures", "Latency and deadlines").
    """

    name = "deadline"
    simulated = True
    story = "Work whose caller has stopped waiting is dropped instead of done."

    def before_request(self, call: Call) -> None:
        _drop_expired(call)

    def after_queue(self, call: Call) -> None:
        _drop_expired(call)


def _drop_expired(call: Call) -> None:
    if call.has_expired:
        raise DeadlineExceeded("the caller has stopped waiting")
