"""Open-loop users: they arrive on a schedule that knows nothing of how the lab is doing.

A closed loop (a fixed number of users, each waiting for an answer before the next request) slows down with the system
under test and hides its outage; see Schroeder, Wierman, Harchol-Balter, "Open Versus Closed: A Cautionary Tale" (NSDI
2006), and Gil Tene on coordinated omission.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import time
from urllib.parse import urlsplit

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.common.calls.call import DEADLINE, REQUEST_ID, REQUEST_START, new_request_id
from services.common.http.problems import Reset
from services.common.schedule import Schedule
from services.common.switches.settings import MAX_IN_FLIGHT, ArrivalsSetting
from services.common.telemetry.metrics import DURATION_BUCKETS, FINE_BUCKETS, USER_OUTCOMES, caller_timeout
from services.common.telemetry.state import Calls, TrafficState
from services.common.telemetry.windows import RECENT_SECONDS, CountWindow, UserWindow
from services.common.topology import FRONTEND

OPENING_SECONDS = 10.0
ADDRESS_TTL_SECONDS = 2.0
PATH = "/checkout"


class UserMetrics:
    """What users feel, and how well the traffic keeps to its schedule."""

    def __init__(self, registry: CollectorRegistry) -> None:
        ended = Counter("lab_user_requests", "User requests that ended.", ["outcome"], registry=registry)
        self.ended = {outcome: ended.labels(outcome) for outcome in USER_OUTCOMES}
        duration = Histogram(
            "lab_user_request_duration_seconds",
            "What a user waited.",
            ["outcome"],
            registry=registry,
            buckets=DURATION_BUCKETS,
        )
        self.duration = {outcome: duration.labels(outcome) for outcome in USER_OUTCOMES}
        self.target = Gauge("lab_traffic_target_rps", "Arrivals asked for.", registry=registry)
        self.patience = caller_timeout(registry, FRONTEND.name)
        self.in_flight = Gauge("lab_traffic_in_flight", "Users who wait.", registry=registry)
        self.lag = Histogram(
            "lab_traffic_schedule_lag_seconds",
            "How late a request was sent, against the schedule of arrivals.",
            registry=registry,
            buckets=FINE_BUCKETS,
        )


class Address:
    """The frontend's address, looked up at most every two seconds, so that a restart elsewhere is followed."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        self._resolved: str | None = None
        self._resolved_at = 0.0

    async def resolve(self) -> str:
        """The numeric address; raises OSError when there is none."""
        now = time.monotonic()
        if self._resolved is None or now - self._resolved_at > ADDRESS_TTL_SECONDS:
            loop = asyncio.get_running_loop()
            found = await loop.getaddrinfo(self.host, self.port, family=socket.AF_INET, type=socket.SOCK_STREAM)
            self._resolved, self._resolved_at = str(found[0][4][0]), now
        return self._resolved

    def forget(self) -> None:
        """Look it up again next time."""
        self._resolved = None


