"""What the control room keeps over its own restart: the activity log, the scene on stage, and what was last seen on."""

from __future__ import annotations

import fcntl
import json
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO, TypeVar

KEEP_EVENTS = 2000
COMPACT_LINES = 2 * KEEP_EVENTS
OWN_SECONDS = 3.0  # a worker that ends takes up to two seconds to let go of the journal
FORMAT = 1
EVENT_KEYS = {"id", "time", "level", "service", "text"}
Event = dict[str, Any]
Result = TypeVar("Result")
log = logging.getLogger(__name__)


class Journal:
    """Two files in a folder: `events.ndjson`, a line an event, and `lab.json`, a section for each thing to keep.

    One worker at a time owns them. Where they cannot be read or written, that is said, and the lab goes on without.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._events_path = folder / "events.ndjson"
        self._lab_path = folder / "lab.json"
        self._lock = threading.Lock()
        self._owned: TextIO | None = None
        self._sections: dict[str, str] = {}  # each as JSON: what it was made of may change meanwhile
        self._lines = 0
        self._said = False
        self._torn = True  # nobody knows how the process before this one ended

    def open(self) -> None:
        """Become the owner, and read the sections that the owner before left."""
        try:
            self._owned = self._own()
            found = json.loads(self._lab_path.read_text()) if self._lab_path.exists() else {"format": FORMAT}
            if found.pop("format") != FORMAT:
                raise ValueError("it has another format")
            self._sections = {name: json.dumps(value) for name, value in found.items()}
        except OSError as error:
            log.error("nothing is kept over a restart of the control room: %s", error)
        except (ValueError, KeyError, AttributeError, TypeError) as error:
            log.error("the journal of before cannot be read: %r", error)

    def _own(self) -> TextIO:
        """Take the lock that the kernel takes back when its holder dies, however it dies.

        Raises:
            OSError: the folder cannot be written, or another worker holds the lock.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        file = (self._folder / "lock").open("w")
        deadline = time.monotonic() + OWN_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return file
            except BlockingIOError:
                if time.monotonic() > deadline:
                    file.close()
                    raise
            time.sleep(0.05)

    def close(self) -> None:
        """Let the next owner in; the end of the process does it too."""
        with self._lock:
            if self._owned is not None:
                self._owned.close()
                self._owned = None

    def section(self, name: str) -> Any:
        """What was noted under this name; None is nothing."""
        with self._lock:
            return json.loads(self._sections.get(name, "null"))

    def note(self, name: str, value: Any) -> None:
        """Keep a JSON-ready value under this name."""
        text = json.dumps(value)
        with self._lock:
            if self._sections.get(name) == text:
                return
            self._sections[name] = text
            if self._owned is not None:
                self._try(self._write_sections)

    def add_event(self, event: Event) -> None:
        """Keep an event: written at once, so that a kill in the next moment does not lose it."""
        with self._lock:
            if self._owned is not None:
                self._try(lambda: self._append(event))

    def events(self) -> list[Event]:
        """The last events, oldest first; a line that cannot be read is said and passed over."""
        with self._lock:
            if self._owned is None or not self._events_path.exists():
                return []
            lines = self._try(self._last_lines) or []
        found = [event for event in map(_event, lines) if event is not None]
        if len(found) < len(lines):
            log.error("the journal: %d of %d events cannot be read", len(lines) - len(found), len(lines))
        return sorted(found, key=lambda event: int(event["id"]))

    def begin_anew(self) -> None:
        """Forget everything: it was another lab's."""
        with self._lock:
            self._sections, self._lines = {}, 0
            if self._owned is not None:
                self._try(lambda: self._lab_path.unlink(missing_ok=True))
                self._try(lambda: self._events_path.unlink(missing_ok=True))

    def _write_sections(self) -> None:
        members = (f"{json.dumps(name)}: {text}" for name, text in {"format": str(FORMAT), **self._sections}.items())
        try:
            _replace(self._lab_path, "{" + ",\n".join(members) + "}\n")
        except OSError:
            self._lab_path.unlink(missing_ok=True)  # no memory is better than an old one
            raise

    def _append(self, event: Event) -> None:
        # A line that a kill or a full disk cut off stays one bad line: the next one begins anew.
        start, self._torn = "\n" if self._torn else "", True
        with self._events_path.open("a") as file:
            file.write(f"{start}{json.dumps(event)}\n")
        self._torn = False
        self._lines += 1
        if self._lines >= COMPACT_LINES:
            _replace(self._events_path, "".join(self._last_lines()))

    def _last_lines(self) -> list[str]:
        with self._events_path.open(errors="replace") as file:
            lines = deque((line for line in file if line.strip()), maxlen=KEEP_EVENTS)
        self._lines = len(lines)
        return list(lines)

    def _try(self, write: Callable[[], Result]) -> Result | None:
        """Do it; a full or broken disk is said once until it is well again, and changes nothing else."""
        try:
            result = write()
            self._said = False
            return result
        except OSError as error:
            if not self._said:
                log.error("the journal cannot be kept: %s", error)
            self._said = True
            return None


def _event(line: str) -> Event | None:
    """The event of a line, or None."""
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) and event.keys() >= EVENT_KEYS else None


def _replace(path: Path, text: str) -> None:
    """Write a file as a whole: who reads it finds the old text or the new one."""
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.replace(path)
