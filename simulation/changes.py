"""A scene with other sizes: "10,000 users a second, 400 api threads, 3 attempts"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from services.common.http.problems import InvalidParameter, NotFound
from services.common.scenes.model import Scene, Switched
from services.common.switches.base import Switch
from services.common.switches.catalogue import CATALOGUE
from services.common.switches.params import defaults, parse_params
from services.common.topology import BY_NAME, CHAIN, CHAIN_NAMES, instances

from .simulated_switches import unbounded

THREADS = "threads"


@dataclass(frozen=True)
class Change:
    """A parameter of a switch, or a service's threads, that is something else: a value, or a multiple (`times`)."""

    service: str
    name: str
    param: str
    value: Any = None
    times: float | None = None

    def of(self, before: Any) -> Any:
        """The value, given what it was."""
        if self.times is None:
            return self.value
        if isinstance(before, bool | str):
            raise InvalidParameter(f"{self.param} is no number", field=self.param)
        return type(before)(before * self.times)


def changed_threads(changes: Iterable[Change]) -> dict[str, int]:
    """The threads of each service that a change names.

    Raises:
        NotFound, InvalidParameter: there is no such service, or no such number.
    """
    threads = {}
    for change in changes:
        if change.name != THREADS:
            continue
        if change.service not in CHAIN_NAMES:
            raise NotFound(f"{change.service!r} has no threads", field="service", allowed=list(CHAIN_NAMES))
        count = change.of(BY_NAME[change.service].threads)
        if not isinstance(count, int) or isinstance(count, bool) or count < 1:
            raise InvalidParameter(f"threads must be a whole number above 0, not {count!r}", field=THREADS)
        threads[change.service] = count
    return threads


def changed_scene(scene: Scene, changes: Iterable[Change], rps: float | None) -> Scene:
    """The scene with these values in each of its steps, and from its start where it does not have them.

    A failure or defence that the scene has in a step stays there. `rps` is the users at its start; other steps keep
    their proportion to it.

    Raises:
        NotFound, InvalidParameter: there is no such switch, parameter or value.
    """
    if rps is not None:
        factor = rps / scene.rps if scene.rps else 1
        steps = (replace(step, rps=None if step.rps is None else step.rps * factor) for step in scene.steps)
        scene = replace(scene, rps=rps, steps=tuple(steps))
    for change in changes:
        if change.name != THREADS:
            scene = _with(scene, find(change.service, change.name), change)
    return scene


def find(service: str, name: str) -> type[Switch]:
    """The switch of a service, whatever its kind.

    Raises:
        NotFound: naming what there is.
    """
    # Of the traffic, the users a second can be changed, and they are the scene's own.
    owners = {**{each.name: each.spec.name for each in instances(CHAIN)}, **{name: name for name in CHAIN_NAMES}}
    if service not in owners:
        raise NotFound(f"there is no service {service!r:.60}", field="service", allowed=sorted(owners))
    found = {switch.name: switch for switch in CATALOGUE[owners[service]]}
    if name not in found:
        raise NotFound(f"{service} has no switch {name!r:.60}", field="name", allowed=[THREADS, *sorted(found)])
    return found[name]


def _with(scene: Scene, switch: type[Switch], change: Change) -> Scene:
    """The scene with one value changed wherever it has the switch."""

    def has(switched: Switched) -> bool:
        return (switched.service, switched.kind, switched.name) == (change.service, switch.kind, switch.name)

    def apply(switches: Iterable[Switched]) -> tuple[Switched, ...]:
        return tuple(
            replace(each, params=_changed_params(switch, change, each.params)) if has(each) else each
            for each in switches
        )

    in_step = any(has(each) for step in scene.steps for each in step.on)
    at_start = any(map(has, scene.switches))
    switches = scene.switches
    if not at_start and (switch.kind == "setting" or not in_step):
        switches = (*switches, Switched(change.service, switch.kind, switch.name))
    steps = tuple(replace(step, on=apply(step.on)) for step in scene.steps)
    return replace(scene, switches=apply(switches), steps=steps)


def _changed_params(switch: type[Switch], change: Change, params: Mapping[str, Any]) -> dict[str, Any]:
    known = [unbounded(param) for param in switch.all_params()]
    before = {**defaults(known), **params}
    given = {**params, change.param: change.of(before.get(change.param, 0))}
    values = parse_params(known, given)
    switch.check(values)
    return {name: values[name] for name in given}
