"""What the lab costs in containers: seconds to healthy, memory and CPU at rest, and control calls under fire."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.labs import ComposeLab, cpu_shares, pss_mb
from services.common.topology import CHAIN_NAMES

LAB = ComposeLab("sre-failure-lab-bench", 10_000)
SETTLE_SECONDS = 8
REST_SECONDS = 30
CALLS = 200
FIRE_SECONDS = 60.0
PORTS = LAB.ports
post = LAB.post


@contextmanager
def lab() -> Iterator[float]:
    """A lab in containers, for as long as the block; gives the seconds from `up` to all healthy, images built."""
    LAB.build()
    seconds = LAB.up()
    try:
        yield seconds
    finally:
        LAB.down()


def at_rest() -> dict[str, dict[str, float]]:
    """Each container's memory in MB, and CPU as a share of a core, with four users a second and with none."""
    containers = LAB.containers()
    found = {}
    for rps in (4, 0):
        post("/api/traffic", {"rps": rps})
        time.sleep(SETTLE_SECONDS)
        found[rps] = cpu_shares(containers, REST_SECONDS)
    return {
        service: {"pss_mb": pss_mb(container), "cpu_4_rps": found[4][service], "cpu_0_rps": found[0][service]}
        for service, container in containers.items()
    }


def control_calls_under_fire() -> dict[str, float]:
    """Seconds of control calls, spread over the first 60 s of full_cascade: median, p99 and the slowest."""
    post("/api/scenes/full_cascade", {})
    began, seconds = time.monotonic(), []
    for number in range(CALLS):
        time.sleep(max(0.0, began + number * FIRE_SECONDS / CALLS - time.monotonic()))
        asked = time.monotonic()
        service = CHAIN_NAMES[number % 3]
        post(f"/api/services/{service}/failures/error_rate", {"active": bool(number % 2), "params": {"rate": 0}})
        seconds.append(time.monotonic() - asked)
    ordered = sorted(seconds)
    return {"p50": statistics.median(ordered), "p99": ordered[int(0.99 * CALLS) - 1], "slowest": ordered[-1]}
