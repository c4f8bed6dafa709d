"""The memory leak retains real memory, and a reset gives all of it back."""

from __future__ import annotations

import multiprocessing
import time
from concurrent.futures import ProcessPoolExecutor

import psutil
import pytest

from services.common.calls.call import Call
from services.common.process.memory import MB
from services.common.process.service import Service
from tests.conftest import reset


@pytest.fixture
def api(make_settings):
    service = Service(make_settings("api"))
    yield service
    reset(service)


def resident_mb():
    return psutil.Process().memory_info().rss / MB


def leak_and_reset(settings):
    """MB that five requests leave behind, as counted and as resident; then both after a reset."""
    api = Service(settings)
    before = resident_mb()
    api.switches.change("failure", "memory_leak", True, {"mb_per_request": 20})
    for _ in range(5):
        api.switches.before_request(Call("id", time.time()))
    leaked = api.leaked_bytes() / MB, resident_mb() - before
    reset(api)
    return leaked, (api.leaked_bytes() / MB, resident_mb() - before)


def test_a_leak_is_resident_and_reset_gives_it_back(make_settings):
    # In a process of its own: here the leak would first fill what earlier tests have freed.
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as processes:
        (counted, resident), (counted_after, resident_after) = processes.submit(
            leak_and_reset, make_settings("api")
        ).result(timeout=60)
    assert counted == 100 and 80 < resident < 120
    assert counted_after == 0 and resident_after < 15


def test_memory_stays_when_the_leak_is_only_switched_off(api):
    api.switches.change("failure", "memory_leak", True, {"mb_per_request": 1})
    api.switches.before_request(Call("id", time.time()))
    api.switches.change("failure", "memory_leak", False, {})
    assert api.leaked_bytes() == MB


@pytest.mark.parametrize(
    ("mb", "one_seconds", "expected"),
    [(20, 0.2, 2), (20, 0.05, 8), (20, 0.5, 1), (20, 0.4, 2), (0.1, 0.2, 0)],
    ids=["to the nearest", "at most eight", "one", "rather two than one", "small debts are saved up"],
)
def test_a_request_runs_the_collections_that_it_owes(api, monkeypatch, mb, one_seconds, expected):
    leak = api.switches.get("failure", "memory_leak")
    collections = []
    monkeypatch.setattr("services.common.switches.failures.memory_leak.gc.collect", lambda: collections.append(1))
    api.switches.change("failure", "memory_leak", True, {"mb_per_request": mb})
    leak.leaked_bytes = int((200 - mb) * MB)
    leak._costs.append(one_seconds / (200 * MB))
    leak.before_request(Call("id", time.time()))
    assert len(collections) == expected


def test_a_collection_that_was_held_up_does_not_stand_for_those_to_come(api, monkeypatch):
    now, seconds = [0.0], [0.2, 0.2, 0.9, 0.2, 0.2]

    def collect():
        now[0] += seconds.pop(0)

    monkeypatch.setattr("services.common.switches.failures.memory_leak.gc.collect", collect)
    monkeypatch.setattr("services.common.switches.failures.memory_leak.time.perf_counter", lambda: now[0])
    api.switches.change("failure", "memory_leak", True, {})
    leak = api.switches.get("failure", "memory_leak")
    left = []
    for _ in range(3):
        leak.leaked_bytes = 180 * MB
        leak.before_request(Call("id", time.time()))
        left.append(len(seconds))
    assert left == [4, 2, 0]  # one to time it, then two each


def test_saved_debts_are_paid_in_the_end(api, monkeypatch):
    leak = api.switches.get("failure", "memory_leak")
    collections = []
    monkeypatch.setattr(leak, "_collect", lambda: collections.append(1))
    api.switches.change("failure", "memory_leak", True, {"mb_per_request": 0.1})
    leak.leaked_bytes = 200 * MB
    leak._costs.append(0.225 / (200 * MB))
    for _ in range(1000):
        leak.before_request(Call("id", time.time()))
    assert 9 <= len(collections) <= 25  # 1,000 times 2.25 ms and more, of which a collection takes 225 ms and more
