"""What every test may use: settings for a service in a temporary folder, and a wait with a deadline."""

from __future__ import annotations

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from services.common.process.memory import MB
from services.common.process.service import Service
from services.common.process.settings import Settings

RESULTS = Path(__file__).resolve().parents[1] / "test-results"
T = TypeVar("T")


def wait_until(condition: Callable[[], T], what: str, seconds: float = 10) -> T:
    """Wait until the condition is true, and return what it found; fails with `what` when it takes longer."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)
    return found


def reset(service: Service) -> None:
    """What the control room does to each service at a reset."""
    service.reset(service.epoch.number + 1, time.time())


@contextmanager
def _held(path: Path, how: int) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, how)
        yield


@pytest.fixture(autouse=True)
def turn(request: pytest.FixtureRequest) -> Iterator[None]:
    """A test marked `quiet` runs while no test of the other lane of scripts/test does: its figures need the CPU."""
    RESULTS.mkdir(exist_ok=True)
    how = fcntl.LOCK_EX if request.node.get_closest_marker("quiet") else fcntl.LOCK_SH
    with ExitStack() as stack:
        with _held(RESULTS / "entrance.lock", fcntl.LOCK_EX):  # in turn: else one lane's tests would follow each other
            stack.enter_context(_held(RESULTS / "machine.lock", how))
        yield


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a service whose state, and memory limit of 512 MB, are in a temporary folder."""

    def make(service: str, **environ: str) -> Settings:
        folder = tmp_path / service
        folder.mkdir(exist_ok=True)
        (folder / "memory.max").write_text(str(512 * MB))
        (folder / "memory.events").write_text("oom_kill 0\n")
        folders = {"STATE_DIR": str(folder), "CGROUP_DIR": str(folder), "LAB_SECRET_FILE": str(tmp_path / "secret")}
        return Settings.from_env({"SERVICE": service, **folders, **environ})

    return make
