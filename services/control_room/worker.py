"""The control room's door: the phones of a room have threads of their own, one of which works at a time.

Two hundred phones are told to vote now. Each vote is a millisecond of work, but two hundred threads would take the
interpreter lock in turns with a presenter who switches a fault on. This is a bulkhead (Nygard, "Release It!").
"""

from __future__ import annotations

import re
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn

from services.common.process.worker import HEAD_BYTES, Worker

ROOM = (b"GET /api/room", b"POST /api/room")
THREADS = 32  # that wait for their turn, and as many for phones that have said half of what they want
LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]{1,9})\r\n", re.IGNORECASE)
NOBODY = threading.Semaphore(0)


class ControlRoomWorker(Worker):
    """Keeps the phones of the room, and those who play them, out of the presenter's way."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._room = ThreadPoolExecutor(THREADS, "room")
        self._half_said = ThreadPoolExecutor(THREADS, "half-said")
        self._turn = threading.Lock()

    def enqueue_req(self, conn: TConn) -> None:
        """Give a request to gunicorn's threads, and a phone's to the room's."""
        said = read_ahead(conn) or peek(conn.sock)
        if not said.startswith(ROOM):
            super().enqueue_req(conn)
            return
        if is_whole(said):
            done = self._room.submit(self.handle, conn, self._turn)
        else:
            done = self._half_said.submit(self.handle, conn)
        done.add_done_callback(partial(self.method_queue.defer, self.finish_request, conn))

    def slow_readers(self, req: Any) -> threading.Semaphore:
        """Nobody waits for a phone that reads none of its answers: they all fit its connection's buffer."""
        return NOBODY if f"{req.method} {req.path}".encode().startswith(ROOM) else super().slow_readers(req)


def read_ahead(conn: TConn) -> bytes:
    """What gunicorn has read already beyond the last request of a connection."""
    ahead = getattr(conn.parser, "unreader", None)  # there is no parser before the first request
    return b"" if ahead is None else bytes(ahead.buf.getvalue())


def peek(connection: socket.socket) -> bytes:
    """What was sent, as far as a head goes, without taking it."""
    try:
        return connection.recv(HEAD_BYTES, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except OSError:
        return b""


def is_whole(said: bytes) -> bool:
    """Whether a request is there with its body, beyond doubt: reading the rest of one that is not may take long."""
    head, end_of_head, body = said.partition(b"\r\n\r\n")
    if not end_of_head or b"transfer-encoding" in head.lower():
        return False
    length = LENGTH.search(head + b"\r\n")
    if length is None:
        return b"content-length" not in head.lower()
    return len(body) >= int(length[1])
