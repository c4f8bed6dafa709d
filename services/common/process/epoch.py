"""Epochs: a reset starts one, and what was sent before it is refused and no longer waited for."""

from __future__ import annotations

import threading
import time

from services.common.http.problems import Reset


class Epoch:
    """The moment of the last reset, as seconds since 1970, and waits that end with it."""

    def __init__(self) -> None:
        self.started_at = 0.0
        self._ended = threading.Event()

    def begin(self, started_at: float) -> None:
        """Start a new epoch: every wait of the old one ends at once."""
        self.started_at = started_at
        ended, self._ended = self._ended, threading.Event()
        ended.set()

    def check(self, sent_at: float) -> None:
        """Refuse what was sent before this epoch.

        Raises:
            Reset: the request belongs to an earlier epoch.
        """
        if sent_at < self.started_at:
            raise Reset("the lab was reset after this request was sent")

    def wait(self, seconds: float, sent_at: float) -> None:
        """Wait on behalf of a request sent at `sent_at`, but no longer than its epoch lasts.

        Raises:
            Reset: a reset came before or during the wait.
        """
        ended = self._ended
        self.check(sent_at)
        ended.wait(seconds)
        self.check(sent_at)


def now() -> float:
    """Seconds since 1970: the one clock that containers on a machine share."""
    return time.time()
