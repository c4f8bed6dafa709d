"""A token bucket, for the defences that let a share of something through."""

from __future__ import annotations

import threading


class TokenBucket:
    """Parts of a token are earned, up to a most; whole ones are spent."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.tokens = 0.0

    def fill(self, tokens: float) -> None:
        """Hold just so many."""
        with self._lock:
            self.tokens = tokens

    def earn(self, part: float, most: float) -> None:
        """Add a part of a token."""
        with self._lock:
            self.tokens = min(most, self.tokens + part)

    def spend(self) -> bool:
        """Take one, if there is one."""
        with self._lock:
            if self.tokens < 1:
                return False
            self.tokens -= 1
            return True
