"""Makes dataclasses from the tables of a TOML file, and says of what is wrong where it is and what may stand there."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from services.common.http import problems

# What TOML has for a field, by the first word of its annotation.
TYPES: Mapping[str, tuple[type | tuple[type, ...], str]] = {
    "str": (str, "text"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "tuple": (list, "a list"),
    "dict": (dict, "a table"),
}


def parsed(path: Path) -> dict[str, Any]:
    """What a TOML file holds."""
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise problems.InvalidParameter(f"it is not TOML: {error}") from error


@contextmanager
def at(place: str) -> Iterator[None]:
    """Say of each problem where it is."""
    try:
        yield
    except problems.Problem as problem:
        detail = f"{place}: {problem.detail}"
        raise problems.InvalidParameter(detail, field=problem.field, allowed=problem.allowed) from problem


def each(raw: Mapping[str, Any], key: str, make: Callable[[dict[str, Any]], Any]) -> list[Any]:
    """What an array of tables makes."""
    entries = raw.get(key, [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise problems.InvalidParameter(f"{key} must be a list of tables: write [[{key}]] above each", field=key)
    found = []
    for number, entry in enumerate(entries, 1):
        with at(f"{key} {number}"):
            found.append(make(entry))
    return found


def made(kind: type[Any], entry: Mapping[str, Any], /, **given: Any) -> Any:
    """A dataclass from a table, whose keys are the fields that are not given."""
    known = {field.name: field for field in fields(kind) if field.name not in given}
    for key, value in entry.items():
        if key not in known:
            raise problems.InvalidParameter(f"there is no key {key!r:.60}", field=key[:60], allowed=list(known))
        wanted, in_words = TYPES[str(re.match(r"\w+", str(known[key].type))[0])]  # type: ignore[index]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise problems.InvalidParameter(f"{key} must be {in_words}, not {value!r:.60}", field=key)
    for key, field in known.items():
        if key not in entry and field.default is MISSING and field.default_factory is MISSING:
            raise problems.InvalidParameter(f"{key} is missing", field=key)
    values = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
    return kind(**values, **given)
