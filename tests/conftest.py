"""What every test may use: settings for a service in a temporary folder, and a wait with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.common.memory import MB
from services.common.settings import Settings


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 10) -> None:
    """Wait until the condition is true; fails with `what` when it takes longer."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.01)


@pytest.fixture
def make_settings(tmp_path: Path) -> Callable[..., Settings]:
    """Settings of a service whose state, and memory limit of 512 MB, are in a temporary folder."""

    def make(service: str, **environ: str) -> Settings:
        folder = tmp_path / service
        folder.mkdir(exist_ok=True)
        (folder / "memory.max").write_text(str(512 * MB))
        (folder / "memory.events").write_text("oom_kill 0\n")
        return Settings.from_env({"SERVICE": service, "STATE_DIR": str(folder), "CGROUP_DIR": str(folder), **environ})

    return make
