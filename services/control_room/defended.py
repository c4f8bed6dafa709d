"""What a scene may be started with: defences that are on from its start, and the seed of its users."""

from __future__ import annotations

from typing import Any

from services.common.params import Param, parse_params
from services.common.problems import InvalidParameter
from services.common.sizes import MAX_SEED
from services.control_room.lab import find_switch
from services.control_room.scenes import Switched

SEED = Param("seed", "the same seed lets the same users come; 0 is new dice", 0, "", 0, MAX_SEED)
KEYS = ("service", "kind", "name", "params")


def defences(field: str, value: Any) -> tuple[Switched, ...]:
    """A list of defences, each with `service`, `kind` (defence), `name` and perhaps `params`; empty when left out.

    Raises:
        InvalidParameter, NotFound: naming what is wrong.
    """
    if value is None:
        return ()
    if not isinstance(value, list):
        raise InvalidParameter(f"{field} must be a list", field=field, allowed={"type": "array"})
    return tuple(_defence(field, entry) for entry in value)


def _defence(field: str, entry: Any) -> Switched:
    if not (isinstance(entry, dict) and {"service", "kind", "name"} <= entry.keys() <= set(KEYS)):
        raise InvalidParameter(f"an entry of {field} has service, kind, name and params", field=field, allowed=KEYS)
    params = entry.get("params", {})
    if entry["kind"] != "defence" or not isinstance(params, dict):
        raise InvalidParameter(f"{field} takes defences", field=field, allowed=["defence"])
    found = find_switch(str(entry["service"]), "defence", str(entry["name"]))
    found.check(parse_params(found.all_params(), params))
    return Switched(str(entry["service"]), "defence", found.name, params)


def seed(_: str, value: Any) -> int:
    """The seed of the users; 0 when it is left out."""
    return int(SEED.parse(0 if value is None else value))
