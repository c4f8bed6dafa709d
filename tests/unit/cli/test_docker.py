"""up, down and infra in Docker, with a stand-in for `docker`."""

from __future__ import annotations

import json
import re
import socket
from pathlib import Path

import pytest

from labcli import infra_docker
from tests.unit.cli.conftest import FakeDocker, Lab, Room

SERVICES = ("api", "control-room", "frontend")


def test_up_builds_starts_and_waits_and_tells_where_the_lab_is(
    repo: Path, docker: FakeDocker, lab: Lab, free_ports: dict[str, int]
) -> None:
    done = lab("up")
    assert done.code == 0
    assert f"compose --project-directory {repo} -p sre-failure-lab up -d --build --wait" in docker.commands()
    assert f"control room  http://127.0.0.1:{free_ports['LAB_PORT']}" in done.out
    assert f"Grafana       http://127.0.0.1:{free_ports['GRAFANA_PORT']}" in done.out


def test_up_takes_published_images_when_it_is_told_to(
    repo: Path, docker: FakeDocker, lab: Lab, free_ports: dict[str, int]
) -> None:
    assert lab("up", "--no-build").code == 0
    (up,) = [command for command in docker.commands() if " up " in command]
    assert " --no-build " in up and " --build " not in up


def test_a_second_lab_has_its_own_project_and_ports(
    repo: Path, docker: FakeDocker, lab: Lab, free_ports: dict[str, int]
) -> None:
    assert lab("up", "--port-offset", "7").code == 0
    asked = docker.asked()[-1]
    assert asked["words"][:5] == ["compose", "--project-directory", str(repo), "-p", "sre-failure-lab-7"]
    assert asked["lab_port"] == str(free_ports["LAB_PORT"] + 7)


