"""Failure: every request leaves a thread behind."""

import threading

from services.common.calls.call import Call
from services.common.switches.base import NO_MEMORY, Failure, Host
from services.common.switches.params import Param


class ThreadLeak(Failure):
    """Starts threads that wait for something that never comes: memory and thread counts climb."""

    name = "thread_leak"
    brief = "leaks {threads_per_request} threads a request"
    simulated = NO_MEMORY
    story = "Every request leaves threads behind that wait for ever."
    threads_per_request = Param(1, "threads that each request leaves behind", "", 1, 20)
    max_threads = Param(500, "no more than these in all, to spare the machine", "", 1, 2000)
    per_request = True

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._leaked = 0

    def before_request(self, call: Call) -> None:
        with self._lock:
            room = self.max_threads - self._leaked
            wanted = max(0, min(self.threads_per_request, room))
            self._leaked += wanted
        for _ in range(wanted):
            threading.Thread(target=self._wait_for_ever, name="thread_leak", daemon=True).start()

    def _wait_for_ever(self) -> None:
        self.wait(86400)
        with self._lock:
            self._leaked -= 1
