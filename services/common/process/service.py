"""What every data service is made of: its switches, metrics, epoch and data plane."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import socket
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, generate_latest

from services.common.calls.call import HEALTH, HEALTH_CHECK_SECONDS, HOPS, REASON, REQUEST_ID, Call, sent_at
from services.common.http import problems
from services.common.http.web import install_problems
from services.common.process.epoch import Epoch
from services.common.process.memory import Memory
from services.common.process.oom import OomKills
from services.common.process.settings import Settings
from services.common.switches.base import Host, Switch, end_process
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.registry import Switches
from services.common.telemetry import metrics
from services.common.telemetry.spans import Spans
from services.common.telemetry.state import ServiceState, nothing_on
from services.common.telemetry.windows import AnswerWindow

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

log = logging.getLogger(__name__)

# A thread that computes gives the interpreter up after this long, so that admin and data threads get their turn soon.
SWITCH_INTERVAL_SECONDS = 0.0005
SLOW_SECONDS = 1.0
BOOT_ID, LAST_END = "boot-id", "last-end"  # files of the state directory
UNKNOWN_BOOT_ID = "unknown"


class Service:
    """One data service in one process: what its app, its admin plane and its switches share."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.name = settings.service
        self.registry = CollectorRegistry()
        self.memory = Memory(settings.cgroup_dir)
        self.oom_kills = OomKills(self.memory, settings.state_dir)
        self.epoch = Epoch()
        host = Host(self.memory, in_flight=lambda: self.busy, end=self.end)
        self.switches = Switches(CATALOGUE[self.name], host, settings.state_dir / "switches.json")
        self.spans = Spans()
        self.busy = 0
        self.waiting: Callable[[], int] = lambda: 0  # requests that wait for a worker thread
        self.parts: dict[str, Callable[[float], Any]] = {}  # of the state, by their names: each since a moment
        self._queues: dict[str, metrics.QueueWaits] = {}
        self.on_reset: list[Callable[[], None]] = []
        self.deep_check: Callable[[float], bool] = lambda seconds: True  # whether what it needs answers in time
        self.wait_turn: Callable[[Call], None] = lambda call: None  # as a request has to, for a health check
        self._last_end = ""
        self.ready = threading.Event()
        self._started = 0.0
        self._control_lock = threading.Lock()
        self._busy_lock = threading.Lock()
        self._gc = metrics.GcWatch(self.registry)
        self._declare_metrics()

    def _declare_metrics(self) -> None:
        self.registry.register(metrics.ProcessCollector())
        self.registry.register(metrics.SwitchCollector(self.switches))
        self.registry.register(metrics.OomCollector(self.oom_kills))
        metrics.gauge(
            self.registry,
            "lab_memory_limit_bytes",
            "The limit that the kernel keeps; 0 is none.",
            lambda: self.memory.limit_bytes,
        )
        metrics.gauge(self.registry, "lab_leaked_bytes", "Memory that memory_leak holds.", self.leaked_bytes)

    def add_queue(self, name: str, waits: metrics.QueueWaits) -> None:
        """Show in the state how long requests wait in a queue, named after what they wait for."""
        self._queues[name] = waits
        self.on_reset.append(waits.clear)

    def leaked_bytes(self, *, with_hidden: bool = False) -> int:
        """Bytes that memory_leak holds, in a service that has it."""
        told = (switch for switch in self.switches if with_hidden or not switch.hidden)
        return sum(getattr(switch, "leaked_bytes", 0) for switch in told)

    def metrics_text(self) -> bytes:
        """What Prometheus scrapes."""
        self._gc.drain()
        return generate_latest(self.registry)

    def start(self) -> None:
        """Restore the switches of the process before this one, and become ready. Call it in the worker process."""
        sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
        self._started = time.monotonic()
        self._gc.start()
        self.oom_kills.watch()
        self._last_end = self._read(LAST_END)
        (self.settings.state_dir / LAST_END).unlink(missing_ok=True)
        self._load_epoch()
        self.switches.load()
        self.ready.set()
        log.info("ready")

    def change(
        self, epoch: int, kind: str, name: str, active: bool, params: dict[str, Any], *, hidden: bool = False
    ) -> Switch:
        """Switch something on or off, for a control call that was made in the epoch of that number.

        Raises:
            Overtaken: a reset has come since.
            NotFound, InvalidParameter: nothing has changed then.
        """
        with self._control_lock:
            self.epoch.admit(epoch)
            return self.switches.change(kind, name, active, params, hidden=hidden)

    def reset(self, epoch: int, started_at: float) -> None:
        """Start the epoch of that number: everything off, waits ended, queues emptied, memory given back.

        Raises:
            Overtaken: a newer reset has come already.
        """
        with self._control_lock:
            self.epoch.admit(epoch)
            self.epoch.begin(epoch, started_at)
            self._keep_epoch()
            for hook in self.on_reset:
                hook()
            self.switches.reset()
        log.info("reset")

    def _epoch_path(self) -> Path:
        return self.settings.state_dir / "epoch"

    def _keep_epoch(self) -> None:
        try:
            self._epoch_path().write_text(f"{self.epoch.number} {self.epoch.started_at!r}")
        except OSError as error:
            log.error("the epoch cannot be kept over a restart: %s", error)

    def _load_epoch(self) -> None:
        try:
            number, started_at = self._epoch_path().read_text().split()
            self.epoch.begin(int(number), float(started_at))
        except (OSError, ValueError):
            self.epoch.begin(0, 0.0)

    def state(self, window_seconds: float, *, with_hidden: bool = False) -> ServiceState:
        """Everything that the control room wants to know, over the last `window_seconds`, reset or start.

        It alone is told `with_hidden` what a drill has switched on.
        """
        now = time.monotonic()
        since = max(now - window_seconds, self.epoch.began, self._started)
        return ServiceState(
            service=self.name,
            instance=self.settings.instance,
            boot_id=self._boot_id(),
            pid=os.getpid(),
            epoch=self.epoch.number,
            epoch_age_seconds=self.epoch.age_seconds,
            rss_bytes=self.memory.resident_bytes(),
            memory_limit_bytes=self.memory.limit_bytes,
            leaked_bytes=self.leaked_bytes(with_hidden=with_hidden),
            oom_kills=self.oom_kills.total(),
            oom_group=self.memory.oom_group,
            last_end=self._last_end,
            threads_busy=self.busy,
            threads_total=self.settings.threads,
            waiting=self.waiting(),
            gc_pause_seconds=self._gc.since(since),
            window_seconds=now - since,
            active=self.switches.active(),
            hidden=self.switches.active(hidden=True) if with_hidden else nothing_on(),
            expires=self.switches.expiries(),
            waits={name: waits.since(since) for name, waits in self._queues.items()},
            **{name: part(since) for name, part in self.parts.items()},
        )

    def _boot_id(self) -> str:
        """Names the container's (not the worker's) life: gunicorn's master, or the process, wrote it at its start."""
        return self._read(BOOT_ID) or UNKNOWN_BOOT_ID

    def _read(self, name: str) -> str:
        """A file of the state directory; empty where there is none."""
        try:
            return (self.settings.state_dir / name).read_text()
        except OSError:
            return ""

    def end(self, reason: str) -> None:
        """End the process with no goodbye; the next one tells the reason."""
        log.error("the process ends: %s", reason)
        with contextlib.suppress(OSError):
            (self.settings.state_dir / LAST_END).write_text(reason)
        end_process(reason)

    def check_deep(self) -> None:
        """A deep health check: whether the services behind this one answer.

        Raises:
            Unreachable: one does not.
        """
        if not self.deep_check(HEALTH_CHECK_SECONDS):
            raise problems.Unreachable("what this service needs does not answer")

    def enter(self) -> None:
        """A worker thread took up a request."""
        with self._busy_lock:
            self.busy += 1

    def leave(self) -> None:
        """A worker thread is done with a request."""
        with self._busy_lock:
            self.busy -= 1


