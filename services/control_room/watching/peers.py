"""The control room's view of the services: one shared look at all of them, and calls to one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from services.common.calls.admin_client import AdminClient
from services.common.http import problems

STATE_TIMEOUT_SECONDS = 0.3
States = dict[str, dict[str, Any] | None]


class Peers:
    """The services' admin planes."""

    def __init__(self, admin_urls: Mapping[str, str], secret: str) -> None:
        self.clients = {service: AdminClient(service, url, secret) for service, url in admin_urls.items()}
        self._pool = ThreadPoolExecutor(4 * len(self.clients), thread_name_prefix="peers")
        self._asked: dict[str, Future[Any]] = {}
        self._look = SharedLook(self._look_at_all)

    def states(self) -> States:
        """Every service's state, or None for one that did not answer within 300 ms; never older than this call."""
        return self._look.get()

    def window(self, service: str, seconds: float) -> dict[str, Any]:
        """One service's state over a window of its own.

        Raises:
            Unreachable: it did not answer within two seconds.
        """
        state: dict[str, Any] = self.clients[service].get(f"/admin/state?window={seconds:g}", 2.0)
        return state

    def _look_at_all(self) -> States:
        # A look at a service whose name does not even resolve may hang for seconds: it is not asked again meanwhile.
        asked = {
            service: self._pool.submit(client.get, "/admin/state", STATE_TIMEOUT_SECONDS)
            for service, client in self.clients.items()
            if service not in self._asked or self._asked[service].done()
        }
        self._asked |= asked
        done, _ = wait(asked.values(), STATE_TIMEOUT_SECONDS)
        return {service: _answer(asked.get(service), done) for service in self.clients}

    def each(self, services: list[str], call: Callable[[AdminClient], Any]) -> dict[str, Any]:
        """Call several services at once: {service: answer, or the Problem that it was}."""
        futures = {service: self._pool.submit(call, self.clients[service]) for service in services}
        return {service: _outcome(future) for service, future in futures.items()}


def _answer(future: Future[Any] | None, done: set[Future[Any]]) -> dict[str, Any] | None:
    if future is None or future not in done or future.exception() is not None:
        return None
    state: dict[str, Any] = future.result()
    return state


def _outcome(future: Future[Any]) -> Any:
    try:
        return future.result()
    except problems.Problem as problem:
        return problem


class SharedLook:
    """Lets any number of callers share one look at a time, but only one that began after they came."""

    def __init__(self, look: Callable[[], States]) -> None:
        self._look = look
        self._changed = threading.Condition()
        self._begun = self._ended = 0
        self._result: States = {}

    def get(self) -> States:
        """The result of a look that began after this call did."""
        with self._changed:
            wanted = self._begun + 1
            while self._ended < wanted and self._begun > self._ended:
                self._changed.wait()
            if self._ended >= wanted:
                return self._result
            self._begun += 1
        try:
            result = self._look()
        except BaseException:
            result = {}
            raise
        finally:
            with self._changed:
                self._result, self._ended = result, self._begun
                self._changed.notify_all()
        return result


def until(deadline: float, attempt: Callable[[], bool], pause_seconds: float = 0.05) -> bool:
    """Try until it is true or the deadline (of time.monotonic) has passed; whether it was."""
    while not attempt():
        if time.monotonic() + pause_seconds > deadline:
            return False
        time.sleep(pause_seconds)
    return True
