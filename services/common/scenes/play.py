"""How a scene is to be played, read from the body of `POST /api/scenes/{name}`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from services.common.http import problems
from services.common.http.web import boolean, json_body, optional_object
from services.common.scenes.model import Play, Switched
from services.common.switches.catalogue import check_switch
from services.common.switches.settings import ArrivalsSetting

MAX_DEFENCES = 20
SEED = ArrivalsSetting.seed


def _wish(field: str, value: Any) -> bool:
    return value is not None and boolean(field, value)


def _seed(_: str, value: Any) -> int:
    return 0 if value is None else int(SEED.parse(value))


def _defences(field: str, value: Any) -> tuple[Switched, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > MAX_DEFENCES:
        allowed = {"type": "array", "maxItems": MAX_DEFENCES}
        raise problems.InvalidParameter(f"{field} must be a list of defences", field=field, allowed=allowed)
    return tuple(_defence(field, entry) for entry in value)


def _defence(field: str, entry: Any) -> Switched:
    keys = ("service", "name", "params")
    entry = optional_object(field, entry)
    unknown = [key for key in entry if key not in keys]
    if unknown:
        raise problems.InvalidParameter(f"a defence has no {unknown[0]!r:.60}", field=field, allowed=list(keys))
    service, name = str(entry.get("service", "")), str(entry.get("name", ""))
    params = optional_object("params", entry.get("params"))
    check_switch(service, "defence", name, params)
    return Switched(service, "defence", name, params)


# "with" is no name that Python could have.
FIELDS: Mapping[str, Callable[[str, Any], Any]] = {
    "narrate": _wish,
    "with": _defences,
    "seed": _seed,
    "hands_on": _wish,
    "then_with": _defences,
}


def play_of_body() -> Play:
    """The play that the current request asks for; what is left out is as if nobody had asked.

    Raises:
        NotFound, InvalidParameter: naming what is wrong.
    """
    return _play(json_body(**FIELDS))


def play_of(kept: Mapping[str, Any]) -> Play:
    """The play that `Play.describe` described; raises as `play_of_body`."""
    return _play({name: check(name, kept.get(name)) for name, check in FIELDS.items()})


def _play(checked: Mapping[str, Any]) -> Play:
    return Play(checked["narrate"], checked["with"], checked["seed"], checked["hands_on"], checked["then_with"])
