"""The control plane under fire: control calls while nothing else works, and while the whole room watches."""

from __future__ import annotations

import asyncio
import http.client
import json
import multiprocessing
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from services.common.topology import CALLERS, CHAIN_NAMES

CALLS = 500
CALLS_PER_SECOND = 20.0
VIEWERS = 200
STATES_PER_SECOND = 50.0
TIMEOUT_SECONDS = 10.0
COME_SECONDS = 3.0  # until every viewer is there
CATCH_UP_SECONDS = 4.0
STUCK_SECONDS = 60.0
BURN_THREADS = (2, 8)  # the catalogue's default, and the most that it allows


@dataclass
class Calls:
    """How long control calls took, in seconds, and those that failed, in words."""

    seconds: list[float] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def quantile(self, share: float) -> float:
        """The nearest rank."""
        return sorted(self.seconds)[max(0, round(share * len(self.seconds)) - 1)]

    def row(self, name: str) -> str:
        """A row of docs/performance.md."""
        shown = (f"{value * 1000:.0f} ms" for value in (self.quantile(0.5), self.quantile(0.99), max(self.seconds)))
        return f"| {name} | {len(self.seconds)} | {len(self.failed)} | {' | '.join(shown)} |"


@dataclass
class Watching:
    """What 200 viewers and the polls beside them saw."""

    viewers: int = 0
    dropped: int = 0
    events_each: tuple[int, int] = (0, 0)
    polls: int = 0
    polls_failed: int = 0


class Room:
    """A control room at a port of this machine, called as a page and as a script call it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One call on a connection of its own; raises OSError when it fails."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            answer = connection.getresponse()
            text = answer.read().decode()
            if answer.status != 200:
                raise OSError(f"{method} {path}: {answer.status} {text[:200]}")
            return json.loads(text) if answer.headers["Content-Type"] == "application/json" else text
        finally:
            connection.close()

    def switch(self, service: str, kind: str, name: str, active: bool, **params: Any) -> Any:
        """Switch something on or off."""
        return self.call("POST", f"/api/services/{service}/{kind}s/{name}", {"active": active, "params": params})

    def metric(self, name: str) -> float:
        """A metric of the control room itself, one without labels."""
        for line in self.call("GET", "/metrics").splitlines():
            if line.startswith(f"{name} "):
                return float(line.split()[1])
        raise OSError(f"no {name}")

    def resident_mb(self) -> float:
        """The memory of the control room itself."""
        return self.metric("process_resident_memory_bytes") / 2**20

    def control_calls(self, count: int = CALLS) -> Calls:
        """Switches that change nothing for anybody, of each service in turn, 20 a second; each is checked."""
        return self.timed(count, self._switch_nothing)

    def _switch_nothing(self, number: int) -> None:
        service, active = CHAIN_NAMES[number % 3], number // 3 % 2 == 0
        answer = self.switch(service, "failure", "error_rate", active, rate=0)
        if answer["active"] is not active:
            raise OSError(f"{service} says {answer}")

    def timed(self, count: int, call: Callable[[int], None]) -> Calls:
        """How long so many calls take, 20 a second."""
        calls, began = Calls(), time.monotonic()
        for number in range(count):
            time.sleep(max(0.0, began + number / CALLS_PER_SECOND - time.monotonic()))
            asked = time.monotonic()
            try:
                call(number)
            except OSError as error:
                calls.failed.append(str(error))
            calls.seconds.append(time.monotonic() - asked)
        return calls

    def burn_down(self, threads: int) -> None:
        """Everything hangs, computes, and is asked for a hundred times a second; wait until nothing works any more."""
        for service in CALLERS:
            self.switch(service, "failure", "cpu_burn", True, threads=threads)
        for service in CHAIN_NAMES:
            self.switch(service, "failure", "hang", True)
        self.call("POST", "/api/traffic", {"rps": 100})
        deadline = time.monotonic() + STUCK_SECONDS
        while self.call("GET", "/api/state")["kpis"]["success_ratio"] != 0:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the data plane still works after {STUCK_SECONDS:g} s")
            time.sleep(0.5)


def watched(room: Room, count: int = CALLS) -> tuple[Calls, Watching]:
    """Control calls while 200 viewers follow the log and 50 times a second somebody asks for the state."""
    seconds = count / CALLS_PER_SECOND + COME_SECONDS + CATCH_UP_SECONDS
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        watching = pool.apply_async(_watch, (room.port, seconds))
        time.sleep(COME_SECONDS)
        calls = room.control_calls(count)
        return calls, watching.get(seconds + 30)


def _watch(port: int, seconds: float) -> Watching:
    return asyncio.run(_watch_all(port, time.monotonic() + seconds))


async def _watch_all(port: int, ends_at: float) -> Watching:
    result = Watching(viewers=VIEWERS)
    viewers = [asyncio.create_task(_view(port, ends_at)) for _ in range(VIEWERS)]
    polls = []
    while time.monotonic() < ends_at - CATCH_UP_SECONDS:
        polls.append(asyncio.create_task(_poll(port)))
        await asyncio.sleep(1 / STATES_PER_SECOND)
    seen = [ids for ids in await asyncio.gather(*viewers) if ids is not None]
    result.dropped = VIEWERS - len(seen)
    result.events_each = (min(map(len, seen), default=0), max(map(len, seen), default=0))
    answers = await asyncio.gather(*polls)
    result.polls, result.polls_failed = len(answers), answers.count(False)
    return result


async def _view(port: int, ends_at: float) -> list[int] | None:
    """The ids of the events that one viewer got; None for one whom the control room left."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    headers = "Host: localhost\r\nAccept: text/event-stream\r\n\r\n"
    writer.write(f"GET /api/events HTTP/1.1\r\n{headers}".encode())
    read = []
    try:
        async with asyncio.timeout(ends_at - time.monotonic()):
            while data := await reader.read(65536):
                read.append(data)
    except TimeoutError:
        ids = [int(found) for found in re.findall(rb"\nid: (\d+)\n", b"".join(read))]
        return ids if ids and ids == sorted(set(ids)) else None
    except OSError:
        return None
    finally:
        writer.close()
    return None


