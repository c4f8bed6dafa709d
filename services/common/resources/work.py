"""The api's own work: slots and a service time, so that an instance can be the bottleneck. The time is simulated."""

from __future__ import annotations

from services.common.calls.call import Call
from services.common.process.service import Service
from services.common.resources.slots import Slots
from services.common.switches.settings import SPREAD, WorkSetting
from services.common.telemetry import metrics
from services.common.telemetry.state import Connections


class Work:
    """Follows the setting `work`, is emptied of waiters by a reset, and shows itself in state and metrics."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._setting = setting = service.switches[WorkSetting]
        self._random = setting.host.random
        waits = metrics.QueueWaits(service.registry, "lab_work_wait_seconds", "How long a request waits for a slot.")
        self._slots = slots = Slots(max(1, setting.slots), waited=waits.add)
        waits.waiting = slots.ages
        service.add_queue("work", waits)
        service.switches.subscribe(lambda: slots.resize(max(1, setting.slots)))
        service.on_reset.append(slots.drain)
        service.parts["work"] = lambda _: self._state()
        metrics.gauge(service.registry, "lab_work_slots_in_use", "Requests that are worked on.", lambda: slots.in_use)
        metrics.gauge(service.registry, "lab_work_slots_max", "Slots; 0 is no work.", lambda: setting.slots)

    def _state(self) -> Connections | None:
        """None while the instance has no work of its own."""
        slots = self._slots
        return Connections(slots.in_use, self._setting.slots, slots.queued) if self._setting.slots else None

    def wait_turn(self, call: Call) -> None:
        """A health check over the worker pool: it waits for a slot as a request does, and works for no time."""
        if self._setting.slots:
            self._slots.acquire()
            self._slots.release()

    def do(self, call: Call) -> None:
        """Wait for a slot, and work; nothing where the setting has no slots."""
        if not self._setting.slots:
            return
        self._slots.acquire()
        try:
            self._service.switches.after_queue(call)
            seconds = self._setting.service_time_seconds * self._random.uniform(1 - SPREAD, 1 + SPREAD)
            self._service.epoch.wait(seconds, call.sent_at)
            self._service.epoch.check(call.sent_at)
        finally:
            self._slots.release()
