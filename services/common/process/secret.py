"""The lab's own secret: who has it is the control room, and may change a service."""

from __future__ import annotations

import hmac
import os
import re
import secrets
import tempfile
from pathlib import Path

from services.common.http.problems import NotTheControlRoom

SECRET = re.compile(rb"[!-~]{32,}")  # what a header can carry and nobody guesses


class Secret:
    """A file that the control room makes at its start, unless it is there, and that the services read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = ""

    def make(self) -> str:
        """The secret, made if there is none; two that make the first at once have the same.

        One that is there is only read: its disk may be full, or its volume mounted to be read.

        Raises:
            OSError: there is none, and it cannot be written.
        """
        return self._read() or self._write()

    def _write(self) -> str:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file, partial = tempfile.mkstemp(dir=self._path.parent)  # readable by its owner alone
        try:
            os.write(file, secrets.token_urlsafe(32).encode())
            self._publish(partial)
        finally:
            os.close(file)
            Path(partial).unlink(missing_ok=True)
        return self._read()

    def _publish(self, partial: str) -> None:
        """Put a whole file in the secret's place: the first one wins, and rubbish that is there loses."""
        try:
            os.link(partial, self._path)
        except FileExistsError:
            if not self._read():
                Path(partial).replace(self._path)

    def _read(self) -> str:
        """The secret; nothing where there is none."""
        try:
            found = self._path.read_bytes().strip()
        except OSError:
            return ""
        return found.decode() if SECRET.fullmatch(found) else ""

    def check(self, authorization: str) -> None:
        """Let in a call with this Authorization header.

        Raises:
            NotTheControlRoom: it has not the secret, or none was made yet.
        """
        if not self.is_known(authorization):
            raise NotTheControlRoom("an admin plane takes changes from the control room alone")

    def is_known(self, authorization: str) -> bool:
        """Whether a call with this Authorization header has the secret."""
        given = authorization.removeprefix("Bearer ").strip().encode()
        if given and not self._is(given):
            self._known = self._read()  # the first call, or another secret was made meanwhile
        return self._is(given)

    def _is(self, given: bytes) -> bool:
        return bool(self._known) and hmac.compare_digest(given, self._known.encode())
