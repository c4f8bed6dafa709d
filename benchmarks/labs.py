"""A lab in containers that a benchmark starts, asks and ends; and what its containers use."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from services.common.topology import instances

ROOT = Path(__file__).resolve().parents[1]
PYTHON_SERVICES = tuple(instance.name for instance in instances())
DEFAULT_PORTS = {"LAB_PORT": 8080, "FRONTEND_PORT": 8000, "PROMETHEUS_PORT": 9090, "GRAFANA_PORT": 3000}


@dataclass(frozen=True)
class ComposeLab:
    """One lab: its project, and how much higher its ports are. LAB_SERVICES starts some of its services alone."""

    project: str
    offset: int

    @property
    def ports(self) -> dict[str, int]:
        """The published ports, by the name of their variable."""
        return {name: port + self.offset for name, port in DEFAULT_PORTS.items()}

    def compose(self, *arguments: str) -> str:
        """A subcommand of docker compose; its output."""
        command = ["docker", "compose", "-p", self.project, *arguments]
        environ = os.environ | {name: str(port) for name, port in self.ports.items()}
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-2000:]}")
        return done.stdout

    def build(self) -> None:
        """Build the images."""
        self.compose("build", "--quiet", *wanted_services())

    def up(self) -> float:
        """Start it; the seconds until all of it was healthy."""
        began = time.monotonic()
        self.compose("up", "-d", "--wait", *wanted_services())
        return time.monotonic() - began

    def down(self) -> None:
        """End it."""
        self.compose("down", "--volumes", "--timeout", "2")

    def containers(self) -> dict[str, str]:
        """The containers' ids by service."""
        lines = self.compose("ps", "--format", "json").splitlines()
        return {line["Service"]: line["ID"] for line in map(json.loads, lines)}

    def get(self, path: str) -> Any:
        """GET from the control room; the answer from JSON."""
        with urllib.request.urlopen(self._url + path, timeout=30) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """POST to the control room; the answer from JSON."""
        data, headers = json.dumps(body).encode(), {"Content-Type": "application/json"}
        request = urllib.request.Request(self._url + path, data, headers, method="POST")
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.ports['LAB_PORT']}"


def wanted_services() -> list[str]:
    """The services to start; none means all."""
    return os.environ.get("LAB_SERVICES", "").split()


def pids(container: str) -> list[int]:
    """The processes of a container, as the host counts them."""
    command = ["docker", "top", container, "-eo", "pid"]
    return [
        int(line) for line in subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[1:]
    ]


def _read(container: str, name: str) -> list[str]:
    """A file of /proc of each process of a container; a health check may end before it is read."""
    texts = []
    for pid in pids(container):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            texts.append(Path(f"/proc/{pid}/{name}").read_text())
    return texts


def pss_mb(container: str) -> float:
    """Proportional set size of all processes of a container, in MB (needs root)."""
    lines = "".join(_read(container, "smaps_rollup")).splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def cpu_seconds(container: str) -> float:
    """CPU time of all processes of a container since they started."""
    stats = (text.rsplit(")", 1)[1].split() for text in _read(container, "stat"))
    return sum(int(fields[11]) + int(fields[12]) for fields in stats) / os.sysconf("SC_CLK_TCK")


def cpu_shares(containers: dict[str, str], seconds: float) -> dict[str, float]:
    """CPU of each container over so many seconds, as a share of a core."""
    began, before = time.monotonic(), {name: cpu_seconds(container) for name, container in containers.items()}
    time.sleep(seconds)
    elapsed = time.monotonic() - began
    return {name: (cpu_seconds(container) - before[name]) / elapsed for name, container in containers.items()}
