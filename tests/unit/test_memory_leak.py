"""The memory leak retains real memory, and a reset gives all of it back."""

from __future__ import annotations

import time

import psutil
import pytest

from services.common.call import Call
from services.common.memory import MB
from services.common.service import Service


@pytest.fixture
def api(make_settings):
    service = Service(make_settings("api"))
    yield service
    service.reset(time.time())


def resident_mb():
    return psutil.Process().memory_info().rss / MB


def test_a_leak_is_resident_and_reset_gives_it_back(api):
    before = resident_mb()
    api.switches.change("failure", "memory_leak", True, {"mb_per_request": 20})
    for _ in range(5):
        api.switches.before_request(Call("id", time.time()))
    assert api.leaked_bytes() == 100 * MB
    assert 80 < resident_mb() - before < 120
    api.reset(time.time())
    assert api.leaked_bytes() == 0
    assert resident_mb() - before < 15


def test_memory_stays_when_the_leak_is_only_switched_off(api):
    api.switches.change("failure", "memory_leak", True, {"mb_per_request": 1})
    api.switches.before_request(Call("id", time.time()))
    api.switches.change("failure", "memory_leak", False, {})
    assert api.leaked_bytes() == MB


def test_collections_run_for_what_is_owed_and_at_most_eight_a_request(api, monkeypatch):
    leak = api.switches.get("failure", "memory_leak")
    collections = []
    monkeypatch.setattr("services.common.failures.memory_leak.gc.collect", lambda: collections.append(1))
    api.switches.change("failure", "memory_leak", True, {"mb_per_request": 0.01})
    leak.leaked_bytes = 511 * MB
    leak.before_request(Call("id", time.time()))
    assert len(collections) <= 8
