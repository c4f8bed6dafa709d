"""The api's look-aside cache, as services/common/resources/cache.py and single_flight have it."""

from __future__ import annotations

import random
from collections.abc import Callable

from services.common.http.problems import FlightsFull, PeerTimeout, Problem
from services.common.resources.store import Store
from services.common.switches.defences.single_flight import SingleFlight
from services.common.switches.settings import SPREAD, CacheSetting, ClientSetting
from services.common.telemetry.state import CacheState
from services.common.telemetry.windows import CountWindow

from .engine import Ended, Engine, Steps
from .simulated_switches import SimulatedSwitches

# A call to the database, whose attempts may take so many seconds; None is as the setting says.
Load = Callable[[float | None], Steps]


class _Flight:
    """One query under way, for all who want its key."""

    def __init__(self, engine: Engine) -> None:
        self.landed = Ended(engine)
        self.problem: Problem | None = None


class SimulatedCache:
    """Asked first; what had to be queried is kept for a while."""

    def __init__(self, engine: Engine, switches: SimulatedSwitches, dice: random.Random) -> None:
        self._engine = engine
        self._switches = switches
        self._setting = switches[CacheSetting]
        self._client = switches[ClientSetting]
        self._single_flight = switches[SingleFlight]
        self._dice = dice
        self._store = Store(lambda: engine.now)
        self._flights: dict[int, _Flight] = {}
        self._flying = 0
        self._hits, self._lookups = CountWindow(lambda: engine.now), CountWindow(lambda: engine.now)
        switches.subscribe(self._resize)

    def _resize(self) -> None:
        setting = self._setting
        self._store.resize(self._switches.cache_room(setting.keys) if setting.ttl_seconds else 0)

    def get(self, load: Load, load_for_all: Load) -> Steps:
        """An answer for a key; `load` works for the caller, `load_for_all` for everybody who shares a query."""
        seconds = self._client.timeout_seconds
        if not self._setting.ttl_seconds:
            yield from load(None)
            return
        key = self._dice.randrange(self._setting.keys)
        self._lookups.add()
        if self._store.find(key) is not None:
            self._hits.add()
        elif self._single_flight.active:
            yield from self._share(key, seconds, load_for_all)
        else:
            yield from self._fill(key, load, seconds)

    def _fill(self, key: int, load: Load, seconds: float) -> Steps:
        if self._store.find(key) is None:
            yield from load(seconds)
            self._store.put(key, True, self._setting.ttl_seconds * self._dice.uniform(1 - SPREAD, 1 + SPREAD))

    def _share(self, key: int, seconds: float, load: Load) -> Steps:
        flight = self._flights.get(key)
        if flight is None:
            if self._flying >= self._single_flight.max_flights:
                raise FlightsFull("too many shared queries are under way")
            flight = self._flights[key] = _Flight(self._engine)
            self._flying += 1
            self._engine.spawn(self._fly(key, flight, load, self._single_flight.flight_seconds))
        yield from flight.landed.sleep(seconds)
        if not flight.landed.is_set():
            raise PeerTimeout("the shared query did not end in time")
        if flight.problem is not None:
            raise flight.problem

    def _fly(self, key: int, flight: _Flight, load: Load, seconds: float) -> Steps:
        try:
            yield from self._fill(key, load, seconds)
        except Problem as problem:
            flight.problem = problem
        self._flying -= 1
        del self._flights[key]
        flight.landed.set()

    def state(self, since: float) -> CacheState:
        """What the admin plane would say, as far as the measures ask."""
        hits, lookups = self._hits.since(since), self._lookups.since(since)
        return CacheState(hits=hits, lookups=lookups, hit_ratio=hits / lookups if lookups else None)
