"""The command line against a small fake control room, without sleeping."""

from __future__ import annotations

import json
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from labcli import main as main_module
from labcli import plan
from labcli.config import DEFAULT_PORTS
from labcli.context import Context
from services.common.topology import LOCAL_STEP, SERVICES, Instance, ServiceSpec, instances

SCRIPTS = Path(__file__).resolve().parents[3] / "scripts"

MB = 1024 * 1024


def a_service(**changes: Any) -> dict[str, Any]:
    service = {
        "up": True,
        "rss_bytes": 43 * MB,
        "memory_limit_bytes": 256 * MB,
        "leaked_bytes": 0,
        "threads_busy": 3,
        "threads_total": 128,
        "active": {"failure": {}, "defence": {}, "setting": {}},
        "health": {"level": 0, "word": "healthy", "problems": {}},
    }
    if not changes.get("up", True):
        service["health"] = {"level": 3, "word": "no answer", "problems": {"down": 3}}
    return service | changes


def a_state(**changes: Any) -> dict[str, Any]:
    state = {
        "status": "GREEN",
        "reasons": ["100 % of requests succeed"],
        "scene": None,
        "traffic": {"rps": 4.0, "in_flight": 0},
        "kpis": {
            "success_ratio": 1.0,
            "p50_seconds": 0.021,
            "p95_seconds": 0.039,
            "offered_rps": 4.0,
            "served_rps": 4.0,
            "attempts_per_request": 1.0,
        },
        "cascade": {"why": {"code": 0, "text": "It is well"}, "attempts_allowed": 3},
        "services": {"frontend": a_service(), "api": a_service(), "database": a_service()},
    }
    return state | changes


def a_scene(**changes: Any) -> dict[str, Any]:
    scene = {
        "name": "slow_query",
        "title": "Slow queries",
        "started_at": 1000.0,
        "elapsed_seconds": 0.0,
        "step": "",
        "finished": False,
        "verdict": "pending",
        "with": [],
        "seed": 0,
        "checks": [a_check()],
    }
    return scene | changes


def a_check(**changes: Any) -> dict[str, Any]:
    check = {
        "text": "no errors",
        "measure": "success_ratio",
        "expected": "100 %",
        "value": None,
        "measured": None,
        "outcome": "pending",
        "at_seconds": 40,
        "confirmed_after_seconds": None,
    }
    return check | changes


def an_event(number: int, text: str, level: str = "info") -> dict[str, Any]:
    return {"id": number, "time": 1_800_000_000.0, "level": level, "service": None, "text": text}


def a_switch(kind: str, name: str, **defaults: Any) -> dict[str, Any]:
    params = [{"name": key, "type": "number", "default": value, "story": ""} for key, value in defaults.items()]
    return {"kind": kind, "name": name, "story": f"The story of {name}.", "params": params}


CATALOGUE = {
    "frontend": [a_switch("failure", "latency", delay_seconds=1.0), a_switch("defence", "circuit_breaker")],
    "api": [
        a_switch("failure", "memory_leak", mb_per_request=20.0),
        a_switch("setting", "pool", size=40),
        a_switch("defence", "circuit_breaker"),
        a_switch("defence", "bulkhead"),
        a_switch("defence", "single_flight"),
    ],
    "database": [a_switch("failure", "slow_query", min_seconds=2.0, max_seconds=5.0)],
}
SCENES = [
    {
        "name": "slow_query",
        "title": "Slow queries",
        "story": "Every query\ntakes seconds. Nobody fails.",
        "do": ["Send a test request"],
        "watch": ["No errors"],
        "traffic_rps": 4,
        "switches": [{"service": "frontend", "kind": "setting", "name": "client", "params": {}}],
        "duration_seconds": 40,
        "expectations": [{"text": "no errors", "expected": "100 %"}],
    }
]
Answer = tuple[int, Any]


