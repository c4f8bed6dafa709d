"""Every metric of the lab, declared once. A service makes the sets that it needs, in a registry of its own.

All label sets exist from the start, at zero: a series that is born with the first failure shows "No data" when it
matters most.
"""

from __future__ import annotations

import gc
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from services.common.http.problems import SHED_REASONS
from services.common.process.oom import OomKills
from services.common.switches.registry import Switches
from services.common.telemetry.state import QueueWait
from services.common.telemetry.windows import SumWindow, WaitWindow

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each counter, read by nobody

DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 4, 5, 7.5, 10, 15, 20, 30)
FINE_BUCKETS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20)
STATUS_CODES = ("200", "500", "502", "503", "504")
UNMATCHED, UNMATCHED_CODES = "none", ("404", "405")  # what no route takes
CLIENT_OUTCOMES = ("ok", "error", "timeout", "refused", "rejected")
SENT_OUTCOMES = ("ok", "error", "timeout", "refused")
ROLES = ("in_use", "standby", "ejected", "failing")
HEDGE_OUTCOMES = ("won", "lost")
USER_OUTCOMES = ("success", "error", "timeout", "refused")


class ProcessCollector(Collector):
    """This process as the kernel sees it, under the names that prometheus_client gives on Linux."""

    def collect(self) -> Iterator[Metric]:
        """Read the kernel's numbers now."""
        process = psutil.Process()
        with process.oneshot():
            memory = process.memory_info()
            times = process.cpu_times()
            yield GaugeMetricFamily("process_resident_memory_bytes", "Resident memory size.", memory.rss)
            yield GaugeMetricFamily("process_virtual_memory_bytes", "Virtual memory size.", memory.vms)
            yield CounterMetricFamily("process_cpu_seconds", "CPU time, user and system.", times.user + times.system)
            yield GaugeMetricFamily("process_start_time_seconds", "Start, since 1970.", process.create_time())
            yield GaugeMetricFamily("process_open_fds", "Open file descriptors.", process.num_fds())
            yield GaugeMetricFamily("process_threads", "Threads.", process.num_threads())


class OomCollector(Collector):
    """OOM kills, so that a process that was killed is counted by the one after it."""

    def __init__(self, kills: OomKills) -> None:
        self._kills = kills

    def collect(self) -> Iterator[Metric]:
        """Read the kernel's count now."""
        yield CounterMetricFamily("lab_oom_kills", "Processes killed at the memory limit.", self._kills.total())


class SwitchCollector(Collector):
    """Which switches are on, and when each changed last; one that is hidden is as it was before."""

    def __init__(self, switches: Switches) -> None:
        self._switches = switches

    def collect(self) -> Iterator[Metric]:
        """Read the switches now."""
        active = GaugeMetricFamily("lab_switch_active", "1 while the switch is on.", labels=["kind", "name"])
        changed = GaugeMetricFamily(
            "lab_switch_changed_timestamp_seconds", "When the switch changed last; 0 is never.", labels=["kind", "name"]
        )
        for switch in self._switches:
            labels = [switch.kind, switch.name]
            active.add_metric(labels, float(switch.active and not switch.hidden))
            changed.add_metric(labels, switch.changed_at)
        yield active
        yield changed


class QueueWaits:
    """How long requests wait in one queue: a histogram to scrape, and the median that the state shows."""

    def __init__(self, registry: CollectorRegistry, name: str, help_text: str) -> None:
        self._histogram = Histogram(name, help_text, registry=registry, buckets=FINE_BUCKETS)
        self._window = WaitWindow()
        self.waiting: Callable[[], Iterable[float]] = tuple  # the ages in seconds of those who wait now

    def add(self, seconds: float) -> None:
        """A wait of so many seconds ended now."""
        self._histogram.observe(seconds)
        self._window.add(seconds)

    def since(self, moment: float) -> QueueWait:
        """The waits since the moment (time.monotonic), those that go on included."""
        return QueueWait(self._window.median(moment, self.waiting()))

    def clear(self) -> None:
        """A reset: the window starts again, empty."""
        self._window.clear()


class Server:
    """What a service shows of the requests that it serves."""

    def __init__(self, registry: CollectorRegistry, routes: Iterable[str], threads: int) -> None:
        self.duration = Histogram(
            "http_server_request_duration_seconds",
            "Time in the handler.",
            ["http_route", "http_response_status_code"],
            registry=registry,
            buckets=DURATION_BUCKETS,
        )
        for route in routes:
            for status in STATUS_CODES:
                self.duration.labels(route, status)
        for status in UNMATCHED_CODES:
            self.duration.labels(UNMATCHED, status)
        self.active = Gauge(
            "http_server_active_requests", "Requests in handlers or waiting for one.", registry=registry
        )
        self.busy = Gauge("lab_worker_threads_busy", "Worker threads that are in a handler.", registry=registry)
        self.total = Gauge("lab_worker_threads_total", "Worker threads.", registry=registry)
        self.total.set(threads)
        self.waits = QueueWaits(
            registry,
            "lab_queue_wait_seconds",
            "From the caller's sending (X-Request-Start) to the start of the handler.",
        )
        self.abandoned = Counter(
            "lab_requests_abandoned", "Requests answered after their caller had gone.", registry=registry
        )
        self.shed = Counter("lab_requests_shed", "Requests turned away at the door.", ["reason"], registry=registry)
        for reason in SHED_REASONS:
            self.shed.labels(reason)


