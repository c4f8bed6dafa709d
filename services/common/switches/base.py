"""Switches: everything about a service that can be changed while it runs.

A switch is a `failure` (something bad), a `defence` (something that helps) or a `setting` (a size). Each is a small
class with a name, a story and typed parameters; what it does hangs on the hooks it overrides. Probability and
duration belong to this wrapper, so no failure has to think of them.
"""

from __future__ import annotations

import os
import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, TypeVar

from services.common.calls.balancing import Target
from services.common.calls.call import Call
from services.common.process.memory import Memory, hold_memory
from services.common.switches.params import Param, Value, defaults

Method = TypeVar("Method", bound=Callable[..., Any])
Load = Callable[[Call, float], Any]  # what a miss of the cache has to do, and how many seconds it may take
NO_CPU = "the model has no CPU"
NO_MEMORY = "the model has no memory, and no pauses to collect it"
KINDS = ("failure", "defence", "setting")
EXIT_STATUS = 70  # EX_SOFTWARE of sysexits.h


def end_process(reason: str) -> None:
    """End the process with no goodbye."""
    os._exit(EXIT_STATUS)


def hook(method: Method) -> Method:
    """Mark a method of `Switch` as one that switches override and services ask."""
    method.is_hook = True  # type: ignore[attr-defined]
    return method


@dataclass(frozen=True)
class Host:
    """What a switch may see of the process that it lives in, and the clock, dice and waits that it is given."""

    memory: Memory
    in_flight: Callable[[], int] = lambda: 0
    clock: Callable[[], float] = time.monotonic
    random: random.Random = field(default_factory=random.Random)
    event: Callable[[], threading.Event] = threading.Event  # what `Switch.wait` waits on
    local: Callable[[], Any] = threading.local  # what a switch notes of the thread that it runs in
    hold: Callable[[float], Callable[[], None]] = hold_memory  # so many MB, until what it returns is called
    end: Callable[[str], None] = end_process  # the process ends, for this reason


