"""The control panel: a Canvas panel with the topology, and the buttons that drive the lab.

Everything is placed in pixels of a screen that is 1920 wide; a smaller one shows it whole with the browser's zoom.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from grafana.panels import GREEN, GREY, LEVELS, ON_OFF, ORANGE, SKY, TIMES, VERMILLION, Panel, now, panel, words
from services.common.scenes.files import all_scenes
from services.common.scenes.model import SCENES_OF_THE_SHOW
from services.common.switches.catalogue import CATALOGUE
from services.common.topology import CHAIN_NAMES, TRAFFIC

Element = dict[str, Any]

WIDTH, HEIGHT = 1868, 436
SERVICES = CHAIN_NAMES
RATES = (0, 4, 10, 20)
SCENE_PITCH, RESET_HEIGHT = 34, 62
TESTS = (1, 10)
GAP = 6
DARK = "#111111"  # readable on every colour of the palette, as white is not
WHITE = "#ffffff"
BOX_TOP, BOX_WIDTH, BOX_HEIGHT = 4, 236, 78
ARROW_SIZE = 3  # the head grows with it, and covers the number from 5 on
LIST_TOP = BOX_TOP + BOX_HEIGHT + 14
USERS_LEFT, USERS_WIDTH = 4, 262
SERVICES_LEFT, SERVICE_WIDTH, SERVICE_PITCH = 296, 344, 362
SCENES_LEFT = SERVICES_LEFT + len(SERVICES) * SERVICE_PITCH
SCENES_WIDTH = WIDTH - SCENES_LEFT - 4


def element(kind: str, name: str, box: tuple[float, float, float, float], **more: Any) -> Element:
    """What every element has; `box` is left, top, width and height in pixels."""
    left, top, width, height = box
    return {
        "type": kind,
        "name": name,
        "placement": {"left": left, "top": top, "width": width, "height": height, "rotation": 0},
        "constraint": {"horizontal": "left", "vertical": "top"},
        "background": {"color": {"fixed": "transparent"}},
        "border": {"color": {"fixed": "transparent"}, "width": 0, "radius": 4},
        "connections": [],
        "config": {},  # a rectangle without one leaves the whole panel empty on Grafana 10
        **more,
    }


def text_config(text: dict[str, Any], size: int, color: str, align: str = "center") -> dict[str, Any]:
    """The text of an element."""
    return {"text": text, "size": size, "color": {"fixed": color}, "align": align, "valign": "middle"}


def label(name: str, text: str, box: tuple[float, float, float, float], size: int, align: str = "left") -> Element:
    """Fixed words in the theme's colour."""
    return element("rectangle", name, box, config=text_config({"mode": "fixed", "fixed": text}, size, "text", align))


def state(name: str, series: str, box: tuple[float, float, float, float], size: int) -> Element:
    """A rectangle with the colour and the word that a series' value stands for; grey and "?" without one."""
    return element(
        "rectangle",
        name,
        box,
        config=text_config({"mode": "field", "field": series, "fixed": "?"}, size, DARK),
        background={"color": {"field": series, "fixed": GREY}},
    )


def value(name: str, series: str, box: tuple[float, float, float, float], size: int, color: str) -> Element:
    """A series' value, without a background; "?" without one."""
    config = text_config({"mode": "field", "field": series, "fixed": "?"}, size, color)
    return element("rectangle", name, box, config=config)


def button(
    name: str, text: str, box: tuple[float, float, float, float], path: str, body: Mapping[str, Any], **look: Any
) -> Element:
    """A button that sends `body` to `path` of the control room's API; `look` is variant, size and done."""
    size, variant, done = look.get("size", 16), look.get("variant", "secondary"), look.get("done", name)
    api = {
        "method": "POST",
        "endpoint": "http://${control}" + path,  # Grafana 10 parses it before it fills in the variable
        "contentType": "application/json",
        "data": json.dumps(body),
        "queryParams": [],
        "headerParams": [],
        "successMessage": done,
    }
    color = "text" if variant == "secondary" else WHITE
    config = text_config({"mode": "fixed", "fixed": text}, size, color) | {"api": api, "style": {"variant": variant}}
    return element("button", name, box, config=config)


def failures_of(service: str) -> list[str]:
    """The names of a service's failures, as the catalogue has them now."""
    return [switch.name for switch in CATALOGUE[service] if switch.kind == "failure"]