def test_a_lab_for_the_room_is_told_its_address(
    repo: Path, docker: FakeDocker, lab: Lab, free_ports: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert lab("up").code == 0
    assert docker.asked()[-1]["lab_address"] == ""
    monkeypatch.setenv("LAB_TOKEN", "long enough")
    monkeypatch.setenv("LAB_BIND", "0.0.0.0")
    link = re.search(r"for the room +http://(.+):\d+/view", lab("up").out)
    assert link and docker.asked()[-1]["lab_address"] == link[1]


def test_a_lab_with_a_name_of_its_own_keeps_it_in_every_command_and_hint(
    repo: Path, docker: FakeDocker, lab: Lab, free_ports: dict[str, int]
) -> None:
    named = ("-p", "blue", "--port-offset", "7")
    assert "./scripts/lab down -p blue --port-offset 7" in lab("up", *named).out
    docker.add(*SERVICES)
    lab("infra", "kill", "api", *named)
    assert (repo / ".lab" / "infra-blue.json").exists()
    lab("down", *named)
    projects = {words[words.index("-p") + 1] for words in (one["words"] for one in docker.asked()) if "-p" in words}
    assert projects == {"blue"}
    assert not (repo / ".lab" / "infra-blue.json").exists()


def test_a_name_that_compose_would_refuse_is_wrong_usage(lab: Lab) -> None:
    done = lab("up", "-p", "Team Blue")
    assert done.code == 2
    assert "a-z" in done.err


def test_lab_services_limits_what_is_started_and_told(
    repo: Path, docker: FakeDocker, lab: Lab, free_ports: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_SERVICES", "api control-room")
    done = lab("up", "--json")
    assert docker.commands()[-1].endswith("--wait api control-room")
    assert list(done.documents[0]["urls"]) == ["control room"]


def test_up_does_not_begin_where_somebody_holds_a_port(
    repo: Path, docker: FakeDocker, lab: Lab, free_ports: dict[str, int]
) -> None:
    with socket.create_server(("127.0.0.1", free_ports["GRAFANA_PORT"])):
        done = lab("up")
    assert done.code == 1
    assert f"port {free_ports['GRAFANA_PORT']} (grafana) is held by" in done.err
    assert not any("--build" in command for command in docker.commands())


def test_the_labs_own_ports_do_not_keep_it_from_coming_up(
    repo: Path, docker: FakeDocker, lab: Lab, free_ports: dict[str, int]
) -> None:
    docker.add("control-room", Publishers=[{"PublishedPort": free_ports["LAB_PORT"]}])
    with socket.create_server(("127.0.0.1", free_ports["LAB_PORT"])):
        assert lab("up").code == 0


def test_a_failed_up_shows_the_log_of_what_is_not_well(
    repo: Path, docker: FakeDocker, lab: Lab, free_ports: dict[str, int]
) -> None:
    docker.add("frontend", Health="healthy")
    docker.add("api", Health="unhealthy")
    docker.change(fail=["up"])
    done = lab("up")
    assert done.code == 1
    assert "api is unhealthy" in done.err
    assert "the log of api" in done.err
    assert "the log of frontend" not in done.err
    assert "./scripts/lab doctor" in done.err


def test_down_removes_the_lab_and_says_so_when_there_is_none(repo: Path, docker: FakeDocker, lab: Lab) -> None:
    assert "nothing to stop" in lab("down").out
    docker.add(*SERVICES)
    assert "stopped and removed" in lab("down", "--port-offset", "7").out
    assert docker.commands()[-1] == f"compose --project-directory {repo} -p sre-failure-lab-7 down --volumes"


def test_no_docker_names_the_other_way(repo: Path, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(repo))
    done = lab("up")
    assert done.code == 1
    assert "Docker is not installed" in done.err
    assert "up --local" in done.err


def test_a_docker_that_does_not_answer_is_told_as_that(repo: Path, docker: FakeDocker, lab: Lab) -> None:
    docker.change(fail=["ps"])
    done = lab("infra", "kill", "api")
    assert done.code == 1
    assert "Docker does not answer: cannot ps" in done.err


@pytest.fixture
def running(repo: Path, docker: FakeDocker) -> FakeDocker:
    docker.add(*SERVICES)
    return docker


@pytest.mark.parametrize("action", ["kill", "pause", "disconnect", "limit-cpu"])
def test_what_infra_did_is_undone_by_heal(running: FakeDocker, lab: Lab, repo: Path, action: str) -> None:
    before = running.state["containers"]
    done = lab("infra", action, "api")
    assert done.code == 0
    assert "./scripts/lab infra heal api" in done.out
    assert running.state["containers"] != before
    assert lab("infra", "heal", "api").code == 0
    assert running.state["containers"] == before
    assert not (repo / ".lab" / "infra-sre-failure-lab.json").exists()


def test_everything_at_once_is_undone_by_one_heal(running: FakeDocker, lab: Lab) -> None:
    before = running.state["containers"]
    for words in ("limit-cpu api --cpus 0.5", "limit-cpu api", "disconnect api", "pause api", "kill frontend"):
        assert lab("infra", *words.split()).code == 0
    assert running.state["containers"]["api"]["HostConfig"]["NanoCpus"] == 100_000_000
    assert lab("infra", "heal").code == 0
    assert running.state["containers"] == before


def test_reset_heals_first_what_infra_did(running: FakeDocker, lab: Lab, free_ports: dict[str, int]) -> None:
    """The control room itself is away: reset must not need it before that."""
    lab("infra", "kill", "control-room")
    done = lab("reset")
    assert running.state["containers"]["control-room"]["State"]["Running"]
    assert "control-room: started" in done.out
    assert "does not answer" in done.err


def test_reset_asks_docker_nothing_when_infra_did_nothing(running: FakeDocker, lab: Lab, room: Room) -> None:
    room.answers["POST", "/api/reset"] = 200, {"status": "GREEN", "seconds": 0.2, "steps": []}
    assert lab("reset").code == 0
    assert running.commands() == []


def test_a_record_of_a_container_that_is_gone_changes_nothing(running: FakeDocker, lab: Lab, repo: Path) -> None:
    (repo / ".lab").mkdir()
    record = {"api": {"container": "an older one", "nano_cpus": 5}}
    (repo / ".lab" / "infra-sre-failure-lab.json").write_text(json.dumps(record))
    assert "nothing to heal" in lab("infra", "heal").out
    assert running.state["containers"]["api"]["HostConfig"]["NanoCpus"] == 1_000_000_000


def test_a_service_that_does_not_get_well_is_told(
    running: FakeDocker, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(infra_docker, "POLL_SECONDS", 61)
    lab("infra", "kill", "api")
    running.change(fail=["exec"])
    done = lab("infra", "heal", "api")
    assert done.code == 1
    assert "api is not well after 61 s" in done.err


def test_a_service_that_is_none_is_guessed(running: FakeDocker, lab: Lab) -> None:
    assert "did you mean frontend?" in lab("infra", "kill", "front-end").err


def test_without_a_lab_infra_says_how_to_start_one(repo: Path, docker: FakeDocker, lab: Lab) -> None:
    assert "./scripts/lab up" in lab("infra", "kill", "api").err


@pytest.mark.parametrize("words", ["limit-cpu api --cpus 0", "limit-cpu api --cpus x", "kill", "burn api"])
def test_infra_nonsense_is_a_usage_error(running: FakeDocker, lab: Lab, words: str) -> None:
    assert lab("infra", *words.split()).code == 2


def test_containers_of_another_checkout_are_not_taken_over(
    docker: FakeDocker, lab: Lab, free_ports: dict[str, int]
) -> None:
    docker.add(*SERVICES, Labels="com.docker.compose.project=x,com.docker.compose.project.working_dir=/home/ann/lab")
    done = lab("up")
    assert done.code == 1
    assert "sre-failure-lab is up from another checkout: /home/ann/lab" in done.err
    assert "--port-offset 100" in done.err
    assert not any("--build" in command for command in docker.commands())


def test_an_api_without_room_is_refused_in_docker_too(docker: FakeDocker, lab: Lab, monkeypatch) -> None:
    monkeypatch.setenv("API_MEMORY_LIMIT", "0")
    done = lab("up")
    assert done.code == 2 and "API_MEMORY_LIMIT must be 128m or more" in done.err
