"""Nobody in the room can break it: containers are killed, paused, cut off and run out of memory, alone and in pairs."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager

import pytest

from benchmarks import fire
from tests.compose.conftest import FIND_THE_WORKER, INSTANCES, SERVICES
from tests.conftest import wait_until
from tests.support.labs import instance_of
from tests.support.survival import is_down, on_stage, survives_a_pause

pytestmark = pytest.mark.compose

# It names its neighbour to the kernel as the first to go, and takes all the memory.
OUT_OF_MEMORY = (
    FIND_THE_WORKER
    + """
Path(f"/proc/{worker}/oom_score_adj").write_text("1000")
signal.alarm(20)
taken = []
while Path(f"/proc/{worker}").exists():
    taken.append(b"x" * (4 << 20))
"""
)


def run_out_of_memory(lab, service):
    """The kernel kills the service's worker, or the whole container where that is one process."""
    lab.inside(service, OUT_OF_MEMORY)


def lives(lab):
    """Names each container's and each worker's life."""
    code = 'import urllib.request; print(urllib.request.urlopen("http://127.0.0.1:9000/admin/state").read().decode())'
    states = [json.loads(lab.inside(service, code).stdout) for service in SERVICES[:4]]
    return [(state["boot_id"], state["pid"]) for state in states]


@contextmanager
def cut_off(lab, service):
    """Off the network, and back under its old names."""
    network, container = f"{lab.project}_default", lab.container(service)
    lab.docker("network", "disconnect", network, container)
    try:
        yield
    finally:
        lab.docker("network", "connect", "--alias", instance_of(service), network, container)


def test_the_control_room_and_a_service_restart_at_once_in_mid_scene(lab):
    before = on_stage(lab)
    lab.restart("control-room", "database")
    before.sees_everything_again()
    lab.saw("database: slow_query put back as it was", before.last_event)
    assert lab.reset()["status"] == "GREEN"


def test_a_control_room_that_restarts_changes_nothing_about_the_services(lab):
    before, services = on_stage(lab), lives(lab)
    lab.restart("control-room")
    before.sees_everything_again()
    assert lives(lab) == services


def test_the_lab_does_not_care_for_prometheus_and_grafana(lab):
    before = on_stage(lab)
    watchers = [found for found in map(lab.container, ("prometheus", "grafana")) if found]
    lab.docker("stop", "-t", "0", *watchers)
    try:
        before.sees_everything_again()
        assert lab.reset()["status"] == "GREEN"
    finally:
        lab.docker("start", *watchers)
        wait_until(lambda: prometheus_answers(lab), "Prometheus is back", 30)


def prometheus_answers(lab):
    try:
        return len(lab.query("up == 1")) >= len(INSTANCES)
    except OSError:
        return False


@pytest.mark.long
def test_a_new_lab_does_not_show_the_log_and_the_scene_of_the_one_before(lab):
    before = on_stage(lab)
    lab.compose("down", "--timeout", "2")  # the volume stays
    lab.up()
    assert lab.state()["scene"] is None
    assert not {event["id"] for event in before.events} & {event["id"] for event in lab.events()}
    assert lab.reset()["status"] == "GREEN"


@pytest.mark.long
def test_a_journal_that_is_rubbish_is_passed_over(lab):
    on_stage(lab)
    lab.docker("exec", lab.container("control-room"), "sh", "-c", "echo '{' > /var/lib/lab/journal.sqlite")
    after = lab.last_event()
    lab.restart("control-room")
    wait_until(lambda: up_again(lab), "the control room is back", 30)
    assert lab.events(after)
    assert lab.reset()["status"] == "GREEN"


def up_again(lab):
    try:
        return bool(lab.state())
    except OSError:
        return False


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
def test_a_restarted_container_is_back_as_it_was(lab, service):
    before = on_stage(lab)
    lab.restart(service)
    before.sees_everything_again()


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES[1:])
def test_a_killed_worker_is_back_as_it_was(lab, service):
    before = on_stage(lab)
    lab.kill_worker(service)
    before.sees_everything_again()


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_ran_out_of_memory_is_back_as_it_was(lab, service):
    before = on_stage(lab)
    run_out_of_memory(lab, service)
    before.sees_everything_again()
    if service != "control-room":
        lab.saw(f"{service}: restarted" if service == "traffic" else f"{service}: out of memory", before.last_event)


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_paused_for_ten_seconds(lab, service):
    survives_a_pause(lab, service)


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_cut_off_from_the_network(lab, service):
    before = on_stage(lab)
    with cut_off(lab, service):
        if service == "control-room":
            time.sleep(5)  # nobody can ask it how it is
        else:
            is_down(lab, service)
            before.others_go_on({service})
    before.sees_everything_again()


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_container_waits_and_the_rest_goes_on(lab, service):
    before = on_stage(lab)
    lab.docker("kill", lab.container(service))
    if service != "control-room":
        is_down(lab, service)
        before.others_go_on({service})
    lab.docker("start", lab.container(service))
    before.sees_everything_again()


@pytest.mark.long
@pytest.mark.parametrize("pair", [(one, other) for one in SERVICES for other in SERVICES if one < other])
def test_two_at_once_are_back_as_they_were(lab, pair):
    before = on_stage(lab)
    lab.restart(*pair)
    before.sees_everything_again()


@pytest.mark.long
def test_no_control_call_fails_while_nothing_else_works(lab):
    room = fire.Room(8080 + lab.offset)
    room.burn_down(max(fire.BURN_THREADS))
    calls = room.control_calls(200)
    assert not calls.failed
    assert lab.reset()["status"] == "GREEN"


@pytest.mark.long
def test_two_hundred_viewers_see_every_line_and_no_call_fails(lab):
    room = fire.Room(8080 + lab.offset)
    before = room.resident_mb()
    calls, watching = fire.watched(room, 200)
    assert not calls.failed and not watching.dropped and not watching.polls_failed
    assert watching.events_each[0] == watching.events_each[1] > 0
    assert room.resident_mb() - before < 40
