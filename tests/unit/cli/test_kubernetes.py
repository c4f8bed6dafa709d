"""--kubernetes NAMESPACE: the way to the control room, and infra on pods, with a stand-in for `kubectl`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from services.common.topology import SERVICES
from tests.unit.cli.conftest import Clock, Lab, Room, a_service, a_state

RESOURCES = {"limits": {"cpu": "1", "memory": "512Mi"}, "requests": {"cpu": "25m", "memory": "64Mi"}}
READY = {"conditions": [{"type": "Ready", "status": "True"}], "containerStatuses": [{"resources": RESOURCES}]}


def a_pod(name: str) -> dict[str, Any]:
    spec = {"containers": [{"name": name.rpartition("-")[0], "resources": RESOURCES}]}
    return {"kind": "Pod", "metadata": {"name": name}, "spec": spec, "status": READY}


class Cluster:
    """What the stand-in keeps, and what it was asked."""

    def __init__(self, folder: Path, room_port: int) -> None:
        self.path, self.log = folder / "state.json", folder / "log"
        sets = {
            spec.name: {"kind": "StatefulSet", "metadata": {"name": spec.name}, "spec": {"template": {"spec": {}}}}
            for spec in SERVICES
        }
        pods = [a_pod(f"{spec.name}-{index + 1}") for spec in SERVICES for index in range(spec.replicas)]
        found = {"statefulsets": sets, "pods": {pod["metadata"]["name"]: pod for pod in pods}, "new": a_pod("new-1")}
        self.path.write_text(
            json.dumps({**found, "fail": [], "namespaces": {}, "room_port": room_port, "resizes": True})
        )

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.path.read_text())
        return found

    def change(self, **changes: Any) -> None:
        self.path.write_text(json.dumps(self.state | changes))

    def pod(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = self.state["pods"][name]
        return found

    def is_held(self, name: str) -> bool:
        return bool(self.pod(name)["spec"].get("nodeSelector"))

    def asked(self, verb: str) -> list[list[str]]:
        return [words for words in map(json.loads, self.log.read_text().splitlines()) if verb in words]


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: Room) -> Cluster:
    """A lab in the namespace team-1, behind a `kubectl` that is the one program on PATH."""
    folder = tmp_path / "kubectl"
    folder.mkdir()
    program = folder / "kubectl"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {Path(__file__).parent / "fake_kubectl.py"} "$@"\n')
    program.chmod(0o755)
    cluster = Cluster(folder, int(room.url.rpartition(":")[2]))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("FAKE_KUBECTL_STATE", str(cluster.path))
    monkeypatch.setenv("FAKE_KUBECTL_LOG", str(cluster.log))
    monkeypatch.delenv("LAB_URL")
    return cluster


@pytest.fixture
def team(lab: Lab, cluster: Cluster) -> Lab:
    """The command line for that lab."""
    return lambda *words: lab(*words, "--kubernetes", "team-1")


def test_a_command_finds_its_way_to_the_namespaces_control_room(team: Lab, cluster: Cluster, room: Room) -> None:
    done = team("fail", "database", "slow_query")
    assert done.code == 0
    assert room.posted()[0][0] == "/api/services/database/failures/slow_query"
    (asked,) = cluster.asked("port-forward")
    assert asked[:2] == ["--namespace", "team-1"]
    assert asked[-2:] == ["service/control-room", ":8080"]


def test_without_a_lab_there_it_says_where_to_look(team: Lab, cluster: Cluster) -> None:
    cluster.change(fail=["port-forward"])
    done = team("status")
    assert done.code == 1
    assert "cannot port-forward" in done.err
    assert "kubectl --namespace team-1 get pods" in done.err


def test_without_kubectl_it_says_so(team: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for words in (("status",), ("infra", "kill", "api-2")):
        done = team(*words)
        assert done.code == 1
        assert "kubectl is not installed" in done.err


def test_up_and_down_are_helms_and_the_namespaces(team: Lab) -> None:
    assert "helm install" in team("up").err
    assert "kubectl delete namespace team-1" in team("down").err


def test_no_namespace_is_called_so(lab: Lab) -> None:
    assert lab("status", "--kubernetes", "-x").code == 2
    assert lab("status", "--kubernetes", "Team 1").code == 2


def test_open_keeps_the_way_until_ctrl_c(team: Lab, room: Room, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    clock.interrupt_after(3)
    assert team("open", "--view").code == 0
    assert opened == [f"{room.url}/view"]


def test_a_killed_pod_waits_until_it_is_healed(team: Lab, cluster: Cluster) -> None:
    done = team("infra", "kill", "api-2")
    assert "infra heal api-2 --kubernetes team-1" in done.out
    assert [name for name in cluster.state["pods"] if cluster.is_held(name)] == ["api-2"]
    assert cluster.state["statefulsets"]["api"]["spec"]["updateStrategy"]["type"] == "OnDelete"  # the others stay
    assert "started" in team("infra", "heal", "api-2").out
    assert not cluster.is_held("api-2")
    assert cluster.state["statefulsets"]["api"]["spec"]["updateStrategy"] == {"type": "RollingUpdate"}


def test_a_pod_that_the_kubelet_does_not_find_ready_is_not_healed(team: Lab, cluster: Cluster) -> None:
    cluster.change(new={**a_pod("new-1"), "status": {}})
    team("infra", "kill", "api-2")
    done = team("infra", "heal", "api-2")
    assert done.code == 1
    assert "api-2 is not well after" in done.err


def test_each_killed_instance_is_healed_for_itself(team: Lab, cluster: Cluster) -> None:
    team("infra", "kill", "api-1")
    team("infra", "kill", "api-3")
    team("infra", "heal", "api-1")
    assert [name for name in cluster.state["pods"] if cluster.is_held(name)] == ["api-3"]
    assert cluster.state["statefulsets"]["api"]["spec"]["updateStrategy"]["type"] == "OnDelete"
    assert "api-3: started" in team("infra", "heal").out


def test_a_service_is_all_of_its_instances(team: Lab, cluster: Cluster) -> None:
    team("infra", "kill", "api")
    assert [name for name in cluster.state["pods"] if cluster.is_held(name)] == ["api-1", "api-2", "api-3"]


def test_a_paused_pod_has_all_its_processes_stopped_and_goes_on(team: Lab, cluster: Cluster) -> None:
    team("infra", "pause", "database")
    assert cluster.pod("database-1")["stopped"]
    assert "database: goes on" in team("infra", "heal", "database").out
    assert not cluster.pod("database-1")["stopped"]
    assert "nothing to heal" in team("infra", "heal").out


def test_less_cpu_and_what_there_was_before(team: Lab, cluster: Cluster) -> None:
    team("infra", "limit-cpu", "frontend", "--cpus", "0.01")
    team("infra", "limit-cpu", "frontend", "--cpus", "0.5")
    (container,) = cluster.pod("frontend-1")["spec"]["containers"]
    assert container["resources"]["limits"] == {"cpu": "0.5", "memory": "512Mi"}
    assert container["resources"]["requests"]["cpu"] == "0.01"
    assert "has 1 CPUs again" in team("infra", "heal", "frontend").out
    (container,) = cluster.pod("frontend-1")["spec"]["containers"]
    assert container["resources"] == RESOURCES


def test_a_node_that_does_not_change_a_running_containers_cpu_is_told(team: Lab, cluster: Cluster) -> None:
    cluster.change(resizes=False)
    done = team("infra", "limit-cpu", "frontend")
    assert done.code == 1
    assert "kubectl describe pod frontend-1" in done.err


def test_a_pod_is_cut_off_where_the_network_does_it(team: Lab, cluster: Cluster, room: Room) -> None:
    api = a_service(instances={"api-1": a_service(), "api-2": a_service(up=False)})
    room.states = [
        a_state(services={"api": a_service(instances={"api-2": a_service()})}),
        a_state(services={"api": api}),
    ]
    assert "cut off" in team("infra", "disconnect", "api-2").out
    assert cluster.pod("api-2")["metadata"]["labels"] == {"lab/cut-off": "true"}
    assert "connected" in team("infra", "heal", "api-2").out
    assert not cluster.pod("api-2")["metadata"]["labels"]


def test_a_network_that_cuts_nobody_off_is_found_out(team: Lab, cluster: Cluster) -> None:
    done = team("infra", "disconnect", "database")
    assert done.code == 1
    assert "does not enforce NetworkPolicy" in done.err
    assert not cluster.pod("database-1")["metadata"]["labels"]


def test_reset_heals_first(team: Lab, cluster: Cluster, room: Room) -> None:
    room.answers["POST", "/api/reset"] = (200, {"status": "GREEN", "seconds": 0.2, "steps": []})
    team("infra", "kill", "control-room")
    assert team("reset").code == 0
    assert not cluster.is_held("control-room-1")


def test_doctor_tells_of_the_cluster_and_its_pods(team: Lab, cluster: Cluster) -> None:
    done = team("doctor")
    assert done.code == 0
    assert "Kubernetes v1.34.4" in done.out
    assert "all 7 are ready" in done.out
    assert "the kernel kills the worker alone" in done.out


def test_doctor_tells_who_is_not_ready(team: Lab, cluster: Cluster) -> None:
    pods = cluster.state["pods"]
    pods["api-2"]["status"] = {}
    cluster.change(pods=pods)
    done = team("doctor")
    assert done.code == 1
    assert "not ready: api-2" in done.out


def test_doctor_warns_of_an_oom_kill_that_takes_the_container(team: Lab, room: Room) -> None:
    room.states = [a_state(services={"api": a_service(oom_group=True)})]
    done = team("doctor")
    assert done.code == 0
    assert "memory.oom.group is 1 for api" in done.out
    assert "singleProcessOOMKill" in done.out
