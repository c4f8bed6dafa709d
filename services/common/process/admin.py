"""The admin plane: a listener thread of its own, which answers while every data thread is stuck."""

from __future__ import annotations

import logging
import math
import time
from typing import Any

from flask import Flask, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST

from services.common.calls.call import DEADLINE, EPOCH, MAX_EPOCH_DIGITS, deadline_of
from services.common.http import problems
from services.common.http.hosts import READS, host_name
from services.common.http.openapi import document, in_query, object_of, param_schema, read, switch_body, write
from services.common.http.web import boolean, install_problems, json_body, optional_boolean, optional_object
from services.common.process.secret import Secret
from services.common.process.service import Service
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.params import Param
from services.common.telemetry.spans import COLUMNS
from services.common.telemetry.state import ServiceState
from services.common.telemetry.windows import KEEP_SECONDS
from services.common.telemetry.wire import encode, schema

log = logging.getLogger(__name__)
DEFAULT_WINDOW_SECONDS = 15.0
ONE_IN = Param(1, "shows one of so many requests", "", 1, 1000, name="one_in")
REFUSALS = ("401", "408", "409")


def create_admin_app(service: Service) -> Flask:
    """The admin plane of one service."""
    app = Flask(f"{service.name}-admin", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # parameters keep the catalogue's order
    install_problems(app)
    names = set(service.settings.lab_hosts)
    if not service.settings.local:
        names.add(service.settings.instance)
    secret = Secret(service.settings.secret_file)

    @app.before_request
    def check() -> None:
        host_name(request.headers.get("Host", ""), names)
        if request.method not in READS:
            secret.check(request.headers.get("Authorization", ""))
            _check_in_time()

    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify(status="alive")

    @app.get("/readyz")
    def readyz() -> Response:
        if not service.ready.is_set():
            raise problems.Unreachable("the data plane is not ready yet")
        if "deep" in request.args:
            service.check_deep()
        return jsonify(status="ready")

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(service.metrics_text(), content_type=CONTENT_TYPE_LATEST)

    @app.get("/admin/state")
    def state() -> Response:
        is_control_room = secret.is_known(request.headers.get("Authorization", ""))
        return jsonify(encode(service.state(_window_seconds(), with_hidden=is_control_room)))

    @app.get("/admin/spans")
    def spans() -> Response:
        return jsonify(rows=service.spans.rows(_one_in()))

    @app.get("/admin/catalogue")
    def catalogue() -> Response:
        return jsonify(switches=[switch.describe() for switch in CATALOGUE[service.name]])

    @app.get("/admin/openapi.json")
    def openapi() -> Response:
        return jsonify(_openapi_document(service.name))

    @app.post("/admin/switches/<kind>/<name>")
    def change(kind: str, name: str) -> Response:
        service.switches.get(kind, name)
        body = json_body(active=boolean, params=optional_object, hidden=optional_boolean)
        epoch = _epoch_of_call(service.epoch.number)
        switch = service.change(epoch, kind, name, body["active"], body["params"], hidden=body["hidden"])
        if not switch.hidden:
            log.info("%s %s is %s", kind, name, "on" if switch.active else "off", extra={"params": switch.values})
        return jsonify(service=service.name, kind=kind, name=name, active=switch.active, params=switch.values)

    @app.post("/admin/reset")
    def reset() -> Response:
        started_at = json_body(started_at=_moment)["started_at"]
        service.reset(_epoch_of_call(service.epoch.number), started_at)
        return jsonify(epoch=service.epoch.number)

    return app


def _openapi_document(service: str) -> dict[str, Any]:
    """What this admin plane takes, OpenAPI 3.1."""
    state = read("Everything that is, over a window of seconds", "the state", "422", schema=schema(ServiceState))
    window = {"type": "number", "exclusiveMinimum": 0, "maximum": KEEP_SECONDS}
    state["get"]["parameters"] = [in_query("window", window)]
    spans = read("The requests that are here or have just ended, one by one", "rows of " + ", ".join(COLUMNS), "422")
    spans["get"]["parameters"] = [in_query("one_in", param_schema(ONE_IN))]
    moment = object_of({"started_at": {"type": "number", "minimum": 0}}, [])
    paths = {
        "/healthz": read("Whether the process lives", "alive"),
        "/readyz": read("Whether the data plane is ready", "ready", "503"),
        "/metrics": read("What Prometheus scrapes", "the metrics", content=CONTENT_TYPE_LATEST.split(";")[0]),
        "/admin/state": state,
        "/admin/spans": spans,
        "/admin/catalogue": read("Every switch of this service", "the switches"),
        **{
            f"/admin/switches/{switch.kind}/{switch.name}": write(
                switch.story, _hideable(switch_body(switch)), "the switch as it is now", "404", *REFUSALS
            )
            for switch in CATALOGUE[service]
        },
        "/admin/reset": write("A new epoch: everything off, queues emptied", moment, "the epoch", *REFUSALS),
    }
    return document(f"SRE failure lab: admin plane of {service}", paths)


def _hideable(body: dict[str, Any]) -> dict[str, Any]:
    """What a change may say here, and not to the control room."""
    return {**body, "properties": {**body["properties"], "hidden": {"type": "boolean", "default": False}}}


def _window_seconds() -> float:
    text = request.args.get("window", str(DEFAULT_WINDOW_SECONDS))
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= KEEP_SECONDS:
        allowed = {"type": "number", "minimum": 0, "maximum": KEEP_SECONDS, "unit": "s"}
        raise problems.InvalidParameter("window must be a number of seconds", field="window", allowed=allowed)
    return seconds


def _one_in() -> int:
    text = request.args.get("one_in", "1")
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    return ONE_IN.parse(int(text) if is_number else text)


def _epoch_of_call(now: int) -> int:
    """The number of the epoch in which the control call was made; one that does not say so is made now."""
    text = request.headers.get(EPOCH, str(now))
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_EPOCH_DIGITS):
        allowed = {"type": "integer", "minimum": 0}
        raise problems.InvalidParameter(f"{EPOCH} must be the number of an epoch", field=EPOCH, allowed=allowed)
    return int(text)


def _check_in_time() -> None:
    """Refuse a call whose caller has given up: it was read late, since this process stood still."""
    gives_up_at = deadline_of(request.headers.get(DEADLINE))
    if gives_up_at is not None and time.time() > gives_up_at:
        raise problems.TooLate("this was read after its caller had given up")


def _moment(name: str, value: Any) -> float:
    """A moment that is not in the future; now when it is left out."""
    now = time.time()
    if value is None:
        return now
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= now:
        allowed = {"type": "number", "minimum": 0, "maximum": now, "unit": "s"}
        raise problems.InvalidParameter(
            f"{name} must be seconds since 1970, not in the future", field=name, allowed=allowed
        )
    return float(value)
