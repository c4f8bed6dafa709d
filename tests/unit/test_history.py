"""The points and marks of the charts: what changed, in words, and whose process is another one."""

from __future__ import annotations

import pytest

from services.common.telemetry.state import Calls, Connections, ServiceState
from services.control_room.history import History
from tests.support.views import active, instance, lab_of, service


def on(name, **kinds):
    return service(ServiceState(name, active=active(**kinds)))


def process(pid, oom_kills=0, boot_id="a"):
    return ServiceState("api", pid=pid, boot_id=boot_id, oom_kills=oom_kills)


@pytest.fixture
def marks():
    """The words of the marks after these states of the lab, a second apart."""

    def marks(*labs):
        now = [100.0]
        history = History(lambda: now[0])
        for lab in labs:
            history.add(lab)
            now[0] += 1
        return [mark["text"] for mark in history.after(0)["marks"]]

    return marks


def test_a_switch_that_changed_is_named(marks):
    failing = on("api", failure={"latency": {"delay_seconds": 0.2}})
    slower = on("api", failure={"latency": {"delay_seconds": 2}})
    assert marks(lab_of(), lab_of(api=failing), lab_of(api=failing), lab_of(api=slower), lab_of()) == [
        "api latency on",
        "api latency changed",
        "api latency off",
    ]


def test_a_setting_is_changed_and_then_as_before(marks):
    small = on("database", setting={"capacity": {"connections": 4}})
    assert marks(lab_of(), lab_of(database=small), lab_of()) == [
        "database capacity changed",
        "database capacity as before",
    ]


def test_of_several_the_failure_is_told(marks):
    both = {"setting": {"client": {"attempts": 3}}, "failure": {"latency": {}}}
    assert marks(lab_of(), lab_of(api=on("api", **both))) == ["api latency on, 1 more"]


def test_a_service_that_does_not_answer_has_changed_nothing(marks):
    failing = on("api", failure={"latency": {}})
    assert marks(lab_of(api=failing), lab_of(api=service(None)), lab_of(api=failing)) == []


def test_a_kill_for_memory_and_a_restart_are_told_apart(marks):
    def lab(*states):
        instances = {f"api-{number}": instance(state) for number, state in enumerate(states, 1)}
        return lab_of(api=service(states[0], **instances))

    assert marks(
        lab(process(7), process(8)),
        lab(process(7), None),
        lab(process(7), process(9, oom_kills=1)),
        lab(process(7, boot_id="b"), process(9, oom_kills=1)),
    ) == ["api-2 killed: out of memory", "api-1 restarted"]


def test_a_point_has_what_is_asked_for_against_what_can_be_done():
    capacity = active(setting={"capacity": {"connections": 4, "service_time_seconds": 0.1}})
    history = History()
    history.add(
        lab_of(
            api=service(ServiceState("api", calls=Calls("database", sent=900, seconds=15))),
            database=service(ServiceState("database", active=capacity, connections=Connections(max=4))),
        )
    )
    history.add(lab_of(api=service(None), database=service(None)))
    found = history.after(0)
    first, second = (dict(zip(found["columns"], point, strict=True)) for point in found["points"])
    assert (first["database_calls_rps"], first["database_capacity_rps"], first["in_flight"]) == (60, 40, 0)
    assert second["database_calls_rps"] is second["database_capacity_rps"] is None
