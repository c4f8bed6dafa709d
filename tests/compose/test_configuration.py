"""The configuration files say what the contract says, and nothing is fetched at run time."""

from __future__ import annotations

import json
import subprocess

import pytest

from services.common.topology import instances
from tests.compose.conftest import ROOT
from tests.conftest import wait_until

pytestmark = pytest.mark.compose


def test_prometheus_accepts_its_configuration(lab):
    lab.compose("exec", "-T", "prometheus", "promtool", "check", "config", "/etc/prometheus/prometheus.yml")
    wanted = {instance.name for instance in instances()}
    wait_until(lambda: wanted <= {labels["instance"] for labels, _ in lab.query("up == 1")}, "every service is scraped")


@pytest.mark.parametrize("token", ["", "   ", "short"])
def test_a_control_room_open_to_the_network_without_a_good_token_does_not_start(lab, token):
    image = json.loads(lab.docker("inspect", lab.container("control-room")))[0]["Config"]["Image"]
    command = ["docker", "run", "--rm", "-e", "LAB_BIND=0.0.0.0", "-e", f"LAB_TOKEN={token}", image]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2 and "set LAB_TOKEN too" in done.stderr


@pytest.mark.parametrize(
    ("bind", "token", "published"),
    [
        ("127.0.0.1", "", "127.0.0.1"),
        ("0.0.0.0", "", "127.0.0.1"),  # and the control room says why it does not start
        ("0.0.0.0", "long enough", "0.0.0.0"),
        ("127.0.0.1", "long enough", "127.0.0.1"),
    ],
)
def test_nothing_is_published_beyond_this_machine_without_a_token(lab, bind, token, published):
    environ = {**lab.environ, "LAB_BIND": bind, "LAB_TOKEN": token}
    command = ["docker", "compose", "config", "--format", "json"]
    done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True, timeout=60)
    ports = [port for service in json.loads(done.stdout)["services"].values() for port in service.get("ports", [])]
    assert len(ports) == 4 and {port["host_ip"] for port in ports} == {published}