class Switch:
    """One switch of one service. Subclasses say what it is and override the hooks that they need."""

    kind: ClassVar[str]
    name: ClassVar[str]
    story: ClassVar[str]
    brief: ClassVar[str] = ""  # for the stage: its name, if it is left out; {parameter} is the value, with its unit
    params: ClassVar[tuple[Param[Any], ...]] = ()  # its own, in the order in which the class has them
    simulated: ClassVar[Literal[True] | str] = "the model does not know it"  # or why nothing can be predicted of it
    per_request: ClassVar[bool] = False  # then the wrapper's `probability` is a parameter too
    probability = Param(1.0, "share of the requests that it hits", "", 0, 1)
    duration_seconds = Param(0.0, "switches itself back after this long; 0 is never", "s", 0, 86400)

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.params = (*cls.params, *(value for value in vars(cls).values() if isinstance(value, Param)))

    def __init__(self, host: Host) -> None:
        self.host = host
        self.active = False
        self.values: dict[str, Value] = defaults(self.all_params())
        self.changed_at = 0.0
        self.expires_at: float | None = None
        self.restored_at: float | None = None  # by the host's clock: it was on when the process was started again
        self.hidden = False  # a drill's: only the control room is told that it is on
        self._ended = self.host.event()

    @classmethod
    def all_params(cls) -> tuple[Param[Any], ...]:
        """The switch's own parameters, then those of the wrapper."""
        return (*cls.params, *((cls.probability,) if cls.per_request else ()), cls.duration_seconds)

    @classmethod
    def describe(cls) -> dict[str, Any]:
        """The switch for the catalogue, JSON-ready."""
        params = [param.describe() for param in cls.all_params()]
        return {"kind": cls.kind, "name": cls.name, "story": cls.story, "params": params}

    @classmethod
    def brief_of(cls, values: Mapping[str, Any]) -> str:
        """What `brief` is with these values."""
        return cls.brief or cls.name.replace("_", " ")

    @classmethod
    def why_not_simulated(cls, params: Mapping[str, Any]) -> str | None:
        """Why nothing can be predicted from when this is on with these parameters; None if it can."""
        return None if cls.simulated is True else cls.simulated

    @classmethod
    def check(cls, values: Mapping[str, Any]) -> None:
        """Refuse parameters that do not fit together, by raising InvalidParameter."""

    # Hooks: what a switch may do. The base does nothing.

    def on_begin(self, ended: threading.Event) -> None:
        """Called when the switch goes on, but not when its parameters change; `ended` is set when it goes off."""

    def on_start(self) -> None:
        """Called when the switch goes on, and again when its parameters change."""

    def on_stop(self) -> None:
        """Called when the switch goes off."""

    def on_reset(self) -> None:
        """Called at each reset, after the switch went off: give back what is still held."""

    @hook
    def before_request(self, call: Call) -> None:
        """Called at the start of every user request, in its thread; may wait or raise."""

    @hook
    def after_request(self, call: Call) -> None:
        """Called when a request that was let in has its answer."""

    @hook
    def after_queue(self, call: Call) -> None:
        """Called when a request comes out of a queue, for a connection or a slot; may raise."""

    @hook
    def during_query(self, call: Call) -> None:
        """Called while a query holds its database connection; may wait."""

    @hook
    def max_connections(self, connections: int) -> int:
        """The number of database connections, given what it would be without this switch."""
        return connections

    @hook
    def keep_connection(self, release: Callable[[], None]) -> bool:
        """Whether this switch keeps a connection that is due back in the pool; then it calls `release` itself."""
        return False

    @hook
    def cache_room(self, keys: int) -> int:
        """The number of keys that the cache may hold, given what it would be without this switch."""
        return keys

    @hook
    def around_load(self, key: int, call: Call, wait_seconds: float, load: Load) -> Any:
        """Called for each miss of the cache: answer what `load` does, for a caller who waits so long for it."""
        return load(call, wait_seconds)

    @hook
    def may_retry(self) -> bool:
        """Whether this service may send one more attempt of a call that failed."""
        return True

    @hook
    def narrow(self, targets: Sequence[Target]) -> Sequence[Target]:
        """Of the instances of the next service those that may be asked; none is a refusal."""
        return targets

    @hook
    def verdict(self, target: Target) -> tuple[str, str] | None:
        """Why an instance is not asked now, as its role and in words; None if it is."""
        return None

    @hook
    def before_attempt(self, target: Target) -> None:
        """Called before each attempt of a call to the next service; may refuse it by raising."""

    @hook
    def after_attempt(self, outcome: str, is_retry: bool, target: Target) -> None:
        """Called with the outcome of each attempt that was let through, and the instance that it is of."""

    @hook
    def hedge_delay(self) -> float | None:
        """Seconds after which an attempt may be sent to a second instance; None is never."""
        return None

    @hook
    def may_hedge(self) -> bool:
        """Whether one more second attempt may be sent."""
        return True

    @hook
    def after_send(self, target: Target, outcome: str, seconds: float) -> None:
        """Called when an instance has answered, or has not: of a hedged attempt for each of the two."""

    # For the hooks' use.

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than the switch stays on."""
        self._ended.wait(seconds)

    def start(self, values: dict[str, Value], expires_at: float | None) -> None:
        """Take these values (all of them, checked) and go on."""
        self.values = values
        self.expires_at = expires_at
        if not self.active:
            self._ended = self.host.event()
            self.active = True
            self.on_begin(self._ended)
        self.on_start()

    def stop(self) -> None:
        """Go off and end every wait at once; values go back to their defaults."""
        if not self.active:
            return
        self.active = False
        self.values = defaults(self.all_params())
        self.expires_at = self.restored_at = None
        self.hidden = False
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


HOOKS = tuple(name for name, method in vars(Switch).items() if getattr(method, "is_hook", False))
