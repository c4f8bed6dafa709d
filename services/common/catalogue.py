"""The catalogue: which service has which switch. A new failure is its own file, one line here, and its test.

The order is that in which active switches are asked: defences stand at the door, so they come first.
"""

from __future__ import annotations

from services.common.defences.circuit_breaker import CircuitBreaker
from services.common.defences.load_shedding import LoadShedding
from services.common.defences.retry_budget import RetryBudget
from services.common.failures.connection_limit import ConnectionLimit
from services.common.failures.cpu_burn import CpuBurn
from services.common.failures.crash import Crash
from services.common.failures.error_rate import ErrorRate
from services.common.failures.hang import Hang
from services.common.failures.latency import Latency
from services.common.failures.memory_leak import MemoryLeak
from services.common.failures.outage import Outage
from services.common.failures.slow_query import SlowQuery
from services.common.sizes import Arrivals, Capacity, Client, Pool
from services.common.switches import Switch

CATALOGUE: dict[str, tuple[type[Switch], ...]] = {
    "frontend": (LoadShedding, RetryBudget, CircuitBreaker, Latency, ErrorRate, CpuBurn, Hang, Crash, Client),
    "api": (
        LoadShedding,
        RetryBudget,
        CircuitBreaker,
        MemoryLeak,
        Latency,
        ErrorRate,
        CpuBurn,
        Hang,
        Crash,
        Client,
        Pool,
    ),
    "database": (SlowQuery, ConnectionLimit, Outage, ErrorRate, Hang, Capacity),
    "traffic": (Arrivals,),
}