def caller_has_gone() -> bool:
    """Whether the caller of the current request closed its connection: then it is readable, and there is no byte."""
    connection = request.environ.get("gunicorn.socket")
    if connection is None:
        return False
    try:
        poll = select.poll()
        poll.register(connection, select.POLLIN)
        return bool(poll.poll(0)) and connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def begin_life(settings: Settings) -> None:
    """A container's life begins: name it, and count how the one before it ended."""
    settings.state_dir.mkdir(parents=True, exist_ok=True)
    OomKills(Memory(settings.cgroup_dir), settings.state_dir).begin()
    (settings.state_dir / BOOT_ID).write_text(uuid.uuid4().hex)


def install_data_plane(app: Flask, service: Service, routes: Iterable[str]) -> None:
    """Give a Flask app what every data plane has: epoch, switches, metrics, request ids, problem documents.

    The first of its routes is the one on the users' path: it alone counts in the state's `answers`, and in the spans.
    """
    install_problems(app)
    routes = [*routes, HEALTH]
    server = metrics.Server(service.registry, routes, service.settings.threads)
    service.add_queue("threads", server.waits)
    answers = AnswerWindow()
    service.on_reset.append(answers.clear)
    service.parts["answers"] = lambda since: answers.since(since, time.monotonic())
    server.active.set_function(lambda: service.busy + service.waiting())
    server.busy.set_function(lambda: service.busy)
    app.wsgi_app = _refuse_old(app.wsgi_app, service.epoch)  # type: ignore[method-assign, assignment]

    @app.get(HEALTH)
    def health() -> dict[str, str]:
        service.wait_turn(g.call)
        if "deep" in request.args:
            service.check_deep()
        return {"health": "well"}

    @app.before_request
    def begin() -> None:
        call = g.call = Call.from_headers(request.headers)
        service.enter()
        if request.path == routes[0]:
            service.spans.begin(call)
        server.waits.add(call.queue_seconds)
        if request.url_rule is not None:
            service.switches.before_request(call)
            call.let_in = True
            service.epoch.check(call.sent_at)

    @app.after_request
    def finish(response: Response) -> Response:
        call: Call = g.call
        reason = response.headers.get(REASON)
        route = request.url_rule.rule if request.url_rule else metrics.UNMATCHED
        call.is_good = response.status_code < 500
        if call.let_in:
            service.switches.after_request(call)
        server.duration.labels(route, response.status_code).observe(call.elapsed_seconds)
        if route == routes[0] and reason != problems.Reset.reason:
            answers.add(response.status_code >= 500, call.elapsed_seconds)
        response.headers[REQUEST_ID] = call.request_id
        if call.traced:
            hops = call.hops(service.name, service.settings.instance, response.status_code, reason)
            response.headers[HOPS] = json.dumps(hops)
        if caller_has_gone():
            server.abandoned.inc()
        if reason in problems.SHED_REASONS:
            server.shed.labels(reason).inc()
        _log_if_bad(call, route, response.status_code, reason)
        return response

    @app.teardown_request
    def end(_: BaseException | None) -> None:
        service.spans.end(g.call)
        service.leave()


