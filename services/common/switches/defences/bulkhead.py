"""Defence: calls to one peer may take only a part of the threads."""

import threading

from services.common.calls.balancing import Target
from services.common.http.problems import BulkheadFull
from services.common.switches.base import Defence, Host
from services.common.switches.params import Param


class Bulkhead(Defence):
    """Refuses a call at once when a number of them are under way, so that the other threads stay free.

    Nygard, "Release It!", chapter "Stability Patterns".
    """

    name = "bulkhead"
    brief = "bulkhead of {max_concurrent}"
    simulated = True
    story = "Calls to the next service may take only a part of the threads; the others stay free."
    max_concurrent = Param(32, "calls under way at once", "", 1, 127)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._let_in = host.local()
        self.under_way = 0

    def before_attempt(self, target: Target) -> None:
        with self._lock:
            if self.under_way >= self.max_concurrent:
                raise BulkheadFull(f"{self.under_way} calls are under way")
            self.under_way += 1
        self._let_in.by_this = True

    def after_attempt(self, outcome: str, is_retry: bool, target: Target) -> None:
        # A call that began while the bulkhead was off was not counted.
        if getattr(self._let_in, "by_this", False):
            self._let_in.by_this = False
            with self._lock:
                self.under_way -= 1
