"""Failure: every request holds memory for as long as it is in flight."""

from collections.abc import Callable

from services.common.calls.call import Call
from services.common.switches.base import Failure, Host
from services.common.switches.params import Param


class HeavyRequests(Failure):
    """Holds real memory for each request in its handler, and gives it back with the answer.

    So the memory of an instance follows its load: an overload ends with the kernel's OOM kill, and what the dead
    instance leaves to the others may kill them too (Google SRE book, "Addressing Cascading Failures").
    """

    name = "heavy_requests"
    simulated = True
    story = "Each request holds memory while it is in flight: an overload runs into the memory limit."
    mb_per_request = Param(8.0, "memory that a request holds while it is in flight", "MB", 0.1, 200)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._held = host.local()

    def before_request(self, call: Call) -> None:
        self._give_back()  # what a request of this thread held that another switch refused
        self._held.release = self.host.hold(self.mb_per_request)

    def after_request(self, call: Call) -> None:
        self._give_back()

    def _give_back(self) -> None:
        release: Callable[[], None] | None = getattr(self._held, "release", None)
        self._held.release = None
        if release is not None:
            release()
