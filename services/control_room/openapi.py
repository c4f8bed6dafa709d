"""The OpenAPI document of the control room's API, made from the catalogue."""

from __future__ import annotations

from functools import cache
from typing import Any

from services.common.catalogue import CATALOGUE
from services.common.params import Param
from services.control_room.defended import SEED
from services.control_room.lab import MAX_TEST_REQUESTS
from services.control_room.scenes import all_scenes

ERRORS = {
    "400": "the body is not JSON",
    "401": "LAB_TOKEN is set, and the call came without it",
    "403": "the page that calls is not the lab's",
    "404": "no such service, switch or scene",
    "413": "the body is larger than 16 KiB",
    "415": "the content type is not application/json",
    "421": "the Host header is not the lab's",
    "422": "a parameter is unknown, of the wrong type or out of range; `field` names it",
    "503": "a service does not answer",
}


def _schema(param: Param) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": param.type, "default": param.default, "description": param.story}
    if param.choices:
        schema["enum"] = list(param.choices)
    elif param.type in ("integer", "number"):
        schema |= {"minimum": param.minimum, "maximum": param.maximum}
    return schema


def _object(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _answers(what: str, content: str = "application/json", errors: tuple[str, ...] = ("421",)) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "200": {"description": what, "content": {content: {"schema": {}}}},
        **{code: {"description": ERRORS[code], "content": problem} for code in errors},
    }


WRITE_ERRORS = ("400", "401", "403", "413", "415", "421", "422")


def _write(
    summary: str, body: dict[str, Any], what: str, *errors: str, content: str = "application/json"
) -> dict[str, Any]:
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": _answers(what, content, (*WRITE_ERRORS, *errors)),
            "security": [{}, {"token": []}],
        }
    }


def _read(summary: str, what: str, *errors: str) -> dict[str, Any]:
    return {"get": {"summary": summary, "responses": _answers(what, errors=("421", *errors))}}


def _switch_paths() -> dict[str, Any]:
    paths = {}
    for service, switches in CATALOGUE.items():
        for switch in switches:
            params = _object({param.name: _schema(param) for param in switch.all_params()}, [])
            body = _object({"active": {"type": "boolean"}, "params": params}, ["active"])
            path = f"/api/services/{service}/{switch.kind}s/{switch.name}"
            paths[path] = _write(switch.story, body, "the switch as it is now", "404", "503")
    return paths


def _scene_body() -> dict[str, Any]:
    text = {"type": "string"}
    fields = {"service": text, "kind": {"const": "defence"}, "name": text, "params": {"type": "object"}}
    defence = _object(fields, ["service", "kind", "name"])
    properties = {
        "narrate": {"type": "boolean", "default": False},
        "with": {"type": "array", "items": defence, "description": "defences that are on from start to end"},
        "seed": _schema(SEED),
    }
    return _object(properties, [])


@cache
def openapi_document() -> dict[str, Any]:
    """The whole document, OpenAPI 3.1."""
    after = {"name": "after", "in": "query", "schema": {"type": "integer", "minimum": 0}}
    events = _read("The activity log; with Accept: text/event-stream, as server-sent events", "events", "422", "503")
    events["get"]["parameters"] = [after]
    history = _read("The last five minutes, a point a second, in columns", "points and marks", "422")
    history["get"]["parameters"] = [{"name": "after", "in": "query", "schema": {"type": "number", "minimum": 0}}]
    count = {"type": "integer", "minimum": 1, "maximum": MAX_TEST_REQUESTS, "default": 1}
    rps = {"type": "number", "minimum": 0, "maximum": 500}
    scene = _scene_body()
    return {
        "openapi": "3.1.0",
        "info": {"title": "SRE failure lab: control room", "version": "1"},
        "paths": {
            "/api/catalogue": _read("Every service's switches", "the catalogue"),
            "/api/state": _read("Status, KPIs and services, never older than the call", "the state"),
            "/api/scenes": _read("Every scene", "the scenes"),
            "/api/events": events,
            "/api/history": history,
            **_switch_paths(),
            "/api/traffic": _write("Users per second; 0 is none", _object({"rps": rps}, ["rps"]), "the setting", "503"),
            "/api/requests": _write(
                "Test requests, one after another",
                _object({"count": count}, []),
                "one line each",
                content="application/x-ndjson",
            ),
            **{
                f"/api/scenes/{name}": _write(f"Start the scene {name}", scene, "the scene", "503")
                for name in all_scenes()
            },
            "/api/reset": _write("Everything off and healthy", _object({}, []), "how long it took"),
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail", "reason"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "reason": {"type": "string"},
                        "field": {"type": "string"},
                        "allowed": {},
                    },
                }
            },
        },
    }
