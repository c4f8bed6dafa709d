"""Typed, bounded parameters: what a switch takes, and how a value for it is checked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, Self, TypeVar, overload

from services.common.http.problems import InvalidParameter

Value = bool | int | float | str
V = TypeVar("V", bool, int, float, str)
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string"}


class HasValues(Protocol):
    """What has parameters: a switch. `values` are those that hold now, by name."""

    values: dict[str, Any]


@dataclass(frozen=True)
class Param(Generic[V]):
    """One parameter: its type is that of its default; numbers have both bounds, strings have choices.

    A class that has it as an attribute names it so, and reads its value there: `latency.delay_seconds` is a number,
    `Latency.delay_seconds` this description.
    """

    default: V
    story: str
    unit: str = ""
    minimum: float = 0
    maximum: float = 0
    choices: tuple[str, ...] = ()
    name: str = ""

    def __set_name__(self, owner: type, name: str) -> None:
        object.__setattr__(self, "name", name)

    @overload
    def __get__(self, switch: None, owner: type) -> Self: ...

    @overload
    def __get__(self, switch: HasValues, owner: type) -> V: ...

    def __get__(self, switch: HasValues | None, owner: type) -> Self | V:
        if switch is None:
            return self
        value: V = switch.values[self.name]
        return value

    @property
    def type(self) -> str:
        """The JSON type: boolean, integer, number or string."""
        return _TYPES[type(self.default)]

    def allowed(self) -> Any:
        """What the parameter may hold, JSON-ready."""
        if self.choices:
            return list(self.choices)
        if isinstance(self.default, bool):
            return [True, False]
        return {"type": self.type, "minimum": self.minimum, "maximum": self.maximum, "unit": self.unit}

    def parse(self, value: Any) -> V:
        """The value in the parameter's type.

        Raises:
            InvalidParameter: wrong type, not finite, out of range, or not one of the choices.
        """
        if isinstance(self.default, bool):
            if isinstance(value, bool):
                return value
            raise self._refusal(f"must be true or false, not {value!r:.40}")
        if isinstance(self.default, str):
            if isinstance(value, str) and value in self.choices:
                return value
            raise self._refusal(f"must be one of {', '.join(self.choices)}, not {value!r:.40}")
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._refusal(f"must be a number, not {value!r:.40}")
        if isinstance(value, float) and not math.isfinite(value):
            raise self._refusal("must be a finite number")
        if isinstance(self.default, int) and value != int(value):
            raise self._refusal(f"must be a whole number, not {value}")
        if not self.minimum <= value <= self.maximum:
            bounds = f"from {self.minimum:g} to {self.maximum:g} {self.unit}".rstrip()
            raise self._refusal(f"must be {bounds}, not {value:g}" if abs(value) < 1e300 else f"must be {bounds}")
        return type(self.default)(value)

    def _refusal(self, what: str) -> InvalidParameter:
        return InvalidParameter(f"{self.name} {what}", field=self.name, allowed=self.allowed())

    def describe(self) -> dict[str, Any]:
        """The parameter for the catalogue, JSON-ready."""
        described: dict[str, Any] = {
            "name": self.name,
            "story": self.story,
            "type": self.type,
            "unit": self.unit,
            "default": self.default,
        }
        if self.choices:
            described["choices"] = list(self.choices)
        elif not isinstance(self.default, bool):
            described |= {"minimum": self.minimum, "maximum": self.maximum}
        return described


def defaults(params: Sequence[Param[Any]]) -> dict[str, Value]:
    """Every parameter's default, by name."""
    return {param.name: param.default for param in params}


def parse_params(params: Sequence[Param[Any]], given: Mapping[str, Any]) -> dict[str, Value]:
    """All parameters, those left out at their defaults.

    Raises:
        InvalidParameter: for an unknown name or a bad value, naming the field and what is allowed.
    """
    known = {param.name: param for param in params}
    for name in given:
        if name not in known:
            raise InvalidParameter(f"there is no parameter {name!r:.60}", field=name[:60], allowed=sorted(known))
    return defaults(params) | {name: known[name].parse(value) for name, value in given.items()}
