"""What must be the same after a part of the lab was hurt: what is on, the scene on stage, and every line of the log."""

from __future__ import annotations

import time
import urllib.error
from typing import Any

from tests.conftest import wait_until
from tests.support.labs import LabUnderTest, instance_of

SWITCHES = {"frontend": 0.01, "api": 0.02}  # seconds of latency: switches that can be told apart


def on_stage(lab: LabUnderTest) -> Witness:
    """A scene that lasts, and switches beside it in the other services."""
    lab.post("/api/scenes/slow_query")
    for service, seconds in SWITCHES.items():
        lab.fail(service, "latency", delay_seconds=seconds)
    lab.post("/api/traffic", {"rps": 6})
    after = lab.last_event()
    lab.saw("traffic: setting arrivals is on (rps 6", min(after, lab.get("/api/events")["events"][0]["id"]) - 1)
    lab.wait(lambda state: state["scene"]["checks"][0]["outcome"] == "pass", "YELLOW is confirmed")
    return Witness(lab)


def is_down(lab: LabUnderTest, service: str) -> None:
    """Wait until the lab says that the service is gone."""
    lab.wait(lambda state: state["services"][service]["up"] is False, f"{service} is down")
    lab.wait(lambda state: f"{instance_of(service)} does not answer" in state["reasons"], "the page says so")


def survives_a_pause(lab: Any, service: str) -> None:
    """A service stands still for ten seconds: the rest goes on, and then everything is as it was."""
    before = on_stage(lab)
    lab.pause(service)
    ends_at = time.monotonic() + 10
    if service != "control-room":  # nobody can ask it how it is
        is_down(lab, service)
        before.others_go_on({service})
    time.sleep(max(0, ends_at - time.monotonic()))
    lab.go_on(service)
    before.sees_everything_again()


class Witness:
    """Remembers how the lab was."""

    def __init__(self, lab: LabUnderTest) -> None:
        self._lab = lab
        self.state = lab.state()
        self.events = lab.events()
        self.last_event = lab.last_event()

    def sees_everything_again(self, seconds: float = 30) -> dict[str, Any]:
        """Wait until the lab has healed by itself, and compare."""
        wait_until(self._is_whole, "every service is up with its switches as they were", seconds)
        state = self._lab.state()
        scene, before = state["scene"], self.state["scene"]
        assert (scene["name"], scene["started_at"]) == (before["name"], before["started_at"])
        assert scene["checks"][0] == before["checks"][0]
        known = {event["id"]: event for event in self._lab.events()}
        assert [known.get(event["id"]) for event in self.events] == self.events, "no line of the log is lost"
        wait_until(lambda: self._lab.requests(1)[0]["ok"], "a test request succeeds", 15)
        return state

    def _is_whole(self) -> bool:
        try:
            services = self._lab.state()["services"]
        except (OSError, urllib.error.HTTPError):
            return False  # the control room itself is not back
        return all(service["up"] for service in services.values()) and self._on(services) == self._on(
            self.state["services"]
        )

    @staticmethod
    def _on(services: dict[str, Any]) -> dict[str, Any]:
        return {name: service["active"] for name, service in services.items()}

    def others_go_on(self, hurt: set[str]) -> None:
        """What was not hurt answers, and has not changed."""
        services = self._lab.state()["services"]
        for name in services.keys() - hurt:
            assert services[name]["up"], name
            assert services[name]["active"] == self.state["services"][name]["active"]
