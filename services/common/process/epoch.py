"""Epochs: a reset starts one, and what was sent before it is refused and no longer waited for."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from services.common.http.problems import Overtaken, Reset


class Epoch:
    """The number of the last reset, when it began, and waits that end with it.

    The number orders control calls, the moment orders user requests. The moment is kept on a clock that nobody sets:
    when the machine's clock is set back, requests that come after the reset are not older than it.
    """

    def __init__(self, clock: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._ended = threading.Event()
        self.number = 0
        self.began = 0.0  # time.monotonic() of the last reset

    @property
    def started_at(self) -> float:
        """The moment of the last reset in seconds since 1970, as the machine's clock tells them now."""
        return self._clock() - self.age_seconds

    @property
    def age_seconds(self) -> float:
        """Seconds since the last reset."""
        return self._monotonic() - self.began

    def begin(self, number: int, started_at: float) -> None:
        """Start a new epoch at a moment (seconds since 1970): every wait of the old one ends at once."""
        self.number = number
        self.began = self._monotonic() - max(0.0, self._clock() - started_at)
        ended, self._ended = self._ended, threading.Event()
        ended.set()

    def admit(self, number: int) -> None:
        """Let in a control call that was made in the epoch of that number; a service that is new learns it from one.

        Raises:
            Overtaken: a reset has come since.
        """
        if number < self.number:
            raise Overtaken("the lab was reset after this was asked for")
        self.number = number

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
