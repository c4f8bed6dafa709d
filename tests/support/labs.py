"""A lab that a test started, seen from outside: HTTP to its control room and its Prometheus, nothing else."""

from __future__ import annotations

import http.client
import json
import socket
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from typing import Any

from services.common.topology import SWITCHED_NAMES
from tests.conftest import wait_until


def instance_of(service: str) -> str:
    """The instance that a test means by the name of a service: the first one; what is an instance is itself."""
    return SWITCHED_NAMES[service][0].name if service in SWITCHED_NAMES else service


PORTS = {"LAB_PORT": 8080, "FRONTEND_PORT": 8000, "PROMETHEUS_PORT": 9090, "GRAFANA_PORT": 3000}
ALL_PORTS = (3000, 8000, 8001, 8002, 8011, 8021, 8080, 9000, 9001, 9002, 9003, 9011, 9021, 9090)


def free_offset(first: int = 1000) -> int:
    """An offset at which every port of a lab is free; lanes that run side by side begin to look at different ones."""
    for offset in range(first, first + 10_000, 100):
        try:
            for port in ALL_PORTS:
                socket.create_server(("127.0.0.1", port + offset)).close()
        except OSError:
            continue
        return offset
    raise RuntimeError("no free ports")


class LabUnderTest:
    """Calls a running lab as its users do."""

    def __init__(self, offset: int) -> None:
        self.offset = offset
        self.url = f"http://127.0.0.1:{PORTS['LAB_PORT'] + offset}"
        self.frontend = f"http://127.0.0.1:{PORTS['FRONTEND_PORT'] + offset}"
        self.played: dict[str, tuple[float, float]] = {}
        self.prometheus = f"http://127.0.0.1:{PORTS['PROMETHEUS_PORT'] + offset}"

    def get(self, path: str, base: str | None = None) -> Any:
        with urllib.request.urlopen((base or self.url) + path, timeout=10) as answer:
            return json.load(answer)

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        data = json.dumps(body or {}).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"}, method="POST")
        with urllib.request.urlopen(request, timeout=60) as answer:
            text = answer.read().decode()
        return json.loads(text) if answer.headers["Content-Type"] == "application/json" else text

    def press(self, path: str, body: dict[str, Any] | None = None) -> list[int]:
        """A call that nobody waits for, and that the control room has begun when this returns.

        The list has its status once there is an answer; 0 where the control room ended instead.
        """
        connection = http.client.HTTPConnection("127.0.0.1", PORTS["LAB_PORT"] + self.offset, timeout=60)
        connection.request("POST", path, json.dumps(body or {}), {"Content-Type": "application/json"})
        outcome: list[int] = []

        def read() -> None:
            try:
                outcome.append(connection.getresponse().status)
            except (OSError, http.client.HTTPException):
                outcome.append(0)
            finally:
                connection.close()

        threading.Thread(target=read, daemon=True).start()
        self.get("/healthz")  # calls are begun in the order in which they come
        return outcome

    def state(self) -> dict[str, Any]:
        return self.get("/api/state")

    def fail(self, service: str, name: str, **params: Any) -> Any:
        return self.post(f"/api/services/{service}/failures/{name}", {"active": True, "params": params})

    def heal(self, service: str, name: str) -> Any:
        return self.post(f"/api/services/{service}/failures/{name}", {"active": False})

    def requests(self, count: int) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.post("/api/requests", {"count": count}).splitlines()]

    def reset(self) -> dict[str, Any]:
        return self.post("/api/reset")

    def events(self, after: int = 0) -> list[dict[str, Any]]:
        return self.get(f"/api/events?after={after}")["events"]

    def last_event(self) -> int:
        return max((event["id"] for event in self.events()), default=0)

    def saw(self, text: str, after: int, seconds: float = 15) -> None:
        """Wait for a line of the activity log."""
        wait_until(lambda: any(text in event["text"] for event in self.events(after)), f"{text!r} in the log", seconds)

    def wait(self, condition: Callable[[dict[str, Any]], bool], what: str, seconds: float = 15) -> None:
        """Wait until the state meets a condition."""
        wait_until(lambda: condition(self.state()), what, seconds)

    def query(self, expression: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """What Prometheus answers, now or for a moment: label sets and values."""
        asked = {"query": expression} | ({} if at is None else {"time": f"{at:.3f}"})
        answer = self.get("/api/v1/query?" + urllib.parse.urlencode(asked), self.prometheus)
        return [(sample["metric"], float(sample["value"][1])) for sample in answer["data"]["result"]]

    def value(self, expression: str, at: float | None = None) -> float:
        """The one value of an expression. It is waited for: a scrape that failed leaves a gap until the next one."""
        ((_, value),) = wait_until(lambda: self.query(expression, at), f"Prometheus knows {expression}", 5)
        return value

    def play(self, name: str) -> dict[str, Any]:
        """Play a scene until each of its expectations is decided, and note from when to when."""
        began = time.time()
        self.post(f"/api/scenes/{name}")
        seconds = self.state()["scene"]["duration_seconds"] + 30
        wait_until(lambda: self.state()["scene"]["finished"], f"{name} is decided", seconds)
        self.played[name] = (began, time.time())
        return self.state()["scene"]


def success(state: dict[str, Any]) -> float:
    """The users' success ratio; 1 while none has ended, which is not known to be bad."""
    ratio = state["kpis"]["success_ratio"]
    return 1.0 if ratio is None else ratio


def table(scene: dict[str, Any]) -> str:
    """Expected beside measured, a line each."""
    lines = [f"{scene['name']}: {scene['verdict']}"]
    for check in scene["checks"]:
        lines.append(f"{check['outcome']:8}{check['text']}: expected {check['expected']}, measured {check['measured']}")
    return "\n".join(lines)
