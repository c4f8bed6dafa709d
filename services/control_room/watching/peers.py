"""The control room's view of the instances: one shared look at all of them, and calls to one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any

from services.common.calls.admin_client import AdminClient
from services.common.calls.upstream import IN_USE, STANDBY
from services.common.http import problems
from services.common.telemetry.state import ServiceState, TargetState, combined
from services.common.telemetry.wire import WireError, decode
from services.common.topology import SWITCHED, SWITCHED_NAMES, instances

STATE_TIMEOUT_SECONDS = 0.3
WINDOW_TIMEOUT_SECONDS = 2.0
CALLS_AT_ONCE = 64
InstanceStates = dict[str, ServiceState | None]


class Peers:
    """The admin planes of all instances."""

    def __init__(self, admin_urls: Mapping[str, str], secret: str) -> None:
        self.clients = {instance: AdminClient(instance, url, secret) for instance, url in admin_urls.items()}
        self._looks = ThreadPoolExecutor(4 * len(self.clients), thread_name_prefix="looks")
        self._calls = ThreadPoolExecutor(CALLS_AT_ONCE, thread_name_prefix="calls")  # looks do not wait for these
        self._asked: dict[str, Future[Any]] = {}
        self._look = SharedLook(self._look_at_all)

    def states(self) -> InstanceStates:
        """Every instance's state, or None for one that did not answer within 300 ms; never older than this call."""
        return self._look.get()

    def window(self, service: str, seconds: float) -> ServiceState:
        """The state of a service, or of one instance, over a window of its own.

        Raises:
            Unreachable: it did not answer within two seconds.
        """
        names = [instance.name for instance in SWITCHED_NAMES[service]]
        used = in_use(self._look.last).get(service, names)  # an instance by its name, whatever it is
        path = f"/admin/state?window={seconds:g}"
        answers = self.each(used, lambda client: state_of(client, path, WINDOW_TIMEOUT_SECONDS))
        for answer in answers.values():
            if isinstance(answer, problems.Problem):
                raise answer
        return combined(service, list(answers.values()))

    def _look_at_all(self) -> InstanceStates:
        # A look at an instance whose name does not even resolve may hang for seconds: it is not asked again meanwhile.
        asked = {
            instance: self._looks.submit(state_of, client, "/admin/state", STATE_TIMEOUT_SECONDS)
            for instance, client in self.clients.items()
            if instance not in self._asked or self._asked[instance].done()
        }
        self._asked |= asked
        done, _ = wait(asked.values(), STATE_TIMEOUT_SECONDS)
        return {instance: _answer(asked.get(instance), done) for instance in self.clients}

    def each(self, names: Sequence[str], call: Callable[[AdminClient], Any]) -> dict[str, Any]:
        """Call several instances at once: {instance: answer, or the Problem that it was}."""
        first, *others = names
        futures = {instance: self._calls.submit(_try, call, self.clients[instance]) for instance in others}
        return {first: _try(call, self.clients[first]), **{each: future.result() for each, future in futures.items()}}


def state_of(client: AdminClient, path: str, timeout_seconds: float) -> ServiceState:
    """What an instance says of itself.

    Raises:
        Unreachable: no answer in time, or none that is a state.
    """
    try:
        return decode(ServiceState, client.get(path, timeout_seconds))
    except WireError as error:
        raise problems.Unreachable(f"{client.instance} does not answer as this version does: {error}") from error


def targets_of(states: Mapping[str, ServiceState | None]) -> dict[str, TargetState]:
    """What each instance is to its caller. While no caller says so, the first of a service is in use."""
    targets = {
        instance.name: TargetState(IN_USE if instance.index == 0 else STANDBY) for instance in instances(SWITCHED)
    }
    for state in states.values():
        if state is not None and state.calls is not None:
            targets |= state.calls.targets
    return targets


def in_use(states: Mapping[str, ServiceState | None]) -> dict[str, list[str]]:
    """The instances of each service that its caller uses, ejected ones included."""
    targets = targets_of(states)
    return {
        spec.name: [each.name for each in spec.instances if targets[each.name].role != STANDBY] for spec in SWITCHED
    }


def by_service(states: Mapping[str, ServiceState | None]) -> dict[str, ServiceState | None]:
    """Each service as those of its instances make it that are in use and say something; None where none does."""
    found: dict[str, ServiceState | None] = {}
    for service, names in in_use(states).items():
        known = [state for name in names if (state := states.get(name)) is not None]
        found[service] = combined(service, known) if known else None
    return found


def _answer(future: Future[Any] | None, done: set[Future[Any]]) -> ServiceState | None:
    if future is None or future not in done or future.exception() is not None:
        return None
    state: ServiceState = future.result()
    return state


def _try(call: Callable[[AdminClient], Any], client: AdminClient) -> Any:
    try:
        return call(client)
    except problems.Problem as problem:
        return problem


class SharedLook:
    """Lets any number of callers share one look at a time, but only one that began after they came."""

    def __init__(self, look: Callable[[], InstanceStates]) -> None:
        self._look = look
        self._changed = threading.Condition()
        self._begun = self._ended = 0
        self._result: InstanceStates = {}

    @property
    def last(self) -> InstanceStates:
        """The result of the last look; empty before the first."""
        return self._result

    def get(self) -> InstanceStates:
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
