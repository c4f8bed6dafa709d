"""The activity log: plain sentences, numbered, for everyone who looks."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from itertools import takewhile

from services.common.http import problems
from services.control_room.watching.journal import KEEP_EVENTS, Event

MAX_STREAMS = 220
EVENTS_AT_ONCE = 50  # a room that comes late gets a log of thousands: in one piece each, 200 of them took 122 MB
KEEPALIVE_SECONDS = 5.0
LEVELS = {"info": logging.INFO, "good": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
log = logging.getLogger(__name__)


class EventLog:
    """Keeps the last 2,000 events. Ids grow for ever, over a restart too, so that `after` always works.

    `keep` is called with each event, by one thread or several at once.
    """

    def __init__(self, keep: Callable[[Event], None] = lambda _: None) -> None:
        self._keep = keep
        self._events: deque[tuple[Event, str]] = deque(maxlen=KEEP_EVENTS)  # each with its text for 200 viewers
        self._news = threading.Condition()
        self._next_id = int(time.time() * 1000)
        self._streams = 0

    def restore(self, events: list[Event]) -> None:
        """Begin with the events of the process before this one; call it before the first one of its own."""
        with self._news:
            self._events.extend((event, _server_sent(event)) for event in events)
            newest = int(events[-1]["id"]) if events else 0
            self._next_id = max(newest + 1, int(time.time() * 1000))

    def add(self, text: str, *, level: str = "info", service: str | None = None) -> None:
        """One sentence; level is info, good, warning or error."""
        with self._news:
            event: Event = {"id": self._next_id, "time": time.time(), "level": level, "service": service, "text": text}
            self._next_id += 1
            self._events.append((event, _server_sent(event)))
            self._news.notify_all()
        self._keep(event)
        log.log(LEVELS[level], text, extra={"event_id": event["id"]})

    def after(self, event_id: int) -> list[Event]:
        """The events with a greater id, oldest first."""
        return [event for event, _ in self._after(event_id)]

    def _after(self, event_id: int) -> list[tuple[Event, str]]:
        """The same with their texts; found from the end, as most ask for the newest alone."""
        with self._news:
            return list(takewhile(lambda entry: entry[0]["id"] > event_id, reversed(self._events)))[::-1]

    def last_id(self) -> int:
        """The id of the newest event; 0 when there is none."""
        with self._news:
            return int(self._events[-1][0]["id"]) if self._events else 0

    def stream(self, event_id: int) -> EventStream:
        """Server-sent events from `event_id` on; close it to make room for another.

        Raises:
            TooManyStreams: before the first item.
        """
        with self._news:
            if self._streams >= MAX_STREAMS:
                raise problems.TooManyStreams(f"all {MAX_STREAMS} event streams are taken: poll instead")
            self._streams += 1
        return EventStream(self._follow(event_id), self._leave)

    def _leave(self) -> None:
        with self._news:
            self._streams -= 1

    def _follow(self, event_id: int) -> Iterator[str]:
        """The events, with a comment every few seconds so that a dead peer is noticed."""
        yield "retry: 1000\n\n"
        while True:
            news = self._after(event_id)
            for first in range(0, len(news), EVENTS_AT_ONCE):
                piece = news[first : first + EVENTS_AT_ONCE]
                event_id = piece[-1][0]["id"]
                yield "".join(text for _, text in piece)
            with self._news:
                newest = self._events[-1][0]["id"] if self._events else event_id
                woken = newest > event_id or self._news.wait(KEEPALIVE_SECONDS)
            if not woken:
                yield ": still here\n\n"


def _server_sent(event: Event) -> str:
    """An event as a stream sends it."""
    return f"id: {event['id']}\ndata: {json.dumps(event)}\n\n"


class EventStream:
    """An iterator that gives its place back when it is closed, even if it was never begun (as for HEAD)."""

    def __init__(self, items: Iterator[str], leave: Callable[[], None]) -> None:
        self._items = items
        self._leave: Callable[[], None] | None = leave

    def __iter__(self) -> EventStream:
        return self

    def __next__(self) -> str:
        return next(self._items)

    def close(self) -> None:
        """Leave, once."""
        leave, self._leave = self._leave, None
        if leave is not None:
            leave()
