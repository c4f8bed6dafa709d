"""What the cache holds: entries that expire."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Store:
    """Entries by key, from 0 to `room` - 1, each until it expires. A smaller room drops what is beyond it at once."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[int, tuple[Any, float]] = {}
        self._room = 0

    def find(self, key: int) -> Any:
        """The entry, or None."""
        value, expires_at = self._entries.get(key, (None, 0.0))
        return value if self._clock() < expires_at else None

    def put(self, key: int, value: Any, seconds: float) -> None:
        """Keep an entry, if there is room for its key."""
        with self._lock:
            if key < self._room:
                self._entries[key] = (value, self._clock() + seconds)

    def resize(self, room: int) -> None:
        """Keep keys below `room` alone."""
        with self._lock:
            self._room = room
            self._entries = {key: entry for key, entry in self._entries.items() if key < room}

    def __len__(self) -> int:
        """How many entries have not expired."""
        now = self._clock()
        with self._lock:
            return sum(now < expires_at for _, expires_at in self._entries.values())
