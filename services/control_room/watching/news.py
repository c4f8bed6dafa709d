"""What changed in the switches of a service: one line for all of its instances, or one for each that differs."""

from __future__ import annotations

import threading

from services.common.topology import ServiceSpec
from services.control_room.watching.events import EventLog

WAIT_SECONDS = 1.5  # the observers of a service look within a second of each other


class SwitchNews:
    """Collects what the observers of one service saw."""

    def __init__(self, spec: ServiceSpec, events: EventLog) -> None:
        self._service = spec.name
        self._instances = {instance.name for instance in spec.instances}
        self._events = events
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[str, set[str]]] = {}  # by its text: the level, and where it was seen

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
