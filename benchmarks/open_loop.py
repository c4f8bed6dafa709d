"""Whether users keep to their schedule while nobody answers them: 100 a second, each of whom gives up after 5 s.

Arrivals are a Poisson process, so that their number in a minute differs from 6,000 by one or two percent however exact
the traffic is. Its dice have a seed here, and the arrivals are compared with those that the same dice ask for.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from benchmarks import containers
from services.common.process.memory import Memory
from services.common.switches.base import Host
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.registry import Switches
from services.common.switches.settings import ArrivalsSetting
from services.common.topology import TRAFFIC
from services.traffic.users import UserMetrics, Users

RPS = 100
PATIENCE_SECONDS = 5
SECONDS = 60.0
SEED = 7


class Lags:
    """Stands in for the histogram of lags, and keeps each with its moment."""

    def __init__(self) -> None:
        self.found: list[tuple[float, float]] = []

    def observe(self, seconds: float) -> None:
        """One user was sent so many seconds late."""
        self.found.append((time.monotonic(), seconds))


def scheduled() -> int:
    """How many arrivals the seed asks for."""
    dice, due, count = random.Random(SEED), 0.0, 0
    while (due := due + dice.expovariate(RPS)) <= SECONDS:
        count += 1
    return count


async def _run(port: int, folder: Path) -> Lags:
    switches = Switches(CATALOGUE[TRAFFIC.name], Host(Memory(folder)), folder / "switches.json")
    metrics, dice = UserMetrics(CollectorRegistry()), random.Random()
    lags = metrics.lag = Lags()  # type: ignore[assignment]
    users = Users(f"http://127.0.0.1:{port}", switches[ArrivalsSetting], metrics, dice)
    switches.subscribe(users.wake)
    switches.change("setting", "arrivals", True, {"rps": 0})
    running = asyncio.create_task(users.run())
    await asyncio.sleep(2)  # it waits for the lab's first good answer
    await asyncio.to_thread(containers.post, "/api/services/api/failures/hang", {"active": True})
    dice.seed(SEED)
    switches.change("setting", "arrivals", True, {"rps": RPS, "patience_seconds": PATIENCE_SECONDS})
    await asyncio.sleep(SECONDS + 1)
    running.cancel()
    users.drop_now()
    await asyncio.sleep(0.1)
    return lags


def measure() -> dict[str, float]:
    """Arrivals made and asked for, and how late the users were sent."""
    with tempfile.TemporaryDirectory() as folder, containers.lab():
        containers.post("/api/traffic", {"rps": 0})
        lags = asyncio.run(_run(containers.PORTS["FRONTEND_PORT"], Path(folder)))
    first = lags.found[0][0] - random.Random(SEED).expovariate(RPS)
    late = sorted(lag for moment, lag in lags.found if moment - lag - first <= SECONDS)
    return {"arrivals": len(late), "scheduled": scheduled(), "p99": late[int(0.99 * len(late))], "most": late[-1]}


def report() -> None:
    """Print what was found."""
    found = measure()
    error = found["arrivals"] / found["scheduled"] - 1
    print(f"\nopen loop, {RPS} users a second for {SECONDS:g} s, every one of whom times out at {PATIENCE_SECONDS} s:")
    print(f"{found['arrivals']:.0f} of {found['scheduled']:.0f} arrivals made ({error:+.2%}), ", end="")
    print(f"sent late by p99 {found['p99'] * 1000:.1f} ms, at most {found['most'] * 1000:.0f} ms")
