"""What every HTTP plane of the lab shares: problem documents, and bodies that are checked."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from flask import Flask, Response, request
from werkzeug.exceptions import HTTPException

from services.common.calls.call import REASON
from services.common.http import problems

MAX_BODY_BYTES = 16 * 1024

_BY_STATUS: dict[int | None, type[problems.Problem]] = {
    404: problems.NotFound,
    405: problems.MethodNotAllowed,
    413: problems.TooLarge,
}


def problem_response(problem: problems.Problem) -> Response:
    """The answer to an expected error: a problem document (RFC 9457), with its reason in a header too."""
    response = Response(json.dumps(problem.document()), problem.status, mimetype="application/problem+json")
    response.headers[REASON] = problem.reason
    if problem.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(problem.retry_after_seconds)
    if isinstance(problem, problems.TokenNeeded):
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def install_problems(app: Flask) -> None:
    """Answer every error of `app`, expected or not, with a problem document."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.config["PROPAGATE_EXCEPTIONS"] = False

    @app.errorhandler(problems.Problem)
    def expected(problem: problems.Problem) -> Response:
        return problem_response(problem)

    @app.errorhandler(HTTPException)
    def from_http(error: HTTPException) -> Response:
        kind = _BY_STATUS.get(error.code, problems.InvalidRequest)
        response = problem_response(kind(error.description or error.name))
        allowed = getattr(error, "valid_methods", None)
        if allowed:
            response.headers["Allow"] = ", ".join(sorted(allowed))
        return response

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        app.logger.exception("unexpected error")
        return problem_response(problems.Problem("an unexpected error: the log has it"))


def json_body(**fields: Callable[[str, Any], Any]) -> dict[str, Any]:
    """The request's JSON object, each field checked by its function (called with its name and value, None if absent).

    Raises:
        WrongContentType, InvalidRequest, InvalidParameter: naming the field at fault.
    """
    if request.mimetype != "application/json":
        raise problems.WrongContentType(
            f"this call takes Content-Type: application/json, not {request.mimetype or 'none'!r:.60}"
        )
    try:
        body = json.loads(request.get_data() or b"{}")
    except (ValueError, RecursionError) as error:
        raise problems.InvalidRequest(f"the body is not JSON: {str(error)[:80]}") from error
    if not isinstance(body, dict):
        raise problems.InvalidRequest("the body must be a JSON object", allowed=sorted(fields))
    for name in body:
        if name not in fields:
            raise problems.InvalidParameter(
                f"there is no field {name!r:.60}", field=str(name)[:60], allowed=sorted(fields)
            )
    return {name: check(name, body.get(name)) for name, check in fields.items()}


def one_of(allowed: Sequence[str]) -> Callable[[str, Any], str]:
    """A check of a required word that is one of these."""

    def check(name: str, value: Any) -> str:
        if value not in allowed:
            raise problems.InvalidParameter(f"there is no {name} {value!r:.60}", field=name, allowed=list(allowed))
        return str(value)

    return check


def boolean(name: str, value: Any) -> bool:
    """A required boolean."""
    if not isinstance(value, bool):
        raise problems.InvalidParameter(f"{name} must be true or false", field=name, allowed=[True, False])
    return value


def optional_boolean(name: str, value: Any) -> bool:
    """A boolean, false when it is left out."""
    return value is not None and boolean(name, value)


def optional_object(name: str, value: Any) -> dict[str, Any]:
    """An object, empty when it is left out."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise problems.InvalidParameter(f"{name} must be an object", field=name, allowed={"type": "object"})
    return value
