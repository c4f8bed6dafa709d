"""gunicorn's threaded worker, with a limit to how long a caller may take to say what it wants."""

from __future__ import annotations

import contextlib
import io
import socket
import time
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

from services.common.web import MAX_BODY_BYTES

MAX_SECONDS = 10.0


class Worker(ThreadWorker):
    """A thread waits so long for a request's head and body, and then the connection ends.

    The answer may take as long as it likes: that is what the lab is about. Only what was half said is not waited for,
    else a few connections that send a byte now and then would hold every thread.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading: dict[Any, float] = {}  # connections whose request is being read, by their deadlines

    def handle(self, conn: Any) -> Any:
        """Read a request from a connection and answer it. Runs in a thread of the pool."""
        self._reading[conn] = time.monotonic() + MAX_SECONDS
        try:
            return super().handle(conn)
        finally:
            self._reading.pop(conn, None)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer a request whose head is there; its body is read first, as far as any call of the lab takes one."""
        body = req.body
        req.body = io.BytesIO(body.read(MAX_BODY_BYTES + 1))
        self._reading.pop(conn, None)
        try:
            return super().handle_request(req, conn)
        finally:
            req.body = body  # what is left of it is drained, or the connection closed

    def murder_pending(self) -> None:
        """End what has taken too long. The worker's main loop calls this once a second."""
        super().murder_pending()
        now = time.monotonic()
        for conn, until in list(self._reading.items()):
            if now > until:
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR)
