"""gunicorn's worker with threads, and what the lab needs at its door.

A reset empties the queue at once; and a caller that takes too long to say what it wants is not waited for.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import socket
import time
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from services.common.calls.call import REASON, REQUEST_START, sent_at
from services.common.http.problems import Reset
from services.common.http.web import MAX_BODY_BYTES
from services.common.process.epoch import Epoch

HEAD_BYTES = 4096
MAX_SECONDS = 10.0  # that a request may take to come in
LINGER_SECONDS = 0.5
DRAIN_BYTES = 65536
SENT = re.compile(rb"\r\n%b: ([0-9.]+)\r\n" % REQUEST_START.encode(), re.IGNORECASE)


class Worker(ThreadWorker):
    """Handles each connection in a thread of the pool.

    The answer may take as long as it likes: that is what the lab is about. Only what was half said is not waited for,
    else a few connections that send a byte now and then would hold every thread.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading: dict[TConn, float] = {}  # connections whose request is being read, by their deadlines

    def handle(self, conn: TConn) -> Any:
        """What gunicorn does with a request, unless a reset made it old while it waited for its thread."""
        service = getattr(self.wsgi.extensions["lab"], "service", None)  # type: ignore[attr-defined]
        if service is not None and service.waiting() and refuse_old(conn.sock, service.epoch):
            return False
        self._reading[conn] = time.monotonic() + MAX_SECONDS
        try:
            keep = super().handle(conn)
        finally:
            self._reading.pop(conn, None)
        if keep is False:
            end(conn.sock, LINGER_SECONDS)
        return keep

    def handle_request(self, req: Any, conn: TConn) -> Any:
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


def refuse_old(connection: socket.socket, epoch: Epoch) -> bool:
    """Answer a request that was sent before the epoch, without parsing it: thousands may wait; whether it was.

    A request that says nothing of when it was sent, or says it too late, is left to the handlers.
    """
    with contextlib.suppress(OSError):
        found = SENT.search(connection.recv(HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        if found is None or sent_at(found[1].decode(), time.time()) >= epoch.started_at:
            return False
        connection.send(REFUSAL, socket.MSG_DONTWAIT)
        end(connection, 0.0)
        return True
    return False


def end(connection: socket.socket, seconds: float) -> None:
    """End a connection, after waiting so long for its peer to do it: what is left unread would cost it the answer.

    gunicorn would wait for two seconds, in the one thread that accepts connections.
    """
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_WR)
        deadline, drained = time.monotonic() + seconds, 0
        while drained < DRAIN_BYTES:
            connection.settimeout(max(0.0, deadline - time.monotonic()))
            data = connection.recv(HEAD_BYTES)
            drained += len(data)
            if not data:
                break
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)  # gunicorn closes it, and finds nothing to wait for


def _refusal() -> bytes:
    body = json.dumps(Reset("the lab was reset after this request was sent").document()).encode()
    headers = {
        "Content-Type": "application/problem+json",
        REASON: Reset.reason,
        "Content-Length": str(len(body)),
        "Connection": "close",
    }
    lines = ["HTTP/1.1 503 Service Unavailable", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode() + body


REFUSAL = _refusal()
