"""Failure: every request holds memory for as long as it is in flight."""

import threading
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
    brief = "{mb_per_request} each"
    simulated = True
    story = "Each request holds memory while it is in flight: an overload runs into the memory limit."
    mb_per_request = Param(8.0, "memory that a request holds while it is in flight", "MB", 0.1, 200)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._mine = host.local()
        self._held: set[Callable[[], None]] = set()

    def before_request(self, call: Call) -> None:
        self._give_back()  # what a request of this thread held that another switch refused
        release = self._mine.release = self.host.hold(self.mb_per_request)
        with self._lock:
            self._held.add(release)
        if not self.active:  # it went off while the memory was taken, and has given back what it knew of
            self._give_back()

    def after_request(self, call: Call) -> None:
        self._give_back()

    def on_stop(self) -> None:
        """Those in flight hold nothing any more: nobody asks this switch when they end."""
        with self._lock:
            held, self._held = self._held, set()
        for release in held:
            release()

    def _give_back(self) -> None:
        release: Callable[[], None] | None = getattr(self._mine, "release", None)
        self._mine.release = None
        with self._lock:
            if release not in self._held:
                return
            self._held.discard(release)
        release()
