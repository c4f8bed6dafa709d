"""Business logic: an order takes some work of its own, and a query over a bounded pool, or none if it is cached."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import Flask, g

from services.common.calls.probes import OwnProbe
from services.common.calls.wiring import make_client
from services.common.process.runtime import Runtime
from services.common.process.service import Service, install_data_plane
from services.common.process.settings import Settings
from services.common.resources.cache import Cache
from services.common.resources.pool import Pool
from services.common.resources.work import Work
from services.common.switches.settings import LivenessSetting


def create_app(settings: Settings | None = None) -> Flask:
    """The api's data plane."""
    service = Service(settings or Settings.from_env_or_exit())
    app = Flask(__name__, static_folder=None)
    install_data_plane(app, service, ["/order"])
    client = make_client(service, Pool(service))
    cache, work = Cache(service, client), Work(service)
    service.wait_turn = work.wait_turn
    service.deep_check = partial(client.answers, "/query")
    service.switches[LivenessSetting].probe = OwnProbe(service.settings.data_port)

    @app.get("/order")
    def order() -> dict[str, Any]:
        work.do(g.call)
        return {"order": "placed", "query": cache.get("/query", g.call)}

    app.extensions["lab"] = Runtime(service)
    return app
