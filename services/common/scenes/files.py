"""Reads the scenes from their TOML files, and refuses what could not be played: here, and not on stage.

docs/adding-a-scene.md says what such a file holds.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from services.common.http import problems
from services.common.scenes.measures import MEASURES
from services.common.scenes.model import CHARTS, Bet, Expectation, Option, Scene, Step, Switched
from services.common.scenes.sentences import check_sentence
from services.common.scenes.tables import at, each, made, parsed
from services.common.switches.catalogue import check_switch
from services.common.switches.settings import ArrivalsSetting
from services.common.topology import SWITCHED_NAMES, TRAFFIC

FOLDER = Path(__file__).parent / "library"
KEY = re.compile(r"[a-z0-9_]{1,40}")  # it is part of an address
OPTIONS = range(2, 6)  # how many fit a phone


@cache
def all_scenes() -> dict[str, Scene]:
    """Every scene, by name, in the order of the show; raises as `read_scene`."""
    scenes = sorted(map(read_scene, FOLDER.glob("*.toml")), key=lambda scene: scene.order)
    return {scene.name: scene for scene in scenes}


def find_scene(name: str) -> Scene:
    """The scene.

    Raises:
        NotFound: naming those that there are.
    """
    scenes = all_scenes()
    if name not in scenes:
        raise problems.NotFound(f"there is no scene {name!r:.60}", field="name", allowed=list(scenes))
    return scenes[name]


def read_scene(path: Path) -> Scene:
    """The scene of a file; it has the file's name.

    Raises:
        InvalidParameter: naming the file, the place in it, and what it may hold.
    """
    with at(path.name):
        raw = parsed(path)
        parts = {key: each(raw, key, make) for key, make in PARTS.items()}
        scene: Scene = made(Scene, {**raw, **parts}, name=path.stem)
        _check_rps(scene.rps, scene.patience_seconds)
        _check_rps(scene.cliff_rps)
        check_sentence(scene.sentence)
        if scene.chart not in CHARTS:
            raise problems.InvalidParameter(
                f"there is no chart {scene.chart!r:.60}", field="chart", allowed=list(CHARTS)
            )
        if not scene.expect:
            raise problems.InvalidParameter("expect is missing", field="expect")
        _check_keys("bet", scene.bet)
        for number, bet in enumerate(scene.bet, 1):
            with at(f"bet {number}"):
                _check_expect(bet, {entry.text for entry in scene.expect})
        return replace(scene, story=scene.story.strip(), lesson=scene.lesson.strip())


def _switched(entry: dict[str, Any]) -> Switched:
    switched: Switched = made(Switched, entry)
    check_switch(switched.service, switched.kind, switched.name, switched.params)
    return switched


def _step(entry: dict[str, Any]) -> Step:
    switches = {key: each(entry, key, _switched) for key in ("on", "off")}
    step: Step = made(Step, {**entry, **switches})
    if step.rps is not None:
        _check_rps(step.rps)
    check_sentence(step.sentence)
    return step


def _expectation(entry: dict[str, Any]) -> Expectation:
    expectation: Expectation = made(Expectation, entry)
    if expectation.measure not in MEASURES:
        detail = f"there is no measure {expectation.measure!r:.60}"
        raise problems.InvalidParameter(detail, field="measure", allowed=list(MEASURES))
    if (expectation.at_seconds is None) == (expectation.within_seconds is None):
        raise problems.InvalidParameter("it needs at_seconds or within_seconds, and not both")
    if expectation.instance and expectation.instance not in SWITCHED_NAMES:
        allowed = sorted(SWITCHED_NAMES)
        raise problems.InvalidParameter(
            f"there is no instance {expectation.instance!r:.60}", field="instance", allowed=allowed
        )
    low, high = expectation.minimum, expectation.maximum
    if low is None and high is None and expectation.equals is None:
        raise problems.InvalidParameter("it needs a minimum, a maximum, or what it equals")
    if low is not None and high is not None and low > high:
        raise problems.InvalidParameter("its minimum is above its maximum", field="minimum")
    return expectation


def _option(entry: dict[str, Any]) -> Option:
    option: Option = made(Option, {**entry, "defences": each(entry, "defences", _defence)})
    if option.minimum is None and option.maximum is None and option.equals is None:
        raise problems.InvalidParameter("it needs a minimum, a maximum, or what it equals")
    return option


def _defence(entry: dict[str, Any]) -> Switched:
    defence: Switched = made(Switched, entry, kind="defence")
    check_switch(defence.service, defence.kind, defence.name, defence.params)
    return defence


def _bet(entry: dict[str, Any]) -> Bet:
    bet: Bet = made(Bet, {**entry, "options": each(entry, "options", _option)})
    if len(bet.options) not in OPTIONS:
        detail = f"it needs {OPTIONS[0]} to {OPTIONS[-1]} options, not {len(bet.options)}"
        raise problems.InvalidParameter(detail, field="options")
    _check_keys("options", bet.options)
    return replace(bet, options=tuple(replace(found, expect=found.expect or bet.expect) for found in bet.options))


def _check_keys(what: str, entries: Sequence[Bet | Option]) -> None:
    """Each has a key that can stand in an address, and no other has the same."""
    keys = [entry.key for entry in entries]
    for number, key in enumerate(keys, 1):
        if not KEY.fullmatch(key):
            raise problems.InvalidParameter(
                f"{what} {number}: key must be of a-z, 0-9 and _, not {key!r:.60}", field="key"
            )
        if key in keys[: number - 1]:
            raise problems.InvalidParameter(f"{what} {number}: there is a key {key!r} already", field="key")


def _check_expect(bet: Bet, texts: Collection[str]) -> None:
    for option in bet.options:
        if option.expect not in texts:
            detail = (
                f"the scene expects no {option.expect!r:.60}" if option.expect else "it needs the text of an expect"
            )
            raise problems.InvalidParameter(detail, field="expect", allowed=sorted(texts))


def _check_rps(rps: float, patience_seconds: float = ArrivalsSetting.patience_seconds.default) -> None:
    check_switch(TRAFFIC.name, "setting", "arrivals", {"rps": rps, "patience_seconds": patience_seconds})


PARTS = {"switches": _switched, "steps": _step, "expect": _expectation, "bet": _bet}
