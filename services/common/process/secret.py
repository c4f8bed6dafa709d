"""The lab's own secret: who has it is the control room, and may change a service."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import tempfile
from pathlib import Path

from services.common.http.problems import NotTheControlRoom


class Secret:
    """A file that the control room makes at its start, unless it is there, and that the services read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._known = ""

    def make(self) -> str:
        """The secret, made if there is none; two that make one at once have the same."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        file, partial = tempfile.mkstemp(dir=self._path.parent)  # readable by its owner alone
        try:
            os.write(file, secrets.token_urlsafe(32).encode())
            with contextlib.suppress(FileExistsError):
                os.link(partial, self._path)
        finally:
            os.close(file)
            Path(partial).unlink()
        return self._read()

    def _read(self) -> str:
        try:
            return self._path.read_text().strip()
        except OSError:
            return ""

    def check(self, authorization: str) -> None:
        """Let in a call with this Authorization header.

        Raises:
            NotTheControlRoom: it has not the secret, or none was made yet.
        """
        given = authorization.removeprefix("Bearer ").strip().encode()
        if self._is(given):
            return
        self._known = self._read()  # the first call, or another secret was made meanwhile
        if not self._is(given):
            raise NotTheControlRoom("an admin plane takes changes from the control room alone")

    def _is(self, given: bytes) -> bool:
        return bool(self._known) and hmac.compare_digest(given, self._known.encode())
