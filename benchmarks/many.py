"""Ten labs on one machine: what they cost together, and that none of them feels what happens in another."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from benchmarks.labs import ComposeLab, cpu_shares, pss_mb

LABS = [ComposeLab(f"sre-failure-lab-bench-{number}", 10_000 + 100 * number) for number in range(1, 11)]
BROKEN = LABS[2]
SETTLE_SECONDS = 20
REST_SECONDS = 20
FEEL_SECONDS = 30


@contextmanager
def ten_labs() -> Iterator[float]:
    """All labs, for as long as the block; gives the seconds until the last was healthy."""
    LABS[0].build()
    began = time.monotonic()
    with ThreadPoolExecutor(len(LABS)) as pool:
        try:
            list(pool.map(ComposeLab.up, LABS))
            yield time.monotonic() - began
        finally:
            list(pool.map(ComposeLab.down, LABS))


def _containers() -> dict[str, str]:
    return {f"{lab.project} {service}": found for lab in LABS for service, found in lab.containers().items()}


def _statuses() -> list[str]:
    return [lab.get("/api/state")["status"] for lab in LABS]


def _wait_for_red() -> float:
    """Seconds until the broken lab is RED."""
    began = time.monotonic()
    while BROKEN.get("/api/state")["status"] != "RED":
        if time.monotonic() - began > FEEL_SECONDS:
            raise TimeoutError(f"{BROKEN.project} is not RED after {FEEL_SECONDS} s")
        time.sleep(0.2)
    return time.monotonic() - began


def _strangers() -> list[str]:
    """What other labs feel of the failure: it should be nothing."""
    others = {lab.project: lab.get("/api/state") for lab in LABS if lab is not BROKEN}
    return [
        name
        for name, state in others.items()
        if state["status"] != "GREEN" or any(service["active"]["failure"] for service in state["services"].values())
    ]


def report() -> None:
    """Print what was found."""
    with ten_labs() as seconds:
        containers = _containers()
        print(f"\n{len(LABS)} labs, {len(containers)} containers: all healthy {seconds:.0f} s after `up`")
        for rps in (4, 0):
            for lab in LABS:
                lab.post("/api/traffic", {"rps": rps})
            time.sleep(SETTLE_SECONDS)
            green = _statuses().count("GREEN")  # first: to measure sixty containers is itself a load
            cpu = sum(cpu_shares(containers, REST_SECONDS).values())
            memory = sum(map(pss_mb, containers.values())) / 1024
            print(f"{rps} users a second each: {memory:.2f} GB PSS, {cpu:.0%} of a core, {green} GREEN")
        for lab in LABS:
            lab.post("/api/traffic", {"rps": 4})
        time.sleep(SETTLE_SECONDS)
        BROKEN.post("/api/services/api/failures/error_rate", {"active": True, "params": {"rate": 1}})
        red = _wait_for_red()
        print(f"{BROKEN.project} alone is broken: RED after {red:.1f} s; felt by others: {_strangers() or 'none'}")
        BROKEN.down()
        print(f"{BROKEN.project} is down: {len(_containers())} containers of {len(containers)} go on")
