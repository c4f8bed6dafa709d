"""The settings: sizes that every service has, switchable like everything else."""

import threading
from collections.abc import Callable, Mapping
from typing import Any

from services.common.calls.balancing import BALANCERS, RoundRobin
from services.common.calls.call import Call
from services.common.http.problems import Starting
from services.common.switches.base import Host, Setting
from services.common.switches.params import Param
from services.common.topology import MAX_REPLICAS

SPREAD = 0.2  # a query's time, and an entry's in the cache, is drawn evenly within this share of its mean
MAX_IN_FLIGHT = 2000  # users who wait at once; those who come then are refused
MAX_SEED = 2**31 - 1
PROBE_SECONDS = 1.0  # between two liveness probes
BACKOFFS = ("none", "exponential", "full_jitter")


class ClientSetting(Setting):
    """How a service calls the next one."""

    name = "client"
    simulated = True
    story = "How this service calls the next one: timeout, attempts and backoff."
    timeout_seconds = Param(20.0, "how long one attempt may take", "s", 0.05, 3600)
    attempts = Param(1, "attempts in all, the first one included", "", 1, 10)
    backoff = Param("none", "pause before a retry", choices=BACKOFFS)
    backoff_base_seconds = Param(0.2, "the first pause; it doubles with each retry", "s", 0, 10)

    @classmethod
    def brief_of(cls, values: Mapping[str, Any]) -> str:
        """Tries and the time of each; a single one has a timeout."""
        if values["attempts"] == 1:
            return "timeout {timeout_seconds}"
        return "{attempts} tries, {timeout_seconds} each" + (", jitter" if values["backoff"] == "full_jitter" else "")


class PoolSetting(Setting):
    """The api's connection pool to the database."""

    name = "pool"
    brief = "pool of {size}"
    simulated = True
    story = "How many database connections the api has, and how long a request waits for one."
    size = Param(40, "database connections of the api", "", 1, 160)
    wait_seconds = Param(1.0, "how long a request waits for one", "s", 0, 60)


class CacheSetting(Setting):
    """The api's look-aside cache before the database."""

    name = "cache"
    brief = "cache {ttl_seconds}"
    simulated = True
    story = "For how long the api keeps answers, and how many different things orders ask for."
    ttl_seconds = Param(0.0, "mean time that an answer is kept, uniform within ±20 %; 0 is no cache", "s", 0, 3600)
    keys = Param(300, "things that orders ask for, each as often as the others", "", 1, 10_000)


class UpstreamSetting(Setting):
    """Which instances of the next service are asked, and how one is chosen."""

    name = "upstream"
    brief = "{replicas} replicas, {policy}"
    simulated = True
    story = "How many instances of the next service are in use, and how each request finds one of them."
    replicas = Param(1, "instances in use; the others stand by", "", 1, MAX_REPLICAS)
    policy = Param(RoundRobin.name, "how an instance is chosen", choices=tuple(BALANCERS))
    retry_elsewhere = Param(True, "whether a retry goes to another instance")


class WorkSetting(Setting):
    """How much work an instance of the api can do by itself, before it asks the database."""

    name = "work"
    brief = "{service_time_seconds} of work"
    simulated = True
    story = "How many requests an instance works on at once, and for how long each."
    slots = Param(0, "requests that are worked on at once; 0 is no work of its own", "", 0, 64)
    service_time_seconds = Param(0.1, "mean time of the work, uniform within ±20 %", "s", 0, 60)


class StartupSetting(Setting):
    """How long an instance that was started again takes no requests."""

    name = "startup"
    brief = "starts in {seconds}"
    story = "How long an instance that was killed or has crashed takes until it serves again."
    simulated = True
    seconds = Param(0.0, "after a restart; real releases take 15 s and more", "s", 0, 300)

    def before_request(self, call: Call) -> None:
        """Refuse while the instance starts."""
        if self.restored_at is None:
            return
        left = self.restored_at + self.seconds - self.host.clock()
        if left > 0:
            raise Starting(f"this instance serves in {left:.0f} s")


class LivenessSetting(Setting):
    """The probe with which an orchestrator decides that an instance is dead: over its worker pool, as most do it."""

    name = "liveness"
    brief = "killed after {failures} failed probes"
    simulated = True
    story = "The instance is asked over its worker pool, and killed after some probes without an answer."
    timeout_seconds = Param(1.0, "how long a probe waits", "s", 0.05, 60)
    failures = Param(0, "probes in a row that fail until it is killed; 0 is no probe", "", 0, 100)

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.probe: Callable[[float], bool] = lambda seconds: True  # told once, before anything is switched on
        self._failed = 0

    def on_begin(self, ended: threading.Event) -> None:
        """Ask every second."""
        self._failed = 0
        self.begin_probes(ended)

    def begin_probes(self, ended: threading.Event) -> None:
        """Probe the instance, in a thread of its own."""
        threading.Thread(target=self._watch, args=(ended,), name=self.name, daemon=True).start()

    def _watch(self, ended: threading.Event) -> None:
        while not ended.wait(PROBE_SECONDS):
            self.note(self.probe(self.timeout_seconds))

    def note(self, is_alive: bool) -> None:
        """A probe has ended; too many in a row that fail end the process."""
        self._failed = 0 if is_alive else self._failed + 1
        if self.failures and self._failed >= self.failures:
            failed, self._failed = self._failed, 0
            self.host.end(f"killed by its liveness probe, which failed {failed} times")


class CapacitySetting(Setting):
    """How much work the database can do."""

    name = "capacity"
    brief = "query {service_time_seconds}"
    simulated = True
    story = "How many queries the database runs at once, how long each takes, and how many may queue."
    connections = Param(40, "queries that run at once", "", 1, 160)
    service_time_seconds = Param(0.012, "mean time of a query, uniform within ±20 %", "s", 0, 60)
    queue_limit = Param(100, "queries that may queue", "", 0, 1000)


class ArrivalsSetting(Setting):
    """How many users come, and how long they wait."""

    name = "arrivals"
    simulated = True
    story = "How many users come each second, and how long each of them waits."
    rps = Param(4.0, "mean arrivals per second; 0 is none", "1/s", 0, 500)
    patience_seconds = Param(20.0, "how long a user waits before leaving", "s", 0.1, 300)
    seed = Param(0, "the same seed lets the same users come again; 0 is others each time", "", 0, MAX_SEED)
