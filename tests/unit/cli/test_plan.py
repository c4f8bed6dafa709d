"""What local mode runs."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from labcli.config import REPO, Config
from labcli.errors import UsageError
from labcli.plan import MB, SERVICES, memory_limit_bytes, plans, prometheus_config, size_in_bytes
from services.common.process.settings import Settings


def config(offset: int = 0, **environ: str) -> Config:
    return Config.load(offset, environ)


def test_the_services_take_the_environment_that_they_are_given() -> None:
    """The services' own reader finds nothing wrong with it."""
    for plan in plans(config(100, LAB_TOKEN="secret")):
        settings = Settings.from_env(plan.environment)
        assert settings.service == plan.name
        assert settings.local
        assert settings.bind == "127.0.0.1"
        assert settings.lab_token == "secret"
        assert settings.data_urls["api"] == "http://127.0.0.1:8101"
        assert settings.admin_urls["traffic"] == "http://127.0.0.1:9103"
        assert settings.state_dir.is_relative_to(REPO / ".lab" / "local-100")


def test_ports_are_those_of_the_design_and_move_with_the_offset() -> None:
    found = {plan.name: plan.ports for plan in plans(config(10))}
    assert found == {
        "frontend": (8010, 9010),
        "api": (8011, 9011),
        "database": (8012, 9012),
        "traffic": (9013,),
        "control-room": (8090,),
    }


def test_readiness_is_asked_where_it_is_answered() -> None:
    urls = {plan.name: plan.ready_url for plan in plans(config())}
    assert urls["api"] == "http://127.0.0.1:9001/readyz"
    assert urls["control-room"] == "http://127.0.0.1:8080/healthz"


def test_nothing_of_the_persons_environment_reaches_a_service() -> None:
    plan = plans(config(PATH="/bin", GUNICORN_CMD_ARGS="--threads 1", http_proxy="http://proxy", THREADS="3"))[0]
    assert plan.environment["PATH"] == "/bin"
    assert not {"GUNICORN_CMD_ARGS", "http_proxy", "THREADS"} & plan.environment.keys()


def test_memory_limits_are_those_of_the_containers() -> None:
    """docker-compose.yml is the one place where they are explained."""
    compose = (REPO / "docker-compose.yml").read_text()
    for name in SERVICES:
        limit = re.search(rf"^  {name}:\n(?:    .*\n)*?    mem_limit: (\S+)", compose, re.MULTILINE)
        assert limit, name
        text = config().variables["API_MEMORY_LIMIT"] if "API_MEMORY_LIMIT" in limit[1] else limit[1]
        assert memory_limit_bytes(config(), name) == size_in_bytes(text)


@pytest.mark.parametrize(("text", "size"), [("512m", 512 * MB), ("1g", 1024 * MB), ("2048k", 2 * MB), ("300", 300)])
def test_sizes_are_written_as_compose_writes_them(text: str, size: int) -> None:
    assert size_in_bytes(text) == size


def test_a_size_that_is_none_is_refused() -> None:
    with pytest.raises(UsageError, match="API_MEMORY_LIMIT"):
        plans(config(API_MEMORY_LIMIT="much"))


def a_prometheus(tmp_path: Path, rule_files: str) -> str:
    (tmp_path / "prometheus").mkdir()
    text = f"""{rule_files}
scrape_configs:
  - job_name: api
    static_configs: [{{ targets: ["api:9000"] }}]
  - job_name: control-room
    static_configs:
      - targets: ['control-room:8080', frontend:9000, other-api:9000]
"""
    (tmp_path / "prometheus" / "prometheus.yml").write_text(text)
    return prometheus_config(Config.load(100, {}, tmp_path))


@pytest.mark.parametrize(
    "rule_files", ["rule_files: [rules/*.yml]", "rule_files:\n  - rules/*.yml", 'rule_files:\n- "rules/*.yml"']
)
def test_prometheus_scrapes_this_lab_and_finds_its_rules(tmp_path: Path, rule_files: str) -> None:
    text = a_prometheus(tmp_path, rule_files)
    assert f"{tmp_path}/prometheus/rules/*.yml" in text
    assert 'targets: ["127.0.0.1:9101"]' in text
    assert "targets: ['127.0.0.1:8180', 127.0.0.1:9100, other-api:9000]" in text
    assert "job_name: api\n" in text


def test_rules_with_a_full_path_keep_it(tmp_path: Path) -> None:
    assert "rule_files: [/etc/rules/a.yml]" in a_prometheus(tmp_path, "rule_files: [/etc/rules/a.yml]")


def test_prometheus_runs_where_its_binary_is(tmp_path: Path) -> None:
    binary = tmp_path / "prometheus"
    binary.write_text("#!/bin/sh\n")
    binary.chmod(0o755)
    plan = plans(config(5, PATH=str(tmp_path)))[-1]
    assert plan.name == "prometheus"
    assert plan.command[0] == str(binary)
    assert "--web.listen-address=127.0.0.1:9095" in plan.command
    assert plan.memory_limit_bytes is None
