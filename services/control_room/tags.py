"""What is on, as it stands on the nodes of the path: in brief, with its values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from services.common.scenes.model import Scene
from services.common.switches.base import KINDS
from services.common.switches.brief import brief
from services.common.switches.catalogue import find_switch
from services.common.switches.settings import ArrivalsSetting, CacheSetting
from services.common.telemetry.state import ServiceState
from services.common.topology import SWITCHED_NAMES
from services.common.words import percent
from services.control_room.lab_state import LabState, ServiceView

Before = Mapping[tuple[str, str], Mapping[str, Any]]  # {(kind, name): parameters}


def tags_of(lab: LabState, scene: Scene | None) -> dict[str, list[dict[str, str]]]:
    """{service: [{kind, text}]}, failures first; what the scene has changed since its start has both values."""
    before: dict[str, dict[tuple[str, str], dict[str, Any]]] = {name: {} for name in lab.services}
    for switched in scene.switches if scene else ():
        before[SWITCHED_NAMES[switched.service][0].spec.name][switched.kind, switched.name] = switched.params
    return {name: _tags(name, view, before[name]) for name, view in lab.services.items()}


def _tags(service: str, view: ServiceView, before: Before) -> list[dict[str, str]]:
    state = view.state
    if state is None:
        return []
    return [
        {
            "kind": kind,
            "text": _text(service, state, kind, name, before.get((kind, name), {})) + _where(view, kind, name),
        }
        for kind in KINDS
        for name in state.active[kind]
        if name != ArrivalsSetting.name
    ]


def _text(service: str, state: ServiceState, kind: str, name: str, before: Mapping[str, Any]) -> str:
    if name == CacheSetting.name and state.cache is not None and state.cache.hit_ratio is not None:
        return f"cache: {percent(state.cache.hit_ratio)} % hits"  # what it does says more than what it is set to
    return brief(find_switch(service, kind, name), state.active[kind][name], before)


def _where(view: ServiceView, kind: str, name: str) -> str:
    """On which instances it is, where not on all of them: " (2)"."""
    states = {instance: each.state for instance, each in view.instances.items()}
    on = [instance for instance, state in states.items() if state is not None and name in state.active[kind]]
    return f" ({', '.join(each.rsplit('-', 1)[-1] for each in on)})" if 0 < len(on) < len(states) else ""
