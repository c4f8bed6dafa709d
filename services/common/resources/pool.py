"""The api's connection pool: slots with a wait, that a failure may keep for itself."""

from __future__ import annotations

from services.common.calls.call import Call
from services.common.process.service import Service
from services.common.resources.slots import Slots
from services.common.switches.settings import PoolSetting
from services.common.telemetry import metrics
from services.common.telemetry.state import PoolState


class Pool:
    """Follows the setting `pool`, is emptied of waiters by a reset, and shows itself in state and metrics."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._setting = setting = service.switches[PoolSetting]
        waits = metrics.QueueWaits(
            service.registry, "lab_pool_wait_seconds", "How long a call waits for a connection of the pool."
        )
        self._slots = slots = Slots(setting.size, waited=waits.add)
        waits.waiting = slots.ages
        service.add_queue("pool", waits)
        service.switches.subscribe(lambda: slots.resize(setting.size))
        service.on_reset.append(slots.drain)
        service.parts["pool"] = lambda _: PoolState(slots.in_use, slots.capacity, slots.queued)
        registry = service.registry
        metrics.gauge(registry, "lab_pool_connections_in_use", "Connections in use.", lambda: slots.in_use)
        metrics.gauge(registry, "lab_pool_connections_max", "Connections in the pool.", lambda: slots.capacity)
        metrics.gauge(registry, "lab_pool_waiting", "Requests that wait for one.", lambda: slots.queued)

    def take(self, call: Call) -> None:
        """Take a connection for one attempt of a call.

        Raises:
            PoolTimeout: none came free in time.
            DeadlineExceeded: the caller has stopped waiting, and the defence `deadline` is on.
        """
        self._slots.acquire(self._setting.wait_seconds)
        try:
            self._service.switches.after_queue(call)
        except BaseException:
            self.give_back()
            raise

    def give_back(self) -> None:
        """Give the connection back, unless a failure keeps it."""
        if not self._service.switches.keep_connection(self._slots.release):
            self._slots.release()
