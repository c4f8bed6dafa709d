"""The drills' calls: what the presenter does, and what teams say."""

from __future__ import annotations

from typing import Any

from flask import Flask, Response, jsonify

from services.common.http import problems
from services.common.http.web import json_body, one_of
from services.common.switches.params import Param
from services.common.switches.settings import MAX_SEED
from services.control_room.drills.cards import LEVELS
from services.control_room.drills.drill import BOARDS
from services.control_room.drills.drills import Drills
from services.control_room.page.guard import Guard
from services.control_room.room.devices import Devices

ACTIONS = ("start", "end", "board")
ANSWERS = ("detected", "diagnosis", "hint")
MAX_NAME_LENGTH = 24
MAX_WORD_LENGTH = 40
LEVEL = Param(1, "of the drill", "", LEVELS[0], LEVELS[-1], name="level")
SEED = Param(1, "the same seed draws the same card", "", 1, MAX_SEED, name="seed")


def install_drills(app: Flask, guard: Guard, drills: Drills, devices: Devices) -> None:
    """Add the calls to `app`. What a team says needs no token."""

    @app.get("/api/drill")
    def drill() -> dict[str, Any]:
        guard.check_secret()
        return {"drill": drills.for_presenter()}

    @app.post("/api/drill")
    def act_on_drill() -> dict[str, Any]:
        body = json_body(action=one_of(ACTIONS), level=_optional(LEVEL), seed=_optional(SEED), board=_board)
        if body["action"] == "start":
            drills.start(body["level"], body["seed"])
        elif body["action"] == "end":
            drills.end()
        else:
            drills.set_board(body["board"])
        return {"drill": drills.for_phone(None)}

    @app.post("/api/drill/answers")
    def answer() -> dict[str, Any]:
        return {"drill": drills.answer(**_answer())}

    @app.post("/api/room/answers")
    def answer_of_a_phone() -> Response:
        devices.take_turn()
        body = _answer()
        cookie, device = devices.of_request()
        return devices.answer(jsonify(drill=drills.answer(**body, device=device)), cookie)

    guard.needs_no_token(answer_of_a_phone.__name__)


def _answer() -> dict[str, Any]:
    """What a team says, of the request's body."""
    body = json_body(team=_team, kind=one_of(ANSWERS), service=_word, switch=_word)
    if body["kind"] == "diagnosis" and not (body["service"] and body["switch"]):
        raise problems.InvalidParameter("a diagnosis says where and what: service and switch", field="service")
    return {"name": body.pop("team"), **body}


def _team(field: str, value: Any) -> str:
    """A team's name: it stands on the board, in the log and in the report."""
    if not (isinstance(value, str) and value.strip() and len(value) <= MAX_NAME_LENGTH and value.isprintable()):
        detail = f"{field} must be a name of at most {MAX_NAME_LENGTH} letters, digits and signs"
        raise problems.InvalidParameter(detail, field=field, allowed={"type": "string", "maxLength": MAX_NAME_LENGTH})
    return " ".join(value.split())


def _word(field: str, value: Any) -> str:
    if value is None:
        return ""
    if not (isinstance(value, str) and len(value) <= MAX_WORD_LENGTH):
        raise problems.InvalidParameter(f"{field} must be a name", field=field, allowed={"type": "string"})
    return value


def _board(field: str, value: Any) -> str:
    return BOARDS[0] if value is None else one_of(BOARDS)(field, value)


def _optional(param: Param[int]) -> Any:
    def check(_: str, value: Any) -> int | None:
        return None if value is None else param.parse(value)

    return check
