"""Business logic: an order takes one query, over a bounded pool of database connections, or none if it is cached."""

from __future__ import annotations

from typing import Any

from flask import Flask, g

from services.common.cache import Cache
from services.common.client_setup import make_client
from services.common.pool import Pool
from services.common.runtime import Runtime
from services.common.service import Service, install_data_plane
from services.common.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The api's data plane."""
    service = Service(settings or Settings.from_env_or_exit())
    app = Flask(__name__, static_folder=None)
    install_data_plane(app, service, ["/order"])
    cache = Cache(service, make_client(service, "database", Pool(service).lease))

    @app.get("/order")
    def order() -> dict[str, Any]:
        return {"order": "placed", "query": cache.get("/query", g.call)}

    app.extensions["lab"] = Runtime(service)
    return app
