"""The room's calls: what a phone may know, its vote, and what the presenter does with a bet."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify

from services.common.http import problems
from services.common.http.web import json_body, one_of
from services.control_room.drills.drills import Drills
from services.control_room.page.guard import Guard
from services.control_room.room.bets import ACTIONS, Bets
from services.control_room.room.devices import Devices
from services.control_room.stage import Stage


def install_room(app: Flask, guard: Guard, devices: Devices, bets: Bets, drills: Drills, stage: Stage) -> None:
    """Add the calls to `app`. A vote needs no token."""

    def known_to(device: str) -> dict[str, Any]:
        return {**bets.for_phone(device), "drill": drills.for_phone(device)}

    @app.get("/api/room")
    def room() -> Response:
        cookie, device = devices.of_request()
        return devices.answer(jsonify(known_to(device)), cookie)

    @app.post("/api/room/votes")
    def vote() -> Response:
        devices.take_turn()
        body = json_body(bet=_text, choice=_text)
        cookie, device = devices.of_request()
        bets.vote(body["bet"], body["choice"], device)
        return devices.answer(jsonify(known_to(device)), cookie)

    guard.needs_no_token(vote.__name__)

    @app.get("/api/bets")
    def all_bets() -> dict[str, Any]:
        return {"bets": bets.list()}

    @app.get("/api/bets/<scene>/<key>")
    def bet(scene: str, key: str) -> dict[str, Any]:
        guard.check_token()
        return bets.for_presenter(scene, key)

    @app.post("/api/bets/<scene>/<key>")
    def act(scene: str, key: str) -> dict[str, Any]:
        return bets.act(scene, key, json_body(action=one_of(ACTIONS))["action"], stage.active)


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise problems.InvalidParameter(f"{field} must be text", field=field, allowed={"type": "string"})
    return value
