"""Nobody in the room can break it: processes die, alone and together, and the lab is as it was before."""

from __future__ import annotations

import pytest

from tests.conftest import wait_until
from tests.support.labs import instance_of
from tests.support.local import LocalLab
from tests.support.survival import on_stage, survives_a_pause

SERVICES = ["traffic", "frontend", "api", "database", "control-room"]


def lives(lab):
    """The processes of the data services."""
    return {service: lab.processes(service) for service in SERVICES[:4]}


@pytest.mark.parametrize("kill", [LocalLab.kill_worker, LocalLab.restart])
def test_a_control_room_that_dies_comes_back_with_its_log_and_its_scene(lab, kill):
    before, services = on_stage(lab), lives(lab)
    kill(lab, "control-room")
    state = before.sees_everything_again()
    assert lives(lab) == services, "nothing about the services changes"
    assert state["scene"]["elapsed_seconds"] >= before.state["scene"]["elapsed_seconds"]
    lab.saw("scene slow_query goes on", before.last_event)
    texts = [event["text"] for event in lab.events(before.last_event)]
    assert not any(" is on" in text or "restarted" in text for text in texts), "nothing is told twice"


def test_the_control_room_and_a_service_at_once(lab):
    before = on_stage(lab)
    for service in ("control-room", "database"):
        lab.restart(service)
    before.sees_everything_again()
    lab.saw("database: slow_query put back as it was", before.last_event)


def test_a_scene_that_a_reset_ended_does_not_come_back(lab):
    lab.post("/api/scenes/slow_query")
    lab.reset()
    after = lab.last_event()
    lab.kill_worker("control-room")
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
@pytest.mark.parametrize("kill", [LocalLab.kill_worker, LocalLab.restart])
@pytest.mark.parametrize("service", SERVICES)
def test_a_killed_process_is_back_as_it_was(lab, service, kill):
    before = on_stage(lab)
    kill(lab, service)
    if service != "control-room":
        before.others_go_on({service})
    before.sees_everything_again()


@pytest.mark.long
@pytest.mark.parametrize("pair", [(one, other) for one in SERVICES for other in SERVICES if one < other])
def test_two_killed_at_once_are_back_as_they_were(lab, pair):
    before = on_stage(lab)
    for service in pair:
        lab.restart(service)
    before.sees_everything_again()


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
def test_a_service_that_is_paused_for_ten_seconds(lab, service):
    survives_a_pause(lab, service)


@pytest.mark.long
@pytest.mark.parametrize("service", SERVICES)
def test_what_infra_killed_waits_for_heal_and_everything_says_so(lab, service):
    before = on_stage(lab)
    assert f"infra heal {service}" in lab.cli("infra", "kill", service).stdout
    if service == "control-room":
        assert "infra heal control-room" in lab.cli("status", check=False).stderr
    else:
        lab.wait(lambda state: f"{instance_of(service)} does not answer" in state["reasons"], "the state says so")
        assert f"infra heal {service}" in lab.cli("status").stdout
        before.others_go_on({service})
    lab.cli("infra", "heal", service)
    before.sees_everything_again()
