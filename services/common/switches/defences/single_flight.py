"""Defence: those who miss the same key of the cache share one query."""

import logging
import threading
from dataclasses import replace
from typing import Any

from services.common.calls.call import Call
from services.common.http.problems import FlightsFull, PeerTimeout, Problem, Reset
from services.common.switches.base import Defence, Host, Load
from services.common.switches.params import Param

log = logging.getLogger(__name__)


class _Flight:
    """One query under way, for all who want its key. `call` stands for them, with no deadline of its own."""

    def __init__(self, call: Call) -> None:
        self.call = replace(call, deadline=None, attempts=[], hops_behind=[])
        self.landed = threading.Event()
        self.answer: Any = None
        self.problem: Problem | None = None


class SingleFlight(Defence):
    """Lets one query for a key be under way; every other miss of that key waits for its answer.

    It runs in a thread of its own, so that it ends and fills the cache even if all who waited have left: where the
    database's queue is longer than callers wait, nothing else ever does. No lock is held while it runs.
    Nishtala et al., "Scaling Memcache at Facebook" (NSDI 2013), "Leases".
    """

    name = "single_flight"
    simulated = True
    story = "Misses of the cache share one query for each key, which fills it even when they have left."
    max_flights = Param(64, "queries under way at once", "", 1, 128)
    flight_seconds = Param(10.0, "how long a query may take, even if everybody has left", "s", 0.05, 300)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._lock = threading.Lock()
        self._flights: dict[int, _Flight] = {}
        self.threads = 0
        self.shared_total = 0

    def around_load(self, key: int, call: Call, wait_seconds: float, load: Load) -> Any:
        flight, is_new = self._board(key, call)
        if is_new:
            self._take_off(key, flight, load)
        if not flight.landed.wait(wait_seconds):
            raise PeerTimeout(f"the shared query did not end within {wait_seconds:g} s")
        if is_new:
            call.attempts, call.hops_behind = flight.call.attempts, flight.call.hops_behind
        if flight.problem is not None:
            raise type(flight.problem)(flight.problem.detail)
        return flight.answer

    def _board(self, key: int, call: Call) -> tuple[_Flight, bool]:
        """The flight for a key, and whether it is a new one, which the caller has to start."""
        with self._lock:
            if key in self._flights:
                self.shared_total += 1
                return self._flights[key], False
            if self.threads >= self.max_flights:
                raise FlightsFull(f"{self.threads} shared queries are under way")
            self.threads += 1
            flight = self._flights[key] = _Flight(call)
            return flight, True

    def _take_off(self, key: int, flight: _Flight, load: Load) -> None:
        arguments = (key, flight, load, self.flight_seconds)
        try:
            threading.Thread(target=self._fly, args=arguments, name=self.name, daemon=True).start()
        except RuntimeError:  # the machine has no thread left
            self._end(key, flight, None, FlightsFull("no thread can be started for a shared query"))

    def _fly(self, key: int, flight: _Flight, load: Load, seconds: float) -> None:
        answer, problem = None, None
        try:
            answer = load(flight.call, seconds)
        except Problem as expected:
            problem = expected
        except Exception:
            log.exception("a shared query broke off", extra={"request_id": flight.call.request_id})
            problem = Problem("an unexpected error: the log has it")
        self._end(key, flight, answer, problem)

    def _end(self, key: int, flight: _Flight, answer: Any, problem: Problem | None) -> None:
        with self._lock:
            self.threads -= 1
            self._land(key, flight, answer, problem)

    def _land(self, key: int, flight: _Flight, answer: Any, problem: Problem | None) -> None:
        """Tell those who wait; the lock is held, and a flight that a reset has ended says nothing more."""
        if self._flights.get(key) is flight:
            del self._flights[key]
            flight.answer, flight.problem = answer, problem
            flight.landed.set()

    def on_reset(self) -> None:
        with self._lock:
            for key, flight in list(self._flights.items()):
                self._land(key, flight, None, Reset("the lab was reset while the shared query was under way"))
