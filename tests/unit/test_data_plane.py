"""The data plane's promises: request ids, problem documents, the epoch, metrics that exist from the start."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from services.api.app import create_app as create_api
from services.common.calls.call import DEADLINE, HOPS, REASON, REQUEST_ID, REQUEST_START, TRACE
from services.common.http.problems import SHED_REASONS
from services.common.process.admin import create_admin_app
from services.common.scenes.files import all_scenes
from services.control_room.app import create_app as create_control_room
from services.database.app import create_app as create_database
from services.frontend.app import create_app as create_frontend
from services.traffic.app import create_service as create_traffic
from tests.conftest import reset, wait_until

APPS = {"frontend": create_frontend, "api": create_api, "database": create_database}
NOBODY = {"API_1_URL": "http://127.0.0.1:1", "DATABASE_URL": "http://127.0.0.1:1"}


@pytest.fixture
def app_of(make_settings):
    services = []

    def make(name):
        app = APPS[name](make_settings(name, **NOBODY))
        services.append(app.extensions["lab"].service)
        return app

    yield make
    for service in services:
        service.switches.reset()


def test_every_response_carries_a_request_id_and_keeps_the_callers(app_of):
    client = app_of("frontend").test_client()
    assert client.get("/about").headers[REQUEST_ID]
    assert client.get("/about", headers={REQUEST_ID: "mine"}).headers[REQUEST_ID] == "mine"
    assert client.get("/nothing", headers={REQUEST_ID: "x" * 65}).headers[REQUEST_ID] != "x" * 65


def test_a_path_that_does_not_exist_is_a_problem_document(app_of):
    answer = app_of("frontend").test_client().get("/nothing")
    assert answer.status_code == 404 and answer.mimetype == "application/problem+json"


def test_a_service_that_is_down_is_told_apart_from_one_that_fails(app_of):
    answer = app_of("frontend").test_client().get("/checkout")
    assert answer.status_code == 503
    assert answer.json["reason"] == answer.headers[REASON] == "peer_refused"


def test_a_request_sent_before_the_reset_is_refused_at_the_door(app_of):
    app = app_of("database")
    sent_at = time.time() - 1
    reset(app.extensions["lab"].service)
    old = app.test_client().get("/query", headers={REQUEST_START: repr(sent_at)})
    assert (old.status_code, old.json["reason"]) == (503, "reset")
    assert app.test_client().get("/query").status_code == 200


def test_the_state_tells_how_long_requests_wait_in_each_queue_until_a_reset(app_of):
    app = app_of("database")
    service = app.extensions["lab"].service
    app.test_client().get("/query", headers={REQUEST_START: repr(time.time() - 3)})
    waits = service.state(15).waits
    assert 3 <= waits["threads"].p50_seconds < 5
    assert waits["connections"].p50_seconds == 0
    reset(service)
    assert service.state(15).waits["threads"].p50_seconds is None


@pytest.mark.parametrize("sent_at", ["nan", "junk", "1e999", "-1e999", ""])
def test_a_senseless_send_time_does_no_harm(app_of, sent_at):
    answer = app_of("database").test_client().get("/query", headers={REQUEST_START: sent_at})
    assert answer.status_code == 200


def test_a_traced_request_tells_its_hops(app_of):
    answer = app_of("database").test_client().get("/query", headers={TRACE: "1"})
    (hop,) = json.loads(answer.headers[HOPS])
    assert hop["service"] == "database" and hop["status"] == 200 and hop["seconds"] > 0.005
    assert HOPS not in app_of("frontend").test_client().get("/about").headers


def test_outage_refuses_and_connection_limit_leaves_few(app_of):
    app = app_of("database")
    service = app.extensions["lab"].service
    service.switches.change("failure", "outage", True, {})
    assert app.test_client().get("/query").json["reason"] == "outage"
    service.switches.change("failure", "outage", False, {})
    service.switches.change("failure", "connection_limit", True, {"connections": 3})
    assert service.state(15).connections.max == 3
    service.switches.change("failure", "connection_limit", False, {})
    assert service.state(15).connections.max == 40


def count(app, name, **labels):
    return app.extensions["lab"].service.registry.get_sample_value(name, labels)


@pytest.mark.parametrize(
    ("defence", "params", "headers", "reason"),
    [
        ("rate_limit", {"rps": 1, "burst": 1}, {}, "rate_limit"),
        ("load_shedding", {"max_in_flight": 1}, {}, "shed"),
        ("adaptive_concurrency", {"min_limit": 1, "max_limit": 1}, {}, "shed"),
        ("deadline", {}, {DEADLINE: "1.0"}, "deadline"),
    ],
)
def test_what_is_turned_away_at_the_door_is_counted_by_its_reason(app_of, defence, params, headers, reason):
    app = app_of("database")
    service = app.extensions["lab"].service
    service.switches.change("defence", defence, True, params)
    service.busy = 1  # somebody else is served
    answers = [app.test_client().get("/query", headers=headers) for _ in range(2)]
    assert answers[-1].json["reason"] == reason and answers[-1].headers[REASON] == reason
    turned_away = sum(answer.status_code == 503 or answer.status_code == 504 for answer in answers)
    assert count(app, "lab_requests_shed_total", reason=reason) == turned_away
    others = set(SHED_REASONS) - {reason}
    assert not any(count(app, "lab_requests_shed_total", reason=other) for other in others)


def test_a_full_queue_is_counted_as_turned_away(app_of):
    app = app_of("database")
    service = app.extensions["lab"].service
    params = {"connections": 1, "queue_limit": 0, "service_time_seconds": 30}
    service.switches.change("setting", "capacity", True, params)
    holder = threading.Thread(target=lambda: app.test_client().get("/query"))
    holder.start()
    wait_until(lambda: count(app, "lab_db_connections_in_use") == 1, "the one connection is in use")
    assert app.test_client().get("/query").json["reason"] == "queue_full"
    assert count(app, "lab_requests_shed_total", reason="queue_full") == 1
    reset(service)
    holder.join(5)


@pytest.mark.parametrize("gone", [True, False])
def test_work_for_a_caller_who_has_gone_is_counted(app_of, gone):
    app = app_of("database")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        if gone:
            theirs.close()
        assert app.test_client().get("/query", environ_overrides={"gunicorn.socket": ours}).status_code == 200
    assert count(app, "lab_requests_abandoned_total") == count(app, "lab_db_abandoned_total") == gone


def series(app):
    text = create_admin_app(app.extensions["lab"].service).test_client().get("/metrics").get_data(as_text=True)
    families = text_string_to_metric_families(text)
    created = ("_created",)
    return {
        (sample.name, frozenset(sample.labels.items()))
        for family in families
        for sample in family.samples
        if not sample.name.endswith(created)
    }


@pytest.mark.parametrize("name", APPS)
def test_no_series_is_born_late(app_of, name):
    app = app_of(name)
    before = series(app)
    client = app.test_client()
    switches = app.extensions["lab"].service.switches
    for path in ("/checkout", "/about", "/order", "/query", "/nothing"):
        client.get(path)
        client.post(path)
    switches.change("failure", "error_rate", True, {"rate": 1})
    for path in ("/checkout", "/about", "/order", "/query"):
        client.get(path)
    assert series(app) == before


METRICS = {
    "frontend": ["lab_client_attempts_total", "lab_breaker_state", "lab_retry_budget_tokens"],
    "api": [
        "lab_client_attempts_total",
        "lab_breaker_state",
        "lab_retry_budget_tokens",
        "lab_cache_lookups_total",
        "lab_cache_entries",
        "lab_single_flight_shared_total",
        "lab_single_flight_under_way",
        "lab_pool_wait_seconds_bucket",
    ],
    "database": [
        "lab_db_connections_in_use",
        "lab_db_connections_max",
        "lab_db_queue_depth",
        "lab_db_queue_wait_seconds_bucket",
        "lab_db_abandoned_total",
    ],
}
EVERYWHERE = [
    "http_server_request_duration_seconds_bucket",
    "http_server_active_requests",
    "lab_worker_threads_busy",
    "lab_worker_threads_total",
    "lab_queue_wait_seconds_bucket",
    "lab_requests_shed_total",
    "lab_leaked_bytes",
    "lab_oom_kills_total",
    "lab_memory_limit_bytes",
    "lab_gc_pause_seconds_bucket",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "lab_switch_active",
    "lab_switch_changed_timestamp_seconds",
]


@pytest.mark.parametrize("name", APPS)
def test_the_metrics_of_the_contract_are_there(app_of, name):
    names = {name for name, _ in series(app_of(name))}
    assert set(EVERYWHERE + METRICS[name]) <= names


def test_the_traffic_shows_every_outcome_from_the_start(make_settings):
    service, _ = create_traffic(make_settings("traffic"))
    for outcome in ("success", "error", "timeout", "refused"):
        labels = {"outcome": outcome}
        assert service.registry.get_sample_value("lab_user_requests_total", labels) == 0
        assert service.registry.get_sample_value("lab_user_request_duration_seconds_count", labels) == 0
    assert service.registry.get_sample_value("lab_traffic_target_rps") == 4
    assert service.registry.get_sample_value("lab_traffic_schedule_lag_seconds_count") == 0


def test_the_control_room_shows_its_status_and_every_scene_from_the_start(make_settings):
    registry = create_control_room(make_settings("control-room")).extensions["lab"].registry
    assert registry.get_sample_value("lab_status") == 0
    for scene in all_scenes():
        assert registry.get_sample_value("lab_scene_active", {"scene": scene}) == 0