def _refuse_old(app: WSGIApplication, epoch: Epoch) -> WSGIApplication:
    """Refuse what was sent before the last reset before Flask sees it: thousands may be queued, and reset is quick."""
    headers = [("Content-Type", "application/problem+json"), (REASON, problems.Reset.reason)]

    def refuse_or_go_on(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        try:
            epoch.check(sent_at(environ.get("HTTP_X_REQUEST_START"), time.time()))
        except problems.Reset as reset:
            body = json.dumps(reset.document()).encode()
            start_response("503 Service Unavailable", [*headers, ("Content-Length", str(len(body)))])
            return [body]
        return app(environ, start_response)

    return refuse_or_go_on


def _log_if_bad(call: Call, route: str, status: int, reason: str | None) -> None:
    """Log what failed or was slow; thousands of good requests would bury it."""
    level = logging.DEBUG
    if status >= 500 and reason != problems.Reset.reason:
        level = logging.WARNING
    elif call.elapsed_seconds >= SLOW_SECONDS or call.traced:
        level = logging.INFO
    if log.isEnabledFor(level):
        seconds = round(call.elapsed_seconds, 3)
        details = {"request_id": call.request_id, "status": status, "reason": reason, "seconds": seconds}
        log.log(level, "%s answered %d after %.3f s", route, status, seconds, extra=details)
