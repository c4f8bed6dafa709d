"""The five scenes in containers, each played once; everything that can be seen of it is checked in that one run."""

from __future__ import annotations

import pytest

from tests.compose.conftest import see_the_kill
from tests.conftest import wait_until

pytestmark = [pytest.mark.compose, pytest.mark.quiet]


def test_normal(lab, play):
    play("normal")
    assert lab.value("lab_status") == 0
    assert lab.value('lab_scene_active{scene="normal"}') == 1
    assert lab.value('increase(lab_user_requests_total{outcome="success"}[30s])') > 60
    assert lab.value('sum(increase(lab_user_requests_total{outcome!="success"}[50s]))') == 0


def test_memory_leak(lab, play):
    after = lab.last_event()
    started = lambda: lab.value('process_start_time_seconds{instance="api-1"}')  # noqa: E731
    before = started()
    play("memory_leak")
    texts = [event["text"] for event in lab.events(after)]
    assert sum("test request took" in text for text in texts) in (12, 24)  # it may have been played twice
    assert any(text.startswith("api-1: memory at") and "past 50 % of its limit" in text for text in texts)
    assert lab.value('max_over_time(lab_leaked_bytes{instance="api-1"}[2m])') > 240 * 2**20
    see_the_kill(lab)
    wait_until(lambda: started() > before, "Prometheus has scraped the process that started again")
    assert lab.value('lab_switch_active{instance="api-1", name="memory_leak"}') == 1


def test_slow_query(lab, play):
    play("slow_query")
    (request,) = lab.requests(1)
    assert request["ok"] and 2 <= request["seconds"] <= 5.5
    assert [hop["service"] for hop in request["hops"]] == ["frontend", "api", "database"]
    assert lab.value("lab_status") == 1
    assert lab.value("max_over_time(lab_db_connections_in_use[30s])") >= 8


def test_full_cascade_and_recovery(lab, play):
    play("full_cascade")
    assert lab.value("lab_status") == 2
    users = "sum(rate(lab_user_requests_total[30s]))"
    failing = 'sum(rate(lab_user_requests_total{outcome!="success"}[30s]))'
    assert 0.5 < lab.value(f"{failing} / {users}") < 0.8
    attempts = 'sum(rate(lab_client_attempts_total{job="frontend"}[30s]))'
    assert lab.value(f"{attempts} / {users}") > 2
    assert lab.value('increase(lab_requests_abandoned_total{instance="api-1"}[1m])') > 10
    assert lab.value('lab_pool_connections_in_use{instance="api-1"}') == 20
    play("recovery")
    assert lab.value("lab_status") == 0
