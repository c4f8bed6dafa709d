"""The lab's overhead per hop: its chain of three services beside a bare chain of three, in the same run."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks.load import requests_per_second
from services.common.process.secret import Secret
from services.common.topology import CHAIN

ROOT = Path(__file__).resolve().parents[1]
ROUNDS = 5
ROUND_SECONDS = 5.0
THREADS = 32


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


@contextlib.contextmanager
def running(commands: list[tuple[list[str], dict[str, str]]], port: int) -> Iterator[None]:
    """The commands as processes, until the block ends; waits until `port` answers /checkout."""
    processes = [
        subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
        )
        for command, env in commands
    ]
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/checkout", timeout=2).read()
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.1)
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(10)


def bare_chain(ports: list[int]) -> list[tuple[list[str], dict[str, str]]]:
    """Three bare services, the last of which calls nobody."""
    commands = []
    for port, following in zip(ports, [*ports[1:], None], strict=True):
        command = [sys.executable, "-m", "gunicorn", "-k", "gthread", "--threads", str(THREADS)]
        command += ["-b", f"127.0.0.1:{port}", "--no-control-socket", "benchmarks.bare:app"]
        env = {"NEXT_URL": f"http://127.0.0.1:{following}"} if following else {}
        commands.append((command, env))
    return commands


def lab_chain(ports: list[int], admin: list[int], folder: Path) -> list[tuple[list[str], dict[str, str]]]:
    """The lab's frontend, api and database."""
    firsts = [spec.instances[0] for spec in CHAIN]
    names, variables = [spec.name for spec in CHAIN], [instance.variable for instance in firsts]
    urls = {f"{name}_URL": f"http://127.0.0.1:{port}" for name, port in zip(variables, ports, strict=True)}
    command = [sys.executable, "-m", "gunicorn", "-c", "services/common/process/gunicorn_conf.py"]
    commands = []
    for name, port, admin_port in zip(names, ports, admin, strict=True):
        env = {"SERVICE": name, "BIND": "127.0.0.1", "DATA_PORT": str(port), "ADMIN_PORT": str(admin_port)}
        env |= {"STATE_DIR": str(folder / name), "THREADS": str(THREADS), **urls}
        env["LAB_SECRET_FILE"] = str(folder / "secret")
        commands.append((command, env))
    return commands


def _no_service_time(admin_port: int, secret: str) -> None:
    """Take the simulated query time out of the lab's chain: the bare one has none."""
    body = json.dumps({"active": True, "params": {"service_time_seconds": 0}}).encode()
    url = f"http://127.0.0.1:{admin_port}/admin/switches/setting/capacity"
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
    request = urllib.request.Request(url, body, headers, method="POST")
    urllib.request.urlopen(request, timeout=5).read()


def measure() -> dict[str, float]:
    """Requests per second of both chains, taken in turn; the ratio is the median of the rounds' ratios."""
    bare_ports, lab_ports, admin_ports = (free_ports(3) for _ in range(3))
    with tempfile.TemporaryDirectory() as folder:
        lab = lab_chain(lab_ports, admin_ports, Path(folder))
        with running(bare_chain(bare_ports), bare_ports[0]), running(lab, lab_ports[0]):
            _no_service_time(admin_ports[2], Secret(Path(folder) / "secret").make())
            rounds = []
            for number in range(ROUNDS):
                bare = requests_per_second(bare_ports[0], ROUND_SECONDS)
                ours = requests_per_second(lab_ports[0], ROUND_SECONDS)
                print(f"  round {number + 1} of {ROUNDS}: bare {bare:.0f}/s, lab {ours:.0f}/s", file=sys.stderr)
                rounds.append((bare, ours))
    return {
        "bare_rps": statistics.median(bare for bare, _ in rounds),
        "lab_rps": statistics.median(ours for _, ours in rounds),
        "ratio": statistics.median(ours / bare for bare, ours in rounds),
    }
