"""Starts what a data service runs besides its data plane."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from services.common.process.admin import create_admin_app
from services.common.process.admin_server import serve_admin
from services.common.process.service import Service


class Runtime:
    """A Flask app's `extensions["lab"]`: gunicorn starts it in each worker."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self._admin_app: Flask = create_admin_app(service)

    def start(self, pool: ThreadPoolExecutor) -> None:
        """Take up the switches and open the admin plane; `pool` is gunicorn's, whose queue is unbounded."""
        service = self.service
        # The standard library has no public way to ask how much work waits in a pool.
        service.waiting = pool._work_queue.qsize
        service.start()
        serve_admin(self._admin_app, service.settings.bind, service.settings.admin_port)
