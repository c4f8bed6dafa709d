"""Every button's request is one that the control room takes from a browser, and does what its label says."""

from __future__ import annotations

import json
import re

import pytest

from services.common.scenes.files import all_scenes, find_scene
from services.common.switches.catalogue import CATALOGUE, check_switch
from services.control_room.app import create_app
from services.control_room.lab import Lab
from services.control_room.stage import Stage
from tests.grafana.reading import boards

ORIGIN, HOST = "http://localhost:3000", "localhost:8080"


def buttons():
    """The name, label and request of each button."""
    panel = next(panel for panel in boards()["overview.json"]["panels"] if panel["type"] == "canvas")
    found = [element for element in panel["options"]["root"]["elements"] if element["type"] == "button"]
    return [pytest.param(element, id=element["name"]) for element in found]


@pytest.fixture
def done(monkeypatch):
    """What the lab was told to do: the effects are noted, the checks before them are real."""
    noted = []

    def switch(self, service, kind, name, active, params):
        check_switch(service, kind, name, params)
        noted.append((service, name, active, params))
        return {}

    monkeypatch.setattr(Lab, "switch", switch)
    monkeypatch.setattr(Lab, "set_traffic", lambda self, rps: noted.append(("traffic", rps)) or {})
    monkeypatch.setattr(Stage, "test_requests", lambda self, count: noted.append(("requests", count)) or iter(()))
    start = lambda self, name, narrate: noted.append(("scene", find_scene(name).name)) or {}  # noqa: E731
    monkeypatch.setattr(Stage, "start", start)
    monkeypatch.setattr(Stage, "reset", lambda self: noted.append(("reset",)) or {})
    return noted


@pytest.fixture
def press(make_settings, done):
    """Press a button as a browser does that shows Grafana's page: the preflight, and then the request."""
    http = create_app(make_settings("control-room")).test_client()

    def press(button):
        api = button["config"]["api"]
        path = api["endpoint"].removeprefix("http://${control}")
        names = "content-type,x-grafana-action,x-grafana-device-id"
        asked = {"Access-Control-Request-Method": api["method"], "Access-Control-Request-Headers": names}
        preflight = http.options(path, headers={"Host": HOST, "Origin": ORIGIN, **asked})
        assert preflight.status_code == 204
        assert preflight.headers["Access-Control-Allow-Origin"] == ORIGIN
        assert api["method"] in preflight.headers["Access-Control-Allow-Methods"]
        allowed = preflight.headers["Access-Control-Allow-Headers"].lower().split(", ")
        assert set(names.split(",")) <= set(allowed)
        headers = {"Host": HOST, "Origin": ORIGIN, "X-Grafana-Action": "1", "Content-Type": api["contentType"]}
        answer = http.post(path, data=api["data"], headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN

    return press


@pytest.mark.parametrize("button", buttons())
def test_a_button_does_what_its_label_says(press, done, button):
    press(button)
    (what,) = done
    label, name = button["config"]["text"]["fixed"], button["name"]
    if match := re.fullmatch(r"(\w+) (\w+) (on|off)", name):
        service, failure, state = match.groups()
        assert label == state and what == (service, failure, state == "on", {})
    elif match := re.fullmatch(r"traffic (\d+)", name):
        assert label == f"{match[1]} / s" and what == ("traffic", float(match[1]))
    elif match := re.fullmatch(r"test request x(\d+)", name):
        assert label.endswith(match[1]) and what == ("requests", int(match[1]))
    elif match := re.fullmatch(r"scene (\w+) start", name):
        assert label.endswith(match[1].replace("_", " ")) and what == ("scene", match[1])
    else:
        assert (name, label, what) == ("reset", "RESET", ("reset",))


@pytest.mark.parametrize("button", buttons())
def test_a_button_calls_the_control_room_and_says_when_it_has(button):
    api = button["config"]["api"]
    assert api["method"] == "POST" and api["contentType"] == "application/json" and api["successMessage"]
    assert api["endpoint"].startswith("http://${control}/api/") and isinstance(json.loads(api["data"]), dict)


def test_every_failure_has_a_button_for_on_and_one_for_off_and_its_state_beside():
    panel = next(panel for panel in boards()["overview.json"]["panels"] if panel["type"] == "canvas")
    elements = {element["name"]: element for element in panel["options"]["root"]["elements"]}
    for service in ("frontend", "api", "database"):
        for switch in CATALOGUE[service]:
            if switch.kind == "failure":
                name = f"{service} {switch.name}"
                bodies = {key: elements[f"{name} {key}"]["config"]["api"]["data"] for key in ("on", "off")}
                assert {key: json.loads(body) for key, body in bodies.items()} == {
                    "on": {"active": True},
                    "off": {"active": False},
                }
                assert elements[name]["background"]["color"]["field"] == name


def test_there_are_buttons_for_every_scene_for_traffic_for_test_requests_and_for_reset():
    names = {parameter.id for parameter in buttons()}
    assert {f"scene {scene} start" for scene in all_scenes()} | {"reset"} <= names
    assert {f"traffic {rate}" for rate in (0, 4, 10, 20)} | {"test request x1", "test request x10"} <= names
