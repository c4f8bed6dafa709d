"""A token bucket, for what lets a share of something through, or so much of it a second."""

from __future__ import annotations

import threading


class TokenBucket:
    """Parts of a token are earned, up to a most; whole ones are spent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.tokens = 0.0
        self._filled_at = 0.0

    def fill(self, tokens: float, now: float = 0.0) -> None:
        """Hold just so many, from that moment on."""
        with self._lock:
            self.tokens, self._filled_at = tokens, now

    def earn(self, part: float, most: float) -> None:
        """Add a part of a token."""
        with self._lock:
            self.tokens = min(most, self.tokens + part)

    def refill(self, now: float, rate: float, most: float) -> None:
        """Add what was earned since the last refill; `now` in seconds, `rate` in tokens a second."""
        with self._lock:
            self.tokens = min(most, self.tokens + (now - self._filled_at) * rate)
            self._filled_at = now

    def spend(self) -> bool:
        """Take one, if there is one."""
        with self._lock:
            if self.tokens < 1:
                return False
            self.tokens -= 1
            return True
