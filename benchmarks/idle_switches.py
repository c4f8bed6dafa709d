"""What the switches cost while all of them are off: a service's app, in this process, with them and without."""

from __future__ import annotations

import contextlib
import importlib
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask

from services.common.process.settings import Settings
from services.common.switches.base import HOOKS
from services.common.switches.registry import Switches
from services.common.switches.settings import CapacitySetting
from services.common.topology import DATABASE

ROUNDS = 300
REQUESTS = 20
ENVIRON = {
    "REQUEST_METHOD": "GET",
    "PATH_INFO": "/query",
    "SERVER_NAME": "localhost",
    "SERVER_PORT": "80",
    "SERVER_PROTOCOL": "HTTP/1.1",
    "wsgi.url_scheme": "http",
}


def _database(folder: Path) -> Flask:
    """The database's app, with every switch off and queries that take no time."""
    app: Flask = importlib.import_module("services.database.app").create_app(
        Settings.from_env({"SERVICE": DATABASE.name, "STATE_DIR": str(folder), "CGROUP_DIR": str(folder)})
    )
    app.extensions["lab"].service.switches[CapacitySetting].values["service_time_seconds"] = 0.0
    return app


def _seconds_per_request(app: Flask) -> float:
    began = time.perf_counter()
    for _ in range(REQUESTS):
        b"".join(app(dict(ENVIRON), lambda *_: None))  # type: ignore[arg-type, return-value]
    return (time.perf_counter() - began) / REQUESTS


@contextlib.contextmanager
def _without_switches() -> Iterator[None]:
    """The wrapper's hooks do nothing at all."""
    kept = {hook: getattr(Switches, hook) for hook in HOOKS}
    answers: dict[str, Any] = {"max_connections": lambda self, connections: connections}
    try:
        for hook in HOOKS:
            setattr(Switches, hook, answers.get(hook, lambda *_: None))
        yield
    finally:
        for hook, method in kept.items():
            setattr(Switches, hook, method)


def measure() -> dict[str, float]:
    """Microseconds of a request with the switches, and what the switches are of it; medians of rounds in turn."""
    with tempfile.TemporaryDirectory() as folder:
        app = _database(Path(folder))
        rounds = []
        for _ in range(ROUNDS):
            ours = _seconds_per_request(app)
            with _without_switches():
                rounds.append((ours, _seconds_per_request(app)))
    return {
        "request": statistics.median(ours for ours, _ in rounds) * 1e6,
        "switches": statistics.median(ours - bare for ours, bare in rounds) * 1e6,
    }


def report() -> None:
    """Print what was found."""
    found = measure()
    print(f"\nswitches, all off: {found['switches']:.1f} µs of a request of {found['request']:.0f} µs")
