"""The edge that users reach: /checkout goes through the api, /about needs nobody."""

from __future__ import annotations

from typing import Any

from flask import Flask, g

from services.common.calls.wiring import make_client
from services.common.process.runtime import Runtime
from services.common.process.service import Service, install_data_plane
from services.common.process.settings import Settings


def create_app(settings: Settings | None = None) -> Flask:
    """The frontend's data plane."""
    service = Service(settings or Settings.from_env_or_exit())
    app = Flask(__name__, static_folder=None)
    install_data_plane(app, service, ["/checkout", "/about"])
    client = make_client(service)

    @app.get("/checkout")
    def checkout() -> dict[str, Any]:
        return {"checkout": "done", "order": client.get("/order", g.call)}

    @app.get("/about")
    def about() -> dict[str, str]:
        return {"about": "a shop that sells outages"}

    app.extensions["lab"] = Runtime(service)
    return app
