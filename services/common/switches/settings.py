"""The settings: sizes that every service has, switchable like everything else."""

from services.common.switches.base import Setting
from services.common.switches.params import Param

SPREAD = 0.2  # a query's time, and an entry's in the cache, is drawn evenly within this share of its mean
MAX_IN_FLIGHT = 2000  # users who wait at once; those who come then are refused
MAX_SEED = 2**31 - 1
BACKOFFS = ("none", "exponential", "full_jitter")


class Client(Setting):
    """How a service calls the next one."""

    name = "client"
    simulated = True
    story = "How this service calls the next one: timeout, attempts and backoff."
    params = (
        Param("timeout_seconds", "how long one attempt may take", 20.0, "s", 0.05, 3600),
        Param("attempts", "attempts in all, the first one included", 1, "", 1, 10),
        Param("backoff", "pause before a retry", "none", choices=BACKOFFS),
        Param("backoff_base_seconds", "the first pause; it doubles with each retry", 0.2, "s", 0, 10),
    )


class Pool(Setting):
    """The api's connection pool to the database."""

    name = "pool"
    simulated = True
    story = "How many database connections the api has, and how long a request waits for one."
    params = (
        Param("size", "database connections of the api", 40, "", 1, 160),
        Param("wait_seconds", "how long a request waits for one", 1.0, "s", 0, 60),
    )


class Cache(Setting):
    """The api's look-aside cache before the database."""

    name = "cache"
    simulated = True
    story = "For how long the api keeps answers, and how many different things orders ask for."
    params = (
        Param(
            "ttl_seconds",
            "mean time that an answer is kept, drawn evenly within 20 % of it; 0 is no cache",
            0.0,
            "s",
            0,
            3600,
        ),
        Param("keys", "things that orders ask for, each as often as the others", 300, "", 1, 10_000),
    )


class Capacity(Setting):
    """How much work the database can do."""

    name = "capacity"
    simulated = True
    story = "How many queries the database runs at once, how long each takes, and how many may queue."
    params = (
        Param("connections", "queries that run at once", 40, "", 1, 160),
        Param("service_time_seconds", "mean time of a query, drawn evenly within 20 % of it", 0.012, "s", 0, 60),
        Param("queue_limit", "queries that may queue", 100, "", 0, 1000),
    )


class Arrivals(Setting):
    """How many users come, and how long they wait."""

    name = "arrivals"
    simulated = True
    story = "How many users come each second, and how long each of them waits."
    params = (
        Param("rps", "mean arrivals per second; 0 is none", 4.0, "1/s", 0, 500),
        Param("patience_seconds", "how long a user waits before leaving", 20.0, "s", 0.1, 300),
        Param("seed", "the same seed lets the same users come again; 0 is others each time", 0, "", 0, MAX_SEED),
    )
