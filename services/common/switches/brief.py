"""A switch in brief: what it does, with its values, in the few words that fit on a node of the path."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Any

from services.common.switches.base import Switch
from services.common.switches.params import Param

MANY = 10_000  # from here on a number has its thousands apart


def brief(kind: type[Switch], values: Mapping[str, Any], before: Mapping[str, Any]) -> str:
    """The switch with these values. One that was another one `before` is shown with both: "query 100 → 300 ms"."""
    params = {param.name: param for param in kind.params}
    shown = []
    for text, name, _, _ in Formatter().parse(kind.brief_of(values)):
        shown.append(text)
        if name is not None:
            shown.append(_changed(params[name], values[name], before.get(name, values[name])))
    return "".join(shown)


def _changed(param: Param[Any], value: Any, before: Any) -> str:
    number, unit = _parts(param, value)
    if before == value:
        return f"{number} {unit}".rstrip()
    old, old_unit = _parts(param, before)
    first = old if old_unit == unit else f"{old} {old_unit}"
    return f"{first} → {number} {unit}".rstrip()


def _parts(param: Param[Any], value: Any) -> tuple[str, str]:
    """A value as a number and its unit."""
    if isinstance(value, bool | str):
        return str(value).replace("_", " "), ""
    if param.unit == "s":
        return (f"{value * 1000:g}", "ms") if 0 < value < 1 else (f"{value:g}", "s")
    if param.maximum == 1:
        return f"{value * 100:g}", "%"
    return f"{value:,.0f}" if value >= MANY else f"{value:g}", "" if param.unit == "1/s" else param.unit
