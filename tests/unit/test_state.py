"""A service's state: on the wire and back, and a service as its instances make it."""

from __future__ import annotations

import json
from dataclasses import replace

import jsonschema_rs
import pytest

from services.common.process.memory import MB
from services.common.telemetry.state import (
    Answers,
    CacheState,
    Calls,
    Connections,
    PoolState,
    QueueWait,
    ServiceState,
    TrafficState,
    Users,
    attempts_allowed,
    attempts_per_request,
    combined,
)
from services.common.telemetry.wire import WireError, decode, encode, schema
from tests.support.views import service

FULL = ServiceState(
    "api",
    "api",
    boot_id="one",
    pid=7,
    rss_bytes=50 * MB,
    memory_limit_bytes=500 * MB,
    active={"failure": {"latency": {"delay_seconds": 1.0}}, "defence": {}, "setting": {}},
    waits={"threads": QueueWait(0.5), "pool": QueueWait()},
    waiting=1,
    answers=Answers(4, 1, 0.25, 2),
    calls=Calls("database", begun=4, attempts=6, sent=6, ended=5, failed=2, seconds=15.0, timeout_seconds=0.5),
    pool=PoolState(3, 40, 2),
    connections=Connections(1, 40, 4),
    cache=CacheState(5, 1, 4, 0.25),
    traffic=TrafficState(4.0, 1, 60, Users(60, 30, 0.5), Users()),
)


def test_what_is_sent_is_what_arrives():
    assert decode(ServiceState, json.loads(json.dumps(encode(FULL)))) == FULL
    assert decode(ServiceState, json.loads(json.dumps(encode(ServiceState("api"))))) == ServiceState("api")


def test_the_schema_describes_what_is_sent():
    described = jsonschema_rs.validator_for(schema(ServiceState))
    for state in (FULL, ServiceState("api")):
        described.validate(encode(state))
    assert not described.is_valid(encode(FULL) | {"pid": "seven"})


@pytest.mark.parametrize(
    ("document", "where"),
    [
        (None, "ServiceState must be an object with service"),
        ({}, "ServiceState must be an object with service"),
        ({"service": 1}, "ServiceState.service must be of type string"),
        ({"service": "api", "pid": True}, "ServiceState.pid must be of type integer"),
        ({"service": "api", "rss_bytes": 1.5}, "ServiceState.rss_bytes must be of type integer"),
        ({"service": "api", "waits": {"pool": {"p50_seconds": "x"}}}, "ServiceState.waits.pool.p50_seconds must be of"),
        ({"service": "api", "active": []}, "ServiceState.active must be an object"),
    ],
)
def test_what_is_no_state_is_refused_and_said_where(document, where):
    with pytest.raises(WireError, match=where):
        decode(ServiceState, document)


def test_names_of_a_newer_version_are_passed_over_and_an_integer_is_a_number():
    found = decode(ServiceState, {"service": "api", "window_seconds": 15, "invented_later": 1})
    assert found == ServiceState("api", window_seconds=15)


def test_what_waits_anywhere_is_queued():
    assert FULL.queued == 1 + 2 + 4
    assert ServiceState("api", waiting=3).queued == 3


def test_a_service_with_one_instance_is_that_instance():
    assert combined("api", [FULL]) is FULL


def test_a_service_is_the_sum_of_its_instances_and_as_full_as_the_fullest():
    second = replace(
        FULL,
        instance="api-2",
        rss_bytes=400 * MB,
        oom_kills=1,
        threads_busy=5,
        active={"failure": {}, "defence": {}, "setting": {"client": {}}},
        waits={"threads": QueueWait(2.0)},
        answers=Answers(12, 0, 0.05, 12),
        cache=CacheState(1, 4, 6, 4 / 6),
    )
    found = combined("api", [replace(FULL, instance="api-1", threads_busy=2), second])
    assert (found.service, found.instance) == ("api", "api")
    assert (found.rss_bytes, found.memory_share, found.oom_kills, found.threads_busy) == (400 * MB, 0.8, 1, 7)
    assert found.queued == 14 and found.longest_wait_seconds == 2.0
    assert found.active == {"failure": FULL.active["failure"], "defence": {}, "setting": {"client": {}}}
    assert found.answers == Answers(16, 1, pytest.approx(0.1), 14)
    assert found.calls == replace(FULL.calls, begun=8, attempts=12, sent=12, ended=10, failed=4)
    assert found.cache == CacheState(6, 5, 10, 0.5)
    assert (found.pool, found.connections) == (PoolState(6, 80, 4), Connections(2, 80, 8))


def test_attempts_are_those_of_the_calls_whichever_instance_made_them():
    states = [combined("api", [FULL, FULL]), None, ServiceState("database")]
    assert attempts_per_request(states) == 1.5
    assert attempts_per_request([ServiceState("database")]) is None
    assert attempts_allowed([replace(FULL, calls=Calls("database", attempts_allowed=3))] * 2) == 9


def test_what_waits_for_the_apis_own_work_is_queued_too_and_the_page_is_told():
    shown = service(ServiceState("api", waiting=1, pool=PoolState(waiting=2), work=Connections(queued=7))).describe()
    assert shown["queued"] == 10
    assert service(None).describe()["queued"] is None
