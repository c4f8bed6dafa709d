"""The workshop's calls: which there are, for everybody; where it is and what comes next, for the presenter."""

from __future__ import annotations

from typing import Any

from flask import Flask

from services.common.http import problems
from services.common.http.web import json_body, one_of
from services.control_room.page.guard import Guard
from services.control_room.workshop.files import all_plans
from services.control_room.workshop.workshop import ACTIONS, Workshop


def install_workshop(app: Flask, guard: Guard, workshop: Workshop) -> None:
    """Add the calls to `app`."""

    @app.get("/api/workshops")
    def workshops() -> dict[str, Any]:
        return {"workshops": [plan.describe(secrets=False) for plan in all_plans().values()]}

    @app.get("/api/workshop")
    def workshop_now() -> dict[str, Any]:
        guard.check_token()
        return {"workshop": workshop.describe()}

    @app.post("/api/workshop")
    def workshop_act() -> dict[str, Any]:
        body = json_body(action=one_of(ACTIONS), name=_text, at=_text)
        return {"workshop": workshop.act(body["action"], body["name"] or "", body["at"])}


def _text(field: str, value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise problems.InvalidParameter(f"{field} must be text", field=field, allowed={"type": "string"})
    return value
