"""The lab's own switches in simulated time: the same classes, parameters and order, with waits that take no time."""

from __future__ import annotations

import contextlib
import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from services.common.calls.call import Call
from services.common.process.memory import Memory
from services.common.scenes.model import Switched
from services.common.switches.base import Host, Switch
from services.common.switches.catalogue import CATALOGUE, find_switch
from services.common.switches.defences.health_checks import HealthChecks
from services.common.switches.failures.lock_contention import LockContention
from services.common.switches.params import Param, defaults, parse_params
from services.common.switches.registry import Switches
from services.common.switches.settings import PROBE_SECONDS, LivenessSetting

from .engine import Ended, Engine, Steps, TaskLocal
from .places import Places


def why_blind(switched: Switched) -> str | None:
    """Why nothing can be predicted from when this is on; None if it can."""
    return find_switch(switched.service, switched.kind, switched.name).why_not_simulated(switched.params)


@dataclass(frozen=True)
class SimulatedHost(Host):
    """What a switch may see of a simulated service."""

    engine: Engine = field(default_factory=Engine)


def _hold_nothing(mb: float) -> Callable[[], None]:
    return lambda: None


def _live_on(reason: str) -> None:
    """Nothing ends what has no process."""


def make_host(
    engine: Engine,
    in_flight: Callable[[], int],
    dice: random.Random,
    hold: Callable[[float], Callable[[], None]] = _hold_nothing,
    end: Callable[[str], None] = _live_on,
) -> SimulatedHost:
    """A host whose clock, waits and threads are the engine's."""
    return SimulatedHost(
        Memory(Path()),
        in_flight,
        clock=lambda: engine.now,
        random=dice,
        event=partial(Ended, engine),
        local=partial(TaskLocal, engine),
        hold=hold,
        end=end,
        engine=engine,
    )


class SimulatedLockContention(LockContention):
    """One lock, that tasks wait for: a thread's lock would never be seen taken here."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        assert isinstance(host, SimulatedHost)
        self._engine = host.engine
        self._row = Places(host.engine, 1)

    def during_query(self, call: Call) -> None:
        """Owe the wait for the lock, and the time that it is held."""
        self._engine.owed.append(self._hold(self.hold_seconds))

    def _hold(self, seconds: float) -> Steps:
        assert isinstance(self._ended, Ended)
        yield from self._row.acquire()
        yield from self._ended.sleep(seconds)
        self._row.release()


class Died(Exception):
    """The instance in which this happens is dead."""


class SimulatedHealthChecks(HealthChecks):
    """Checks that are tasks instead of threads; `ask` is what finds out whether an instance is well."""

    ask: Callable[[str, bool, bool, float], Steps]

    def begin_checks(self, name: str, ended: threading.Event) -> None:
        """Check an instance regularly."""
        assert isinstance(self.host, SimulatedHost)
        self.host.engine.spawn(self._look(name, ended))

    def _look(self, name: str, ended: threading.Event) -> Steps:
        while True:
            yield self.interval_seconds
            if ended.is_set():
                return
            self.note(name, (yield from self.ask(name, self.deep, self.path == "beside", self.timeout_seconds)))


class SimulatedLiveness(LivenessSetting):
    """A probe that is a task instead of a thread; `ask` is what finds out whether the instance is well."""

    ask: Callable[[float], Steps]

    def begin_probes(self, ended: threading.Event) -> None:
        """Probe the instance."""
        assert isinstance(self.host, SimulatedHost)
        self.host.engine.spawn(self._look(ended))

    def _look(self, ended: threading.Event) -> Steps:
        while True:
            yield PROBE_SECONDS
            if ended.is_set():
                return
            is_alive = yield from self.ask(self.timeout_seconds)
            with contextlib.suppress(Died):
                self.note(is_alive)


SIMULATED: dict[type[Switch], type[Switch]] = {
    LockContention: SimulatedLockContention,
    HealthChecks: SimulatedHealthChecks,
    LivenessSetting: SimulatedLiveness,
}


class SimulatedSwitches(Switches):
    """A service's switches. Parameters may be above their maximum: the model is no machine that has to bear them."""

    def __init__(self, service: str, host: SimulatedHost) -> None:
        super().__init__((SIMULATED.get(kind, kind) for kind in CATALOGUE[service]), host, Path())
        self._engine = host.engine

    def change(self, kind: str, name: str, active: bool, given: dict[str, Any], *, hidden: bool = False) -> Switch:
        """Switch on with these parameters, or off; a switch that the model does not have stays off.

        There is nobody from whom one could be hidden.
        """
        switch = self.get(kind, name)
        if switch.simulated is not True:
            return switch
        values = parse_params([unbounded(param) for param in switch.all_params()], given)
        own = {param.name: values[param.name] for param in switch.params}
        if active and not (kind == "setting" and own == defaults(switch.params)):
            switch.start(values, None)
            if values["duration_seconds"]:
                self._engine.spawn(self._end_later(switch, float(values["duration_seconds"])))
        else:
            switch.stop()
        self._changed()
        return switch

    def restore(self) -> None:
        """The process was started again: what was on is on."""
        for switch in self:
            if switch.active:
                switch.restored_at = self._engine.now

    def _end_later(self, switch: Switch, seconds: float) -> Steps:
        values = switch.values
        yield seconds
        if switch.values is values:  # else it was switched again meanwhile
            switch.stop()
            self._changed()

    def _save(self) -> None:
        """Nothing of a simulation is kept."""


def unbounded(param: Param[Any]) -> Param[Any]:
    """The parameter without its maximum."""
    is_number = not param.choices and not isinstance(param.default, bool)
    return replace(param, maximum=math.inf) if is_number else param
