"""How each service is, why the lab does not recover, and what of it is exported: computed once, shown by everybody."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from services.common.process.memory import MB
from services.common.telemetry.state import Calls, ServiceState
from services.common.telemetry.wire import decode, encode
from services.control_room import exporter
from services.control_room.health import (
    DOWN,
    FAILING,
    OK,
    STRAINED,
    WHY,
    edge_level,
    health_of_all,
    kpi_levels,
    queue_patience_ratio,
    wasted_work_ratio,
    why,
)
from services.control_room.lab import Lab
from services.control_room.status import Kpis

NOTHING_ON = {"failure": {}, "defence": {}, "setting": {}}


def a_service(**changes):
    answers = {"count": 60, "errors": 0, "mean_seconds": 0.02, "last_5_seconds": 20}
    service = {
        "service": "api",
        "instance": "api",
        "rss_bytes": 50 * MB,
        "memory_limit_bytes": 512 * MB,
        "leaked_bytes": 0,
        "threads_busy": 1,
        "threads_total": 64,
        "waiting": 0,
        "waits": {},
        "gc_pause_seconds": 0.0,
        "window_seconds": 15.0,
        "active": NOTHING_ON,
        "answers": answers | changes.pop("answers", {}),
        **changes,
    }
    return decode(ServiceState, service)


def calls(peer, **changes):
    found = {"peer": peer, "begun": 60, "attempts": 60, "sent": 60, "ended": 60, "failed": 0, "seconds": 15.0}
    return found | {"timeout_seconds": 20.0, "attempts_allowed": 1} | changes


def traffic(**changes):
    felt = {
        "ended": 60,
        "succeeded": 60,
        "success_ratio": 1.0,
        "p50_seconds": 0.02,
        "p95_seconds": 0.03,
    }
    own = {"rps": 4.0, "in_flight": 0, "arrived": 60, "users": felt, "last_5_seconds": {"ended": 20}} | changes
    idle = {"threads_busy": 0, "threads_total": 0, "epoch_age_seconds": 985.0}
    return a_service(**idle, calls=calls("frontend"), traffic=own)


def lab_of(**changes):
    found = {
        "frontend": a_service(calls=calls("api")),
        "api": a_service(calls=calls("database"), pool={"in_use": 0, "size": 40, "waiting": 0}),
        "database": a_service(connections={"in_use": 0, "max": 40, "queued": 0}),
        "traffic": traffic(),
    }
    return found | changes


def kpis(**changes):
    return Kpis(**{"success_ratio": 1.0, "p95_seconds": 0.03, "attempts_per_request": 1.0, **changes})


def waits(p50):
    return {"connections": {"p50_seconds": p50}}


def health_of(service, state, found=None, down=None):
    return health_of_all(lab_of(**{service: state}), found or kpis(), down or {})[service]


@pytest.mark.parametrize(
    ("state", "level", "word"),
    [
        (a_service(), OK, "healthy"),
        (a_service(answers={"errors": 1}), STRAINED, "errors"),
        (a_service(answers={"errors": 7}), FAILING, "errors"),
        (a_service(answers={"mean_seconds": 0.99}), OK, "healthy"),
        (a_service(answers={"mean_seconds": 1.0}), STRAINED, "slow"),
        (a_service(threads_busy=5, answers={"last_5_seconds": 0}), FAILING, "stuck"),
        (a_service(threads_busy=4, answers={"last_5_seconds": 0}), OK, "healthy"),
        (a_service(threads_busy=44), OK, "healthy"),
        (a_service(threads_busy=45), STRAINED, "busy"),
        (a_service(threads_busy=64), STRAINED, "threads full"),
        (a_service(threads_busy=64, waiting=1), FAILING, "threads full"),
        (a_service(pool={"in_use": 20, "size": 20, "waiting": 3}), FAILING, "pool full"),
        (a_service(connections={"in_use": 40, "max": 40, "queued": 0}), STRAINED, "connections full"),
        (a_service(rss_bytes=383 * MB), OK, "healthy"),
        (a_service(rss_bytes=384 * MB), STRAINED, "memory high"),
        (a_service(rss_bytes=461 * MB), FAILING, "memory full"),
        (a_service(rss_bytes=461 * MB, memory_limit_bytes=0), OK, "healthy"),
        (a_service(waits=waits(21.0)), FAILING, "queue too long"),
        (a_service(waits=waits(20.0)), OK, "healthy"),
        (a_service(waits=waits(None)), OK, "healthy"),
        # The bounds themselves.
        (a_service(rss_bytes=450 * MB, memory_limit_bytes=500 * MB), FAILING, "memory full"),
        (a_service(threads_busy=7, threads_total=10), STRAINED, "busy"),
        (a_service(pool={"in_use": 0, "size": 0, "waiting": 0}), OK, "healthy"),
        (a_service(answers={"count": 100, "errors": 1}), OK, "healthy"),
        (a_service(answers={"count": 100, "errors": 10}), STRAINED, "errors"),
        (a_service(answers={"count": 0, "errors": 0, "mean_seconds": None}), OK, "healthy"),
    ],
)
def test_a_service_is_as_bad_as_the_worst_that_is_wrong_with_it(state, level, word):
    found = health_of("api", state)
    assert (found.level, found.word) == (level, word)


def test_of_what_is_as_bad_the_most_telling_is_the_word_and_all_of_it_is_told():
    state = a_service(answers={"errors": 30}, pool={"in_use": 20, "size": 20, "waiting": 3}, rss_bytes=400 * MB)
    found = health_of("api", state).describe()
    assert found == {"level": FAILING, "word": "pool full", "problems": {"pool": 2, "errors": 2, "memory": 1}}


@pytest.mark.parametrize(
    ("state", "felt", "level", "word"),
    [
        (traffic(), kpis(), OK, "happy"),
        (traffic(rps=0), kpis(success_ratio=0.1), OK, "idle"),
        (traffic(), kpis(success_ratio=None), OK, "arriving"),
        (traffic(), kpis(success_ratio=0.98), STRAINED, "some errors"),
        (traffic(), kpis(success_ratio=0.5), FAILING, "get errors"),
        (traffic(), kpis(p95_seconds=1.0), STRAINED, "wait long"),
        (traffic(in_flight=5, last_5_seconds={"ended": 0}), kpis(success_ratio=None), FAILING, "no answers"),
    ],
)
def test_users_are_as_they_feel(state, felt, level, word):
    found = health_of("traffic", state, felt)
    assert (found.level, found.word) == (level, word)


def test_a_service_that_is_down_is_down_whatever_it_said_last():
    assert health_of("api", a_service(rss_bytes=500 * MB), down={"api": (1, 1)}).level == DOWN


def test_a_queue_is_measured_by_the_patience_of_its_callers():
    found = lab_of(api=a_service(calls=calls("database", timeout_seconds=0.5)), database=a_service(waits=waits(2.5)))
    assert queue_patience_ratio(found) == 5.0
    assert queue_patience_ratio(lab_of()) == 0


def test_work_for_nobody_is_what_came_to_no_answer():
    found = lab_of(frontend=a_service(answers={"count": 60, "errors": 30}), database=a_service(answers={"count": 60}))
    assert wasted_work_ratio(found, "frontend", "database") == 0.5
    assert wasted_work_ratio(lab_of(database=a_service(answers={"count": 5})), "frontend", "database") == 0
    assert wasted_work_ratio({"frontend": None, "database": None}, "frontend", "database") == 0


FAILURE_ON = {**NOTHING_ON, "failure": {"hang": {}}}
LONG_QUEUE = {"database": a_service(waits=waits(60.0))}


@pytest.mark.parametrize(
    ("status", "changes", "down", "felt", "code"),
    [
        ("GREEN", {"api": a_service(active=FAILURE_ON)}, [], kpis(), 0),
        ("RED", {"api": a_service(active=FAILURE_ON)}, ["database"], kpis(), 1),
        ("RED", LONG_QUEUE, ["frontend"], kpis(), 2),
        ("RED", LONG_QUEUE, [], kpis(attempts_per_request=3.0), 3),
        ("RED", {}, [], kpis(attempts_per_request=1.51), 4),
        ("RED", {"api": a_service(gc_pause_seconds=4.6)}, [], kpis(), 5),
        ("RED", {"api": a_service(gc_pause_seconds=4.4)}, [], kpis(attempts_per_request=None), 6),
    ],
)
def test_the_first_reason_that_holds_tells_why_it_does_not_recover(status, changes, down, felt, code):
    assert why(status, lab_of(**changes), felt, down) == code
    assert code in WHY


def test_the_levels_of_the_kpis_are_those_of_the_status():
    bad = kpis(success_ratio=0.89, p50_seconds=0.2, p95_seconds=1.0, served_rps=4.0, offered_rps=10.0)
    levels = kpi_levels(replace(bad, attempts_per_request=2.5), has_users=True)
    assert levels == {
        "success_ratio": FAILING,
        "p50_seconds": OK,
        "p95_seconds": STRAINED,
        "served_rps": FAILING,
        "attempts_per_request": FAILING,
    }
    assert set(kpi_levels(Kpis(), has_users=False).values()) == {OK}


@pytest.fixture
def watched(make_settings, monkeypatch):
    """A lab whose services say what the test puts into `states`; all of them answered a moment ago."""
    lab = Lab(make_settings("control-room"))
    states = lab_of()

    def of_instances():
        """The api's state is that of its first instance, and the others stand by."""
        others = dict.fromkeys(("api-2", "api-3"), a_service())
        return {**{name: state for name, state in states.items() if name != "api"}, "api-1": states["api"], **others}

    monkeypatch.setattr(lab.peers, "states", of_instances)
    return lab, states


