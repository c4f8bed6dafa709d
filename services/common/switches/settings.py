"""The settings: sizes that every service has, switchable like everything else."""

from services.common.switches.base import Setting
from services.common.switches.params import Param

SPREAD = 0.2  # a query's time, and an entry's in the cache, is drawn evenly within this share of its mean
MAX_IN_FLIGHT = 2000  # users who wait at once; those who come then are refused
MAX_SEED = 2**31 - 1
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


class PoolSetting(Setting):
    """The api's connection pool to the database."""

    name = "pool"
    simulated = True
    story = "How many database connections the api has, and how long a request waits for one."
    size = Param(40, "database connections of the api", "", 1, 160)
    wait_seconds = Param(1.0, "how long a request waits for one", "s", 0, 60)


class CacheSetting(Setting):
    """The api's look-aside cache before the database."""

    name = "cache"
    simulated = True
    story = "For how long the api keeps answers, and how many different things orders ask for."
    ttl_seconds = Param(0.0, "mean time that an answer is kept, uniform within ±20 %; 0 is no cache", "s", 0, 3600)
    keys = Param(300, "things that orders ask for, each as often as the others", "", 1, 10_000)


class CapacitySetting(Setting):
    """How much work the database can do."""

    name = "capacity"
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
