"""gunicorn's configuration, the same for every service: one worker, a bounded number of threads.

One worker, so that saturation is real and a crash is everybody's. The app is loaded before the fork, so that a worker
that crashed is back in a moment, and shares its pages with the master.
"""

from __future__ import annotations

import gc
from typing import Any

from services.common.process import log
from services.common.process.descriptors import connections_for, raise_limit
from services.common.process.service import begin_life
from services.common.process.settings import Settings
from services.common.topology import CONTROL_ROOM

settings = Settings.from_env_or_exit()
log.set_up(settings.service, settings.log_level)

wsgi_app = f"services.{settings.service.replace('-', '_')}.app:create_app()"
bind = f"{settings.bind}:{settings.data_port}"
worker_class = "services.common.process.worker.Worker"
if settings.service == CONTROL_ROOM.name:
    worker_class = "services.control_room.worker.ControlRoomWorker"
workers = 1
threads = settings.threads
# Each request that is served may have a call of its own under way, and a connection that is kept for the next one.
worker_connections = connections_for(raise_limit(), most=4096, others=2 * settings.threads)
backlog = 2048
preload_app = True
# Longer than any caller keeps a connection idle: a server that closes first makes a caller's next request fail. The
# control room's callers are browsers, which connect again: there, connections that say nothing must not add up.
keepalive = 75 if settings.service == CONTROL_ROOM.name else 3600
limit_request_fields = 64
# No watchdog: a worker that garbage collection stops for long is a scene of this lab, not a reason to kill it.
timeout = 0
graceful_timeout = 2
worker_tmp_dir = str(settings.state_dir)
control_socket_disable = True
logger_class = log.GunicornLogger


def on_starting(server: Any) -> None:
    """The container's life begins."""
    begin_life(settings)


def pre_fork(server: Any, worker: Any) -> None:
    """Keep what the master loaded out of the worker's collections: they would only copy its pages."""
    gc.collect()
    gc.freeze()


def post_worker_init(worker: Any) -> None:
    """Threads do not survive a fork, so the app starts its own here."""
    worker.wsgi.extensions["lab"].start(worker.tpool)