def switch_rows(service: str, left: float) -> list[Element]:
    """A line for each failure of a service: its name, its state, and a button each for on and off."""
    names = failures_of(service)
    pitch = min(46, (HEIGHT - LIST_TOP) / max(len(failures_of(other)) for other in SERVICES))
    height, key, wide = pitch - GAP, 58, SERVICE_WIDTH - 2 * (58 + GAP)
    made: list[Element] = []
    for index, name in enumerate(names):
        top, path, title = LIST_TOP + index * pitch, f"/api/services/{service}/failures/{name}", f"{service} {name}"
        pill = (left, top, wide, height)
        made.append(element("rectangle", title, pill, background={"color": {"field": title, "fixed": GREY}}))
        words = {"mode": "fixed", "fixed": name.replace("_", " ")}
        inside = (left + 8, top, wide - 58, height)
        made.append(element("rectangle", f"{title} name", inside, config=text_config(words, 18, DARK, "left")))
        made.append(value(f"{title} state", title, (left + wide - 50, top, 44, height), 20, DARK))
        for place, (text, active) in enumerate((("on", True), ("off", False))):
            box = (left + wide + GAP + place * (key + GAP), top, key, height)
            made.append(
                button(f"{title} {text}", text, box, path, {"active": active}, done=f"{service}: {name} is {text}")
            )
    return made


def box_left(index: int) -> float:
    """Where a box of the topology begins: users are the first, then the services."""
    return USERS_LEFT if index == 0 else SERVICES_LEFT + (index - 1) * SERVICE_PITCH + (SERVICE_WIDTH - BOX_WIDTH) / 2


def node(index: int, name: str, title: str, target: str | None) -> list[Element]:
    """A box of the topology, coloured by health, with an arrow to the next one and the calls per second over it."""
    box = (box_left(index), BOX_TOP, BOX_WIDTH, BOX_HEIGHT)
    health = f"{name} health"
    background = {"color": {"field": health, "fixed": GREY}}
    made = [
        element("rectangle", name, box, background=background),
        element(
            "rectangle",
            f"{name} title",
            (box[0], box[1] + 4, box[2], 40),
            config=text_config({"mode": "fixed", "fixed": title}, 28, DARK),
        ),
        value(f"{name} word", health, (box[0], box[1] + 42, box[2], 30), 22, DARK),
    ]
    if target:
        arrow = {"field": f"{name} calls problem", "fixed": GREY}
        made[0]["connections"] = [
            {
                "source": {"x": 1, "y": 0},
                "target": {"x": -1, "y": 0},
                "targetName": target,
                "path": "straight",
                "direction": {"mode": "fixed", "fixed": "forward"},
                "color": arrow,
                "size": {"fixed": ARROW_SIZE, "min": 1, "max": 10},
                "vertices": [],
            }
        ]
        right = box[0] + BOX_WIDTH
        gap = (right, BOX_TOP + 2, box_left(index + 1) - right, 30)
        made.append(value(f"{name} calls", f"{name} calls", gap, 20, "text"))
    return made


