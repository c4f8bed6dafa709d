"""The lab in containers, once for all tests here: built from this tree, on ports of its own."""

from __future__ import annotations

import os
import subprocess
import time
from pathlib import Path

import pytest

from services.common.topology import instances
from tests.conftest import RESULTS, wait_until
from tests.support.agreement import Agreement
from tests.support.labs import PORTS, LabUnderTest, free_offset, instance_of, table

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ["traffic", "frontend", "api", "database", "control-room"]  # of the api, its first instance
INSTANCES = [instance.name for instance in instances()]


# Run inside a service's container. Its main process cannot be killed from there, unless it is the only one.
FIND_THE_WORKER = """
import os, signal
from pathlib import Path
others = sorted(int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdecimal())
commands = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in others if pid != os.getpid()}
worker = [pid for pid, command in commands.items() if b"python" in command][-1]
"""
COUNT = """
tables = [Path(f"/proc/net/{table}").read_text().splitlines()[1:] for table in ("tcp", "tcp6")]
established = [line for table in tables for line in table if line.split()[3] == "01"]
print(len(list(Path(f"/proc/{worker}/task").iterdir())), len(established))
"""


class ComposeLab(LabUnderTest):
    """A lab in containers, and the docker commands that a test needs on it."""

    def __init__(self, offset: int) -> None:
        super().__init__(offset)
        self.behind: dict[str, dict[str, float]] = {}  # of each scene that was played, what Grafana lagged behind
        self.project = f"sre-failure-lab-test-{offset}"
        self.environ = {**os.environ, **{name: str(port + offset) for name, port in PORTS.items()}}

    def compose(self, *arguments: str, check: bool = True) -> str:
        command = ["docker", "compose", "-p", self.project, *arguments]
        done = subprocess.run(
            command, cwd=ROOT, env=self.environ, capture_output=True, text=True, check=False, timeout=600
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stderr[-3000:]}"
        return done.stdout

    def up(self) -> None:
        """Build and start it, and wait until Prometheus has seen it."""
        wanted = os.environ.get("LAB_SERVICES", "").split()
        self.compose("up", "-d", "--build", "--wait", *wanted)
        wait_until(lambda: len(self.query("up == 1")) >= len(INSTANCES), "Prometheus has scraped every service", 30)

    def container(self, service: str) -> str:
        return self.compose("ps", "-aq", instance_of(service)).strip()

    def docker(self, *arguments: str) -> str:
        return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True, timeout=60).stdout

    def inside(self, service: str, code: str) -> subprocess.CompletedProcess[str]:
        """Run Python in a service's container, which may die of it."""
        command = ["docker", "exec", self.container(service), "python3", "-c", code]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    def kill_worker(self, service: str) -> None:
        """SIGKILL the process that does the work; for traffic that is the whole container."""
        if service == "traffic":
            self.restart(service)
        else:
            self.inside(service, FIND_THE_WORKER + "os.kill(worker, signal.SIGKILL)")

    def restart(self, *services: str) -> None:
        """SIGKILL whole containers at once, and start them again."""
        containers = [self.container(service) for service in services]
        self.docker("kill", *containers)
        self.docker("start", *containers)

    def pause(self, service: str) -> None:
        """It stands still."""
        self.docker("pause", self.container(service))

    def go_on(self, service: str) -> None:
        """It goes on where it was."""
        self.docker("unpause", self.container(service))

    def counts(self, service: str) -> dict[str, int]:
        """Threads and connections of the process that does the work."""
        threads, connections = map(int, self.inside(service, FIND_THE_WORKER + COUNT).stdout.split())
        return {"threads": threads, "connections": connections}


def has_docker() -> bool:
    try:
        return subprocess.run(["docker", "info"], capture_output=True, check=False, timeout=30).returncode == 0
    except FileNotFoundError:
        return False


@pytest.fixture(scope="session")
def lab():
    if not has_docker():
        reason = "Docker does not answer"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    lab = ComposeLab(free_offset(12_000))
    try:
        lab.up()
        yield lab
    finally:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "compose.log").write_text(lab.compose("logs", "--no-color", "--timestamps", check=False))
        lab.compose("down", "--volumes", "--timeout", "2", check=False)


@pytest.fixture(autouse=True)
def healthy_before(lab):
    """Each test starts from the defaults."""
    assert lab.reset()["status"] == "GREEN"


@pytest.fixture
def play(lab, capsys):
    """Play a scene, print expected beside measured, and fail if one of them misses, and misses again.

    Some bounds are a tenth of a second: a host that takes its processor away from the machine for as long breaks them.
    """

    def play(name):
        for tries_left in (1, 0):
            agreement = Agreement(lab)
            with agreement.watch():
                scene = lab.play(name)
            lab.behind[name] = agreement.behind()
            with capsys.disabled():
                print("\n" + table(scene))
            if scene["verdict"] == "pass" or not tries_left:
                break
            assert lab.reset()["status"] == "GREEN"
        assert scene["verdict"] == "pass", table(scene)

    return play


def see_the_kill(lab):
    """Let memory_leak go on until Prometheus has seen a kill, and memory above 90 % of the limit.

    A collection near the limit may outlast a scrape, so that one round of the leak may hide its peak.
    """
    critical = 'max_over_time(ALERTS{alertname="MemoryCritical", alertstate="firing"}[5m])'
    killed = (
        'changes(lab_oom_kills_total{job="api"}[1m]) > 0 and changes(process_start_time_seconds{job="api"}[1m]) > 0'
    )
    wait_until(lambda: lab.query(critical) and lab.query(killed), "Prometheus has seen the leak to its end", 180)
    began, _ = lab.played["memory_leak"]
    lab.played["memory_leak"] = (began, time.time())


# Normal on a lab that knows no outage yet; who looks back, before Prometheus is killed and has forgotten.
ORDER = {"test_scenes": 0, "test_watchers": 2, "test_survive": 3}


def pytest_collection_modifyitems(items):
    places = [place for place, item in enumerate(items) if item.module.__name__.startswith("tests.compose.")]
    ordered = sorted((items[place] for place in places), key=lambda item: ORDER.get(item.module.__name__[14:], 1))
    for place, item in zip(places, ordered, strict=True):
        items[place] = item
