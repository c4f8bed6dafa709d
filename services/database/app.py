"""The database simulator: connection slots, a bounded first-in-first-out queue, and a service time.

How long a query takes is simulated: the one thing in the lab that is. Slots, queue and threads are real, and a query
runs to its end whether or not its caller still waits.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, g
from prometheus_client import Counter

from services.common.process.runtime import Runtime
from services.common.process.service import Service, caller_has_gone, install_data_plane
from services.common.process.settings import Settings
from services.common.resources.slots import Slots
from services.common.switches.settings import SPREAD, CapacitySetting
from services.common.telemetry import metrics
from services.common.telemetry.state import Connections


def create_app(settings: Settings | None = None) -> Flask:
    """The database's data plane."""
    service = Service(settings or Settings.from_env_or_exit())
    app = Flask(__name__, static_folder=None)
    install_data_plane(app, service, ["/query"])
    slots = _make_slots(service)
    capacity = service.switches[CapacitySetting]
    dice = capacity.host.random
    abandoned = Counter("lab_db_abandoned", "Queries finished for a caller that has gone.", registry=service.registry)

    @app.get("/query")
    def query() -> dict[str, Any]:
        slots.acquire()
        try:
            service.switches.after_queue(g.call)
            seconds = capacity.service_time_seconds * dice.uniform(1 - SPREAD, 1 + SPREAD)
            service.epoch.wait(seconds, g.call.sent_at)
            service.switches.during_query(g.call)
            service.epoch.check(g.call.sent_at)
        finally:
            slots.release()
        if caller_has_gone():
            abandoned.inc()
        return {"rows": 1}

    app.extensions["lab"] = Runtime(service)
    return app


def _make_slots(service: Service) -> Slots:
    """The connection slots, which follow their setting and every switch that limits them."""
    setting = service.switches[CapacitySetting]
    waits = metrics.QueueWaits(
        service.registry, "lab_db_queue_wait_seconds", "How long a query waits for a connection."
    )
    slots = Slots(setting.connections, setting.queue_limit, waits.add)
    waits.waiting = slots.ages
    service.add_queue("connections", waits)

    def resize() -> None:
        connections = service.switches.max_connections(setting.connections)
        slots.resize(connections, setting.queue_limit)

    service.switches.subscribe(resize)
    service.on_reset.append(slots.drain)
    service.parts["connections"] = lambda _: Connections(slots.in_use, slots.capacity, slots.queued)
    registry = service.registry
    metrics.gauge(registry, "lab_db_connections_in_use", "Queries that run.", lambda: slots.in_use)
    metrics.gauge(registry, "lab_db_connections_max", "Queries that may run at once.", lambda: slots.capacity)
    metrics.gauge(registry, "lab_db_queue_depth", "Queries that wait.", lambda: slots.queued)
    return slots
