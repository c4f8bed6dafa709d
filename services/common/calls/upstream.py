"""The instances of a peer, as a caller uses them: which are in use, which may be asked, and what came of it."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence

from services.common.calls.balancing import BALANCERS, Balancer, Target
from services.common.http.problems import NoInstance
from services.common.switches.registry import Switches
from services.common.switches.settings import UpstreamSetting
from services.common.telemetry.state import TargetState
from services.common.telemetry.windows import SumWindow

IN_USE, STANDBY = "in_use", "standby"


class Upstream:
    """Chooses the instance of each attempt. The first `replicas` of the setting are in use, the others stand by."""

    def __init__(self, peer: str, names: Sequence[str], switches: Switches, rng: random.Random) -> None:
        """`names` are the peer's instances, in their order."""
        self.peer = peer
        self.targets = [Target(name) for name in names]
        self._windows = {name: SumWindow(3, switches.clock) for name in names}  # sent, ended, failed
        self._switches = switches
        self._setting = switches[UpstreamSetting] if len(names) > 1 else None
        self._random = rng
        self._clock: Callable[[], float] = switches.clock
        self._lock = threading.Lock()
        self._balancer: Balancer = BALANCERS[UpstreamSetting.policy.default](rng, self._clock)

    @property
    def in_use(self) -> list[Target]:
        """Those that the setting uses."""
        return self.targets[: self._setting.replicas] if self._setting else self.targets

    def pick(self, tried: Sequence[Target]) -> Target:
        """The target of the next attempt; `tried` are those of the attempts before it.

        Raises:
            NoInstance: the defences leave none.
        """
        allowed = self._switches.narrow(self.in_use)
        if not allowed:
            raise NoInstance(f"no instance of {self.peer} may be asked")
        if self._setting and self._setting.retry_elsewhere:
            allowed = [target for target in allowed if target not in tried] or allowed
        return self.choose(allowed)

    def choose(self, targets: Sequence[Target]) -> Target:
        """One of these, by the policy of the setting."""
        with self._lock:
            if self._setting and self._balancer.name != self._setting.policy:
                self._balancer = BALANCERS[self._setting.policy](self._random, self._clock)
            return self._balancer.pick(targets)

    def begin(self, target: Target, is_user: bool) -> float:
        """An attempt is sent to an instance; its moment."""
        with self._lock:
            target.in_flight += 1
        if is_user:
            self._windows[target.name].add(1, 0, 0)
        return self._clock()

    def end(self, target: Target, outcome: str, began: float) -> None:
        """What was sent at that moment has ended."""
        now = self._clock()
        with self._lock:
            target.in_flight -= 1
            target.observe(now - began, now)
        self._windows[target.name].add(0, 1, outcome != "ok")
        self._switches.after_send(target, outcome, now - began)

    def role(self, target: Target) -> tuple[str, str]:
        """What the target is to this caller, and why: in_use, standby, ejected or failing."""
        if target not in self.in_use:
            return STANDBY, ""
        return self._switches.verdict(target) or (IN_USE, "")

    def state(self, since: float) -> dict[str, TargetState]:
        """Each target since a moment, by its name."""
        found = {}
        for target in self.targets:
            role, why = self.role(target)
            sent, ended, failed = self._windows[target.name].since(since)
            found[target.name] = TargetState(role, why, target.in_flight, int(sent), int(ended), int(failed))
        return found

    def clear(self) -> None:
        """A reset: what was seen is forgotten. Attempts under way still count until they end."""
        for window in self._windows.values():
            window.clear()
        for target in self.targets:
            target.ewma_seconds = 0.0
