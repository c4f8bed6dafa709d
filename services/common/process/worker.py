"""gunicorn's worker with threads, and what the lab needs at its door.

A reset empties the queue at once. A caller who says nothing has no thread, and one who takes too long to say what it
wants, or to read what it is told, is not waited for.
"""

from __future__ import annotations

import contextlib
import errno
import io
import json
import re
import selectors
import socket
import threading
import time
from functools import partial
from typing import Any

from gunicorn.workers.gthread import TConn, ThreadWorker

from services.common.calls.call import REASON, REQUEST_START, sent_at
from services.common.http.problems import Reset
from services.common.http.web import MAX_BODY_BYTES
from services.common.process.epoch import Epoch

HEAD_BYTES = 4096
MAX_SECONDS = 10.0  # that a request may take to come in
LINGER_SECONDS = 0.5
SILENT_SECONDS = 10.0  # that a new connection may say nothing
MAX_SILENT = 512  # connections that have said nothing; the oldest makes room
SEND_BUFFER_BYTES = 128 * 1024  # any answer of the lab fits: only who leaves several unread has to be waited for
WRITE_SECONDS = 10.0  # that a caller may take to read what does not fit
MAX_SLOW_READERS = 16  # threads that wait for such callers; beyond those nobody is waited for
DRAIN_BYTES = 65536
AT_ONCE = contextlib.nullcontext()  # a turn that is everybody's
SENT = re.compile(rb"\r\n%b: ([0-9.]+)\r\n" % REQUEST_START.encode(), re.IGNORECASE)


class Worker(ThreadWorker):
    """Handles each connection in a thread of the pool.

    The answer may take as long as it likes: that is what the lab is about. Only what was half said is not waited for,
    else a few connections that send a byte now and then would hold every thread.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._reading: dict[TConn, float] = {}  # connections whose request is being read, by their deadlines
        self._slow_readers = threading.Semaphore(MAX_SLOW_READERS)

    def accept(self, listener: socket.socket) -> None:
        """Take a new connection; it gets a thread when it has said something.

        gunicorn gives it one at once, for up to five seconds: a thousand that say nothing would be in everybody's way.
        """
        try:
            connection, address = listener.accept()
        except OSError as error:
            if error.errno in (errno.EMFILE, errno.ENFILE):
                time.sleep(0.05)  # until a connection ends; it stays in the kernel's queue
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED):
                raise
            return
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        self.nr_conns += 1
        conn = TConn(self.cfg, connection, address, listener.getsockname())
        conn.data_ready = True  # whenever it gets a thread
        if has_data(connection):
            self.enqueue_req(conn)
            return
        if len(self.pending_conns) >= MAX_SILENT:
            self.pending_conns[0].timeout = 0.0
            super().murder_pending()
        conn.timeout = time.monotonic() + SILENT_SECONDS
        self.pending_conns.append(conn)
        self.poller.register(connection, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn))

    def handle(self, conn: TConn, turn: contextlib.AbstractContextManager[Any] = AT_ONCE) -> Any:
        """What gunicorn does with a request, unless a reset made it old while it waited for its thread.

        It is read and answered while `turn` is held; its connection is ended after that, if it is not kept.
        """
        service = getattr(self.wsgi.extensions["lab"], "service", None)  # type: ignore[attr-defined]
        if service is not None and service.waiting() and refuse_old(conn.sock, service.epoch):
            return False
        with turn:
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
        connection = conn.sock
        conn.sock = Reader(connection, self.slow_readers(req))  # type: ignore[assignment]  # it has what an answer needs
        try:
            return super().handle_request(req, conn)
        finally:
            conn.sock = connection
            req.body = body  # what is left of it is drained, or the connection closed

    def slow_readers(self, req: Any) -> threading.Semaphore:
        """The threads that may wait for whoever reads this request's answer."""
        return self._slow_readers

    def murder_pending(self) -> None:
        """End what has taken too long. The worker's main loop calls this once a second."""
        super().murder_pending()
        now = time.monotonic()
        for conn, until in list(self._reading.items()):
            if now > until:
                with contextlib.suppress(OSError):
                    conn.sock.shutdown(socket.SHUT_RDWR)


class Reader:
    """A connection whose peer reads its answer: at once, or within a while if not too many others take theirs."""

    def __init__(self, connection: socket.socket, slow_readers: threading.Semaphore) -> None:
        self._connection = connection
        self._slow_readers = slow_readers

    def __getattr__(self, name: str) -> Any:
        return getattr(self._connection, name)

    def sendall(self, data: bytes) -> None:
        """Send all of it.

        Raises:
            ConnectionResetError: the peer does not read; gunicorn then ends the connection.
        """
        sent = 0
        with contextlib.suppress(BlockingIOError):
            sent = self._connection.send(data, socket.MSG_DONTWAIT)
        if sent < len(data):
            self._wait_for_peer(memoryview(data)[sent:])

    def _wait_for_peer(self, data: memoryview) -> None:
        if not self._slow_readers.acquire(blocking=False):
            raise ConnectionResetError(errno.ECONNRESET, "too many callers do not read")
        try:
            self._connection.settimeout(WRITE_SECONDS)  # for all of it
            self._connection.sendall(data)
        except TimeoutError as error:
            raise ConnectionResetError(errno.ECONNRESET, "the caller does not read") from error
        finally:
            self._connection.settimeout(None)
            self._slow_readers.release()


def has_data(connection: socket.socket) -> bool:
    """Whether the peer has said something, or has gone."""
    try:
        connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        return True
    except BlockingIOError:
        return False
    except OSError:
        return True


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
