"""How soon a switch is felt: from the control room's POST to the first answer to a user that differs."""

from __future__ import annotations

import http.client
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from benchmarks import containers
from services.common.topology import CHAIN_NAMES

ROUNDS = 50
USERS = 2
PAUSE_SECONDS = 0.005
PATIENCE_SECONDS = 5.0


class Watch:
    """Users in a closed loop; tells when the first answer came that was asked for after a moment and is as wanted."""

    def __init__(self) -> None:
        self._news = threading.Condition()
        self._wanted: Callable[[float, bool], bool] = lambda asked_at, is_good: False
        self._felt_at: float | None = None
        self._stop = threading.Event()

    @contextmanager
    def running(self, port: int) -> Iterator[None]:
        """The users, for as long as the block."""
        users = [threading.Thread(target=self._use, args=(port,)) for _ in range(USERS)]
        for user in users:
            user.start()
        try:
            yield
        finally:
            self._stop.set()
            for user in users:
                user.join()

    def _use(self, port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        while not self._stop.wait(PAUSE_SECONDS):
            asked_at = time.monotonic()
            connection.request("GET", "/checkout")
            answer = connection.getresponse()
            answer.read()
            with self._news:
                if self._felt_at is None and self._wanted(asked_at, answer.status == 200):
                    self._felt_at = time.monotonic()
                    self._news.notify_all()

    def seconds_until(self, is_good: bool, act: Callable[[], object]) -> float:
        """Act; the seconds until an answer to what was asked since is good, or is not."""
        began = time.monotonic()
        with self._news:
            self._felt_at = None
            self._wanted = lambda asked_at, good: asked_at >= began and good == is_good
        act()
        with self._news:
            if not self._news.wait_for(lambda: self._felt_at is not None, PATIENCE_SECONDS):
                raise TimeoutError(f"nobody felt the switch within {PATIENCE_SECONDS:g} s")
            assert self._felt_at is not None
            return self._felt_at - began


def measure() -> list[float]:
    """Seconds to effect, in ascending order: `error_rate` on and off, at each of the three services in turn."""
    seconds, watch = [], Watch()
    with containers.lab(), watch.running(containers.PORTS["FRONTEND_PORT"]):
        for _ in range(ROUNDS):
            for service in CHAIN_NAMES:
                for active in (True, False):
                    time.sleep(random.uniform(0.02, 0.06))
                    body = {"active": active, "params": {"rate": 1}}
                    path = f"/api/services/{service}/failures/error_rate"
                    seconds.append(watch.seconds_until(not active, lambda p=path, b=body: containers.post(p, b)))
    return sorted(seconds)


def report() -> None:
    """Print what was found."""
    seconds = measure()
    shown = {"median": 0.5, "p99": 0.99, "slowest": 1.0}
    found = {name: seconds[min(len(seconds) - 1, int(q * len(seconds)))] for name, q in shown.items()}
    print(f"\n{len(seconds)} switches, from the call to the first request that feels it: ", end="")
    print(", ".join(f"{name} {value * 1000:.0f} ms" for name, value in found.items()))
