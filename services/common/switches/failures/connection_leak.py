"""Failure: the code forgets to give connections back to the pool."""

import threading
from collections.abc import Callable

from services.common.switches.base import Failure, Host
from services.common.switches.params import Param


class ConnectionLeak(Failure):
    """Keeps a share of the pool's connections for good, until it is switched off: then the pool gets them back."""

    name = "connection_leak"
    brief = "leaks {ratio} of connections"
    simulated = True
    story = "A share of the connections is never given back to the pool, until none is left."
    ratio = Param(0.02, "share of the connections that is forgotten", "", 0, 1)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._forgotten: list[Callable[[], None]] = []

    def keep_connection(self, release: Callable[[], None]) -> bool:
        if self.host.random.random() >= self.ratio:
            return False
        with self._lock:
            if self.active:
                self._forgotten.append(release)
            return self.active

    def on_stop(self) -> None:
        with self._lock:
            forgotten, self._forgotten = self._forgotten, []
        for release in forgotten:
            release()
