"""What changed in the switches of a service: one line for all of its instances, or one for each that differs."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

from services.common.topology import ServiceSpec
from services.control_room.watching.events import EventLog

WAIT_SECONDS = 1.5  # the observers of a service look within a second of each other
TOLD_SECONDS = 2.5  # by then they have seen what somebody else has told of


class SwitchNews:
    """Collects what the observers of one service saw."""

    def __init__(self, spec: ServiceSpec, events: EventLog) -> None:
        self._service = spec.name
        self._instances = {instance.name for instance in spec.instances}
        self._events = events
        self._lock = threading.Lock()
        self._told: list[tuple[str, str, Mapping[str, Any] | None, float]] = []
        self._seen: dict[str, tuple[str, set[str]]] = {}  # by its text: the level, and where it was seen

    def expect(self, kind: str, name: str, params: Mapping[str, Any] | None) -> None:
        """Somebody else tells that this goes on, with these among its parameters, or off (None): soon it is no news."""
        with self._lock:
            self._told.append((kind, name, params, time.monotonic() + TOLD_SECONDS))

    def is_told(self, kind: str, name: str, params: Mapping[str, Any] | None) -> bool:
        """Whether somebody else has told of this change."""
        with self._lock:
            self._told = [each for each in self._told if each[-1] > time.monotonic()]
            told = [given for told_kind, told_name, given, _ in self._told if (told_kind, told_name) == (kind, name)]
        off = params is None and None in told
        return off or any(given.items() <= params.items() for given in told if given is not None and params is not None)

    def add(self, instance: str, text: str, level: str) -> None:
        """An instance has changed so. Said at once when it is the last one, else a moment later."""
        with self._lock:
            is_first = text not in self._seen
            _, where = self._seen.setdefault(text, (level, set()))
            where.add(instance)
            if where == self._instances:
                del self._seen[text]
                self._say(self._service, text, level)
            elif is_first:
                timer = threading.Timer(WAIT_SECONDS, self._say_of_some, (text,))
                timer.daemon = True
                timer.start()

    def _say_of_some(self, text: str) -> None:
        with self._lock:
            level, where = self._seen.pop(text, ("info", set()))
            for instance in sorted(where):
                self._say(instance, text, level)

    def _say(self, name: str, text: str, level: str) -> None:
        self._events.add(f"{name}: {text}", level=level, service=self._service)
