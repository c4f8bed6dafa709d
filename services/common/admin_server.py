"""The admin plane's listener: one short request for each connection, and bounds on threads, bytes and time."""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from typing import Any

from flask import Flask
from werkzeug.serving import ThreadedWSGIServer, WSGIRequestHandler

MAX_CONNECTIONS = 64
MAX_BYTES = 128 * 1024  # of one request: its head, and the largest body that a call takes
MAX_SECONDS = 10.0


class _Bounded(io.RawIOBase):
    """Reads a connection until its caller has said enough, or has taken too long; then that was all."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._left = MAX_BYTES
        self._until = time.monotonic() + MAX_SECONDS

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        seconds = self._until - time.monotonic()
        if seconds <= 0 or not self._left:
            return 0
        self._connection.settimeout(seconds)
        try:
            count = self._connection.recv_into(buffer, min(len(buffer), self._left))
        except TimeoutError:
            return 0
        self._left -= count
        return count


class _Handler(WSGIRequestHandler):
    """Reads within bounds, and logs nothing: a scrape a second is no news."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are written apart, and must not wait for each other

    def setup(self) -> None:
        super().setup()
        self.rfile = io.BufferedReader(_Bounded(self.connection))

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing."""


class AdminServer(ThreadedWSGIServer):
    """A thread for each connection; beyond so many, the oldest one makes room, so that a new caller gets in."""

    def __init__(self, host: str, port: int, app: Flask) -> None:
        super().__init__(host, port, app, _Handler)
        self._open: dict[socket.socket, None] = {}
        self._lock = threading.Lock()

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a new connection up."""
        with self._lock:
            oldest = next(iter(self._open)) if len(self._open) >= MAX_CONNECTIONS else None
            if oldest is not None:
                del self._open[oldest]
            self._open[request] = None
        if oldest is not None:
            _end(oldest)  # its thread reads the end of it, and closes it
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:
        """The connection is done with."""
        with self._lock:
            self._open.pop(request, None)
        super().close_request(request)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was closed already
        connection.shutdown(socket.SHUT_RDWR)


def serve_admin(app: Flask, host: str, port: int) -> None:
    """Serve the admin plane from a daemon thread."""
    server = AdminServer(host, port, app)
    threading.Thread(target=server.serve_forever, name="admin", daemon=True).start()