def caller_timeout(registry: CollectorRegistry, peer: str) -> Gauge:
    """How long this service waits for `peer`: the gauge that work in queues is compared with."""
    help_text = "How long a caller waits for its peer before it gives up."
    return Gauge("lab_client_timeout_seconds", help_text, ["peer"], registry=registry).labels(peer)


class ClientMetrics:
    """What a service shows of its calls to the next one."""

    def __init__(self, registry: CollectorRegistry, peer: str, instances: Iterable[str]) -> None:
        duration = Histogram(
            "http_client_request_duration_seconds",
            "Time of one attempt.",
            ["peer", "outcome"],
            registry=registry,
            buckets=DURATION_BUCKETS,
        )
        self.duration = {outcome: duration.labels(peer, outcome) for outcome in CLIENT_OUTCOMES}
        attempts = Counter("lab_client_attempts", "Attempts sent.", ["peer", "attempt"], registry=registry)
        self.first = attempts.labels(peer, "first")
        self.retry = attempts.labels(peer, "retry")
        requests = Counter(
            "lab_upstream_requests",
            "Requests to each instance of the peer, a hedged attempt's second one included.",
            ["peer", "target", "outcome"],
            registry=registry,
        )
        self.requests = {
            (target, outcome): requests.labels(peer, target, outcome)
            for target in instances
            for outcome in SENT_OUTCOMES
        }
        self.upstream_state = Gauge(
            "lab_upstream_state",
            "0 in use, 1 standby, 2 ejected, 3 failing its checks.",
            ["peer", "target"],
            registry=registry,
        )
        hedges = Counter(
            "lab_hedges", "Second requests, by which one answered.", ["peer", "outcome"], registry=registry
        )
        self.hedges = {outcome: hedges.labels(peer, outcome) for outcome in HEDGE_OUTCOMES}
        self.timeout = caller_timeout(registry, peer)
        self.breaker_state = Gauge(
            "lab_breaker_state", "0 closed, 1 half-open, 2 open.", ["peer"], registry=registry
        ).labels(peer)
        self.retry_tokens = Gauge(
            "lab_retry_budget_tokens", "Retries that the budget allows now.", ["peer"], registry=registry
        ).labels(peer)


class Flights(Protocol):
    """What single-flight counts."""

    threads: int
    shared_total: int


class FlightCollector(Collector):
    """Shared queries, and the misses that needed none of their own."""

    def __init__(self, flights: Flights) -> None:
        self._flights = flights

    def collect(self) -> Iterator[Metric]:
        """Read the counts now."""
        shared = self._flights.shared_total
        yield CounterMetricFamily("lab_single_flight_shared", "Misses that waited for another's query.", shared)
        yield GaugeMetricFamily("lab_single_flight_under_way", "Shared queries under way.", self._flights.threads)


class CacheMetrics:
    """What a service shows of its cache."""

    def __init__(self, registry: CollectorRegistry, flights: Flights, entries: Callable[[], float]) -> None:
        lookups = Counter("lab_cache_lookups", "Times that the cache was asked.", ["outcome"], registry=registry)
        self.hits, self.misses = lookups.labels("hit"), lookups.labels("miss")
        gauge(registry, "lab_cache_entries", "Entries that have not expired.", entries)
        registry.register(FlightCollector(flights))


class GcWatch:
    """Times every full collection of the garbage collector; its pauses stop all threads.

    A collection may start while this very metric is being scraped, in the same thread and under its lock. So the
    callback only notes the pause, and `drain`, called before a scrape or a look at the state, puts the
    notes into the histogram.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._pause = Histogram(
            "lab_gc_pause_seconds", "Full garbage collections.", registry=registry, buckets=FINE_BUCKETS
        )
        self._pauses: deque[float] = deque()
        self._window = SumWindow(1)
        self._began = 0.0

    def start(self) -> None:
        """Begin to watch."""
        gc.callbacks.append(self._note)

    def _note(self, phase: str, info: dict[str, Any]) -> None:
        if info["generation"] != 2:
            return
        if phase == "start":
            self._began = time.perf_counter()
        else:
            self._pauses.append(time.perf_counter() - self._began)

    def drain(self) -> None:
        """Put what was noted into the histogram and the window."""
        while self._pauses:
            seconds = self._pauses.popleft()
            self._pause.observe(seconds)
            self._window.add(seconds)

    def since(self, moment: float) -> float:
        """Seconds that full collections took since the moment (time.monotonic)."""
        self.drain()
        return self._window.since(moment)[0]


def gauge(registry: CollectorRegistry, name: str, help_text: str, read: Callable[[], float]) -> Gauge:
    """A gauge that is read when it is scraped."""
    made = Gauge(name, help_text, registry=registry)
    made.set_function(read)
    return made