def test_a_service_that_is_silent_for_a_moment_keeps_its_last_word(watched):
    lab, states = watched
    states["api"] = a_service(rss_bytes=480 * MB, calls=calls("database"))
    assert lab.status() == "YELLOW"
    states["api"] = None
    state = lab.state().describe()
    assert state["status"] == "YELLOW" and state["services"]["api"]["health"]["word"] == "memory full"
    assert not state["services"]["api"]["up"]


def test_what_a_service_told_its_patient_observer_counts_where_it_was_too_slow_for_the_look(watched, monkeypatch):
    """A collection of a second hides a service from every look of 0.3 s, and not from its observer."""
    lab, states = watched
    lab.state()
    states["api"] = None
    full = a_service(rss_bytes=480 * MB, boot_id="a", pid=1)
    monkeypatch.setattr(lab.peers.clients["api-1"], "get", lambda path, timeout_seconds: encode(full))
    lab.observers["api-1"].look()
    assert lab.state().describe()["services"]["api"]["health"]["word"] == "memory full"
    lab.observers["api-1"].forget()
    assert lab.state().describe()["services"]["api"]["health"]["word"] == "starting"


def test_users_who_do_not_say_how_they_are_leave_the_status_as_it_was(watched):
    lab, states = watched
    felt = states["traffic"].traffic.users
    states["traffic"] = traffic(users=encode(replace(felt, succeeded=20, success_ratio=0.33)))
    assert lab.status() == "RED"
    states["traffic"] = None
    state = lab.state().describe()
    assert state["status"] == "RED" and state["kpis"]["success_ratio"] == 0.33


