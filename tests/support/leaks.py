"""What the room can reach while a drill is on: every surface as text, and the words that none of them may hold."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

from services.control_room.drills.cards import Card
from tests.support.labs import LabUnderTest

# What changes with the lab. GET /api/room without its list of choices, which names every switch of the catalogue.
CALLS = ("state", "history", "events", "outcomes", "spans", "link")
# What is the same whatever is on: it names every switch, and must not change.
CATALOGUES = ("catalogue", "topology", "scenes", "bets", "openapi.json")
COMMANDS = (("status",), ("events",), ("drill", "status"), ("request", "-n", "3"))
SAMPLES = '{__name__=~"lab_.*|http_.*|ALERTS"}'
NAMING_ALL = ("lab_switch_", "lab_leaked_bytes", "lab_scene_active")
SWITCHES = re.compile(r"lab_(switch_\w+|leaked_bytes)\b")
MEASURED = {"pool"}  # a setting with the name of what is measured: "pool full" is a symptom that everybody may see
Read = Callable[[str], str]  # the text at a path of an admin plane


def surfaces(
    lab: LabUnderTest, admins: dict[str, Read], cli: Callable[..., str], logs: Callable[[], str]
) -> Iterator[tuple[str, str]]:
    """The name of each surface, and its text now. `admins` are the admin planes, without the lab's secret."""
    for call in CALLS:
        yield f"/api/{call}", json.dumps(lab.get(f"/api/{call}"))
    room = lab.get("/api/room")
    room["drill"].pop("choices")
    yield "/api/room", json.dumps(room)
    yield "test requests", json.dumps(lab.requests(5))
    yield "a user's answer", _users_answer(lab)
    for name, read in admins.items():
        for path in ("/admin/state", "/admin/spans?one_in=1", "/readyz"):
            yield f"{name}{path}", read(path)
        yield f"{name}/metrics", _changing(read("/metrics"))
    yield "the control room's /metrics", _changing(_text(f"{lab.url}/metrics"))
    yield "Prometheus", _changing("\n".join(f"{labels} {value}" for labels, value in lab.query(SAMPLES)))
    for command in COMMANDS:
        yield f"lab {' '.join(command)}", cli(*command)
    yield "logs", logs()


def same_as_ever(lab: LabUnderTest, admins: dict[str, Read]) -> dict[str, str]:
    """What names every switch, and must be the same while one of them is hidden."""
    found = {f"/api/{name}": json.dumps(lab.get(f"/api/{name}")) for name in CATALOGUES}
    found["/api/state: what is on"] = json.dumps(_what_is_on(lab.state()["services"]))
    for name, read in admins.items():
        found[f"{name}/admin/state: what is on"] = json.dumps(json.loads(read("/admin/state"))["active"])
        metrics = read("/metrics").splitlines()
        found[f"{name}: switches"] = "\n".join(line for line in metrics if SWITCHES.match(line))
        found[f"{name}: catalogue"] = read("/admin/catalogue")
    return found


def leaks(card: Card, text: str) -> list[str]:
    """The words of the card that a text holds."""
    words = [card.key, card.title, card.mechanism]
    for name in {fault.name for fault in card.faults} - MEASURED:
        words += [name, name.replace("_", " ")]
    return [word for word in words if re.search(rf"(?<![A-Za-z_]){re.escape(word)}(?![A-Za-z_])", text)]


def _what_is_on(services: dict[str, Any]) -> dict[str, Any]:
    """What each service and each instance has on, as everybody sees it."""
    return {
        name: {"all": found["active"], **_what_is_on(found.get("instances", {}))}
        for name, found in services.items()
        if "active" in found
    }


def _changing(metrics: str) -> str:
    """Metrics without those that name every switch, which `same_as_ever` compares, and every scene."""
    return "\n".join(line for line in metrics.splitlines() if not any(name in line for name in NAMING_ALL))


def _users_answer(lab: LabUnderTest) -> str:
    try:
        with urllib.request.urlopen(f"{lab.frontend}/", timeout=10) as answer:
            return f"{answer.headers} {answer.read().decode()}"
    except urllib.error.HTTPError as error:
        return f"{error.headers} {error.read().decode()}"


def _text(url: str) -> str:
    with urllib.request.urlopen(url, timeout=10) as answer:
        text: str = answer.read().decode()
        return text
