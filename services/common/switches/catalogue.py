"""The catalogue: which service has which switch. A new failure is its own file, one line here, and its test.

The order is that in which active switches are asked: defences stand at the door, so they come first.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.http.problems import NotFound
from services.common.switches.base import KINDS, Switch
from services.common.switches.defences.adaptive_concurrency import AdaptiveConcurrency
from services.common.switches.defences.bulkhead import Bulkhead
from services.common.switches.defences.circuit_breaker import CircuitBreaker
from services.common.switches.defences.deadline import Deadline
from services.common.switches.defences.health_checks import HealthChecks
from services.common.switches.defences.hedging import Hedging
from services.common.switches.defences.load_shedding import LoadShedding
from services.common.switches.defences.outlier_ejection import OutlierEjection
from services.common.switches.defences.rate_limit import RateLimit
from services.common.switches.defences.retry_budget import RetryBudget
from services.common.switches.defences.single_flight import SingleFlight
from services.common.switches.defences.slow_start import SlowStart
from services.common.switches.failures.bad_version import BadVersion
from services.common.switches.failures.cache_flush import CacheFlush
from services.common.switches.failures.connection_leak import ConnectionLeak
from services.common.switches.failures.connection_limit import ConnectionLimit
from services.common.switches.failures.cpu_burn import CpuBurn
from services.common.switches.failures.crash import Crash
from services.common.switches.failures.error_rate import ErrorRate
from services.common.switches.failures.hang import Hang
from services.common.switches.failures.heavy_requests import HeavyRequests
from services.common.switches.failures.latency import Latency
from services.common.switches.failures.lock_contention import LockContention
from services.common.switches.failures.memory_leak import MemoryLeak
from services.common.switches.failures.missing_index import MissingIndex
from services.common.switches.failures.outage import Outage
from services.common.switches.failures.slow_query import SlowQuery
from services.common.switches.failures.thread_leak import ThreadLeak
from services.common.switches.params import parse_params
from services.common.switches.settings import (
    ArrivalsSetting,
    CacheSetting,
    CapacitySetting,
    ClientSetting,
    LivenessSetting,
    PoolSetting,
    StartupSetting,
    UpstreamSetting,
    WorkSetting,
)
from services.common.topology import SWITCHED_NAMES

# What a service does with the requests that come to it, and with those that it sends.
DOOR: tuple[type[Switch], ...] = (Deadline, RateLimit, LoadShedding, AdaptiveConcurrency)
CALLER: tuple[type[Switch], ...] = (RetryBudget, CircuitBreaker, Bulkhead)
BALANCER: tuple[type[Switch], ...] = (HealthChecks, OutlierEjection, SlowStart, Hedging)  # slow start sees what is left

CATALOGUE: dict[str, tuple[type[Switch], ...]] = {
    "frontend": (*DOOR, *BALANCER, *CALLER, Latency, ErrorRate, CpuBurn, Hang, Crash, ClientSetting, UpstreamSetting),
    "api": (
        StartupSetting,
        *DOOR,
        *CALLER,
        SingleFlight,
        HeavyRequests,
        BadVersion,
        MemoryLeak,
        CacheFlush,
        ConnectionLeak,
        ThreadLeak,
        Latency,
        ErrorRate,
        CpuBurn,
        Hang,
        Crash,
        ClientSetting,
        PoolSetting,
        CacheSetting,
        WorkSetting,
        LivenessSetting,
    ),
    "database": (
        *DOOR,
        SlowQuery,
        LockContention,
        MissingIndex,
        ConnectionLimit,
        Outage,
        ErrorRate,
        Hang,
        CapacitySetting,
    ),
    "traffic": (ArrivalsSetting,),
}


def find_switch(service: str, kind: str, name: str) -> type[Switch]:
    """The switch of the catalogue, of a service or of one instance of it.

    Raises:
        NotFound: naming what there is.
    """
    if service not in SWITCHED_NAMES:
        raise NotFound(f"there is no service {service!r:.60}", field="service", allowed=sorted(SWITCHED_NAMES))
    of_service = CATALOGUE[SWITCHED_NAMES[service][0].spec.name]
    if kind not in KINDS:
        raise NotFound(f"there is no kind {kind!r:.60}", field="kind", allowed=list(KINDS))
    names = {switch.name: switch for switch in of_service if switch.kind == kind}
    if name not in names:
        raise NotFound(f"{service} has no {kind} {name!r:.60}", field="name", allowed=sorted(names))
    return names[name]


def check_switch(service: str, kind: str, name: str, params: Mapping[str, Any]) -> None:
    """Whether it could be switched on with these parameters.

    Raises:
        NotFound, InvalidParameter: naming what is wrong, and what is allowed.
    """
    found = find_switch(service, kind, name)
    found.check(parse_params(found.all_params(), params))
