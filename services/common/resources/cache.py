"""The api's look-aside cache: it is asked first, and what had to be queried is kept for a while."""

from __future__ import annotations

from functools import partial
from typing import Any

from services.common.calls.call import Call
from services.common.calls.client import PeerClient
from services.common.process.service import Service
from services.common.resources.store import Store
from services.common.switches.defences.single_flight import SingleFlight
from services.common.switches.settings import SPREAD, CacheSetting
from services.common.telemetry.metrics import CacheMetrics
from services.common.telemetry.state import CacheState
from services.common.telemetry.windows import CountWindow


class Cache:
    """Follows the setting `cache`, and shows itself in state and metrics.

    Each call asks for one key, uniform over all of them: a hit needs no query, a miss makes one and keeps its answer.
    """

    def __init__(self, service: Service, client: PeerClient) -> None:
        self._client = client
        self._epoch = service.epoch
        self._switches = service.switches
        self._setting = setting = service.switches[CacheSetting]
        self._random = setting.host.random
        self._store = store = Store(setting.host.clock)
        self._hits, self._lookups = CountWindow(), CountWindow()
        self._metrics = CacheMetrics(service.registry, service.switches[SingleFlight], lambda: len(store))
        service.switches.subscribe(self._resize)
        service.on_reset += [self._hits.clear, self._lookups.clear]
        service.parts["cache"] = self._state

    def get(self, path: str, call: Call) -> Any:
        """The answer to GET `path` for a key; raises what the client does."""
        if not self._setting.ttl_seconds:
            return self._client.get(path, call)
        key = self._random.randrange(self._setting.keys)
        found = self._store.find(key)
        self._lookups.add()
        if found is not None:
            self._hits.add()
            self._metrics.hits.inc()
            return found
        self._metrics.misses.inc()
        return self._switches.around_load(key, call, self._client.timeout_seconds, partial(self._load, key, path))

    def _load(self, key: int, path: str, call: Call, timeout_seconds: float) -> Any:
        """Query and keep the answer, unless somebody has kept one since the key was missed."""
        answer = self._store.find(key)
        if answer is None:
            answer = self._client.get(path, call, timeout_seconds)
            self._epoch.check(call.sent_at)
            self._store.put(key, answer, self._setting.ttl_seconds * self._random.uniform(1 - SPREAD, 1 + SPREAD))
        return answer

    def _resize(self) -> None:
        self._store.resize(self._switches.cache_room(self._setting.keys) if self._setting.ttl_seconds else 0)

    def _state(self, since: float) -> CacheState:
        hits, lookups = self._hits.since(since), self._lookups.since(since)
        return CacheState(len(self._store), hits, lookups, hits / lookups if lookups else None)
