"""Nobody in the room can break it: processes die, alone and together, and the lab is as it was before."""

from __future__ import annotations

import json
import os
import signal
import time

import psutil
import pytest

from tests.conftest import wait_until
from tests.survival import on_stage

SERVICES = ["traffic", "frontend", "api", "database", "control-room"]


def processes(lab, service):
    """The ids of a service's processes, the main one first; its supervisor's record."""
    record = json.loads((lab.folder / "processes.json").read_text())
    return [process["pid"] for process in record["services"][service]["processes"]]


def kill(lab, service, which):
    """SIGKILL the worker, which gunicorn starts again, or the main process, which is a whole container's end."""
    wait_until(lambda: len(processes(lab, service)) >= (1 if service == "traffic" else 2), f"{service} runs")
    found = processes(lab, service)
    die = found[1:] if which == "worker" else found
    os.kill(die[0] if die else found[0], signal.SIGKILL)
    wait_until(lambda: not any(psutil.pid_exists(pid) for pid in die), f"{service} has died")


def lives(lab):
    """The processes of the data services."""
    return {service: processes(lab, service) for service in SERVICES[:4]}


@pytest.mark.parametrize("which", ["worker", "container"])
def test_a_control_room_that_dies_comes_back_with_its_log_and_its_scene(lab, which):
    before, services = on_stage(lab), lives(lab)
    kill(lab, "control-room", which)
    state = before.sees_everything_again()
    assert lives(lab) == services, "nothing about the services changes"
    assert state["scene"]["elapsed_seconds"] >= before.state["scene"]["elapsed_seconds"]
    lab.saw("scene slow_query goes on", before.last_event)
    texts = [event["text"] for event in lab.events(before.last_event)]
    assert not any(" is on" in text or "restarted" in text for text in texts), "nothing is told twice"


def test_the_control_room_and_a_service_at_once(lab):
    before = on_stage(lab)
    for service in ("control-room", "database"):
        kill(lab, service, "container")
    before.sees_everything_again()
    lab.saw("database: slow_query put back as it was", before.last_event)


def test_a_scene_that_a_reset_ended_does_not_come_back(lab):
    lab.post("/api/scenes/slow_query")
    lab.reset()
    after = lab.last_event()
    kill(lab, "control-room", "worker")
    wait_until(lambda: any("open again" in event["text"] for event in seen(lab, after)), "the control room is back")
    state = lab.state()
    assert state["scene"] is None and not state["services"]["database"]["active"]["failure"]


def seen(lab, after):
    """The log since then, nothing while the control room is away."""
    try:
        return lab.events(after)
    except OSError:
        return []


@pytest.mark.long
@pytest.mark.parametrize("which", ["worker", "container"])
@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_process_is_back_as_it_was(lab, service, which):
    before = on_stage(lab)
    kill(lab, service, which)
    if service != "control-room":
        before.others_go_on({service})
    before.sees_everything_again()


@pytest.mark.long
@pytest.mark.parametrize("pair", [(one, other) for one in SERVICES for other in SERVICES if one < other])
def test_two_killed_at_once_are_back_as_they_were(lab, pair):
    before = on_stage(lab)
    for service in pair:
        kill(lab, service, "container")
    before.sees_everything_again()


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_paused_for_ten_seconds(lab, service):
    before = on_stage(lab)
    lab.cli("infra", "pause", service)
    ends_at = time.monotonic() + 10
    if service != "control-room":
        lab.wait(lambda state: state["services"][service]["up"] is False, f"{service} is down")
        lab.wait(lambda state: f"{service} does not answer" in state["reasons"], "the page says so")
        before.others_go_on({service})
    time.sleep(max(0, ends_at - time.monotonic()))
    lab.cli("infra", "heal", service)
    before.sees_everything_again()


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
def test_what_infra_killed_waits_for_heal_and_everything_says_so(lab, service):
    before = on_stage(lab)
    assert f"infra heal {service}" in lab.cli("infra", "kill", service).stdout
    if service == "control-room":
        assert "infra heal control-room" in lab.cli("status", check=False).stderr
    else:
        lab.wait(lambda state: f"{service} does not answer" in state["reasons"], "the state says so")
        assert f"infra heal {service}" in lab.cli("status").stdout
        before.others_go_on({service})
    lab.cli("infra", "heal", service)
    before.sees_everything_again()
