"""Business logic: an order takes one query, over a bounded pool of database connections, or none if it is cached."""

from __future__ import annotations

from typing import Any

from flask import Flask, g

from services.common.calls.wiring import make_client
from services.common.process.runtime import Runtime
from services.common.process.service import Service, install_data_plane
from services.common.process.settings import Settings
from services.common.resources.cache import Cache
from services.common.resources.pool import Pool


def create_app(settings: Settings | None = None) -> Flask:
    """The api's data plane."""
    service = Service(settings or Settings.from_env_or_exit())
    app = Flask(__name__, static_folder=None)
    install_data_plane(app, service, ["/order"])
    cache = Cache(service, make_client(service, "database", Pool(service)))

    @app.get("/order")
    def order() -> dict[str, Any]:
        return {"order": "placed", "query": cache.get("/query", g.call)}

    app.extensions["lab"] = Runtime(service)
    return app
