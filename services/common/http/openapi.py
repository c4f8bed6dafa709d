"""What the OpenAPI documents of the control room and of the admin planes are made of."""

from __future__ import annotations

from typing import Any

from services.common.switches.base import Switch
from services.common.switches.params import Param

ERRORS = {
    "400": "the body is not JSON",
    "401": "the call came without the token or the secret that it needs",
    "403": "the page that calls is not the lab's",
    "404": "no such service, switch or scene",
    "408": "the call was read after its caller had given up",
    "409": "a reset, or a newer wish, has come since the call was made; or the bet does not allow it now",
    "413": "the body is larger than 16 KiB",
    "415": "the content type is not application/json",
    "421": "the Host header is not the lab's",
    "422": "a parameter is unknown, of the wrong type or out of range; `field` names it",
    "429": "more votes, or devices, than are taken",
    "503": "a service does not answer",
}
BODY_ERRORS = ("400", "413", "415", "422")
PROBLEM = {
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


def document(title: str, paths: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI 3.1 document of these paths."""
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": "1"},
        "paths": paths,
        "components": {"schemas": {"Problem": PROBLEM}},
    }


def read(
    summary: str, what: str, *errors: str, content: str = "application/json", schema: dict[str, Any] | None = None
) -> dict[str, Any]:
    """A GET that takes nothing; `schema` is what it answers."""
    return {"get": {"summary": summary, "responses": _answers(what, content, errors, schema)}}


def write(
    summary: str, body: dict[str, Any], what: str, *errors: str, content: str = "application/json"
) -> dict[str, Any]:
    """A POST with a JSON body."""
    return {
        "post": {
            "summary": summary,
            "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
            "responses": _answers(what, content, (*BODY_ERRORS, *errors)),
        }
    }


def in_query(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter in the query that may be left out."""
    return {"name": name, "in": "query", "schema": schema}


def object_of(properties: dict[str, Any], required: list[str]) -> dict[str, Any]:
    """An object with these properties and no other."""
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def switch_body(switch: type[Switch]) -> dict[str, Any]:
    """What a change of this switch may say."""
    params = object_of({param.name: param_schema(param) for param in switch.all_params()}, [])
    return object_of({"active": {"type": "boolean"}, "params": params}, ["active"])


def param_schema(param: Param[Any]) -> dict[str, Any]:
    """What a parameter may be."""
    schema: dict[str, Any] = {"type": param.type, "default": param.default, "description": param.story}
    if param.choices:
        schema["enum"] = list(param.choices)
    elif param.type in ("integer", "number"):
        schema |= {"minimum": param.minimum, "maximum": param.maximum}
    return schema


def _answers(what: str, content: str, errors: tuple[str, ...], schema: dict[str, Any] | None = None) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {
        "200": {"description": what, "content": {content: {"schema": schema or {}}}},
        **{code: {"description": ERRORS[code], "content": problem} for code in errors},
    }
