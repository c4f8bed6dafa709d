"""The admin plane's server: connections that stay open, each with a thread of its own, and bounds on all of it.

werkzeug's own handler closes the connection after each answer, since it cannot know whether the app has read the
request's body. Every scrape and every look at the state would then cost a connection and a thread: more than what they
ask for. Here the body is read before the app runs; and a caller that says too much, or too slowly, is not waited for.
"""

from __future__ import annotations

import contextlib
import io
import socket
import threading
import time
from email import errors
from typing import Any

from flask import Flask
from werkzeug.serving import BaseWSGIServer, ThreadedWSGIServer, WSGIRequestHandler
from werkzeug.wrappers import Response

from services.common.http.web import MAX_BODY_BYTES

MAX_CONNECTIONS = 64
MAX_BYTES = 128 * 1024  # of one request: its head, and the largest body that a call takes
MAX_DIGITS = 9  # of a length: Python refuses to read thousands of them
MAX_SECONDS = 10.0  # from a request's first byte to its last
IDLE_SECONDS = 60.0
# Other defects are of a body that the parser of headers has not seen: any multipart/form-data has them.
BROKEN_HEAD = (
    errors.FirstHeaderLineIsContinuationDefect,
    errors.InvalidHeaderDefect,
    errors.MisplacedEnvelopeHeaderDefect,
    errors.MissingHeaderBodySeparatorDefect,
)


class _Bounded(io.RawIOBase):
    """Reads a connection until its caller has said enough, or has taken too long; then that was all."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self.next_request()

    def next_request(self) -> None:
        """The caller may say nothing for a while, and then as much as before."""
        self._left = MAX_BYTES
        self._until = time.monotonic() + IDLE_SECONDS
        self._begun = False

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
        if not self._begun:
            self._begun, self._until = True, time.monotonic() + MAX_SECONDS
        self._left -= count
        return count


class _Handler(WSGIRequestHandler):
    """Keeps connections open for the next scrape, and logs nothing."""

    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body are written apart, and leave together
    disable_nagle_algorithm = True
    server: AdminServer

    def setup(self) -> None:
        """Read within bounds."""
        super().setup()
        self._said = _Bounded(self.connection)
        self.rfile = io.BufferedReader(self._said)

    def run_wsgi(self) -> None:
        """Answer one request with the app."""
        length = self.headers.get("Content-Length", "0")
        is_number = length.isdecimal() and len(length) <= MAX_DIGITS
        if not is_number or any(isinstance(defect, BROKEN_HEAD) for defect in self.headers.defects):
            # `Content-Length :` would leave its body for a next request, and a length that is none would be no body.
            self.close_connection = True
            self.send_error(400)
            return
        environ = self.make_environ()
        if int(length) <= MAX_BODY_BYTES and "Transfer-Encoding" not in self.headers:
            body = self.rfile.read(int(length))
            environ["wsgi.input"] = io.BytesIO(body)
            self.close_connection |= len(body) < int(length)
        else:
            self.close_connection = True  # what the app leaves of such a body would be taken for a next request
        answer = Response.from_app(self.server.app, environ, buffered=True)
        self.send_response(answer.status_code)
        for name, value in answer.headers:
            self.send_header(name, value)
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.data)
        self._said.next_request()
        self.server.heard(self.connection)

    def log(self, type: str, message: str, *args: Any) -> None:
        """Say nothing: a scrape a second is no news."""


class AdminServer(ThreadedWSGIServer):
    """A thread for each connection; beyond so many, the one that had its last answer longest ago makes room."""

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

    def heard(self, request: socket.socket) -> None:
        """The connection has had an answer: the others make room first."""
        with self._lock:
            if request in self._open:
                del self._open[request]
                self._open[request] = None

    def close_request(self, request: Any) -> None:
        """The connection is done with."""
        with self._lock:
            self._open.pop(request, None)
        super().close_request(request)


def _end(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):  # it was closed already
        connection.shutdown(socket.SHUT_RDWR)


def serve_admin(app: Flask, host: str, port: int) -> BaseWSGIServer:
    """Serve the admin plane from a daemon thread."""
    server = AdminServer(host, port, app)
    threading.Thread(target=server.serve_forever, name="admin", daemon=True).start()
    return server
