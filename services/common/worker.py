"""gunicorn's worker with threads, and what the lab needs at its door: a queue that a reset empties at once."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import time
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from services.common.call import REASON, REQUEST_START, sent_at
from services.common.epoch import Epoch
from services.common.problems import Reset

HEAD_BYTES = 4096
LINGER_SECONDS = 0.5
DRAIN_BYTES = 65536
SENT = re.compile(rb"\r\n%b: ([0-9.]+)\r\n" % REQUEST_START.encode(), re.IGNORECASE)


class Worker(ThreadWorker):
    """Handles each connection in a thread of the pool."""

    def handle(self, conn: TConn) -> Any:
        """What gunicorn does with a request, unless a reset made it old while it waited for its thread."""
        service = getattr(self.wsgi.extensions["lab"], "service", None)  # type: ignore[attr-defined]
        if service is not None and service.waiting() and refuse_old(conn.sock, service.epoch):
            return False
        keep = super().handle(conn)
        if keep is False:
            end(conn.sock, LINGER_SECONDS)
        return keep


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