def exported(state):
    registry = CollectorRegistry()
    registry.register(exporter.StateCollector(lambda: state))
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in registry.collect()
        for sample in metric.samples
    }


def test_what_is_exported_is_what_the_api_says(watched):
    lab, states = watched
    states["database"] = a_service(waits=waits(30.0), connections={"in_use": 40, "max": 40, "queued": 9})
    states["api"] = a_service(rss_bytes=256 * MB, calls=calls("database", failed=30, sent=90))
    state = lab.state().describe()
    found = exported(lab.latest)
    assert found["lab_status",] == 0 and found["lab_why",] == 0
    assert found["lab_kpi", "success_ratio"] == state["kpis"]["success_ratio"] == 1.0
    assert found["lab_kpi", "queue_patience_ratio"] == state["cascade"]["queue_patience_ratio"] == 1.5
    assert found["lab_service_health", "database"] == state["services"]["database"]["health"]["level"] == FAILING
    assert found["lab_service_problem", "database", "queue"] == FAILING
    assert found["lab_service_problem", "database", "connections"] == FAILING
    assert found["lab_service_memory_ratio", "api"] == 0.5
    assert found["lab_edge_health", "api"] == FAILING and found["lab_edge_rps", "api"] == 6.0


def test_the_exported_series_have_the_labels_that_the_boards_and_alerts_ask_for(watched):
    lab, _ = watched
    lab.state()
    registry = CollectorRegistry()
    registry.register(exporter.StateCollector(lambda: lab.latest))
    series = {line.rpartition(" ")[0] for line in generate_latest(registry).decode().splitlines()}
    assert series >= {
        "lab_status",
        "lab_why",
        'lab_kpi{name="success_ratio"}',
        'lab_service_health{service="api"}',
        'lab_service_problem{reason="queue",service="database"}',
        'lab_service_memory_ratio{service="traffic"}',
        'lab_edge_rps{service="database"}',
        'lab_edge_health{service="frontend"}',
    }