class Users:
    """Sends users through the frontend. Everything but `wake` and `drop_all` runs in the event loop's thread."""

    def __init__(
        self,
        url: str,
        setting: ArrivalsSetting,
        metrics: UserMetrics,
        max_in_flight: int = MAX_IN_FLIGHT,
        rng: random.Random | None = None,
    ) -> None:
        """Of users beyond `max_in_flight` at once each is `refused`, as each needs a connection."""
        self._max_in_flight = max_in_flight
        self._address = Address(url)
        self._setting = setting
        self._metrics = metrics
        self._schedule = Schedule(rng or random.Random())
        self._asked: tuple[float, int] | None = None
        self._tasks: dict[asyncio.Task[None], float] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._woken = asyncio.Event()
        self.window = UserWindow()
        self.arrivals = CountWindow()
        self.lost = 0  # users who were not served, since the last reset
        self.came = 0  # all of them, since then
        metrics.in_flight.set_function(lambda: len(self._tasks))
        metrics.patience.set_function(lambda: setting.patience_seconds)
        metrics.target.set_function(lambda: setting.rps)

    def wake(self) -> None:
        """The rate has changed: draw the next arrival again. From any thread."""
        if self._loop is not None:
            self._loop.call_soon_threadsafe(self._woken.set)

    def drop_all(self) -> None:
        """Close every open connection, uncounted, and forget the window. From any thread; returns when done."""
        if self._loop is not None:
            asyncio.run_coroutine_threadsafe(self._drop_all(), self._loop).result(timeout=2)

    async def _drop_all(self) -> None:
        self.drop_now()

    def drop_now(self) -> None:
        """As `drop_all`, in the event loop's thread."""
        for task in list(self._tasks):
            task.cancel()
        self._schedule.forget_seed()
        self._asked = None
        self.window.clear()
        self.arrivals.clear()
        self.lost = self.came = 0

    def waiting(self) -> list[float]:
        """The ages of those who still wait, in seconds. From any thread."""
        now = time.monotonic()
        return [now - began for began in list(self._tasks.values())]

    def state(self, since: float, now: float) -> TrafficState:
        """How users were since a moment (time.monotonic). From any thread."""
        waiting = self.waiting()
        return TrafficState(
            rps=self._setting.rps,
            in_flight=len(waiting),
            arrived=self.arrivals.since(since),
            users=self.window.since(since, waiting),
            last_5_seconds=self.window.since(max(since, now - RECENT_SECONDS)),
            lost=self.lost,
            came=self.came,
        )

    def calls(self, since: float, now: float) -> Calls:
        """Their calls of the frontend since a moment (time.monotonic): one attempt each. From any thread."""
        felt, arrived = self.window.since(since), self.arrivals.since(since)
        return Calls(
            FRONTEND.name,
            begun=arrived,
            attempts=arrived,
            sent=arrived,
            ended=felt.ended,
            failed=felt.ended - felt.succeeded,
            seconds=now - since,
            timeout_seconds=self._setting.patience_seconds,
        )

    async def run(self) -> None:
        """Let users arrive for ever: a Poisson process at the rate of the setting, whatever became of the others."""
        self._loop = asyncio.get_running_loop()
        await self._wait_for_opening()
        while True:
            if self._asked != self._wanted():
                self._asked = self._wanted()
                self._schedule.change(*self._asked, time.monotonic())
            due = self._schedule.due
            woken = await self._woken_before(due)
            # A change may be told a moment after it was made.
            if not woken and due is not None and self._asked == self._wanted():
                self._metrics.lag.observe(max(0.0, time.monotonic() - due))
                self._schedule.arrived()
                self._arrive()

    def _wanted(self) -> tuple[float, int]:
        """The rate and the seed of the setting."""
        return self._setting.rps, self._setting.seed

    async def _wait_for_opening(self) -> None:
        """At the start of the lab, come when the shop is open: the services start side by side."""
        deadline = time.monotonic() + OPENING_SECONDS
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError, TimeoutError):
                async with asyncio.timeout(1):
                    if await self._request() == "success":
                        return
            await asyncio.sleep(0.2)

    async def _woken_before(self, due: float | None) -> bool:
        """Sleep until `due` (None: for ever); true if the rate changed meanwhile."""
        pause = None if due is None else due - time.monotonic()
        if pause is not None and pause <= 0 and not self._woken.is_set():
            await asyncio.sleep(0)  # behind schedule: send at once, but let answers be read
            return False
        try:
            await asyncio.wait_for(self._woken.wait(), pause)
        except TimeoutError:
            return False
        self._woken.clear()
        return True

    def _arrive(self) -> None:
        self.arrivals.add()
        self.came += 1
        if len(self._tasks) >= self._max_in_flight:
            self._end("refused", 0.0)
            return
        task = asyncio.get_running_loop().create_task(self._visit())
        self._tasks[task] = time.monotonic()
        task.add_done_callback(self._gone)

    def _gone(self, task: asyncio.Task[None]) -> None:
        del self._tasks[task]
        if not task.cancelled():
            task.exception()  # asyncio complains of exceptions that nobody looks at; _visit turns its own into outcomes

    def _end(self, outcome: str, seconds: float) -> None:
        self._metrics.ended[outcome].inc()
        self._metrics.duration[outcome].observe(seconds)
        self.window.add(outcome, seconds)
        self.lost += outcome != "success"

    async def _visit(self) -> None:
        """One user: a connection of their own, one request, and patience that ends."""
        began = time.monotonic()
        try:
            async with asyncio.timeout(self._setting.patience_seconds):
                outcome = await self._request()
        except TimeoutError:
            outcome = "timeout"
        except ConnectionRefusedError:
            self._address.forget()
            outcome = "refused"
        except (OSError, ValueError, asyncio.IncompleteReadError):
            self._address.forget()
            outcome = "error"
        if outcome is not None:
            self._end(outcome, time.monotonic() - began)

    async def _request(self) -> str | None:
        """The outcome of a request; None for one that a reset refused, which counts for nothing."""
        try:
            address = await self._address.resolve()
        except OSError as error:
            raise ConnectionRefusedError(str(error)) from error
        now, patience = time.time(), self._setting.patience_seconds
        reader, writer = await asyncio.open_connection(address, self._address.port)
        try:
            headers = {
                "Host": self._address.host,
                "Connection": "close",
                REQUEST_ID: new_request_id(),
                REQUEST_START: repr(now),
                DEADLINE: repr(now + patience),
            }
            lines = [f"GET {PATH} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
            writer.write("\r\n".join(lines).encode())
            answer = await reader.read()
        finally:
            writer.close()
        return outcome_of(answer)


def outcome_of(answer: bytes) -> str | None:
    """What a whole HTTP answer means to a user: success, error, or None for one that a reset refused."""
    head, separator, _ = answer.partition(b"\r\n\r\n")
    if not separator:
        return "error"  # the connection broke before the answer was there
    words = head.split(b"\r\n", 1)[0].split()
    if len(words) > 1 and words[1] == b"200":
        return "success"
    reset = f"x-lab-reason: {Reset.reason}".encode()
    return None if reset in head.lower() else "error"
