"""Grafana's container is one in which Grafana 13 lives: memory enough, no plugin that the lab does not use."""

from __future__ import annotations

import yaml

from tests.grafana.reading import ROOT

GRAFANA = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["grafana"]
ENVIRONMENT = GRAFANA["environment"]


def test_grafana_has_the_memory_that_it_needs_and_collects_garbage_before_it_is_killed():
    assert GRAFANA["mem_limit"] == "1g"
    assert ENVIRONMENT["GOMEMLIMIT"] == "700MiB"
    assert ENVIRONMENT["GF_SERVER_ENABLE_GZIP"] == "false"


def test_the_bundled_plugins_that_the_lab_does_not_use_are_off_and_its_data_source_is_not():
    disabled = ENVIRONMENT["GF_PLUGINS_DISABLE_PLUGINS"].split(",")
    assert len(disabled) == len(set(disabled)) == 17
    assert all(name == name.strip() for name in disabled) and "prometheus" not in disabled


def test_the_updater_is_off_that_fails_on_a_read_only_file_system():
    assert GRAFANA["read_only"] is True
    assert ENVIRONMENT["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"


def test_the_health_check_does_with_either_of_the_two_programs_that_the_image_may_have():
    command = GRAFANA["healthcheck"]["test"]
    url = "http://localhost:3000/api/health"
    assert command == f"curl -fsS {url} || wget -qO /dev/null {url}"