def test_every_label_set_is_exported_from_the_start_and_a_kpi_that_is_null_is_nan(watched):
    lab, _ = watched
    before = exported(lab.latest)
    lab.state()
    assert before.keys() == exported(lab.latest).keys()
    assert math.isnan(before["lab_kpi", "success_ratio"]) and before["lab_service_health", "api"] == 0


@pytest.mark.parametrize(("failed", "level"), [(0, OK), (1, OK), (2, STRAINED), (10, STRAINED), (11, FAILING)])
def test_an_arrow_is_as_bad_as_the_share_of_its_calls_that_fail(failed, level):
    assert edge_level(Calls("api", ended=100, failed=failed)) == level
    assert edge_level(Calls("api")) == OK


@pytest.mark.parametrize(("success", "word"), [(0.99, "happy"), (0.989, "some errors"), (0.9, "some errors")])
def test_users_at_the_bounds(success, word):
    assert health_of("traffic", traffic(), kpis(success_ratio=success)).word == word


@pytest.mark.parametrize(("done", "useful", "ratio"), [(9, 0, 0.0), (10, 4, 0.6), (10, 12, 0.0)])
def test_the_share_of_work_for_nobody(done, useful, ratio):
    found = lab_of(
        database=a_service(answers={"count": done, "errors": 0}), frontend=a_service(answers={"count": useful})
    )
    assert wasted_work_ratio(found, first="frontend", last="database") == pytest.approx(ratio)
    assert wasted_work_ratio(found | {"frontend": None}, "frontend", "database") == float(done >= 10)


@pytest.mark.parametrize(
    ("changes", "felt", "code"),
    [
        ({"database": a_service(waits=waits(20.0))}, kpis(), 6),
        ({"database": a_service(waits=waits(20.2))}, kpis(), 3),
        ({}, kpis(attempts_per_request=1.5), 6),
        ({"api": a_service(gc_pause_seconds=4.5)}, kpis(), 6),
    ],
)
def test_why_at_the_bounds(changes, felt, code):
    assert why("RED", lab_of(**changes), felt, []) == code


@pytest.mark.parametrize(
    ("felt", "name", "level"),
    [
        ({"success_ratio": 0.9}, "success_ratio", STRAINED),
        ({"success_ratio": 0.99}, "success_ratio", OK),
        ({"p50_seconds": 1.0}, "p50_seconds", STRAINED),
        ({"attempts_per_request": 1.15}, "attempts_per_request", OK),
        ({"attempts_per_request": 1.2}, "attempts_per_request", STRAINED),
        ({"attempts_per_request": 1.5}, "attempts_per_request", STRAINED),
        ({"success_ratio": None, "offered_rps": 4.0, "served_rps": None}, "served_rps", FAILING),
        ({"success_ratio": 0.5, "offered_rps": 1.0, "served_rps": 0.5}, "served_rps", OK),
        ({"success_ratio": 0.5, "offered_rps": 1.5, "served_rps": 0.5}, "served_rps", FAILING),
        ({"success_ratio": 0.5, "offered_rps": 10.0, "served_rps": 9.0}, "served_rps", OK),
        ({"success_ratio": 0.9, "offered_rps": 10.0, "served_rps": 5.0}, "served_rps", OK),
    ],
)
def test_the_levels_of_the_kpis_at_the_bounds(felt, name, level):
    assert kpi_levels(kpis(**felt), has_users=True)[name] == level
    assert name != "served_rps" or kpi_levels(kpis(**felt), has_users=False)[name] == OK
