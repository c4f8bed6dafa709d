"""The configuration files say what the contract says, and nothing is fetched at run time."""

from __future__ import annotations

import subprocess

import pytest

from tests.compose.conftest import ROOT
from tests.conftest import wait_until

pytestmark = pytest.mark.compose


def test_prometheus_accepts_its_configuration(lab):
    lab.compose("exec", "-T", "prometheus", "promtool", "check", "config", "/etc/prometheus/prometheus.yml")
    wanted = {"frontend", "api", "database", "traffic", "control-room"}
    wait_until(lambda: wanted <= {labels["job"] for labels, _ in lab.query("up == 1")}, "every service is scraped")


def test_a_control_room_open_to_the_network_without_a_token_does_not_start():
    command = ["docker", "run", "--rm", "-e", "LAB_BIND=0.0.0.0", "sre-failure-lab/control-room"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and "LAB_TOKEN" in done.stderr