async def _poll(port: int) -> bool:
    """One look at the state; whether it was answered."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /api/state HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await asyncio.wait_for(reader.read(), TIMEOUT_SECONDS)
        writer.close()
        return answer.startswith(b"HTTP/1.1 200")
    except (OSError, TimeoutError):
        return False


def measure(room: Room) -> list[str]:
    """The lines of docs/performance.md; what failed comes last, in words."""
    room.call("POST", "/api/reset", {})
    rows = {"at rest": room.control_calls()}
    before = room.resident_mb()
    calls, watching = watched(room)
    rows[f"{VIEWERS} viewers, {STATES_PER_SECOND:g} looks a second"] = calls
    after = room.resident_mb()
    resets = []
    for threads in BURN_THREADS:
        room.burn_down(threads)
        rows[f"0 % success: hang, cpu_burn with {threads} threads, 100 users a second"] = room.control_calls()
        reset = room.call("POST", "/api/reset", {})
        resets.append(f"{reset['status']} in {reset['seconds']:.1f} s")
    least, most = watching.events_each
    return [
        "| control calls | calls | failed | median | p99 | slowest |",
        "|---|---|---|---|---|---|",
        *(calls.row(name) for name, calls in rows.items()),
        f"\nViewers: {watching.dropped} of {watching.viewers} dropped, {least} to {most} events each; "
        f"{watching.polls_failed} of {watching.polls} looks failed; the control room's memory {before:.0f} MB before, "
        f"{after:.0f} MB after. The resets after the fires: {' and '.join(resets)}.",
        *sorted({failure for calls in rows.values() for failure in calls.failed}),
    ]
