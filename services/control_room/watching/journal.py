"""What the control room keeps over its own restart: the activity log, the scene on stage, and what was last seen on."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

KEEP_EVENTS = 2000
OWN_SECONDS = 3.0  # a worker that ends takes up to two seconds to let go of the journal
FORGET_OLD_EVENTS = "DELETE FROM events WHERE id <= (SELECT id FROM events ORDER BY id DESC LIMIT 1 OFFSET ?)"
MAX_ID = 2**52  # beyond every clock; `?after=` takes it, and a browser can tell it from the next one
TABLES = {
    "CREATE TABLE events (id INTEGER PRIMARY KEY, body TEXT NOT NULL)",
    "CREATE TABLE sections (name TEXT PRIMARY KEY, body TEXT NOT NULL)",
}
FILES = ("", "-wal", "-shm", "-journal")  # SQLite's own, by what comes after the journal's name
OLD_SECTIONS = "services/"  # of the version before instances
OLDER = "the journal was an older version's: a new one is begun"
OLD_FILES = ("lab.json", "events.ndjson")  # of the versions before SQLite
Event = dict[str, Any]
Result = TypeVar("Result")
log = logging.getLogger(__name__)


class Journal:
    """An SQLite file of events and of sections, a JSON value for each thing to keep. One worker at a time owns it.

    Where it cannot be read or written, that is said, and the lab goes on without. Nothing waits for the disk: a kill
    loses nothing, a power cut the last moment.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "journal.sqlite"
        self._lock = threading.Lock()
        self._file: sqlite3.Connection | None = None
        self._sections: dict[str, str] = {}  # each as JSON: what it was made of may change meanwhile
        self._added = 0
        self._said = False
        self.passed_over: str | None = None  # what of the journal that was there could not be taken

    def open(self) -> None:
        """Become the owner, and read the sections that the owner before left."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._drop_old_files()
            try:
                self._file = self._opened()
            except (sqlite3.DatabaseError, IsADirectoryError) as error:
                if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
                    raise  # it is another worker's
                self._set_aside(error)
                self._file = self._opened()
            self._sections = dict(self._file.execute("SELECT name, body FROM sections"))
            if any(name.startswith(OLD_SECTIONS) for name in self._sections):
                self.clear()
                self._pass_over(OLDER)
        except (OSError, sqlite3.Error) as error:
            self._file = None
            log.error("nothing is kept over a restart of the control room: %s", error)

    def _opened(self) -> sqlite3.Connection:
        """The file, locked: the kernel lets go of it when its owner dies, however it dies."""
        for path in (Path(f"{self._path}{tail}") for tail in FILES):
            if path.is_symlink() or (path.exists() and not path.is_file()):
                raise IsADirectoryError(f"{path} is no file")  # or a FIFO, or leads to what is not the lab's
        file = sqlite3.connect(self._path, timeout=OWN_SECONDS, isolation_level=None, check_same_thread=False)
        file.text_factory = lambda raw: raw.decode(errors="replace")
        try:
            for pragma in ("locking_mode = EXCLUSIVE", "journal_mode = WAL", "synchronous = OFF"):
                file.execute(f"PRAGMA {pragma}")
            file.execute("BEGIN EXCLUSIVE")
            found = {sql for (sql,) in file.execute("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL")}
            for table in TABLES if not found else ():
                file.execute(table)
            if found not in (set(), TABLES) or file.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
                raise sqlite3.DatabaseError("it is damaged, or no journal")
            file.execute("COMMIT")
        except BaseException:
            file.close()
            raise
        return file

    def _set_aside(self, error: Exception) -> None:
        aside = self._path.with_suffix(".broken")
        for tail in FILES:
            with contextlib.suppress(FileNotFoundError):
                Path(f"{self._path}{tail}").replace(f"{aside}{tail}")
        self._pass_over(f"the journal cannot be read ({error}); it is kept as {aside.name}, and a new one is begun")

    def _drop_old_files(self) -> None:
        old = [path for path in (self._path.parent / name for name in OLD_FILES) if path.exists()]
        for path in old:
            path.unlink()
        if old:
            self._pass_over(OLDER)

    def _pass_over(self, what: str) -> None:
        self.passed_over = what
        log.error(what)

    def close(self) -> None:
        """Let the next owner in; the end of the process does it too."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def section(self, name: str) -> Any:
        """What was noted under this name; None is nothing, or nothing that can be read."""
        with self._lock:
            text = self._sections.get(name, "null")
        try:
            return json.loads(text)
        except (TypeError, ValueError):
            self._pass_over(f"what the journal has on {name} cannot be read")
            return None

    def note(self, name: str, value: Any) -> None:
        """Keep a JSON-ready value under this name."""
        text = json.dumps(value)
        with self._lock:
            if self._sections.get(name) != text:
                self._sections[name] = text
                self._write("INSERT OR REPLACE INTO sections VALUES (?, ?)", name, text)

    def add_event(self, event: Event) -> None:
        """Keep an event."""
        with self._lock:
            self._write("INSERT OR REPLACE INTO events VALUES (?, ?)", event["id"], json.dumps(event))
            self._added += 1
            if self._added % KEEP_EVENTS == 0:
                self._write(FORGET_OLD_EVENTS, KEEP_EVENTS)

    def events(self) -> list[Event]:
        """The last events, oldest first; one that cannot be read is said and passed over."""
        with self._lock:
            self._write(FORGET_OLD_EVENTS, KEEP_EVENTS)
            rows = self._try(lambda file: list(file.execute("SELECT id, body FROM events ORDER BY id"))) or []
            found = {row_id: event for row_id, body in rows for event in _events(row_id, body)}
            for row_id, _ in rows if len(found) < len(rows) else ():
                if row_id not in found:
                    self._write("DELETE FROM events WHERE id = ?", row_id)
        if len(found) < len(rows):
            self._pass_over(f"{len(rows) - len(found)} of {len(rows)} events of the journal cannot be read")
        return list(found.values())

    def clear(self) -> None:
        """Forget everything: it was another lab's."""
        with self._lock:
            self._sections = {}
            self._write("DELETE FROM sections")
            self._write("DELETE FROM events")

    def _write(self, statement: str, *values: Any) -> None:
        self._try(lambda file: file.execute(statement, values))

    def _try(self, work: Callable[[sqlite3.Connection], Result]) -> Result | None:
        """Do it; a full or broken disk is said once until it is well again, and changes nothing else."""
        if self._file is None:
            return None
        try:
            result = work(self._file)
            self._said = False
            return result
        except (sqlite3.Error, OverflowError) as error:
            if not self._said:
                log.error("the journal cannot be kept: %s", error)
            self._said = True
            return None


def _events(event_id: Any, body: Any) -> Iterator[Event]:
    """The event of a row, unless it is none."""
    with contextlib.suppress(TypeError, ValueError, KeyError, AttributeError):
        event = json.loads(body)
        is_one = (
            event["id"] == event_id
            and 0 < event_id < MAX_ID
            and isinstance(event["time"], int | float)
            and math.isfinite(event["time"])
            and event["level"] in ("info", "good", "warning", "error")
            and isinstance(event["service"], str | None)
            and isinstance(event["text"], str)
        )
        if is_one:
            yield event
