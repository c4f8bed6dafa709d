"""The lab's own switches in simulated time: the same classes, parameters and order, with waits that take no time."""

from __future__ import annotations

import math
import random
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
from services.common.switches.failures.lock_contention import LockContention
from services.common.switches.params import Param, defaults, parse_params
from services.common.switches.registry import Switches

from .engine import Ended, Engine, Steps, TaskLocal
from .places import Places


def why_blind(switched: Switched) -> str | None:
    """Why nothing can be predicted from when this is on; None if it can."""
    return find_switch(switched.service, switched.kind, switched.name).why_not_simulated(switched.params)


@dataclass(frozen=True)
class SimulatedHost(Host):
    """What a switch may see of a simulated service."""

    engine: Engine = field(default_factory=Engine)


def make_host(engine: Engine, in_flight: Callable[[], int], dice: random.Random) -> SimulatedHost:
    """A host whose clock, waits and threads are the engine's."""
    return SimulatedHost(
        Memory(Path()),
        in_flight,
        clock=lambda: engine.now,
        random=dice,
        event=partial(Ended, engine),
        local=partial(TaskLocal, engine),
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


class SimulatedSwitches(Switches):
    """A service's switches. Parameters may be above their maximum: the model is no machine that has to bear them."""

    def __init__(self, service: str, host: SimulatedHost) -> None:
        kinds = (SimulatedLockContention if kind is LockContention else kind for kind in CATALOGUE[service])
        super().__init__(kinds, host, Path())
        self._engine = host.engine

    def change(self, kind: str, name: str, active: bool, given: dict[str, Any]) -> Switch:
        """Switch on with these parameters, or off; a switch that the model does not have stays off."""
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
