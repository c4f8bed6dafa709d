"""A scene as it is now: with the settings and defences that somebody has changed since it began."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from services.common.scenes.files import find_scene
from services.common.scenes.model import Scene, Switched
from services.common.switches.base import KINDS, Switch
from services.common.switches.catalogue import CATALOGUE, find_switch
from services.common.switches.params import defaults, parse_params
from services.common.telemetry.state import Active
from services.common.topology import CHAIN_NAMES, SWITCHED_NAMES
from services.common.words import params_words

from .changes import Change, changed_scene
from .simulated_switches import unbounded
from .threshold import trial_scene

Params = dict[str, Any]


@dataclass(frozen=True)
class Now:
    """A scene's name, how long its users wait now, and what is on now in each service."""

    scene: str
    patience_seconds: float
    active: dict[str, Active] = field(default_factory=dict)


def after_steps(scene: Scene, steps: int) -> Now:
    """What is on when so many steps of a scene have been done, and nobody has changed anything."""
    active: dict[str, Active] = {service: {kind: {} for kind in KINDS} for service in CHAIN_NAMES}
    done = scene.steps[:steps]
    for switched, is_on in (
        *((each, True) for each in scene.switches),
        *(
            change
            for step in done
            for change in (*((each, False) for each in step.off), *((on, True) for on in step.on))
        ),
    ):
        switch = find_switch(switched.service, switched.kind, switched.name)
        of_kind = active[SWITCHED_NAMES[switched.service][0].spec.name][switched.kind]
        of_kind.pop(switched.name, None)
        if is_on:
            of_kind[switched.name] = parse_params(switch.all_params(), switched.params)
    return Now(scene.name, scene.patience_seconds, active)


def trial_of(now: Now) -> tuple[Scene, tuple[str, ...]]:
    """The trial of the scene with what is on now, and what of that is not the scene's own, in words.

    The scene's own is what it has at its start and in each step up to the end of its trigger: its cures are not. A
    value that is another one holds in each step that has the switch, as with `lab predict --set`.
    """
    trial = trial_scene(find_scene(now.scene))
    changes = []
    for service in CHAIN_NAMES:
        for switch in CATALOGUE[service]:
            changed, words = _as_now(trial, service, switch, now.active[service][switch.kind].get(switch.name))
            if words:
                trial = changed
                changes.append(f"{service}.{switch.name} {words}")
    if now.patience_seconds != trial.patience_seconds:
        trial = replace(trial, patience_seconds=now.patience_seconds)
        changes.append(f"users wait {now.patience_seconds:g} s")
    return trial, tuple(changes)


def _as_now(trial: Scene, service: str, switch: type[Switch], now: Params | None) -> tuple[Scene, str]:
    """The trial with one switch as it is now, and what has changed; no words for nothing."""
    known = [unbounded(param) for param in switch.all_params()]
    off: Params | None = {**defaults(known)} if switch.kind == "setting" else None
    own = [off if params is None else parse_params(known, params) for params in _states(trial, service, switch)]
    params = now if now is not None else off
    if params is None:
        return (trial, "") if None in own else (_without(trial, service, switch), "off")
    values = [each for each in own if each is not None]
    if not values:
        return trial.defended([Switched(service, switch.kind, switch.name, dict(params))]), f"on{params_words(params)}"
    other = {name: value for name, value in params.items() if value not in [each[name] for each in values]}
    changes = [Change(service, switch.name, name, value) for name, value in other.items()]
    return changed_scene(trial, changes, None), params_words(other).strip()


def _states(trial: Scene, service: str, switch: type[Switch]) -> Iterator[Params | None]:
    """What the scene makes of a switch, one after the other, in any instance of its service; None is off."""

    def found(switches: Iterable[Switched]) -> list[Params | None]:
        return [params for each in switches if (params := _params(each, service, switch)) is not None]

    yield from found(trial.switches) or [None]
    for step in trial.steps:
        yield from (None for _ in found(step.off))
        yield from found(step.on)


def _params(each: Switched, service: str, switch: type[Switch]) -> Params | None:
    """The parameters of a scene's switch, if it is this one."""
    is_it = (each.kind, each.name) == (switch.kind, switch.name)
    return each.params if is_it and SWITCHED_NAMES[each.service][0].spec.name == service else None


def _without(trial: Scene, service: str, switch: type[Switch]) -> Scene:
    kept = tuple(each for each in trial.switches if _params(each, service, switch) is None)
    return replace(trial, switches=kept)
