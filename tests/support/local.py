"""A lab as processes of this machine, started and ended as the README says."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.conftest import wait_until
from tests.support.labs import LabUnderTest, free_offset, instance_of

ROOT = Path(__file__).resolve().parents[2]


class LocalLab(LabUnderTest):
    """A local lab, and its command line."""

    def cli(
        self, *arguments: str, check: bool = True, seconds: float = 300, input: str = ""
    ) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "scripts" / "lab"), *arguments, "--port-offset", str(self.offset)]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=seconds, env=environ, input=input
        )
        assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str) -> object:
        return json.loads(self.cli(*arguments, "--json").stdout)

    def processes(self, service: str) -> list[int]:
        """The ids of a service's processes, the main one first, as the supervisor has them on record."""
        record = json.loads((self.folder / "processes.json").read_text())
        plan = record["services"].get(instance_of(service), {"processes": []})
        found = [process["pid"] for process in plan["processes"]]
        return found if all(map(psutil.pid_exists, found)) else []

    def _running(self, service: str) -> list[int]:
        """Its processes, as soon as it runs with all that it needs: a main process, and a worker but for traffic."""
        wanted = 1 if service == "traffic" else 2
        wait_until(lambda: len(self.processes(service)) >= wanted, f"{service} runs", 15)
        return self.processes(service)

    def kill_worker(self, service: str) -> None:
        """SIGKILL the process that does the work."""
        self._kill(self._running(service)[-1:])

    def restart(self, service: str) -> None:
        """SIGKILL the main process: the supervisor starts it again as Docker does a container."""
        self._kill(self._running(service))

    def _kill(self, pids: list[int]) -> None:
        os.kill(pids[0], signal.SIGKILL)
        wait_until(lambda: not any(map(psutil.pid_exists, pids)), "they have died")

    def pause(self, service: str) -> None:
        """It stands still."""
        self.cli("infra", "pause", instance_of(service))

    def go_on(self, service: str) -> None:
        """It goes on where it was."""
        self.cli("infra", "heal", instance_of(service))

    def counts(self, service: str) -> dict[str, int]:
        """Threads and connections of the process that does the work."""
        worker = psutil.Process(self._running(service)[-1])
        return {"threads": worker.num_threads(), "connections": len(worker.net_connections("tcp"))}

    @property
    def secret(self) -> str:
        """What an admin plane wants to see before it changes anything."""
        return (self.folder / "secret").read_text()

    @property
    def folder(self) -> Path:
        return ROOT / ".lab" / f"local-{self.offset}"


@contextmanager
def local_lab(first_offset: int = 1000) -> Iterator[LocalLab]:
    """A lab of its own, for as long as the block."""
    lab = LocalLab(free_offset(first_offset))
    lab.cli("up", "--local")
    try:
        yield lab
    finally:
        lab.cli("down", "--local")
