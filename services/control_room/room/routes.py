"""The room's calls: what a phone may know, its vote, and what the presenter does with a bet."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify, request

from services.common.http import problems
from services.common.http.web import json_body
from services.control_room.page.guard import Guard
from services.control_room.room.bets import ACTIONS, Bets
from services.control_room.room.votes import COOKIE, MAX_VOTE_BYTES, VoteRate, device_of, new_cookie
from services.control_room.stage import Stage

DAY_SECONDS = 24 * 3600


def install_room(app: Flask, guard: Guard, bets: Bets, stage: Stage) -> None:
    """Add the calls to `app`. A vote is the one write that needs no token."""
    rate = VoteRate()

    @app.get("/api/room")
    def room() -> Response:
        cookie, device = _device()
        return _with_cookie(jsonify(bets.for_phone(device)), cookie)

    @app.post("/api/room/votes")
    def vote() -> Response:
        request.max_content_length = MAX_VOTE_BYTES
        rate.take()
        body = json_body(bet=_text, choice=_text)
        cookie, device = _device()
        bets.vote(body["bet"], body["choice"], device)
        return _with_cookie(jsonify(bets.for_phone(device)), cookie)

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
        return bets.act(scene, key, json_body(action=_action)["action"], stage.active)


def _device() -> tuple[str, str]:
    """The caller's cookie, a new one if need be, and the device that it stands for."""
    cookie = request.cookies.get(COOKIE, "")
    device = device_of(cookie)
    if device is not None:
        return cookie, device
    cookie = new_cookie()
    return cookie, str(device_of(cookie))


def _with_cookie(response: Response, cookie: str) -> Response:
    """The answer to one device alone; no script of any page can read its cookie."""
    response.set_cookie(COOKIE, cookie, max_age=DAY_SECONDS, path="/api/room", httponly=True, samesite="Strict")
    response.headers["Cache-Control"] = "no-store"
    return response


def _text(field: str, value: Any) -> str:
    if not isinstance(value, str):
        raise problems.InvalidParameter(f"{field} must be text", field=field, allowed={"type": "string"})
    return value


def _action(field: str, value: Any) -> str:
    if value not in ACTIONS:
        raise problems.InvalidParameter(f"there is no action {value!r:.60}", field=field, allowed=list(ACTIONS))
    return str(value)