def users() -> list[Element]:
    """The users' column: how many come, buttons for their rate, and test requests."""
    left, half = USERS_LEFT, (USERS_WIDTH - GAP) / 2
    made = node(0, TRAFFIC.name, "users", SERVICES[0])
    made.append(label("traffic label", "users per second", (left, LIST_TOP, 178, 40), 20))
    made.append(state("traffic rate", "traffic target", (left + 184, LIST_TOP, USERS_WIDTH - 184, 40), 22))
    for index, rate in enumerate(RATES):
        box = (left + index % 2 * (half + GAP), LIST_TOP + 48 + index // 2 * 62, half, 56)
        done = f"{rate} users per second"
        made.append(button(f"traffic {rate}", f"{rate} / s", box, "/api/traffic", {"rps": rate}, size=24, done=done))
    top = LIST_TOP + 186
    made.append(label("test label", "test requests", (left, top, USERS_WIDTH, 40), 20))
    for index, count in enumerate(TESTS):
        box = (left + index * (half + GAP), top + 44, half, HEIGHT - top - 44)
        done = f"test requests sent: {count}"
        made.append(
            button(
                f"test request x{count}", f"{TIMES}{count}", box, "/api/requests", {"count": count}, size=28, done=done
            )
        )
    return made


def scene_rows(names: Sequence[str], first: int, top: float, pitch: float, size: int) -> list[Element]:
    """A button and a state for each scene, two in a row; `first` is the number of the first one."""
    wide, key = (SCENES_WIDTH - GAP) / 2, 32
    made: list[Element] = []
    for index, name in enumerate(names):
        x, y = SCENES_LEFT + index % 2 * (wide + GAP), top + index // 2 * pitch
        title, box = f"{first + index} {name.replace('_', ' ')}", (x, y, wide - key - 2, pitch - GAP)
        look = {"variant": "primary", "size": size, "done": f"scene {name} has started"}
        made.append(button(f"scene {name} start", title, box, f"/api/scenes/{name}", {}, **look))
        made.append(state(f"scene {name} state", f"scene {name}", (x + wide - key, y, key, pitch - GAP), min(size, 17)))
    return made


def scenes() -> list[Element]:
    """The scenes, the five of the show larger than the patterns, and the big Reset."""
    names = list(all_scenes())
    shown, patterns = names[:SCENES_OF_THE_SHOW], names[SCENES_OF_THE_SHOW:]
    reset_top = HEIGHT - RESET_HEIGHT
    patterns_top = BOX_TOP + math.ceil(len(shown) / 2) * SCENE_PITCH
    pitch = min(SCENE_PITCH, (reset_top - GAP - patterns_top) / math.ceil(len(patterns) / 2))
    made = scene_rows(shown, 1, BOX_TOP, SCENE_PITCH, 20)
    made += scene_rows(patterns, 1 + len(shown), patterns_top, pitch, 14)
    box = (SCENES_LEFT, reset_top, SCENES_WIDTH, RESET_HEIGHT)
    return [
        *made,
        button("reset", "RESET", box, "/api/reset", {}, variant="success", size=34, done="everything is off"),
    ]


def control_panel() -> Panel:
    """The Canvas panel with all of it."""
    elements = users()
    for index, service in enumerate(SERVICES):
        left = SERVICES_LEFT + index * SERVICE_PITCH
        target = SERVICES[index + 1] if index + 1 < len(SERVICES) else None
        elements += node(index + 1, service, service, target) + switch_rows(service, left)
    elements += scenes()
    root = element("frame", "control panel", (0, 0, 100, 100)) | {"elements": elements}
    options = {
        "root": root,
        "inlineEditing": False,
        "showAdvancedTypes": False,
        "panZoom": False,
        "zoomToContent": False,
        "infinitePan": False,
        "tooltip": {"mode": "none"},
    }
    targets = [
        now('max by (job, kind, name) (lab_switch_active{kind="failure"})', "{{job}} {{name}}"),
        now("lab_service_health", "{{service}} health"),
        now("lab_scene_active", "scene {{scene}}"),
        now("lab_edge_health", "{{service}} calls problem"),
        now("lab_edge_rps", "{{service}} calls"),
        now("lab_traffic_target_rps", "traffic target"),
    ]
    return panel(
        "canvas",
        "Control panel: what breaks, and what it does",
        "The path of every request, from the left to the right. Box and arrow say how each part is doing, the number "
        "over an arrow how many calls go along it each second. Press on beside a failure, and look which box changes "
        "first; it is often not the one that was broken. Buttons work where this browser reaches the control room.",
        targets,
        options=options,
        fieldConfig=_field_config(),
    )


def _field_config() -> dict[str, Any]:
    problem = {0: ("ok", GREEN), 1: ("some fail", ORANGE), 2: ("failing", VERMILLION)}
    scene = {0: ("off", GREY), 1: ("ON", SKY)}
    calls = [{"id": "unit", "value": "suffix: / s"}, {"id": "decimals", "value": 0}]
    rate = [*calls, {"id": "color", "value": {"mode": "fixed", "fixedColor": SKY}}]
    by_query = {
        "A": [{"id": "mappings", "value": words(ON_OFF)}],
        "B": [{"id": "mappings", "value": words(LEVELS)}],
        "C": [{"id": "mappings", "value": words(scene)}],
        "D": [{"id": "mappings", "value": words(problem)}],
        "E": calls,
        "F": rate,
    }
    defaults = {
        "unit": "none",
        "color": {"mode": "thresholds"},
        "mappings": [],
        "thresholds": {"mode": "absolute", "steps": [{"value": None, "color": GREY}]},
        "custom": {},
    }
    overrides = [
        {"matcher": {"id": "byFrameRefID", "options": letter}, "properties": properties}
        for letter, properties in by_query.items()
    ]
    return {"defaults": defaults, "overrides": overrides}
