"""doctor: what it looks at, and what it says."""

from __future__ import annotations

import importlib.util
import os
import resource
import socket
from pathlib import Path

import pytest

from labcli import doctor
from labcli.config import Config
from labcli.plan import plans
from services.common.process import descriptors
from tests.unit.cli.conftest import FakeDocker, Lab

pytestmark = pytest.mark.usefixtures("repo", "free_ports")


@pytest.fixture
def no_venv(monkeypatch: pytest.MonkeyPatch) -> None:
    """As Debian's Python without python3-venv."""
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "ensurepip" else real(name))


def test_a_good_machine_is_told_as_that(docker: FakeDocker, lab: Lab) -> None:
    docker.change(images=["python:3.13-slim", "prom/prometheus:v3.13.2", "mirror/grafana:1"])
    done = lab("doctor")
    assert done.code == 0
    assert "ok    Docker  Compose: version 2.40.3" in done.out
    assert "ok    both    ports" in done.out
    assert "./scripts/lab up: works here" in done.out


def test_an_image_that_is_missing_is_no_failure(docker: FakeDocker, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAFANA_IMAGE", "mirror/grafana:1")
    done = lab("doctor")
    assert done.code == 0
    assert "warn  Docker  image: mirror/grafana:1 is not here yet" in done.out


def test_without_docker_the_local_way_is_left(lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    done = lab("doctor", "--json")
    assert done.code == 0
    assert done.documents[0]["ways"] == {"Docker": False, "local": True}


def test_without_venv_the_docker_way_is_left(docker: FakeDocker, lab: Lab, no_venv: None) -> None:
    done = lab("doctor")
    assert done.code == 0
    assert "apt install python3-venv" in done.out
    assert "./scripts/lab up --local: does not work here yet" in done.out


def test_with_neither_it_exits_with_1(lab: Lab, tmp_path: Path, no_venv: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert lab("doctor").code == 1


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"MemTotal": 1 << 30, "MemoryLimit": True, "SwapLimit": True}, "FAIL  Docker  memory: 1.0 GB, and 2 GB are"),
        ({"MemTotal": 8 << 30, "MemoryLimit": False}, "warn  Docker  memory limits"),
        ({"MemTotal": 8 << 30, "MemoryLimit": True, "SwapLimit": False}, "without a limit for swap"),
    ],
)
def test_what_docker_lacks_is_told(docker: FakeDocker, lab: Lab, info: dict[str, object], words: str) -> None:
    docker.change(info={"ServerVersion": "28.0", **info})
    assert words in lab("doctor").out


def test_a_docker_without_compose_is_told(docker: FakeDocker, lab: Lab) -> None:
    docker.change(fail=["compose version"])
    assert "FAIL  Docker  Compose: not installed" in lab("doctor").out


def test_a_busy_port_is_told_with_its_holder(docker: FakeDocker, lab: Lab, free_ports: dict[str, int]) -> None:
    with socket.create_server(("127.0.0.1", free_ports["GRAFANA_PORT"])):
        done = lab("doctor")
    assert f"FAIL  Docker  port {free_ports['GRAFANA_PORT']}: grafana's, held by" in done.out
    assert done.code == 0, "the local way needs no Grafana"


def test_ports_of_this_very_lab_are_fine(docker: FakeDocker, lab: Lab, free_ports: dict[str, int]) -> None:
    docker.add("grafana", Publishers=[{"PublishedPort": free_ports["GRAFANA_PORT"]}])
    with socket.create_server(("127.0.0.1", free_ports["GRAFANA_PORT"])):
        assert f"this lab holds {free_ports['GRAFANA_PORT']}" in lab("doctor").out


@pytest.mark.parametrize(
    ("hard", "words"),
    [
        (1_000_000, "ok    local   open files: 1000000 at most"),
        (resource.RLIM_INFINITY, "ok    local   open files: no limit"),
        (1024, "warn  local   open files: 1024 at most"),
        (256, "FAIL  local   open files: 256 at most"),
    ],
)
def test_a_limit_of_open_files_that_is_too_low_is_told(
    docker: FakeDocker, lab: Lab, monkeypatch: pytest.MonkeyPatch, hard: int, words: str
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (hard, hard))
    assert words in lab("doctor").out


def test_the_files_that_doctor_wants_are_those_that_the_services_want() -> None:
    assert doctor.WANTED_FILES == descriptors.WANTED


def test_a_checkout_that_cannot_be_written_is_told(repo: Path, docker: FakeDocker, lab: Lab) -> None:
    (repo / ".lab").write_text("no folder can be made here")
    done = lab("doctor")
    assert "FAIL  local   checkout:" in done.out and "up --local: does not work here yet" in done.out


def test_a_port_that_two_would_have_is_told(
    docker: FakeDocker, lab: Lab, free_ports: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `up --local` would refuse it; containers have addresses of their own."""
    inner = next(plan.ports[0] for plan in plans(Config.load(0, os.environ)) if plan.name == "database")
    monkeypatch.setenv("LAB_PORT", str(inner))
    done = lab("doctor")
    assert f"FAIL  local   port {inner}: would be " in done.out
    assert "./scripts/lab up: works here" in done.out
    assert "./scripts/lab up --local: does not work here yet" in done.out
