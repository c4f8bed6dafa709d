"""What local mode runs."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from labcli.config import REPO, Config
from labcli.errors import UsageError
from labcli.plan import memory_limit_bytes, plans, prometheus_config, size_in_bytes
from services.common.process.settings import Settings
from services.common.topology import MB, instances


def config(offset: int = 0, **environ: str) -> Config:
    return Config.load(offset, environ)


def test_the_services_take_the_environment_that_they_are_given() -> None:
    """The services' own reader finds nothing wrong with it."""
    for plan in plans(config(100, LAB_TOKEN="secret")):
        settings = Settings.from_env(plan.environment)
        assert settings.instance == plan.name
        assert settings.local
        assert settings.bind == "127.0.0.1"
        assert settings.lab_token == "secret"
        assert settings.data_urls["api-2"] == "http://127.0.0.1:8111"
        assert settings.admin_urls["traffic"] == "http://127.0.0.1:9103"
        assert settings.state_dir.is_relative_to(REPO / ".lab" / "local-100")


def test_ports_are_those_of_the_design_and_move_with_the_offset() -> None:
    found = {plan.name: plan.ports for plan in plans(config(10))}
    assert found == {
        "frontend": (8010, 9010),
        "api-1": (8011, 9011),
        "api-2": (8021, 9021),
        "api-3": (8031, 9031),
        "database": (8012, 9012),
        "traffic": (9013,),
        "control-room": (8090,),
    }


def test_readiness_is_asked_where_it_is_answered() -> None:
    urls = {plan.name: plan.ready_url for plan in plans(config())}
    assert urls["api-3"] == "http://127.0.0.1:9021/readyz"
    assert urls["control-room"] == "http://127.0.0.1:8080/healthz"


def test_nothing_of_the_persons_environment_reaches_a_service() -> None:
    plan = plans(config(PATH="/bin", GUNICORN_CMD_ARGS="--threads 1", http_proxy="http://proxy", THREADS="3"))[0]
    assert plan.environment["PATH"] == "/bin"
    assert not {"GUNICORN_CMD_ARGS", "http_proxy", "THREADS"} & plan.environment.keys()


def test_memory_limits_are_those_of_the_containers() -> None:
    """docker-compose.yml is the one place where they are explained."""
    compose = (REPO / "docker-compose.yml").read_text()
    for instance in instances():
        spec = instance.spec
        limit = re.search(rf"^  {instance.name}:\n(?:    .*\n)*?    mem_limit: (\S+)", compose, re.MULTILINE)
        assert limit, instance.name
        text = config().variables["API_MEMORY_LIMIT"] if "API_MEMORY_LIMIT" in limit[1] else limit[1]
        assert memory_limit_bytes(config(), spec) == size_in_bytes("API_MEMORY_LIMIT", text)


@pytest.mark.parametrize(("text", "size"), [("512m", 512 * MB), ("1g", 1024 * MB), ("2048k", 2 * MB), ("300", 300)])
def test_sizes_are_written_as_compose_writes_them(text: str, size: int) -> None:
    assert size_in_bytes("API_MEMORY_LIMIT", text) == size


@pytest.mark.parametrize("text", ["much", "9" * 5000, "\u0663m"])
def test_a_size_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="API_MEMORY_LIMIT"):
        plans(config(API_MEMORY_LIMIT=text))


def test_prometheus_scrapes_here_what_it_scrapes_in_containers() -> None:
    ours = yaml.safe_load(prometheus_config(config(100)))
    theirs = yaml.safe_load((REPO / "prometheus" / "prometheus.yml").read_text())
    assert ours["global"] == theirs["global"]
    targets = {job["job_name"]: job["static_configs"][0]["targets"] for job in ours["scrape_configs"]}
    assert targets.keys() == {job["job_name"] for job in theirs["scrape_configs"]}
    assert targets["api"] == ["127.0.0.1:9101"] and targets["control-room"] == ["127.0.0.1:8180"]


@pytest.mark.parametrize("name", ["a lab", "lab #1", "lab: one", "[lab]", "{lab}", "lab's", 'the "lab"', "lab\\"])
def test_prometheus_finds_its_rules_wherever_the_lab_is(tmp_path: Path, name: str) -> None:
    rules = tmp_path / name / "prometheus" / "rules"
    rules.mkdir(parents=True)
    (rules / "alerts.yml").write_text("groups: []\n")
    text = prometheus_config(Config.load(0, {}, tmp_path / name))
    assert len(yaml.safe_load(text)["rule_files"]) == 1
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.fail("no promtool") if os.environ.get("CI") else pytest.skip("no promtool on PATH")
    (tmp_path / "prometheus.yml").write_text(text)
    done = subprocess.run(
        [promtool, "check", "config", str(tmp_path / "prometheus.yml")], capture_output=True, text=True
    )
    assert done.returncode == 0 and "1 rule files found" in done.stdout + done.stderr, done.stdout + done.stderr


@pytest.mark.parametrize("limit", ["0", "64m", "127m"])
def test_an_api_without_room_is_refused(limit: str) -> None:
    with pytest.raises(UsageError, match="API_MEMORY_LIMIT must be 128m or more"):
        plans(config(0, API_MEMORY_LIMIT=limit))


def test_prometheus_runs_where_its_binary_is(tmp_path: Path) -> None:
    binary = tmp_path / "prometheus"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    plan = plans(config(5, PATH=str(tmp_path)))[-1]
    assert plan.name == "prometheus"
    assert plan.command[0] == str(binary)
    assert "--web.listen-address=127.0.0.1:9095" in plan.command
    assert plan.memory_limit_bytes is None
