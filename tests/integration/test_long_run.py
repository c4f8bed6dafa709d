"""Hours of traffic and random scenes leave nothing behind: no memory, threads, descriptors or logs beyond a bound.

The bounds hold for a minute (in every CI run) as for two hours (`--long`): whatever was played before, a lab that
was reset has at most so much more memory and so many more threads than one whose every thread has worked once, and no
more descriptors than connections that its callers and itself keep open. LAB_LONG_RUN_MINUTES sets the length of the
long one.
"""

from __future__ import annotations

import json
import os
import random
import time

import psutil
import pytest

from labcli.logs import MAX_BYTES
from services.common.process.memory import MB
from services.common.scenes.files import all_scenes
from services.common.topology import BY_NAME, SERVICES, instances
from tests.conftest import wait_until
from tests.support.local import local_lab

MORE = {"memory_mb": 15, "threads": 16}
OWN_DESCRIPTORS = 64
LOG_BYTES = MAX_BYTES + MB  # half a second passes between two looks of who cuts them
SHORT_MINUTES, LONG_MINUTES = 1, float(os.environ.get("LAB_LONG_RUN_MINUTES", "120"))
SCENE_SECONDS = (6.0, 14.0)


@pytest.fixture(scope="module")
def lab():
    """A lab of its own: other tests would disturb what is measured."""
    with local_lab() as lab:
        yield lab


def tire(lab):
    """Let every thread of every service work once: a pool keeps its threads, and they keep what they need."""
    lab.fail("database", "hang")
    setting = "/api/services/api/settings/"
    lab.post(setting + "client", {"active": True, "params": {"timeout_seconds": 0.5}})
    lab.post(setting + "pool", {"active": True, "params": {"size": 160}})
    lab.post("/api/traffic", {"rps": 200})
    lab.wait(lambda state: state["services"]["database"]["threads_busy"] == 160, "the database is full", 60)
    lab.reset()
    lab.fail("api", "hang")
    lab.post("/api/traffic", {"rps": 200})
    lab.wait(lambda state: state["services"]["frontend"]["threads_busy"] == 128, "the frontend is full", 60)
    settings = "/api/services/frontend/settings/"
    lab.post(settings + "upstream", {"active": True, "params": {"replicas": 3}})
    lab.post(settings + "client", {"active": True, "params": {"timeout_seconds": 0.3}})
    lab.wait(lambda state: state["services"]["api"]["threads_busy"] == 3 * 64, "every api is full", 60)
    rest(lab)


def connections(name):
    """How many an instance, or another process, may keep: a thread of a caller one to each instance that it calls."""
    found = [instance.spec for instance in instances() if instance.name == name]
    return sum(
        spec.threads * len(BY_NAME[peer].instances)
        + sum(caller.threads * caller.replicas for caller in SERVICES if spec.name in caller.calls)
        for spec in found
        for peer in spec.calls or (spec.name,)
    )


def rest(lab):
    """A lab that is reset and has served some users."""
    wait_until(lambda: lab.reset()["status"] == "GREEN", "GREEN after a reset", 30)
    time.sleep(1)


def usage(lab):
    """What each service's processes hold now: {service: {memory_mb, threads, descriptors}}."""
    record = json.loads((lab.folder / "processes.json").read_text())
    pids = {name: [one["pid"] for one in found["processes"]] for name, found in record["services"].items()}
    pids["supervisor"] = [record["supervisor"]["pid"]]
    pids.pop("prometheus", None)  # its memory is its own affair
    return {name: total([psutil.Process(pid) for pid in found]) for name, found in pids.items()}


def total(processes):
    return {
        "memory_mb": sum(process.memory_info().rss for process in processes) / MB,
        "threads": sum(process.num_threads() for process in processes),
        "descriptors": sum(process.num_fds() for process in processes),
    }


def slope_per_hour(moments, values):
    """The least-squares line through the values, per hour."""
    middle_moment, middle = sum(moments) / len(moments), sum(values) / len(values)
    above = sum((m - middle_moment) * (v - middle) for m, v in zip(moments, values, strict=True))
    return 3600 * above / (sum((m - middle_moment) ** 2 for m in moments) or 1)


def told(warm, samples):
    """A table: at the start, most, and how it goes."""
    moments = [moment for moment, _ in samples]
    lines = [f"{len(samples)} scenes in {(moments[-1] - moments[0]) / 60:.1f} minutes: at first, most, slope an hour"]
    for service, first in warm.items():
        cells = []
        for what, start in first.items():
            values = [found[service][what] for _, found in samples]
            cells.append(f"{what} {start:.0f} {max(values):.0f} {slope_per_hour(moments, values):+.1f}")
        lines.append(f"  {service:<13}" + "   ".join(cells))
    return "\n".join(lines)


@pytest.mark.parametrize("minutes", [SHORT_MINUTES, pytest.param(LONG_MINUTES, marks=pytest.mark.long)])
def test_random_scenes_leave_nothing_behind(lab, capsys, minutes):
    dice, scenes = random.Random(minutes), list(all_scenes())
    ends_at = time.monotonic() + 60 * minutes
    tire(lab)
    warm, samples = usage(lab), []
    while time.monotonic() < ends_at:
        name = dice.choice(scenes)
        lab.post(f"/api/scenes/{name}")
        time.sleep(dice.uniform(*SCENE_SECONDS))
        rest(lab)
        samples.append((time.monotonic(), usage(lab)))
        for service, found in samples[-1][1].items():
            most = {what: warm[service][what] + more for what, more in MORE.items()}
            most["descriptors"] = OWN_DESCRIPTORS + connections(service)
            too_much = {what: value for what, value in found.items() if value > most[what]}
            assert not too_much, f"{service} after {name}: {too_much} of at most {most}\n{told(warm, samples)}"
    sizes = {log.name: log.stat().st_size for log in (lab.folder / "logs").iterdir()}
    with capsys.disabled():
        print("\n" + told(warm, samples), f"\n  logs, bytes: {sizes}")
    assert max(sizes.values()) <= LOG_BYTES
