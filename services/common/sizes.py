"""The settings: sizes that every service has, switchable like everything else."""

import random

from services.common.params import Param
from services.common.switches import Host, Setting

SPREAD = 0.2  # a query's time is drawn evenly within this share of its mean
MAX_IN_FLIGHT = 2000  # users who wait at once; those who come then are refused
MAX_SEED = 1_000_000
BACKOFFS = ("none", "exponential", "full_jitter")


class Client(Setting):
    """How a service calls the next one."""

    name = "client"
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
    story = "How many database connections the api has, and how long a request waits for one."
    params = (
        Param("size", "database connections of the api", 40, "", 1, 160),
        Param("wait_seconds", "how long a request waits for one", 1.0, "s", 0, 60),
    )


class Capacity(Setting):
    """How much work the database can do."""

    name = "capacity"
    story = "How many queries the database runs at once, how long each takes, and how many may queue."
    params = (
        Param("connections", "queries that run at once", 40, "", 1, 160),
        Param("service_time_seconds", "mean time of a query, drawn evenly within 20 % of it", 0.012, "s", 0, 60),
        Param("queue_limit", "queries that may queue", 100, "", 0, 1000),
    )


class Arrivals(Setting):
    """How many users come, and how long they wait."""

    name = "arrivals"
    story = "How many users come each second, and how long each of them waits."
    params = (
        Param("rps", "mean arrivals per second; 0 is none", 4.0, "1/s", 0, 500),
        Param("patience_seconds", "how long a user waits before leaving", 20.0, "s", 0.1, 300),
        Param("seed", "the same seed lets the same users come; 0 is new dice each time", 0, "", 0, MAX_SEED),
    )

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self._seed = 0
        self.dice = host.random

    def on_start(self) -> None:
        """Begin the seed's sequence when the seed is another one; a new rate goes on in it."""
        seed = int(self.values.seed)
        if seed != self._seed:
            self.dice = random.Random(seed) if seed else self.host.random
        self._seed = seed

    def on_stop(self) -> None:
        """Back to new dice: the same seed begins from its start after this."""
        self._seed, self.dice = 0, self.host.random
