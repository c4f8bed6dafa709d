"""Open-loop users, and the admin plane with which their rate is set. There is no data plane."""

from __future__ import annotations

import asyncio
import signal
import sys
import time

from services.common.process import log
from services.common.process.admin import create_admin_app
from services.common.process.admin_server import serve_admin
from services.common.process.descriptors import connections_for, raise_limit
from services.common.process.service import Service, begin_life
from services.common.process.settings import Settings
from services.common.switches.settings import MAX_IN_FLIGHT, ArrivalsSetting
from services.traffic.users import UserMetrics, Users


def create_service(settings: Settings) -> tuple[Service, Users]:
    """The traffic's service, wired to its users."""
    service = Service(settings)
    arrivals = service.switches[ArrivalsSetting]
    most = connections_for(raise_limit(), MAX_IN_FLIGHT)
    users = Users(settings.data_urls["frontend"], arrivals, UserMetrics(service.registry), most)
    service.switches.subscribe(users.wake)
    service.on_reset.append(users.drop_all)
    service.parts["traffic"] = lambda since: users.state(since, time.monotonic())
    service.parts["calls"] = lambda since: users.calls(since, time.monotonic())
    return service, users


def main() -> None:
    """Run until the process is told to stop."""
    settings = Settings.from_env_or_exit()
    log.set_up(settings.service, settings.log_level)
    begin_life(settings)
    service, users = create_service(settings)
    service.start()
    serve_admin(create_admin_app(service), settings.bind, settings.admin_port)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    asyncio.run(users.run())


if __name__ == "__main__":
    main()
