"""The switches of one service: where they are changed, and what the service asks of those that are on."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from services.common.calls.balancing import Target
from services.common.calls.call import Call
from services.common.http.problems import InjectedError, NotFound, Problem, Refused, Unavailable
from services.common.switches import saved
from services.common.switches.base import HOOKS, KINDS, Host, Load, Switch
from services.common.switches.params import Value, defaults, parse_params

S = TypeVar("S", bound=Switch)
DISGUISES: dict[type[Problem], type[Problem]] = {InjectedError: Problem, Refused: Unavailable}


class Switches:
    """All switches of one service: the one place where they are changed, kept and asked.

    The state is kept in `path` after each change, so that a process that is started again after a crash has it.
    """

    def __init__(self, types: Iterable[type[Switch]], host: Host, path: Path) -> None:
        self._switches = {(kind.kind, kind.name): kind(host) for kind in types}
        self._path = path
        self._host = host
        self._lock = threading.RLock()
        self._timers: dict[tuple[str, str], threading.Timer] = {}
        self._listeners: list[Callable[[], None]] = []
        self._hooks: dict[str, tuple[Switch, ...]] = dict.fromkeys(HOOKS, ())

    def __iter__(self) -> Iterator[Switch]:
        return iter(self._switches.values())

    def __getitem__(self, wanted: type[S]) -> S:
        """The switch of this class; `switches[RateLimit].rps`."""
        switch = self._switches[wanted.kind, wanted.name]
        assert isinstance(switch, wanted)
        return switch

    def __contains__(self, wanted: type[Switch]) -> bool:
        """Whether this service has a switch of this class."""
        return (wanted.kind, wanted.name) in self._switches

    def get(self, kind: str, name: str) -> Switch:
        """The switch of this name, which somebody outside has given.

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

    def change(self, kind: str, name: str, active: bool, given: dict[str, Any], *, hidden: bool = False) -> Switch:
        """Switch on with these parameters (the rest at their defaults), or off.

        One that is `hidden` is a drill's: no metric, log line or error tells that it is on, until it is changed again.
        What is on for all to see stays as it is then: that it went would tell.

        Raises:
            NotFound, InvalidParameter: nothing has changed then.
        """
        switch = self.get(kind, name)
        values = parse_params(switch.all_params(), given)
        switch.check(values)
        with self._lock:
            if hidden and switch.active and not switch.hidden:
                return switch
            before = (switch.active, switch.values, switch.hidden)
            own = {param.name: values[param.name] for param in switch.params}
            if active and not (kind == "setting" and own == defaults(switch.params)):
                duration = float(values["duration_seconds"])
                self._start(switch, values, time.time() + duration if duration else None)
                switch.hidden = hidden
            else:
                self._stop(switch)
            if (switch.active, switch.values, switch.hidden) != before and not switch.hidden:
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
                with _disguised(switch):
                    switch.before_request(call)

    def after_request(self, call: Call) -> None:
        """Run every active switch's `after_request`."""
        for switch in self._hooks["after_request"]:
            switch.after_request(call)

    def after_queue(self, call: Call) -> None:
        """A request came out of a queue: note when, and run every active switch's `after_queue`."""
        call.turn_at = time.time()
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

    @property
    def clock(self) -> Callable[[], float]:
        """The clock of the switches' host."""
        return self._host.clock

    def narrow(self, targets: Sequence[Target]) -> Sequence[Target]:
        """The instances that every active defence leaves."""
        for switch in self._hooks["narrow"]:
            targets = switch.narrow(targets)
        return targets

    def verdict(self, target: Target) -> tuple[str, str] | None:
        """Why an instance is not asked, by the first active defence that keeps it out."""
        verdicts = (switch.verdict(target) for switch in self._hooks["verdict"])
        return next((verdict for verdict in verdicts if verdict is not None), None)

    def hedge_delay(self) -> float | None:
        """When a second instance may be asked; None is never."""
        return next((switch.hedge_delay() for switch in self._hooks["hedge_delay"]), None)

    def may_hedge(self) -> bool:
        """Whether every active defence allows one more second attempt."""
        return all(switch.may_hedge() for switch in self._hooks["may_hedge"])

    def after_send(self, target: Target, outcome: str, seconds: float) -> None:
        """Tell every active defence what an instance answered, and after how long."""
        for switch in self._hooks["after_send"]:
            switch.after_send(target, outcome, seconds)

    def before_attempt(self, is_retry: bool, target: Target) -> None:
        """Ask every active defence to let an attempt through; one that refuses undoes what the others allowed."""
        asked: list[Switch] = []
        try:
            for switch in self._hooks["before_attempt"]:
                switch.before_attempt(target)
                asked.append(switch)
        except Problem:
            for switch in asked:
                switch.after_attempt("rejected", is_retry, target)
            raise

    def after_attempt(self, outcome: str, is_retry: bool, target: Target) -> None:
        """Tell every active defence how an attempt ended."""
        for switch in self._hooks["after_attempt"]:
            switch.after_attempt(outcome, is_retry, target)

    def _hits(self, switch: Switch) -> bool:
        return not switch.per_request or switch.probability >= 1 or self._host.random.random() < switch.probability

    def active(self, *, hidden: bool = False) -> dict[str, dict[str, dict[str, Value]]]:
        """What is on, or what is on and hidden: {kind: {name: {parameter: value}}}, every kind present."""
        state: dict[str, dict[str, dict[str, Value]]] = {kind: {} for kind in KINDS}
        with self._lock:
            for switch in self._switches.values():
                if switch.active and switch.hidden == hidden:
                    state[switch.kind][switch.name] = dict(switch.values)
        return state

    def expiries(self) -> dict[str, dict[str, float]]:
        """Seconds until each switch that expires goes off: {kind: {name: seconds}}."""
        state: dict[str, dict[str, float]] = {kind: {} for kind in KINDS}
        with self._lock:
            for switch in self._switches.values():
                if switch.expires_at is not None and not switch.hidden:
                    state[switch.kind][switch.name] = round(max(0.0, switch.expires_at - time.time()), 1)
        return state

    def load(self) -> None:
        """Go on with the state that a process before this one saved."""
        with self._lock:
            for kept in saved.load(self._path):
                with contextlib.suppress(NotFound):
                    switch = self.get(kept.kind, kept.name)
                    switch.changed_at = kept.changed_at
                    if kept.active and (kept.expires_at is None or kept.expires_at > time.time()):
                        self._start(switch, kept.values, kept.expires_at)
                        switch.hidden = kept.hidden
                        switch.restored_at = self.clock()
            self._changed()

    def _save(self) -> None:
        touched = [switch for switch in self._switches.values() if switch.changed_at or switch.hidden]
        saved.save(self._path, [saved.SavedSwitch.of(switch) for switch in touched])


@contextlib.contextmanager
def _disguised(switch: Switch) -> Iterator[None]:
    """Let no error tell that a hidden switch is its cause: it is what a service says that knows no better."""
    try:
        yield
    except Problem as problem:
        disguise = DISGUISES.get(type(problem)) if switch.hidden else None
        if disguise is None:
            raise
        raise disguise("the request failed") from None
