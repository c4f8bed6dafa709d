"""Defence: ask each instance regularly whether it is well, and send no requests to one that is not."""

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from services.common.calls.balancing import Target
from services.common.switches.base import Defence, Host
from services.common.switches.params import Param

FAILING = "failing"
Probe = Callable[[str, bool, bool, float], bool]  # instance, deep, beside the pool, seconds: whether it is well


def nobody(instance: str, deep: bool, beside: bool, timeout_seconds: float) -> bool:
    """Where there are no instances, all are well."""
    return True


class Checked:
    """What the checks of one instance said."""

    def __init__(self) -> None:
        self.is_well = True
        self.in_a_row = 0  # checks that said the opposite

    def note(self, is_well: bool, needed: int) -> None:
        """One check has ended; so many in a row turn the verdict."""
        self.in_a_row = 0 if is_well == self.is_well else self.in_a_row + 1
        if self.in_a_row >= needed:
            self.is_well, self.in_a_row = is_well, 0


class HealthChecks(Defence):
    """Active checks, shallow (does it answer?) or deep (do those answer that it needs?).

    Through the worker pool a check waits as requests do, and dies under load; beside it, it lies. Where all instances
    fail their checks at once the cause is behind them: `fail_open` asks them all (AWS Builders' Library, "Implementing
    health checks").
    """

    name = "health_checks"
    simulated = True
    story = "Each instance is asked regularly whether it is well; one that is not gets no requests."
    interval_seconds = Param(1.0, "time between two checks of an instance", "s", 0.1, 60)
    timeout_seconds = Param(1.0, "how long a check may take", "s", 0.05, 60)
    unhealthy_after = Param(3, "checks in a row that fail until it gets no requests", "", 1, 100)
    healthy_after = Param(2, "checks in a row that pass until it gets requests again", "", 1, 100)
    deep = Param(False, "whether a check asks the service behind the instance, too")
    path = Param("pool", "whether a check waits for a worker thread or not", choices=("pool", "beside"))
    fail_open = Param(True, "whether all are asked where all of them fail")

    @classmethod
    def brief_of(cls, values: Mapping[str, Any]) -> str:
        """Deep or not."""
        return "deep health checks" if values["deep"] else "health checks"

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self.checked: dict[str, Checked] = {}
        self.instances: tuple[str, ...] = ()
        self.probe: Probe = nobody

    def watch(self, instances: Sequence[str], probe: Probe) -> None:
        """Check these, in this way; told once, before anything is switched on."""
        self.instances, self.probe = tuple(instances), probe

    def on_begin(self, ended: threading.Event) -> None:
        with self._lock:
            self.checked = {name: Checked() for name in self.instances}
        for name in self.instances:
            self.begin_checks(name, ended)

    def begin_checks(self, name: str, ended: threading.Event) -> None:
        """Check an instance regularly, in a thread of its own."""
        threading.Thread(target=self._watch, args=(name, ended), name=self.name, daemon=True).start()

    def on_stop(self) -> None:
        with self._lock:
            self.checked = {}

    def _watch(self, name: str, ended: threading.Event) -> None:
        while not ended.wait(self.interval_seconds):
            self.note(name, self.probe(name, self.deep, self.path == "beside", self.timeout_seconds))

    def note(self, name: str, is_well: bool) -> None:
        """A check of an instance has ended."""
        with self._lock:
            found = self.checked.get(name)
            if found is not None:
                found.note(is_well, self.unhealthy_after if found.is_well else self.healthy_after)

    def narrow(self, targets: Sequence[Target]) -> Sequence[Target]:
        with self._lock:
            left = [target for target in targets if self._is_well(target.name)]
        return targets if not left and self.fail_open else left

    def verdict(self, target: Target) -> tuple[str, str] | None:
        with self._lock:
            return None if self._is_well(target.name) else (FAILING, f"{self.unhealthy_after} health checks failed")

    def _is_well(self, name: str) -> bool:
        found = self.checked.get(name)
        return found is None or found.is_well
