"""The OpenAPI document of the control room's API, made from the catalogue."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from services.common.http.openapi import document, in_query, object_of, param_schema, read, switch_body, write
from services.common.scenes.files import all_scenes
from services.common.scenes.play import MAX_DEFENCES, SEED
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.settings import ArrivalsSetting
from services.common.topology import SWITCHED_NAMES
from services.control_room.drills.drill import BOARDS
from services.control_room.drills.routes import ACTIONS as DRILL_ACTIONS
from services.control_room.drills.routes import ANSWERS, LEVEL, MAX_NAME_LENGTH, MAX_WORD_LENGTH
from services.control_room.drills.routes import SEED as DRILL_SEED
from services.control_room.lab import MAX_TEST_REQUESTS
from services.control_room.room.bets import ACTIONS
from services.control_room.room.polls import bet_id
from services.control_room.workshop.files import all_plans
from services.control_room.workshop.workshop import ACTIONS as WORKSHOP_ACTIONS


def _read(summary: str, what: str, *errors: str, content: str = "application/json") -> dict[str, Any]:
    return read(summary, what, "421", *errors, content=content)


def _secret(summary: str, what: str, *errors: str, content: str = "application/json") -> dict[str, Any]:
    call = _read(summary, what, "401", *errors, content=content)
    call["get"]["security"] = [{}, {"token": []}]
    return call


def _write(summary: str, body: dict[str, Any], what: str, *errors: str, **content: str) -> dict[str, Any]:
    call = write(summary, body, what, "401", "403", "421", *errors, **content)
    call["post"]["security"] = [{}, {"token": []}]
    return call


def _switch_paths() -> dict[str, Any]:
    return {
        f"/api/services/{name}/{switch.kind}s/{switch.name}": _write(
            switch.story, switch_body(switch), "the switch as it is now", "404", "409", "503"
        )
        for name, instances in SWITCHED_NAMES.items()
        for switch in CATALOGUE[instances[0].spec.name]
    }


def _scene_body() -> dict[str, Any]:
    defences = {
        service: [switch.name for switch in switches if switch.kind == "defence"]
        for service, switches in CATALOGUE.items()
    }
    owners = [service for service, names in defences.items() if names]
    names = sorted({name for found in defences.values() for name in found})
    properties = {"service": {"enum": owners}, "name": {"enum": names}, "params": {"type": "object"}}
    added = {"type": "array", "items": object_of(properties, ["service", "name"]), "maxItems": MAX_DEFENCES}
    wish = {"type": "boolean", "default": False}
    return object_of(
        {"then_with": added, "narrate": wish, "with": added, "seed": param_schema(SEED), "hands_on": wish}, []
    )


def _room_paths() -> dict[str, Any]:
    """A vote is the one write without the token."""
    ids = [bet_id(scene, bet) for scene in all_scenes().values() for bet in scene.bet]
    vote = object_of({"bet": {"enum": ids}, "choice": {"type": "string"}}, ["bet", "choice"])
    action = object_of({"action": {"enum": list(ACTIONS)}}, ["action"])
    secrets = _secret("The bet with its votes and results, for the presenter", "the bet")
    return {
        "/api/room": _read("What a phone may know: the bet and the drill before the room", "bet, voted, choice, drill"),
        "/api/room/votes": write("A device's vote", vote, "as GET /api/room", "403", "409", "421", "429"),
        "/api/bets": _read("Every bet of every scene", "the bets"),
        **{
            f"/api/bets/{name}": secrets | _write("Open, close or reveal the bet", action, "the bet", "404", "409")
            for name in ids
        },
    }


def _drill_paths() -> dict[str, Any]:
    """A team's answer needs no token; what the drill hides needs the token, or the lab's own secret."""
    act = {
        "action": {"enum": list(DRILL_ACTIONS)},
        "level": param_schema(LEVEL),
        "seed": param_schema(DRILL_SEED),
        "board": {"enum": list(BOARDS)},
    }
    team = {"type": "string", "minLength": 1, "maxLength": MAX_NAME_LENGTH}
    words = {name: {"type": "string", "maxLength": MAX_WORD_LENGTH} for name in ("service", "switch")}
    answer = object_of({"team": team, "kind": {"enum": list(ANSWERS)}, **words}, ["team", "kind"])
    secrets = _secret("Everything about the drill, its secret included", "the drill")
    what = "what everybody may know of the drill, and what this team may"
    return {
        "/api/drill": secrets
        | _write("Start a drill, end it, or change its board", object_of(act, ["action"]), what, "409", "503"),
        "/api/drill/answers": _write("What a team says", answer, what, "409", "429"),
        "/api/room/answers": write("What a team says, from a device", answer, what, "403", "409", "421", "429"),
    }


def _workshop_paths() -> dict[str, Any]:
    place = {"type": "string", "description": "the place that the caller saw; refused if it is another one by now"}
    name = {"enum": list(all_plans()), "description": "for start"}
    action = object_of({"action": {"enum": list(WORKSHOP_ACTIONS)}, "name": name, "at": place}, ["action"])
    return {
        "/api/workshops": _read("Every workshop with its parts, without what is said in them", "the workshops"),
        "/api/workshop": _secret("Where the workshop is, what to say, the next beat and the clock", "the workshop")
        | _write("Start a workshop, do or skip its next beat, go back, end it", action, "it", "404", "409", "503"),
    }


@cache
def openapi_text() -> str:
    """The whole document as JSON: it is large, and the same for everybody."""
    return json.dumps(openapi_document())


def openapi_document() -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    events = _read("The activity log; with Accept: text/event-stream, as server-sent events", "events", "422", "503")
    events["get"]["parameters"] = [in_query("after", {"type": "integer", "minimum": 0})]
    history = _read("The last five minutes, a point a second, in columns", "points and marks", "422")
    history["get"]["parameters"] = [in_query("after", {"type": "number", "minimum": 0})]
    count = {"type": "integer", "minimum": 1, "maximum": MAX_TEST_REQUESTS, "default": 1}
    rps = object_of({"rps": param_schema(ArrivalsSetting.rps)}, ["rps"])
    scene = _scene_body()
    paths = {
        "/api/catalogue": _read("Every service's switches", "the catalogue"),
        "/api/topology": _read("Services, their instances, and who calls whom", "the topology"),
        "/api/state": _read("Status, KPIs and services, never older than the call", "the state"),
        "/api/outcomes": _read(
            "The last scene that was played twice, for the same users", "both runs, in columns, and what each measured"
        ),
        "/api/report": _secret(
            "The post-mortem of what was played, for the presenter", "the report", "409", content="text/markdown"
        ),
        "/api/spans": _read("A sample of the requests that are in the services or have just ended", "rows by instance"),
        "/api/scenes": _read("Every scene", "the scenes"),
        "/api/link": _read("The link for the room, or why there is none", "the link"),
        "/api/events": events,
        "/api/history": history,
        **{
            f"/api/cliff/{scene.name}": _read(
                f"At which load {scene.name} recovers once its trigger is gone", "the curve", "404"
            )
            for scene in all_scenes().values()
            if scene.cliff_rps
        },
        **_switch_paths(),
        **_room_paths(),
        **_drill_paths(),
        **_workshop_paths(),
        "/api/traffic": _write("Users per second; 0 is none", rps, "the setting", "409", "503"),
        "/api/requests": _write(
            "Test requests, one after another",
            object_of({"count": count}, []),
            "one line each",
            content="application/x-ndjson",
        ),
        **{
            f"/api/scenes/{name}": _write(f"Start the scene {name}", scene, "the scene", "404", "409", "503")
            for name in all_scenes()
        },
        "/api/reset": _write("Everything off and healthy", object_of({}, []), "how long it took"),
    }
    whole = document("SRE failure lab: control room", paths)
    whole["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
    return whole
