"""Defence: stop calling an instance that keeps failing, and try it again with a few probes."""

import threading
from collections import deque
from collections.abc import Sequence

from services.common.calls.balancing import Target
from services.common.http.problems import BreakerOpen
from services.common.switches.base import Defence, Host
from services.common.switches.params import Param

CLOSED, HALF_OPEN, OPEN = 0, 1, 2


class _Circuit:
    """The state of one instance; `last` are the failures among its last calls."""

    def __init__(self, calls: int) -> None:
        self.last: deque[bool] = deque(maxlen=calls)
        self.opened_at = 0.0
        self.changes = 0
        self.become(CLOSED)

    def become(self, state: int) -> None:
        """Change the state: calls that began before are judged no more."""
        self.state = state
        self.changes += 1
        self.probes_sent = self.probes_passed = 0

    def open(self, now: float) -> None:
        """Refuse calls from now on."""
        self.become(OPEN)
        self.opened_at = now
        self.last.clear()


class CircuitBreaker(Defence):
    """Opens when too many of the last calls failed; after a while admits exactly `probes` calls to decide.

    Each instance has a circuit of its own. A call is judged only if its circuit has not changed its state since the
    call began: one from before it opened is no probe. Nygard, "Release It!", chapter "Stability Patterns". No lock is
    held while a call is under way.
    """

    name = "circuit_breaker"
    brief = "breaker opens at {failure_ratio}"
    simulated = True
    story = "Calls to an instance that keeps failing are refused at once, and probed from time to time."
    failure_ratio = Param(0.5, "share of failed calls that opens it", "", 0.01, 1)
    calls = Param(20, "how many of the last calls it looks at", "", 1, 1000)
    open_seconds = Param(5.0, "how long it stays open", "s", 0.1, 300)
    probes = Param(3, "calls that it lets through to decide whether to close", "", 1, 100)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._circuits: dict[str, _Circuit] = {}
        self._call = host.local()  # an attempt begins and ends in one thread

    @property
    def state(self) -> int:
        """That of the worst circuit: CLOSED, HALF_OPEN or OPEN."""
        with self._lock:
            return max((circuit.state for circuit in self._circuits.values()), default=CLOSED)

    def on_start(self) -> None:
        with self._lock:
            for circuit in self._circuits.values():
                circuit.last = deque(circuit.last, maxlen=self.calls)

    def on_stop(self) -> None:
        with self._lock:
            for circuit in self._circuits.values():
                circuit.become(CLOSED)
                circuit.last.clear()

    def narrow(self, targets: Sequence[Target]) -> Sequence[Target]:
        """Those that it would let through; where it would let none, all: then the refusal names it."""
        with self._lock:
            left = [target for target in targets if self._may_pass(target.name)]
        return left or targets

    def before_attempt(self, target: Target) -> None:
        with self._lock:
            if not self._may_pass(target.name):
                raise BreakerOpen(f"{target.name} kept failing")
            circuit = self._circuit(target.name)
            if circuit.state == OPEN:
                circuit.become(HALF_OPEN)
            if circuit.state == HALF_OPEN:
                circuit.probes_sent += 1
            self._call.began_at_change = (target.name, circuit.changes)

    def after_attempt(self, outcome: str, is_retry: bool, target: Target) -> None:
        began_at_change, self._call.began_at_change = getattr(self._call, "began_at_change", None), None
        with self._lock:
            circuit = self._circuit(target.name)
            if began_at_change != (target.name, circuit.changes):
                return
            if outcome == "rejected":  # it never reached the peer, and so says nothing about it
                circuit.probes_sent -= circuit.state == HALF_OPEN
            elif circuit.state == HALF_OPEN:
                self._judge_probe(circuit, outcome != "ok")
            elif circuit.state == CLOSED:
                circuit.last.append(outcome != "ok")
                full = len(circuit.last) == circuit.last.maxlen
                if full and sum(circuit.last) >= self.failure_ratio * len(circuit.last):
                    circuit.open(self.host.clock())

    def _circuit(self, name: str) -> _Circuit:
        return self._circuits.setdefault(name, _Circuit(self.calls))

    def _may_pass(self, name: str) -> bool:
        """Whether a call to this instance would be let through; the lock is held."""
        circuit = self._circuit(name)
        if circuit.state == OPEN:
            return self.host.clock() - circuit.opened_at >= self.open_seconds
        return circuit.state == CLOSED or circuit.probes_sent < self.probes

    def _judge_probe(self, circuit: _Circuit, failed: bool) -> None:
        if failed:
            circuit.open(self.host.clock())
            return
        circuit.probes_passed += 1
        if circuit.probes_passed >= self.probes:
            circuit.become(CLOSED)