@dataclass
class Seen:
    """A request that came to the fake control room."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class Room:
    """A fake control room: `states` are handed out one after another, the last one for ever."""

    url: str = ""
    seen: list[Seen] = field(default_factory=list)
    states: list[dict[str, Any]] = field(default_factory=lambda: [a_state()])
    events: list[dict[str, Any]] = field(default_factory=list)
    answers: dict[tuple[str, str], Answer | Callable[[Any], Answer]] = field(default_factory=dict)

    def answer(self, method: str, path: str, body: Any) -> Answer:
        planned = self.answers.get((method, path.split("?")[0]))
        if planned is not None:
            return planned(body) if callable(planned) else planned
        if method == "POST":
            kind, name = path.split("/")[-2:]
            return 200, {"service": path.split("/")[-3], "kind": kind[:-1], "name": name, **body}
        after = int(path.partition("after=")[2] or 0)
        return 200, {
            "/api/state": lambda: self.states.pop(0) if len(self.states) > 1 else self.states[0],
            "/api/catalogue": lambda: {"services": CATALOGUE},
            "/api/scenes": lambda: {"scenes": SCENES},
            "/api/events": lambda: {"events": [event for event in self.events if event["id"] > after]},
        }[path.split("?")[0]]()

    def posted(self) -> list[tuple[str, Any]]:
        return [(seen.path, seen.body) for seen in self.seen if seen.method == "POST"]


def a_problem(status: int, **fields: Any) -> Answer:
    return status, {"type": "about:blank", "title": "A parameter is not valid", "status": status, **fields}


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(None)

    def do_POST(self) -> None:
        self._answer(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

    def _answer(self, body: Any) -> None:
        room: Room = self.server.room  # type: ignore[attr-defined]
        room.seen.append(Seen(self.command, self.path, dict(self.headers), body))
        status, document = room.answer(self.command, self.path, body)
        if isinstance(document, list):
            text = "".join(json.dumps(line) + "\n" for line in document)
        else:
            text = document if isinstance(document, str) else json.dumps(document)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*os.environ]:
        if name.startswith("LAB_") or name.endswith("_PORT") or name == "NO_COLOR":
            monkeypatch.delenv(name)


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Iterator[Room]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    server.room = Room(f"http://127.0.0.1:{server.server_port}")  # type: ignore[attr-defined]
    thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.01))
    thread.start()
    monkeypatch.setenv("LAB_URL", server.room.url)  # type: ignore[attr-defined]
    yield server.room  # type: ignore[attr-defined]
    server.shutdown()
    thread.join()
    server.server_close()


class Clock:
    """Time that passes only when somebody sleeps; `interrupt_after` sleeps it raises Ctrl-C."""

    def __init__(self) -> None:
        self.now = 0.0
        self._sleeps_left = 10_000
        self._meanwhile: Callable[[], object] = lambda: None

    def interrupt_after(self, sleeps: int, meanwhile: Callable[[], object] = lambda: None) -> None:
        self._sleeps_left, self._meanwhile = sleeps, meanwhile

    def sleep(self, seconds: float) -> None:
        if self._sleeps_left == 0:
            raise KeyboardInterrupt
        self._sleeps_left -= 1
        self._meanwhile()
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    timed = partial(Context, clock=lambda: clock.now, sleep=clock.sleep)
    monkeypatch.setattr(main_module, "Context", timed)
    return clock


@dataclass
class Outcome:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def documents(self) -> list[Any]:
        return [json.loads(line) for line in self.out.splitlines()]


Lab = Callable[..., Outcome]


@pytest.fixture
def lab(capsys: pytest.CaptureFixture[str], clock: Clock) -> Lab:
    def run(*words: str) -> Outcome:
        try:
            code = main_module.main(list(words))
        except SystemExit as ended:
            code = int(ended.code or 0)
        return Outcome(code, *capsys.readouterr())

    return run


@pytest.fixture
def repo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty repository in which .lab may be made."""
    original = main_module.Config.load
    monkeypatch.setattr(
        main_module.Config, "load", lambda offset, environ, **project: original(offset, environ, tmp_path, **project)
    )
    return tmp_path


class FakeDocker:
    """What the stand-in for `docker` on PATH says, and what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.state_path, self.log_path = folder / "state.json", folder / "log"
        self.change(
            containers={},
            fail=[],
            images=["python:3.13-slim"],
            info={"ServerVersion": "28.0", "MemTotal": 8 << 30, "MemoryLimit": True, "SwapLimit": True},
        )

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.state_path.read_text())
        return found

    def change(self, **changes: Any) -> None:
        before = self.state if self.state_path.exists() else {}
        self.state_path.write_text(json.dumps(before | changes))

    def add(self, *services: str, **shown: Any) -> None:
        """Containers that run, on one network; `shown` is what `docker compose ps` says otherwise."""
        added = {
            service: {
                "State": {"Running": True, "Paused": False, "Status": "running"},
                "NetworkSettings": {"Networks": {"lab_default": {"Aliases": [service, f"lab-{service}-1"]}}},
                "HostConfig": {"NanoCpus": 1_000_000_000},
                "Config": {"Healthcheck": {"Test": ["CMD", "healthcheck"]}},
                "shown": shown,
            }
            for service in services
        }
        self.change(containers=self.state["containers"] | added)

    def asked(self) -> list[dict[str, Any]]:
        lines = self.log_path.read_text().splitlines() if self.log_path.exists() else []
        return [json.loads(line) for line in lines]

    def commands(self) -> list[str]:
        return [" ".join(asked["words"]) for asked in self.asked()]


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeDocker:
    """A stand-in for `docker`, the one program on PATH."""
    folder = tmp_path / "docker"
    folder.mkdir()
    program = folder / "docker"
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {Path(__file__).parent / "fake_docker.py"} "$@"\n')
    program.chmod(0o755)
    docker = FakeDocker(folder)
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("FAKE_DOCKER_STATE", str(docker.state_path))
    monkeypatch.setenv("FAKE_DOCKER_LOG", str(docker.log_path))
    return docker


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@pytest.fixture
def free_ports(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """Ports for the lab, and for a second one 7 higher, that nobody has; below those that connections get by chance."""
    taken = [offset + LOCAL_STEP * index for offset in (0, 7) for index in range(3)]
    candidates = (port for port in range(20000, 32000, 40) if all(_is_free(port + offset) for offset in taken))
    ports = {name: next(candidates) for name in DEFAULT_PORTS}
    moved = {
        spec.name: replace(
            spec,
            local_admin_port=next(candidates) if spec.local_admin_port else 0,
            local_data_port=next(candidates) if spec.local_data_port else 0,
        )
        for spec in SERVICES
    }

    def moved_instances(specs: tuple[ServiceSpec, ...] = SERVICES) -> tuple[Instance, ...]:
        return tuple(replace(each, spec=moved[each.spec.name]) for each in instances(specs))

    monkeypatch.setattr(plan, "instances", moved_instances)
    for name, port in ports.items():
        monkeypatch.setenv(name, str(port))
    return ports
