"""What containers add: hardening, limits that the kernel keeps, and restarts of a whole container."""

from __future__ import annotations

import json

import pytest

from tests.compose.conftest import SERVICES

pytestmark = pytest.mark.compose


@pytest.mark.parametrize("service", [*SERVICES, "prometheus"])
def test_containers_are_hardened(lab, service):
    (container,) = json.loads(lab.docker("inspect", lab.container(service)))
    host = container["HostConfig"]
    assert host["ReadonlyRootfs"]
    assert host["CapDrop"] == ["ALL"]
    assert "no-new-privileges:true" in host["SecurityOpt"]
    assert host["Memory"] > 0 and host["NanoCpus"] > 0
    assert container["Config"]["User"] not in ("", "0", "root")
    assert not any("docker.sock" in mount["Source"] for mount in container["Mounts"])
    published = [binding for ports in host["PortBindings"].values() for binding in ports]
    assert all(binding["HostIp"] == "127.0.0.1" for binding in published)
    assert host["RestartPolicy"]["Name"] == "unless-stopped"


def test_the_token_is_nowhere_but_in_the_control_room(lab):
    for service in SERVICES[:4]:
        assert "LAB_TOKEN" not in lab.docker("inspect", lab.container(service))


def test_the_control_room_puts_back_what_a_restarted_container_forgot(lab):
    lab.fail("database", "slow_query", min_seconds=0.5, max_seconds=1)
    lab.wait(lambda state: state["services"]["database"]["active"]["failure"], "slow_query on")
    lab.saw("slow_query is on", 0)
    after = lab.last_event()
    lab.docker("restart", "-t", "1", lab.container("database"))
    lab.saw("slow_query put back as it was", after, 30)
    params = lab.state()["services"]["database"]["active"]["failure"]["slow_query"]
    assert params["min_seconds"] == 0.5


def test_a_crash_loop_goes_on_until_it_is_healed(lab):
    after = lab.last_event()
    lab.fail("api", "crash")
    lab.saw("api: restarted", after)
    still_on = {"crash": {"probability": 1.0, "duration_seconds": 0.0}}
    lab.wait(lambda state: state["services"]["api"]["active"].get("failure") == still_on, "crash on after a restart")
    assert not lab.requests(1)[0]["ok"]
    lab.heal("api", "crash")
    lab.wait(lambda state: lab.requests(1)[0]["ok"], "requests succeed")


def test_a_killed_container_stays_down_and_the_lab_says_so(lab):
    after = lab.last_event()
    lab.compose("kill", "database")
    lab.saw("database: does not answer", after)
    state = lab.state()
    assert state["services"]["database"]["up"] is False
    lab.wait(lambda state: state["status"] == "RED" and "database does not answer" in state["reasons"], "RED")
    answer = lab.reset()
    assert answer["status"] == "RED" and any("infra heal database" in step for step in answer["steps"])
    lab.compose("up", "-d", "--wait", "--no-recreate", "database")
    lab.saw("database: answers again", after, 30)
    assert lab.reset()["status"] == "GREEN"


def test_the_admin_planes_answer_while_every_data_thread_is_stuck(lab):
    for service in ("frontend", "api", "database"):
        lab.fail(service, "hang")
    lab.post("/api/traffic", {"rps": 100})
    lab.wait(lambda state: state["services"]["frontend"]["threads_busy"] == 128, "every thread is busy", 30)
    state = lab.state()
    assert all(service["up"] for service in state["services"].values())
    assert lab.query('up{job="frontend"} == 1')
    answer = lab.reset()
    assert answer["status"] == "GREEN" and answer["seconds"] < 3
