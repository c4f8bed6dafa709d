"""The simulated lab: the services wired together, with the faces that the lab's own measures and checks look at."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from functools import partial
from typing import Any

from services.common.scenes.measures import Recording
from services.common.scenes.model import Scene, Switched
from services.common.switches.settings import MAX_IN_FLIGHT, ArrivalsSetting
from services.common.telemetry.state import ServiceState, States, combined
from services.common.topology import (
    API,
    CHAIN,
    SERVICES,
    SWITCHED,
    SWITCHED_NAMES,
    TRAFFIC,
    instances,
)
from services.control_room.status import WINDOW_SECONDS, judge, kpis_of

from .engine import Engine, Steps
from .simulated_services import OK, Api, Caller, Database, Server, Users
from .simulated_switches import why_blind

ABOUT_SECONDS = 1.0
ABOUT_EVERY_SECONDS = 0.5
MAX_RPS = ArrivalsSetting.rps.maximum
CALLERS: dict[str, type[Caller]] = {API.name: Api}  # those that do more than to call the next one


class SimulatedLab:
    """A whole lab at its defaults, at second 0. `seed` decides every die; `threads` are those of each service."""

    def __init__(self, seed: int, threads: Mapping[str, int], rps: float) -> None:
        sizes = {**{spec.name: spec.threads for spec in SERVICES}, **threads}
        self.seed = seed
        self.engine = engine = Engine()
        names = [instance.name for instance in instances(CHAIN)]
        dice = {name: random.Random(f"{seed}/{name}") for name in (*names, "users")}
        chain: list[Server] = []
        behind: list[Server] = []
        for spec in reversed(CHAIN):
            make = partial(CALLERS.get(spec.name, Caller), peers=behind) if spec.calls else Database
            behind = [make(engine, each, sizes[spec.name], dice[each.name]) for each in spec.instances]
            chain = [*behind, *chain]
        self._frontend = behind[0]
        # The lab's limit protects the machine that makes the users; beyond what that machine can there is none.
        in_flight = MAX_IN_FLIGHT if rps <= MAX_RPS else math.inf
        self.users = Users(engine, self._frontend, dice["users"], in_flight)
        self._instances: dict[str, Server | Users] = {**{each.name: each for each in chain}, TRAFFIC.name: self.users}
        self._about = True
        self._blind: tuple[str, float] | None = None  # why, and since when
        self.peers = SimulatedPeers(engine, self._instances)
        self.events = NoLog()

    def start(self, scene: Scene) -> None:
        """Let the scene begin: users, switches and steps."""
        self.set_traffic(scene.rps, scene.patience_seconds)
        for switched in scene.switches:
            self.switch(switched, True)
        self.engine.spawn(self.users.run())
        self.engine.spawn(self._play(scene))
        if any(entry.measure == "about" for entry in scene.expect):
            self.engine.spawn(self._look_at_about())

    def set_traffic(self, rps: float, patience_seconds: float) -> None:
        """Let so many users come each second, who wait so long."""
        params = {"rps": rps, "seed": self.seed, "patience_seconds": patience_seconds}
        self.switch(Switched(TRAFFIC.name, "setting", "arrivals", params), True)

    def switch(self, switched: Switched, active: bool) -> None:
        """Switch something on or off; what the model does not have is noted."""
        reason = why_blind(switched)
        if reason is not None and active and self._blind is None:
            self._blind = (f"{switched.name}: {reason}", self.engine.now)
        params = switched.params if active else {}
        for instance in SWITCHED_NAMES[switched.service]:
            self._instances[instance.name].switches.change(switched.kind, switched.name, active, params)

    def why_blind(self) -> str | None:
        """What was on before now that the model knows nothing of, nor of what it has left behind."""
        if self._blind is None or self._blind[1] >= self.engine.now:
            return None
        return self._blind[0]

    def _play(self, scene: Scene) -> Steps:
        for step in scene.steps:
            if step.at_seconds > self.engine.now:
                yield step.at_seconds - self.engine.now
            for switched in step.off:
                self.switch(switched, False)
            for switched in step.on:
                self.switch(switched, True)
            if step.rps is not None:
                self.set_traffic(step.rps, scene.patience_seconds)

    def _look_at_about(self) -> Steps:
        while True:
            self.engine.spawn(self._ask_about())
            yield ABOUT_EVERY_SECONDS

    def _ask_about(self) -> Steps:
        answer = yield from self._frontend.ask("/about", ABOUT_SECONDS, math.inf)
        self._about = answer is OK

    # What the measures ask: the same questions as of the real lab.

    def status(self) -> str:
        """The status, by the lab's own rules."""
        states = self.peers.services()
        return judge(states, kpis_of(states, []), [])[0]

    def about_answers(self) -> bool:
        """Whether the last /about that ended was answered within a second."""
        return self._about


class SimulatedPeers:
    """Looks at the simulated services."""

    def __init__(self, engine: Engine, instances: Mapping[str, Server | Users]) -> None:
        self._engine = engine
        self._instances = instances

    def window(self, service: str, seconds: float) -> ServiceState:
        """The state of a service, or of one instance, over a window of its own."""
        since = max(0.0, self._engine.now - seconds)
        return combined(service, [self._instances[each.name].state(since) for each in SWITCHED_NAMES[service]])

    def states(self) -> States:
        """Every instance's state."""
        return {name: self.window(name, WINDOW_SECONDS) for name in self._instances}

    def services(self) -> States:
        """Every service's state."""
        return {spec.name: self.window(spec.name, WINDOW_SECONDS) for spec in SWITCHED}


class NoLog:
    """The simulation has no activity log."""

    def last_id(self) -> int:
        """There is no event."""
        return 0

    def after(self, event_id: int) -> list[dict[str, Any]]:
        """There is no event."""
        return []


class SimulatedRecording(Recording):
    """A recording in simulated time."""

    def __init__(self, lab: SimulatedLab) -> None:
        self._engine = lab.engine
        super().__init__(lab, {})

    def begin(self) -> None:
        """The scene's clock is the engine's."""
        self.started_at = 0.0

    def elapsed_seconds(self) -> float:
        """Seconds since the scene began."""
        return self._engine.now
