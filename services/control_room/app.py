"""The lab's one public API, and the page: routes only."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

from flask import Flask, Response, jsonify, request
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from services.common.http import problems
from services.common.http.web import boolean, install_problems, json_body, optional_object
from services.common.process.settings import Settings
from services.common.scenes.files import all_scenes
from services.common.scenes.play import play_of_body
from services.common.switches.base import KINDS
from services.common.switches.catalogue import CATALOGUE, check_switch
from services.common.switches.params import Param
from services.common.switches.settings import ArrivalsSetting
from services.common.telemetry.metrics import ProcessCollector
from services.common.topology import SERVICES
from services.control_room.api_document import openapi_text
from services.control_room.cliff import Cliff
from services.control_room.drills.cards import deck
from services.control_room.drills.drills import Drills
from services.control_room.drills.routes import install_drills
from services.control_room.exporter import StateCollector
from services.control_room.history import History
from services.control_room.lab import MAX_TEST_REQUESTS, Lab
from services.control_room.page.assets import install_page
from services.control_room.page.guard import Guard
from services.control_room.page.link import install_link
from services.control_room.report.reports import Reports
from services.control_room.report.routes import install_report
from services.control_room.room.bets import Bets
from services.control_room.room.devices import Devices
from services.control_room.room.routes import install_room
from services.control_room.span_look import SpanLook
from services.control_room.stage import Stage
from services.control_room.workshop.files import all_plans
from services.control_room.workshop.hands import Hands
from services.control_room.workshop.routes import install_workshop
from services.control_room.workshop.workshop import Workshop

STATUS_SECONDS = 1.0
COUNT = Param(1, "test requests", "", 1, MAX_TEST_REQUESTS, name="count")
RPS = ArrivalsSetting.rps
MOMENT = Param(0.0, "seconds since 1970", "s", 0, 1e12, name="after")


class ControlRoom:
    """A Flask app's `extensions["lab"]`: gunicorn starts it in the worker."""

    def __init__(self, lab: Lab, stage: Stage, bets: Bets) -> None:
        self.lab = lab
        self.stage = stage
        self.bets = bets
        self.drills = Drills(lab, stage.reset)
        self.history = History()
        self.reports = Reports(lab.journal, lab.events, stage, bets, self.history, self.drills)
        self.spans = SpanLook(lab)
        self.cliff = Cliff()
        hands = Hands(stage, bets, self.drills, self.make_way)
        self.workshop = Workshop(lab.journal, lab.events, hands)
        self.registry = CollectorRegistry()
        self.registry.register(ProcessCollector())
        self.registry.register(StateCollector(lambda: lab.latest))
        active = Gauge("lab_scene_active", "1 for the scene that is on.", ["scene"], registry=self.registry)
        for scene in all_scenes():
            active.labels(scene).set_function(partial(self._is_on, scene))

    def make_way(self) -> None:
        """A scene comes: what the page computes aside stops, and a drill that is over is put away.

        Raises:
            NotNow: a drill is on.
        """
        self.drills.check_free("a scene")
        self.drills.overtaken()
        self.cliff.stop()

    def _is_on(self, scene: str) -> float:
        return float(self.stage.active == scene)

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Go on where the control room before this one ended, watch the services, and keep the status."""
        self.lab.start()
        self.bets.restore()
        self.stage.restore()
        self.drills.restore()
        self.reports.restore()
        self.workshop.restore()
        if self.lab.was_killed_in_a_reset():
            self.lab.events.add("the control room ended in the middle of a reset: it is done again")
            threading.Thread(target=self.stage.reset, name="reset again", daemon=True).start()
        threading.Thread(target=self._keep_status, name="status", daemon=True).start()

    def _keep_status(self) -> None:
        pause = threading.Event()
        while not pause.wait(STATUS_SECONDS):
            state = self.lab.state()
            self.lab.report(state)
            self.history.add(state)
            self.stage.record(state)
            self.drills.see(state)
            self.reports.add(state)
            self.cliff.look(self.stage.active, state)


def create_app(settings: Settings | None = None) -> Flask:
    """The control room."""
    settings = settings or Settings.from_env_or_exit()
    for what, read in (("scenes", all_scenes), ("drills", deck), ("workshops", all_plans)):
        try:
            read()
        except problems.Problem as problem:
            sys.exit(f"{what}: " + "\n  ".join(problem.lines()))
    lab = Lab(settings)
    bets = Bets(lab.journal, lab.events)
    stage = Stage(lab, bets)
    app = Flask(__name__, static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    install_problems(app)
    guard = Guard(settings)
    guard.install(app)
    install_page(app, guard)
    install_link(app, guard, settings)
    control_room = ControlRoom(lab, stage, bets)
    app.extensions["lab"] = control_room
    _add_reads(app, control_room)
    _add_writes(app, control_room)
    devices = Devices()
    install_room(app, guard, devices, bets, control_room.drills, stage)
    install_drills(app, guard, control_room.drills, devices)
    install_report(app, guard, control_room.reports)
    install_workshop(app, guard, control_room.workshop)
    return app


def _add_reads(app: Flask, control_room: ControlRoom) -> None:
    lab, stage, cliff = control_room.lab, control_room.stage, control_room.cliff
    drills = control_room.drills

    @app.get("/healthz")
    @app.get("/readyz")
    def healthz() -> dict[str, str]:
        return {"status": "alive"}

    @app.get("/metrics")
    def metrics() -> Response:
        return Response(generate_latest(control_room.registry), content_type=CONTENT_TYPE_LATEST)

    @app.get("/api/openapi.json")
    def openapi() -> Response:
        return Response(openapi_text(), mimetype="application/json")

    @app.get("/api/catalogue")
    def catalogue() -> dict[str, Any]:
        return {"services": {service: [switch.describe() for switch in found] for service, found in CATALOGUE.items()}}

    @app.get("/api/topology")
    def topology() -> dict[str, Any]:
        return {"services": [spec.describe() for spec in SERVICES]}

    @app.get("/api/state")
    def state() -> dict[str, Any]:
        now = lab.state()
        of_stage = {"sentence": stage.sentence(now), "tags": stage.tags(now), "scene": stage.describe()}
        of_room = {"drill": drills.for_all(), "room_revision": control_room.bets.revision + drills.revision}
        return {**now.describe(), **of_stage, "cliff": cliff.version(), **of_room}

    @app.get("/api/outcomes")
    def outcomes() -> dict[str, Any]:
        return stage.outcomes.describe()

    @app.get("/api/spans")
    def spans() -> dict[str, Any]:
        return control_room.spans.get()

    @app.get("/api/history")
    def history() -> dict[str, Any]:
        return control_room.history.after(_moment(request.args.get("after", "0")))

    @app.get("/api/scenes")
    def scenes() -> dict[str, Any]:
        return {"scenes": [scene.describe() for scene in all_scenes().values()]}

    @app.get("/api/cliff/<name>")
    def cliff_of(name: str) -> dict[str, Any]:
        return cliff.describe(name)

    @app.get("/api/events")
    def events() -> Response:
        wants_stream = request.accept_mimetypes.best_match(["application/json", "text/event-stream"])
        if wants_stream != "text/event-stream":
            return jsonify(events=lab.events.after(_after(request.args.get("after"))))
        after = _after(request.headers.get("Last-Event-ID") or request.args.get("after"))
        return Response(lab.events.stream(after), mimetype="text/event-stream", headers={"Cache-Control": "no-cache"})


def _after(text: str | None) -> int:
    if text is None:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        allowed = {"type": "integer", "minimum": 0}
        raise problems.InvalidParameter("after must be the id of an event", field="after", allowed=allowed)
    return int(text)


def _moment(text: str) -> float:
    try:
        return float(MOMENT.parse(float(text)))
    except ValueError:
        return float(MOMENT.parse(text))  # which refuses it, in words


def _add_writes(app: Flask, control_room: ControlRoom) -> None:
    lab, stage = control_room.lab, control_room.stage
    bets, cliff, drills = control_room.bets, control_room.cliff, control_room.drills

    @app.post("/api/services/<service>/<kinds>/<name>")
    def switch(service: str, kinds: str, name: str) -> dict[str, Any]:
        kind = {f"{kind}s": kind for kind in KINDS}.get(kinds)
        if kind is None:
            allowed = [f"{kind}s" for kind in KINDS]
            raise problems.NotFound(f"there is no kind {kinds!r:.60}", field="kind", allowed=allowed)
        body = json_body(active=boolean, params=optional_object)
        check_switch(service, kind, name, body["params"])
        drills.check_change(service, kind, name)
        if kind == "failure" and body["active"]:
            bets.close()
        return lab.switch(service, kind, name, body["active"], body["params"])

    @app.post("/api/traffic")
    def traffic() -> dict[str, Any]:
        drills.check_free("another number of users")
        return lab.set_traffic(json_body(rps=lambda _, value: RPS.parse(value))["rps"])

    @app.post("/api/requests")
    def requests() -> Response:
        count = json_body(count=lambda _, value: COUNT.default if value is None else COUNT.parse(value))["count"]
        return Response(_lines(stage.test_requests(count)), mimetype="application/x-ndjson")

    @app.post("/api/scenes/<name>")
    def scene(name: str) -> dict[str, Any]:
        play = play_of_body()
        control_room.make_way()
        return stage.start(name, play)

    @app.post("/api/reset")
    def reset() -> dict[str, Any]:
        json_body()
        drills.overtaken()
        cliff.stop()
        return stage.reset()


def _lines(results: Iterator[dict[str, Any]]) -> Iterator[str]:
    for result in results:
        yield json.dumps(result) + "\n"
