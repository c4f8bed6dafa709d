"""What a switch does beyond the catalogue's contract: expiry, interruption, probability."""

from __future__ import annotations

import random
import threading
import time

import pytest

from services.common.calls.call import Call
from services.common.http.problems import InjectedError, InvalidParameter, Problem
from services.common.process.memory import Memory
from services.common.process.service import Service
from services.common.switches.base import Host
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.failures.error_rate import ErrorRate
from services.common.switches.failures.heavy_requests import HeavyRequests
from services.common.switches.failures.latency import Latency
from services.common.switches.registry import Switches
from tests.conftest import reset, wait_until


@pytest.fixture
def call():
    return Call("id", time.time())


@pytest.fixture
def api(make_settings):
    service = Service(make_settings("api"))
    yield service
    service.switches.reset()


def in_thread(work):
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_a_switch_with_a_duration_goes_off_by_itself(api):
    api.switches.change("failure", "latency", True, {"duration_seconds": 0.05})
    assert api.switches.expiries()["failure"]["latency"] <= 0.1
    wait_until(lambda: not api.switches.active()["failure"], "latency off")


def test_switching_again_without_a_duration_takes_the_expiry_away(api):
    api.switches.change("failure", "latency", True, {"duration_seconds": 3600})
    api.switches.change("failure", "latency", True, {})
    assert api.switches.expiries()["failure"] == {}


@pytest.mark.parametrize("end", ["off", "reset"])
@pytest.mark.parametrize("name", ["hang", "latency"])
def test_an_injected_wait_ends_at_once_with_its_switch(api, call, name, end):
    params = {"delay_seconds": 60} if name == "latency" else {}
    api.switches.change("failure", name, True, params)
    began = threading.Event()

    def request():
        began.set()
        api.switches.before_request(call)

    waiting = in_thread(request)
    began.wait(5)
    if end == "off":
        api.switches.change("failure", name, False, {})
    else:
        reset(api)
    waiting.join(5)
    assert not waiting.is_alive()


def test_probability_hits_that_share_of_the_requests(tmp_path, call):
    host = Host(Memory(tmp_path), random=random.Random(1))
    switches = Switches([Latency], host, tmp_path / "switches.json")
    switches.change("failure", "latency", True, {"probability": 0.25, "delay_seconds": 0})
    hits = []
    latency = switches.get("failure", "latency")
    latency.before_request = lambda call: hits.append(call)
    for _ in range(2000):
        switches.before_request(call)
    assert 400 < len(hits) < 600


def test_error_rate_fails_its_share(tmp_path, call):
    host = Host(Memory(tmp_path), random=random.Random(1))
    switches = Switches([ErrorRate], host, tmp_path / "switches.json")
    switches.change("failure", "error_rate", True, {"rate": 0.3})
    failed = 0
    for _ in range(1000):
        try:
            switches.before_request(call)
        except InjectedError:
            failed += 1
    assert 250 < failed < 350


def test_a_heavy_request_that_was_taken_up_as_the_switch_went_off_holds_nothing(tmp_path, call):
    held = []

    def hold(mb):
        switch.stop()
        held.append(mb)
        return held.pop

    switch = HeavyRequests(Host(Memory(tmp_path), hold=hold))
    switch.start({"mb_per_request": 8.0}, None)
    switch.before_request(call)
    assert held == []


class NoDice(random.Random):
    """Tells who rolls a die."""

    def random(self):
        raise AssertionError("a die was rolled")


# What waits or computes is not asked here: none of them raises, and their dice are for times.
NOT_ASKED = {
    "error_rate",
    "bad_version",
    "crash",
    "hang",
    "cpu_burn",
    "memory_leak",
    "thread_leak",
    "missing_index",
    "slow_query",
}


@pytest.mark.parametrize(
    ("service", "kind"),
    [(s, kind) for s, kinds in CATALOGUE.items() for kind in kinds if kind.name not in NOT_ASKED],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_nothing_but_error_rate_decides_by_a_die_whether_a_request_fails(service, kind, tmp_path, call):
    switches = Switches(CATALOGUE[service], Host(Memory(tmp_path), random=NoDice()), tmp_path / "switches.json")
    tiny = {param.name: 0.001 for param in kind.params if param.unit == "s" and param.minimum <= 0.001}
    switches.change(kind.kind, kind.name, True, tiny)
    try:
        ends = set()
        for _ in range(20):
            try:
                switches.before_request(call)
                switches.after_queue(call)
                switches.during_query(call)
                switches.after_request(call)
                ends.add("served")
            except Problem as problem:
                ends.add(problem.reason)
        assert len(ends) == 1 or kind.kind == "defence"
    finally:
        switches.reset()


def test_slow_query_refuses_bounds_in_the_wrong_order(make_settings):
    database = Service(make_settings("database"))
    with pytest.raises(InvalidParameter) as refused:
        database.switches.change("failure", "slow_query", True, {"min_seconds": 6})
    assert refused.value.field == "min_seconds"
    assert not database.switches.active()["failure"]


def test_a_setting_at_its_default_is_not_active(api):
    api.switches.change("setting", "pool", True, {"size": 20})
    assert api.switches.active()["setting"]["pool"]["size"] == 20
    api.switches.change("setting", "pool", True, {"size": 40})
    assert api.switches.active()["setting"] == {}


def test_cpu_burn_really_computes_and_stops(api):
    def burning():
        return sum(thread.name == "cpu_burn" for thread in threading.enumerate())

    api.switches.change("failure", "cpu_burn", True, {"threads": 1})
    began = time.process_time()
    wait_until(lambda: time.process_time() - began > 0.1, "CPU time used")
    api.switches.change("failure", "cpu_burn", True, {"threads": 3})
    wait_until(lambda: burning() == 3, "3 threads burn")
    api.switches.change("failure", "cpu_burn", False, {})
    wait_until(lambda: burning() == 0, "no thread burns")
