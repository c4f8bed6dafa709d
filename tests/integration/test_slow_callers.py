"""Callers that send too much or too slowly: time and memory stay bounded, and everybody else is answered."""

from __future__ import annotations

import socket
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress

import psutil
import pytest

from services.common.process import worker
from services.common.process.memory import MB
from tests.conftest import wait_until
from tests.integration.test_bad_input import ADMIN_PORTS
from tests.support.labs import PORTS

HALF_A_HEAD = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
HALF_A_BODY = (
    b"POST /api/reset HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
)
HALF_A_VOTE = HALF_A_BODY.replace(b"/api/reset", b"/api/room/votes")
MUCH = 10 * MB


def ports_of(lab):
    """Every plane's port, by its name."""
    gunicorns = {"control-room": PORTS["LAB_PORT"], "frontend": PORTS["FRONTEND_PORT"], "api": 8001, "database": 8002}
    return {name: port + lab.offset for name, port in gunicorns.items()}, {
        name: port + lab.offset for name, port in ADMIN_PORTS.items()
    }


def process_of(port):
    """The process that listens on a port: of two, the worker, which is the younger one."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.AccessDenied, psutil.NoSuchProcess):
            if any(c.status == "LISTEN" and c.laddr.port == port for c in process.net_connections("tcp")):
                found.append(process)
    return max(found, key=lambda process: process.create_time())


def answers(port, path, seconds=1.0):
    try:
        return urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=seconds).status == 200
    except OSError:
        return False


def drip(connections, stop):
    """One more byte on each, once a second: never silent, and never done."""
    while not stop.wait(1):
        for connection in connections:
            with suppress(OSError):
                connection.send(b"x")


def test_half_said_requests_hold_no_plane_for_long(lab):
    planes, admins = ports_of(lab)
    control_room, frontend = planes["control-room"], planes["frontend"]
    # A few more than each has threads: 256 in the control room, 128 in the frontend, at most 64 in an admin plane.
    callers = (
        [(control_room, HALF_A_HEAD)] * 130 + [(control_room, HALF_A_BODY)] * 130 + [(frontend, HALF_A_HEAD)] * 130
    )
    callers += [(port, HALF_A_HEAD) for port in admins.values()] * 100
    stop = threading.Event()
    with ExitStack() as stack:
        connections = [socket.create_connection(("127.0.0.1", port), timeout=5) for port, _ in callers]
        for connection, (_, said) in zip(connections, callers, strict=True):
            stack.callback(connection.close)
            connection.sendall(said)
        stack.callback(stop.set)
        threading.Thread(target=drip, args=(connections, stop), daemon=True).start()
        for service, port in admins.items():
            assert answers(port, "/healthz", 3), f"{service}'s admin plane has no room for a new caller"
        wait_until(
            lambda: answers(control_room, "/api/state"), "the control room answers again", 2.5 * worker.MAX_SECONDS
        )
        wait_until(lambda: answers(frontend, "/checkout"), "users are served again", 2.5 * worker.MAX_SECONDS)
    assert lab.reset()["status"] == "GREEN"


A_LOOK = b"GET /api/room HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    "said",
    [HALF_A_VOTE, A_LOOK + b"Transfer-Encoding: chunked\r\n\r\n", (A_LOOK + b"\r\n") * 120],
    ids=["half", "endless", "unread"],
)
def test_phones_that_play_games_hold_up_neither_the_presenter_nor_other_phones(lab, said):
    control_room = ports_of(lab)[0]["control-room"]
    with ExitStack() as stack:
        connected(stack, control_room, 300, said)  # more than the control room has threads
        assert all(answers(control_room, "/api/state", WITHIN_SECONDS) for _ in range(5))
        assert all(answers(control_room, "/api/room", WITHIN_SECONDS) for _ in range(5))
        assert seconds_of(lab.reset) < WITHIN_SECONDS + RESET_SECONDS


def test_those_who_say_nothing_and_stay_cost_no_thread(lab):
    planes, _ = ports_of(lab)
    with ExitStack() as stack:
        for _ in range(140):
            stack.enter_context(socket.create_connection(("127.0.0.1", planes["frontend"]), timeout=5))
        wait_until(lambda: answers(planes["frontend"], "/checkout"), "users are served beside them", 15)


@pytest.mark.parametrize("length", [f"Content-Length: {MUCH}", "Transfer-Encoding: chunked"], ids=["length", "chunked"])
def test_ten_megabytes_are_refused_and_not_kept(lab, length):
    planes, admins = ports_of(lab)
    resident = {port: process_of(port).memory_info().rss for port in admins.values()}
    resident[planes["control-room"]] = process_of(planes["control-room"]).memory_info().rss
    with ThreadPoolExecutor(24) as pool:
        said = list(pool.map(lambda port: send_much(port, length), list(resident) * 3))
    assert all(status in (b"400", b"401", b"413", b"") for status in said), set(said)
    for port, before in resident.items():
        assert process_of(port).memory_info().rss - before < 32 * MB


def send_much(port, length):
    """Send 10 MB; the status of the answer, or nothing where the connection was broken first."""
    path = "/api/reset" if port % 100 == PORTS["LAB_PORT"] % 100 else "/admin/reset"
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n{length}\r\n\r\n"
    chunk = b" " * 65536
    if "chunked" in length:
        chunk = b"10000\r\n" + chunk + b"\r\n"
    # Who goes on sending to a connection that is closed may find its window shut, and wait for nobody.
    with socket.create_connection(("127.0.0.1", port), timeout=3) as connection:
        with suppress(OSError):
            connection.sendall(head.encode())
            for _ in range(MUCH // 65536):
                connection.sendall(chunk)
        return status_of(connection)


def status_of(connection):
    """The status of the answer; nothing where there was none."""
    with suppress(OSError):
        return b"".join(connection.recv(64).split(b" ", 2)[1:2])
    return b""


def test_floods_of_headers_are_refused(lab):
    planes, admins = ports_of(lab)
    many = "".join(f"X-{number}: {'y' * 100}\r\n" for number in range(5000))
    for port in (*planes.values(), *admins.values()):
        for headers in (many, f"X-Long: {'y' * 1_000_000}\r\n"):
            with socket.create_connection(("127.0.0.1", port), timeout=15) as connection:
                with suppress(OSError):
                    connection.sendall(f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
                assert status_of(connection)[:1] in (b"4", b"")
    assert lab.state()["status"] == "GREEN"


PIPELINED = b"GET /api/openapi.json HTTP/1.1\r\nHost: localhost\r\n\r\n" * 120
SILENT = 1000
WITHIN_SECONDS = 1.0  # the control room's answers, whatever hangs there
RESET_SECONDS = 3.0


def connected(stack, port, count, said=b""):
    """So many connections, each with a small window and something said, that nobody reads from."""
    for _ in range(count):
        connection = stack.enter_context(socket.socket())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", port))
        connection.setblocking(False)
        with suppress(OSError):
            connection.send(said)


def seconds_of(call):
    began = time.monotonic()
    call()
    return time.monotonic() - began


def test_callers_who_never_read_their_answers_hold_up_nobody(lab):
    planes, _ = ports_of(lab)
    with ExitStack() as stack:
        connected(stack, planes["control-room"], 258, PIPELINED)
        wait_until(lambda: answers(planes["control-room"], "/api/state"), "it answers within a second")
        assert seconds_of(lab.reset) < WITHIN_SECONDS + RESET_SECONDS
        assert all(answers(planes["control-room"], "/api/state", WITHIN_SECONDS) for _ in range(5))
    assert lab.state()["status"] == "GREEN"


@pytest.mark.parametrize("plane", ["frontend", "control-room"])
def test_a_thousand_connections_that_say_nothing_delay_no_reset(lab, plane):
    planes, _ = ports_of(lab)
    with ExitStack() as stack:
        connected(stack, planes[plane], SILENT)
        answer = lab.reset()
        assert answer["status"] == "GREEN" and answer["seconds"] < RESET_SECONDS
