"""What the lab costs in containers: seconds to healthy, memory and CPU at rest, and control calls under fire."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PROJECT = "sre-failure-lab-bench"
PORTS = {"LAB_PORT": "18080", "FRONTEND_PORT": "18000", "PROMETHEUS_PORT": "19090", "GRAFANA_PORT": "13000"}
URL = f"http://127.0.0.1:{PORTS['LAB_PORT']}"
REST_SECONDS = 30
CALLS = 200
FIRE_SECONDS = 60.0


def _compose(*arguments: str) -> str:
    command = ["docker", "compose", "-p", PROJECT, *arguments]
    done = subprocess.run(command, cwd=ROOT, env={**os.environ, **PORTS}, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
    return done.stdout


def post(path: str, body: dict[str, Any]) -> Any:
    """POST to the control room; the answer from JSON."""
    data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
    request = urllib.request.Request(URL + path, data, headers, method="POST")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


@contextmanager
def lab() -> Iterator[float]:
    """A lab in containers, for as long as the block; gives the seconds from `up` to all healthy, images built."""
    services = os.environ.get("LAB_SERVICES", "").split()
    _compose("build", "--quiet", *services)
    began = time.monotonic()
    _compose("up", "-d", "--wait", *services)
    try:
        yield time.monotonic() - began
    finally:
        _compose("down", "--volumes", "--timeout", "2")


def _pids(container: str) -> list[int]:
    table = subprocess.run(
        ["docker", "top", container, "-eo", "pid"], capture_output=True, text=True, check=True
    ).stdout
    return [int(line) for line in table.split()[1:]]


def pss_mb(container: str) -> float:
    """Proportional set size of all processes of a container, in MB (needs root)."""
    total = 0
    for pid in _pids(container):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1])
    return total / 1024


def cpu_seconds(container: str) -> float:
    """CPU time of all processes of a container since they started."""
    ticks = 0
    for pid in _pids(container):
        fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def at_rest() -> dict[str, dict[str, float]]:
    """Memory, and CPU as a share of a core, of each container while four users a second come."""
    containers = {
        line["Service"]: line["ID"] for line in map(json.loads, _compose("ps", "--format", "json").splitlines())
    }
    before = {service: cpu_seconds(container) for service, container in containers.items()}
    time.sleep(REST_SECONDS)
    return {
        service: {
            "pss_mb": pss_mb(container),
            "cpu_share": (cpu_seconds(container) - before[service]) / REST_SECONDS,
        }
        for service, container in containers.items()
    }


def control_calls_under_fire() -> dict[str, float]:
    """Seconds of control calls, spread over the first 60 s of full_cascade: median, p99 and the slowest."""
    post("/api/scenes/full_cascade", {})
    began, seconds = time.monotonic(), []
    for number in range(CALLS):
        time.sleep(max(0.0, began + number * FIRE_SECONDS / CALLS - time.monotonic()))
        asked = time.monotonic()
        service = ("api", "frontend", "database")[number % 3]
        post(f"/api/services/{service}/failures/error_rate", {"active": bool(number % 2), "params": {"rate": 0}})
        seconds.append(time.monotonic() - asked)
    ordered = sorted(seconds)
    return {"p50": statistics.median(ordered), "p99": ordered[int(0.99 * CALLS) - 1], "slowest": ordered[-1]}
