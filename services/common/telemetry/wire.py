"""Dataclasses on the wire: to what JSON takes, back with every type checked, and as a JSON Schema.

The standard library alone: msgspec would do it too, for 2 MB more in each process and one package more than the lab
promises to need.
"""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
Read = Callable[[Any, str], Any]
_JSON = {bool: "boolean", int: "integer", float: "number", str: "string"}


class WireError(ValueError):
    """A document that is not what it should be, with the path to what is wrong."""


def encode(value: Any) -> Any:
    """What `json.dumps` takes, of a dataclass or of dicts and lists of them."""
    if is_dataclass(value):
        return {name: encode(found) for name, found in vars(value).items()}
    if isinstance(value, dict):
        return {name: encode(found) for name, found in value.items()}
    return [encode(found) for found in value] if isinstance(value, list | tuple) else value


def decode(kind: type[T], document: Any) -> T:
    """A dataclass of this kind from what `json.loads` gave; names that it does not know are passed over.

    Raises:
        WireError: something is missing, or of another type.
    """
    any_kind: Any = kind
    found: T = _reader(any_kind)(document, kind.__name__)
    return found


@cache
def _reader(kind: Any) -> Read:
    """What reads a value of this type."""
    if kind is Any:
        return lambda value, _: value
    if is_dataclass(kind):
        return _reader_of_dataclass(kind)
    if get_origin(kind) in (Union, types.UnionType):
        (inner,) = (each for each in get_args(kind) if each is not types.NoneType)
        read = _reader(inner)
        return lambda value, where: None if value is None else read(value, where)
    if get_origin(kind) is dict:
        return _reader_of_dict(get_args(kind)[1])
    if get_origin(kind) is list:
        return _reader_of_list(get_args(kind)[0])
    return _reader_of_plain(kind)


def _reader_of_dataclass(kind: Any) -> Read:
    hints = get_type_hints(kind)
    readers = {each.name: _reader(hints[each.name]) for each in fields(kind)}
    needed = {each.name for each in fields(kind) if each.default is MISSING and each.default_factory is MISSING}

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, Mapping) or not needed <= value.keys():
            raise WireError(f"{where} must be an object with {', '.join(sorted(needed)) or 'its names'}")
        return kind(
            **{name: readers[name](found, f"{where}.{name}") for name, found in value.items() if name in readers}
        )

    return read


def _reader_of_dict(kind: Any) -> Read:
    read_one = _reader(kind)

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, Mapping):
            raise WireError(f"{where} must be an object")
        return {str(name): read_one(found, f"{where}.{name}") for name, found in value.items()}

    return read


def _reader_of_list(kind: Any) -> Read:
    read_one = _reader(kind)

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, list):
            raise WireError(f"{where} must be a list")
        return [read_one(found, f"{where}[{place}]") for place, found in enumerate(value)]

    return read


def _reader_of_plain(kind: Any) -> Read:
    allowed = (int, float) if kind is float else kind

    def read(value: Any, where: str) -> Any:
        if not isinstance(value, allowed) or (isinstance(value, bool) and kind is not bool):
            raise WireError(f"{where} must be of type {_JSON[kind]}")
        return value

    return read


def schema(kind: Any) -> dict[str, Any]:
    """The JSON Schema of a dataclass, or of a type that is a part of one."""
    if kind is Any:
        return {}
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        properties = {each.name: schema(hints[each.name]) for each in fields(kind)}
        return {"type": "object", "properties": properties, "required": list(properties)}
    if get_origin(kind) in (Union, types.UnionType):
        (inner,) = (each for each in get_args(kind) if each is not types.NoneType)
        return {"anyOf": [schema(inner), {"type": "null"}]}
    if get_origin(kind) is dict:
        return {"type": "object", "additionalProperties": schema(get_args(kind)[1])}
    return {"type": _JSON[kind]}
