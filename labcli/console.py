"""The terminal: words for people, JSON for machines, colours where they can be seen."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any, TextIO

from .errors import LabError

COLOURS = {"good": "32", "warning": "33", "error": "31", "dim": "2", "bold": "1"}
PLAIN_PROGRESS_SECONDS = 10.0


class Style:
    """How text may look on one stream: colours only beside words, and only on a terminal that wants them."""

    def __init__(self, stream: TextIO, environ: Mapping[str, str]) -> None:
        plain = bool(environ.get("NO_COLOR")) or environ.get("TERM") == "dumb"
        self._colour = stream.isatty() and not plain
        blocks = (stream.encoding or "").lower().replace("-", "") == "utf8"
        self._full, self._empty = ("█", "░") if blocks else ("#", ".")

    def paint(self, text: str, role: str) -> str:
        """The text in the colour of its role: good, warning, error, dim or bold."""
        code = COLOURS.get(role)
        return f"\x1b[{code}m{text}\x1b[0m" if self._colour and code else text

    def bar(self, share: float, width: int = 8) -> str:
        """A bar that is filled to `share`, from 0 to 1; anything above nothing shows."""
        share = min(1.0, max(0.0, share))
        filled = max(round(share * width), 1 if share > 0 else 0)
        return self._full * filled + self._empty * (width - filled)


class Console:
    """What a command says. With `as_json`, standard output has JSON alone, a document a line."""

    def __init__(self, environ: Mapping[str, str], *, as_json: bool = False) -> None:
        self.as_json = as_json
        self.style = Style(sys.stdout, environ)
        self._out = sys.stdout
        self._err = sys.stderr
        self._progress_shown = False
        self._progress_told_at = time.monotonic()

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at standard output."""
        return self._out.isatty() and not self.as_json

    def say(self, text: str = "") -> None:
        """A line for people."""
        if not self.as_json:
            self._write(self._out, text + "\n")

    def data(self, document: Any) -> None:
        """A document for machines."""
        if self.as_json:
            self._write(self._out, json.dumps(document, ensure_ascii=False) + "\n")

    def answer(self, document: Any, text: str) -> None:
        """The same answer, as a document or as words."""
        self.data(document)
        self.say(text)

    def note(self, text: str) -> None:
        """What is going on, beside the answer."""
        self._write(self._err, text + "\n")

    def progress(self, text: str) -> None:
        """What is going on right now: a line that keeps changing, or one every ten seconds where none can."""
        if self._err.isatty():
            self._err.write(f"\r{text}\x1b[K")
            self._err.flush()
            self._progress_shown = True
        elif time.monotonic() - self._progress_told_at >= PLAIN_PROGRESS_SECONDS:
            self._progress_told_at = time.monotonic()
            self._write(self._err, text + "\n")

    def error(self, error: LabError) -> None:
        """An error in words, and as a document when machines listen."""
        self._write(self._err, f"lab: {error.message}\n" + "".join(f"  {line}\n" for line in error.advice))
        self.data({"error": error.document()})

    def screen(self, frame: str) -> None:
        """Text as it is, control sequences included."""
        self._write(self._out, frame)

    def _write(self, stream: TextIO, text: str) -> None:
        """Write at once, over the line of progress if there is one."""
        if self._progress_shown:
            self._progress_shown = False
            self._err.write("\r\x1b[K")
            self._err.flush()
        stream.write(text)
        stream.flush()
