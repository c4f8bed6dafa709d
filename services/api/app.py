"""Business logic: an order takes one query, over a bounded pool of database connections."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, g

from services.common import metrics
from services.common.client_setup import make_client
from services.common.runtime import Runtime
from services.common.service import Service, install_data_plane
from services.common.settings import Settings
from services.common.slots import Slots


def create_app(settings: Settings | None = None) -> Flask:
    """The api's data plane."""
    service = Service(settings or Settings.from_env_or_exit())
    app = Flask(__name__, static_folder=None)
    install_data_plane(app, service, ["/order"])
    pool = _make_pool(service)
    size = service.switches.get("setting", "pool")

    @contextmanager
    def lease() -> Iterator[None]:
        pool.acquire(size.values.wait_seconds)
        try:
            yield
        finally:
            pool.release()

    database = make_client(service, "database", lease)

    @app.get("/order")
    def order() -> dict[str, Any]:
        return {"order": "placed", "query": database.get("/query", g.call)}

    app.extensions["lab"] = Runtime(service)
    return app


def _make_pool(service: Service) -> Slots:
    """The connection pool, which follows its setting and is emptied of waiters by a reset."""
    setting = service.switches.get("setting", "pool")
    pool = Slots(setting.values.size)
    service.switches.subscribe(lambda: pool.resize(setting.values.size))
    service.on_reset.append(pool.drain)
    service.state_parts.append(
        lambda _: {"pool": {"in_use": pool.in_use, "size": pool.capacity, "waiting": pool.queued}}
    )
    registry = service.registry
    metrics.gauge(registry, "lab_pool_connections_in_use", "Connections in use.", lambda: pool.in_use)
    metrics.gauge(registry, "lab_pool_connections_max", "Connections in the pool.", lambda: pool.capacity)
    metrics.gauge(registry, "lab_pool_waiting", "Requests that wait for one.", lambda: pool.queued)
    return pool
