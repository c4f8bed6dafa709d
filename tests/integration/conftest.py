"""The lab as processes of this machine, started and ended as the README says, once for all tests here."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from tests.labs import LabUnderTest, free_offset

ROOT = Path(__file__).resolve().parents[2]


class LocalLab(LabUnderTest):
    """A local lab, and its command line."""

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "scripts" / "lab"), *arguments, "--port-offset", str(self.offset)]
        environ = {name: value for name, value in os.environ.items() if not name.startswith("LAB_")}
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300, env=environ)
        assert done.returncode == 0 or not check, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"
        return done

    def json(self, *arguments: str) -> object:
        return json.loads(self.cli(*arguments, "--json").stdout)

    @property
    def folder(self) -> Path:
        return ROOT / ".lab" / f"local-{self.offset}"


@pytest.fixture(scope="session")
def lab():
    lab = LocalLab(free_offset())
    lab.cli("up", "--local")
    yield lab
    lab.cli("down", "--local")


@pytest.fixture(autouse=True)
def healthy_before(lab):
    """Each test starts from the defaults."""
    assert lab.reset()["status"] == "GREEN"
