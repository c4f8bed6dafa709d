"""Builds what the control room computes: services as it sees them, and a whole lab, all well and at their defaults."""

from __future__ import annotations

from services.common.telemetry.state import ServiceState, TargetState, TrafficState
from services.common.topology import CHAIN_NAMES
from services.control_room.health import Health
from services.control_room.lab_state import Cascade, InstanceView, LabState, ServiceView
from services.control_room.status import Kpis

WELL = Health(0, "ok")


def active(**kinds):
    """What is on: `setting={"work": {...}}`."""
    return {"failure": {}, "defence": {}, "setting": {}} | kinds


def instance(state, role="in_use"):
    """An instance; a state of None is one that does not answer."""
    return InstanceView(state is not None, 0, state, WELL, TargetState(role), None)


def service(state, **instances):
    """A service, with instances by their names where there are several."""
    return ServiceView(state is not None, 0, state, state, WELL, instances)


def lab_of(kpis=None, rps=0.0, **services):
    """A lab in which nothing is on, but for these services."""
    well = {name: service(ServiceState(name)) for name in CHAIN_NAMES}
    return LabState("GREEN", [], TrafficState(rps=rps), kpis or Kpis(), {}, Cascade(), well | services)
