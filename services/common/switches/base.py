"""Switches: everything about a service that can be changed while it runs.

A switch is a `failure` (something bad), a `defence` (something that helps) or a `setting` (a size). Each is a small
class with a name, a story and typed parameters; what it does hangs on the hooks it overrides. Probability and
duration belong to this wrapper, so no failure has to think of them.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar

from services.common.calls.call import Call
from services.common.http.problems import NotFound, Problem
from services.common.process.memory import Memory
from services.common.switches.params import Param, Value, defaults, namespace, parse_params

log = logging.getLogger(__name__)

Load = Callable[[Call, float], Any]  # what a miss of the cache has to do, and how many seconds it may take
KINDS = ("failure", "defence", "setting")
DURATION = Param("duration_seconds", "switches itself back after this long; 0 is never", 0.0, "s", 0, 86400)
PROBABILITY = Param("probability", "share of the requests that it hits", 1.0, "", 0, 1)


@dataclass(frozen=True)
class Host:
    """What a switch may see of the process that it lives in, and the clock, dice and waits that it is given."""

    memory: Memory
    in_flight: Callable[[], int] = lambda: 0
    clock: Callable[[], float] = time.monotonic
    random: random.Random = field(default_factory=random.Random)
    event: Callable[[], threading.Event] = threading.Event  # what `Switch.wait` waits on
    local: Callable[[], Any] = threading.local  # what a switch notes of the thread that it runs in


class Switch:
    """One switch of one service. Subclasses say what it is and override the hooks that they need."""

    kind: ClassVar[str]
    name: ClassVar[str]
    story: ClassVar[str]
    params: ClassVar[tuple[Param, ...]] = ()
    per_request: ClassVar[bool] = False  # then the wrapper's `probability` is a parameter too

    def __init__(self, host: Host) -> None:
        self.host = host
        self.active = False
        self.values: SimpleNamespace = namespace(defaults(self.params))
        self.changed_at = 0.0
        self.expires_at: float | None = None
        self._ended = self.host.event()

    @classmethod
    def all_params(cls) -> tuple[Param, ...]:
        """The switch's own parameters, then those of the wrapper."""
        return (*cls.params, PROBABILITY, DURATION) if cls.per_request else (*cls.params, DURATION)

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """The switch for the catalogue, JSON-ready."""
        params = [param.describe() for param in cls.all_params()]
        return {"kind": cls.kind, "name": cls.name, "story": cls.story, "params": params}

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> None:
        """Refuse parameters that do not fit together, by raising InvalidParameter."""

    # Hooks: what a switch may do. The base does nothing.

    def on_start(self) -> None:
        """Called when the switch goes on, and again when its parameters change."""

    def on_stop(self) -> None:
        """Called when the switch goes off."""

    def on_reset(self) -> None:
        """Called at each reset, after the switch went off: give back what is still held."""

    def before_request(self, call: Call) -> None:
        """Called at the start of every user request, in its thread; may wait or raise."""

    def after_request(self, call: Call) -> None:
        """Called when a request that was let in has its answer."""

    def after_queue(self, call: Call) -> None:
        """Called when a request comes out of a queue, for a connection or a slot; may raise."""

    def during_query(self, call: Call) -> None:
        """Called while a query holds its database connection; may wait."""

    def max_connections(self, connections: int) -> int:
        """The number of database connections, given what it would be without this switch."""
        return connections

    def keep_connection(self, release: Callable[[], None]) -> bool:
        """Whether this switch keeps a connection that is due back in the pool; then it calls `release` itself."""
        return False

    def cache_room(self, keys: int) -> int:
        """The number of keys that the cache may hold, given what it would be without this switch."""
        return keys

    def around_load(self, key: int, call: Call, wait_seconds: float, load: Load) -> Any:
        """Called for each miss of the cache: answer what `load` does, for a caller who waits so long for it."""
        return load(call, wait_seconds)

    def may_retry(self) -> bool:
        """Whether this service may send one more attempt of a call that failed."""
        return True

    def before_attempt(self) -> None:
        """Called before each attempt of a call to the next service; may refuse it by raising."""

    def after_attempt(self, outcome: str, is_retry: bool) -> None:
        """Called with the outcome of each attempt that was let through."""

    # For the hooks' use.

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than the switch stays on."""
        self._ended.wait(seconds)

    def start(self, values: dict[str, Value], expires_at: float | None) -> None:
        """Take these values (all of them, checked) and go on."""
        self.values = namespace(values)
        self.expires_at = expires_at
        if not self.active:
            self._ended = self.host.event()
            self.active = True
        self.on_start()

    def stop(self) -> None:
        """Go off and end every wait at once; values go back to their defaults."""
        if not self.active:
            return
        self.active = False
        self.values = namespace(defaults(self.params))
        self.expires_at = None
        self._ended.set()
        self.on_stop()


class Failure(Switch):
    """Something bad."""

    kind = "failure"


class Defence(Switch):
    """Something that helps."""

    kind = "defence"


class Setting(Switch):
    """A size. It is active when it differs from its default."""

    kind = "setting"


HOOKS = (
    "before_request",
    "after_request",
    "after_queue",
    "during_query",
    "max_connections",
    "keep_connection",
    "cache_room",
    "around_load",
    "may_retry",
    "before_attempt",
    "after_attempt",
)


class Switches:
    """All switches of one service: the one place where they are changed, kept and asked.

    The state is kept in `path` after each change, so that a process that is started again after a crash has it.
    """

    def __init__(self, types: Iterable[type[Switch]], host: Host, path: Path) -> None:
        self._switches = {(kind.kind, kind.name): kind(host) for kind in types}
        self._path = path
        self._random = host.random
        self._lock = threading.RLock()
        self._timers: dict[tuple[str, str], threading.Timer] = {}
        self._listeners: list[Callable[[], None]] = []
        self._hooks: dict[str, tuple[Switch, ...]] = dict.fromkeys(HOOKS, ())

    def __iter__(self) -> Iterator[Switch]:
        return iter(self._switches.values())

    def get(self, kind: str, name: str) -> Switch:
        """The switch.

        Raises:
            NotFound: naming the kinds or names that there are.
        """
        if kind not in KINDS:
            raise NotFound(f"there is no kind {kind!r:.60}", field="kind", allowed=list(KINDS))
        switch = self._switches.get((kind, name))
        if switch is None:
            names = sorted(known for known_kind, known in self._switches if known_kind == kind)
            raise NotFound(f"this service has no {kind} {name!r:.60}", field="name", allowed=names)
        return switch

    def subscribe(self, listener: Callable[[], None]) -> None:
        """Call `listener` after each change."""
        self._listeners.append(listener)

    # Changes.

    def change(self, kind: str, name: str, active: bool, given: dict[str, Any]) -> Switch:
        """Switch on with these parameters (the rest at their defaults), or off.

        Raises:
            NotFound, InvalidParameter: nothing has changed then.
        """
        switch = self.get(kind, name)
        values = parse_params(switch.all_params(), given)
        switch.check(values)
        with self._lock:
            before = (switch.active, vars(switch.values))
            own = {param.name: values[param.name] for param in switch.params}
            if active and not (kind == "setting" and own == defaults(switch.params)):
                duration = float(values["duration_seconds"])
                self._start(switch, values, time.time() + duration if duration else None)
            else:
                self._stop(switch)
            if (switch.active, vars(switch.values)) != before:
                switch.changed_at = time.time()
            self._changed()
        return switch

    def reset(self) -> None:
        """Everything off, and everything given back."""
        with self._lock:
            for switch in self._switches.values():
                if switch.active:
                    self._stop(switch)
                    switch.changed_at = time.time()
            self._changed()
            for switch in self._switches.values():
                switch.on_reset()

    def _start(self, switch: Switch, values: dict[str, Value], expires_at: float | None) -> None:
        self._cancel_timer(switch)
        switch.start(values, expires_at)
        if expires_at is not None:
            timer = threading.Timer(max(0.0, expires_at - time.time()), self._expire, (switch, expires_at))
            timer.daemon = True
            self._timers[switch.kind, switch.name] = timer
            timer.start()

    def _stop(self, switch: Switch) -> None:
        self._cancel_timer(switch)
        switch.stop()

    def _cancel_timer(self, switch: Switch) -> None:
        timer = self._timers.pop((switch.kind, switch.name), None)
        if timer is not None:
            timer.cancel()

    def _expire(self, switch: Switch, expires_at: float) -> None:
        with self._lock:
            if switch.expires_at == expires_at:  # else it was switched again meanwhile
                self._stop(switch)
                switch.changed_at = time.time()
                self._changed()

    def _changed(self) -> None:
        for hook in HOOKS:
            plain = getattr(Switch, hook)
            self._hooks[hook] = tuple(
                switch
                for switch in self._switches.values()
                if switch.active and getattr(type(switch), hook) is not plain
            )
        for listener in self._listeners:
            listener()
        self._save()

    # What the services ask.

    def before_request(self, call: Call) -> None:
        """Run every active switch's `before_request`."""
        for switch in self._hooks["before_request"]:
            if self._hits(switch):
                switch.before_request(call)

    def after_request(self, call: Call) -> None:
        """Run every active switch's `after_request`."""
        for switch in self._hooks["after_request"]:
            switch.after_request(call)

    def after_queue(self, call: Call) -> None:
        """Run every active switch's `after_queue`."""
        for switch in self._hooks["after_queue"]:
            switch.after_queue(call)

    def keep_connection(self, release: Callable[[], None]) -> bool:
        """Whether an active switch keeps this connection."""
        return any(switch.keep_connection(release) for switch in self._hooks["keep_connection"])

    def during_query(self, call: Call) -> None:
        """Run every active switch's `during_query`."""
        for switch in self._hooks["during_query"]:
            if self._hits(switch):
                switch.during_query(call)

    def max_connections(self, connections: int) -> int:
        """Database connections, after every active switch had its say."""
        for switch in self._hooks["max_connections"]:
            connections = switch.max_connections(connections)
        return connections

    def cache_room(self, keys: int) -> int:
        """Keys that the cache may hold, after every active switch had its say."""
        for switch in self._hooks["cache_room"]:
            keys = switch.cache_room(keys)
        return keys

    def around_load(self, key: int, call: Call, wait_seconds: float, load: Load) -> Any:
        """What `load` answers to a miss of the cache, by way of the active switch that shares it, if there is one."""
        for switch in self._hooks["around_load"]:
            return switch.around_load(key, call, wait_seconds, load)
        return load(call, wait_seconds)

    def may_retry(self) -> bool:
        """Whether every active defence allows one more retry."""
        return all(switch.may_retry() for switch in self._hooks["may_retry"])

    def before_attempt(self, is_retry: bool) -> None:
        """Ask every active defence to let an attempt through; one that refuses undoes what the others allowed."""
        asked: list[Switch] = []
        try:
            for switch in self._hooks["before_attempt"]:
                switch.before_attempt()
                asked.append(switch)
        except Problem:
            for switch in asked:
                switch.after_attempt("rejected", is_retry)
            raise

    def after_attempt(self, outcome: str, is_retry: bool) -> None:
        """Tell every active defence how an attempt ended."""
        for switch in self._hooks["after_attempt"]:
            switch.after_attempt(outcome, is_retry)

    def _hits(self, switch: Switch) -> bool:
        probability = getattr(switch.values, "probability", 1.0)
        return probability >= 1.0 or self._random.random() < probability

    def active(self) -> dict[str, dict[str, dict[str, Value]]]:
        """What is on: {kind: {name: {parameter: value}}}, every kind present."""
        state: dict[str, dict[str, dict[str, Value]]] = {kind: {} for kind in KINDS}
        with self._lock:
            for switch in self._switches.values():
                if switch.active:
                    state[switch.kind][switch.name] = dict(vars(switch.values))
        return state

    def expiries(self) -> dict[str, dict[str, float]]:
        """Seconds until each switch that expires goes off: {kind: {name: seconds}}."""
        state: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
        with self._lock:
            for switch in self._switches.values():
                if switch.expires_at is not None:
                    state[switch.kind][switch.name] = round(max(0.0, switch.expires_at - time.time()), 1)
        return state

    # State on disk.

    def _save(self) -> None:
        state = [
            {
                "kind": switch.kind,
                "name": switch.name,
                "values": vars(switch.values),
                "changed_at": switch.changed_at,
                "expires_at": switch.expires_at,
                "active": switch.active,
            }
            for switch in self._switches.values()
            if switch.changed_at
        ]
        partial = self._path.with_suffix(".partial")
        try:
            _write(partial, json.dumps(state))
            partial.replace(self._path)
        except OSError as error:
            log.error("the switches cannot be kept over a restart: %s", error)

    def load(self) -> None:
        """Take up the state that a process before this one left; an unreadable file is said and passed over."""
        state: list[dict[str, Any]] = []
        if self._path.exists():
            try:
                state = json.loads(self._path.read_text())
            except (OSError, ValueError) as error:
                log.error("the switches of before cannot be read: %s", error)
        with self._lock:
            for kept in state:
                with contextlib.suppress(NotFound):
                    switch = self.get(kept["kind"], kept["name"])
                    switch.changed_at = kept["changed_at"]
                    expires_at = kept["expires_at"]
                    if kept["active"] and (expires_at is None or expires_at > time.time()):
                        self._start(switch, kept["values"], expires_at)
            self._changed()


def _write(path: Path, text: str) -> None:
    """Write a file in as few calls as can be: after each, a thread waits for its turn at the interpreter."""
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.write(file, text.encode())
    finally:
        os.close(file)
